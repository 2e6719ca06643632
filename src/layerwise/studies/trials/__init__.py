"""One trial: running it, its metrics, and the source code that it depends on."""
