"""The definition of a study: a grid of targets, learners, dimensions, sample sizes and seeds."""
