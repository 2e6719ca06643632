"""What a study is: a grid of targets, learners, dimensions, sample sizes and seeds, as data."""
