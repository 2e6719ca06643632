"""One trial: how it is run, its metrics, and the source code on which it depends."""
