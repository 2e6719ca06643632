"""The layout of a store's file: two tables, and a header that identifies it.

The header holds layerwise's application id and the version of the schema. SQLite's REAL is the IEEE double, so a risk
is read back bit for bit; NaN, which SQLite lacks, is stored as NULL.
"""

from __future__ import annotations

from layerwise.errors import UserError

APPLICATION_ID = 0x6C617977  # "layw"
SCHEMA_VERSION = 5
LAYOUT = (
    """
    CREATE TABLE trial (
        key TEXT PRIMARY KEY,      -- SHA-256 of the definition
        definition TEXT NOT NULL,  -- canonical JSON: everything that determines the value
        risk REAL,                 -- NULL if the trial failed
        fit_seconds REAL,          -- NULL if the trial failed
        error TEXT,                -- NULL if the trial succeeded
        version TEXT NOT NULL,     -- of layerwise
        finished TEXT NOT NULL,    -- UTC, ISO 8601
        metrics TEXT NOT NULL,     -- JSON: the other metrics by name
        peak_bytes INTEGER,        -- NULL if unknown
        source TEXT NOT NULL,      -- JSON: hashes of the user's own classes by import path
        libraries TEXT NOT NULL    -- JSON: library versions by name
    )
    """,
    """
    CREATE TABLE study (
        key TEXT PRIMARY KEY,      -- SHA-256 of the definition
        name TEXT NOT NULL,
        definition TEXT NOT NULL,  -- canonical JSON of the whole study
        started TEXT NOT NULL      -- start of the last run; UTC, ISO 8601
    )
    """,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
OUTCOME_COLUMNS = "risk, fit_seconds, error, metrics, peak_bytes"
TRIAL_COLUMNS = f"key, definition, version, finished, source, libraries, {OUTCOME_COLUMNS}"
STUDY_COLUMNS = "key, name, definition, started"


class StoreError(UserError):
    """A store that cannot be read or written. The message names the file, the problem and what to do."""
