"""Persistence of outcomes: one SQLite file per store."""
