"""Where outcomes are kept: one SQLite file per store."""
