"""The layout of a store's file: its header, its two tables, and the way from older layouts to this one.

The file carries our application id and a schema version in its header, which is read before anything is touched.
SQLite's REAL is the IEEE double, so a risk comes back bit for bit; NaN, which SQLite has not, is stored as NULL.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from layerwise.errors import UserError
from layerwise.studies.definition.trial import Trial, canonical_json
from layerwise.studies.trials.run import Outcome

APPLICATION_ID = 0x6C617977  # "layw"
SCHEMA_VERSION = 4
STUDY_TABLE = """
    CREATE TABLE study (
        key TEXT PRIMARY KEY,      -- sha256 of the definition
        name TEXT NOT NULL,
        definition TEXT NOT NULL,  -- canonical JSON of the whole study
        started TEXT NOT NULL      -- when it was last run; UTC, ISO 8601
    )
"""
TRIAL_TABLE = """
    CREATE TABLE trial (
        key TEXT PRIMARY KEY,      -- sha256 of the definition
        definition TEXT NOT NULL,  -- canonical JSON: everything that determines the value
        risk REAL,                 -- NULL where the trial failed
        fit_seconds REAL,
        error TEXT,                -- NULL where it did not
        version TEXT NOT NULL,     -- of layerwise
        finished TEXT NOT NULL,    -- UTC, ISO 8601
        metrics TEXT,              -- JSON: the other metrics by name; NULL in rows of schema 1
        peak_bytes INTEGER,        -- NULL where it is not known
        source TEXT,               -- JSON: hashes of the user's own classes by path; NULL in rows of schemas 1 to 3
        libraries TEXT             -- JSON: their versions by name; NULL likewise
    )
"""
MIGRATIONS = {  # from the schema of that number to the next
    0: (TRIAL_TABLE, STUDY_TABLE, f"PRAGMA application_id = {APPLICATION_ID}", "PRAGMA user_version = 4"),
    1: ("ALTER TABLE trial ADD COLUMN metrics TEXT", "PRAGMA user_version = 2"),
    2: ("ALTER TABLE trial ADD COLUMN peak_bytes INTEGER", STUDY_TABLE, "PRAGMA user_version = 3"),
    3: (
        "ALTER TABLE trial ADD COLUMN source TEXT",
        "ALTER TABLE trial ADD COLUMN libraries TEXT",
        "PRAGMA user_version = 4",
    ),
}
NO_STUDIES = "CREATE TEMP VIEW study AS SELECT 0 rowid, '' key, '' name, '' definition, '' started WHERE 0"
_SCHEMA_1 = "rowid, key, definition, risk, fit_seconds, error, version, finished"
_VIEW = f"CREATE TEMP VIEW trial AS SELECT {_SCHEMA_1}, {{}}, NULL source, NULL libraries FROM main.trial"
VIEWS = {  # what makes an earlier schema look like this one to a reader
    1: (_VIEW.format("NULL metrics, NULL peak_bytes"), NO_STUDIES),
    2: (_VIEW.format("metrics, NULL peak_bytes"), NO_STUDIES),
    3: (_VIEW.format("metrics, peak_bytes"),),
}
COLUMNS = "key, definition, risk, fit_seconds, error, version, finished, metrics, peak_bytes, source, libraries"
OUTCOME_COLUMNS = "risk, fit_seconds, error, metrics, peak_bytes"
STUDY_COLUMNS = "key, name, definition, started"


class StoreError(UserError):
    """A store that cannot be read or written: says what, where, and what to do."""


class Row(NamedTuple):
    """One trial as the store holds it.

    Attributes
    ----------
    key, definition : str
        The trial's address, and the trial as canonical JSON.
    outcome : Outcome
        What came of it.
    version : str
        Of the layerwise that ran it.
    finished : str
        When: UTC, ISO 8601.
    source, libraries : str or None, default=None
        Hashes of the user's own classes and versions of libraries (`layerwise.studies.trials.provenance`), as canonical
        JSON; None in rows of an earlier layerwise.
    """

    key: str
    definition: str
    outcome: Outcome
    version: str
    finished: str
    source: str | None = None
    libraries: str | None = None

    @property
    def trial(self) -> Trial:
        """The trial itself."""
        return Trial(**json.loads(self.definition))


class StudyRow(NamedTuple):
    """One study as the store holds it.

    Attributes
    ----------
    key, name, definition : str
        SHA-256 of the definition, the study's name, and the whole study as canonical JSON.
    started : str
        When it was last run: UTC, ISO 8601.
    """

    key: str
    name: str
    definition: str
    started: str


def to_row(row: Row) -> tuple:
    """A row as SQLite takes it."""
    outcome = row.outcome
    risk, seconds = (None if math.isnan(x) else x for x in (outcome.risk, outcome.fit_seconds))
    metrics = canonical_json(dict(outcome.metrics))
    return (
        *(row.key, row.definition, risk, seconds, outcome.error),
        *(row.version, row.finished, metrics, outcome.peak_bytes, row.source, row.libraries),
    )


def outcome_of(
    risk: float | None, seconds: float | None, error: str | None, metrics: str | None, peak: int | None
) -> Outcome:
    """The outcome that these columns hold.

    Raises
    ------
    ValueError
        Where they hold none.
    """
    try:
        measured = json.loads(metrics or "{}")
    except (ValueError, TypeError):
        measured = None
    if not isinstance(measured, dict) or not all(isinstance(value, float | int) for value in measured.values()):
        raise ValueError(f"has metrics that are no JSON of numbers ({metrics!r:.60})")
    if not (isinstance(error, str | None) and isinstance(peak, int | None)):
        raise ValueError(f"has the error {error!r:.60} and the peak {peak!r:.60}")
    if error is None and risk is None:
        raise ValueError("has neither a risk nor an error")
    return Outcome(_number(risk), _number(seconds), error, measured, peak)


def sources_of(text: str | None) -> dict[str, str]:
    """The hashes that the column `source` holds; none in rows of an earlier layerwise.

    Raises
    ------
    ValueError
        Where it holds something else.
    """
    try:
        found = json.loads(text or "{}")
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"has a source that is no JSON of hashes ({text!r:.60})")
    return found


def check_key(key: str, definition: str) -> None:
    """Refuse a definition that is not the one its key stands for.

    Raises
    ------
    ValueError
        When it is not.
    """
    if not isinstance(definition, str) or hashlib.sha256(definition.encode()).hexdigest() != key:
        raise ValueError(f"has a definition that is not that of its key ({definition!r:.60})")


def _number(value: float | None) -> float:
    if not isinstance(value, float | int | None):
        raise ValueError(f"has {value!r:.60} for a number")
    return math.nan if value is None else value


def check_header(path: Path) -> None:
    """Refuse a file that is not ours, by its header; a missing or empty file is to be laid out.

    Raises
    ------
    StoreError
        For a file of another program, of a newer schema, or that is no SQLite file.
    OSError
        For a path that cannot be read.
    """
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    cure = "It was left as it is. Give the path of a layerwise store, or of a file that does not exist yet."
    header = _header(path)
    if header is None:
        raise StoreError(f"{path} is not an SQLite file. {cure}")
    schema, application = header
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is an SQLite file of another program (application id {application:#x}). {cure}")
    if schema > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer layerwise (schema {schema}, this one knows up to {SCHEMA_VERSION}). "
            "It was left as it is. Upgrade layerwise, or choose another path."
        )


def refuse_database(path: Path) -> None:
    """Refuse to write a result over an SQLite file, whoever's it is.

    Raises
    ------
    StoreError
        When the path is one.
    """
    if path.is_file() and path.stat().st_size and _header(path) is not None:
        raise StoreError(
            f"{path} is an SQLite file, perhaps the store of a study, and would be overwritten. Choose another file."
        )


def _header(path: Path) -> tuple[int, int] | None:
    """Schema and application id of an SQLite file; None of any other.

    SQLite reads them, as of a file that cannot change: it takes no lock and leaves no log. (A file that this process
    opened and closed itself would take with it the locks of all connections the process has to it.)
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            schema, application = (
                connection.execute(f"PRAGMA {field}").fetchone()[0] for field in ("user_version", "application_id")
            )
    except sqlite3.OperationalError as error:
        raise PermissionError(errno.EACCES, str(error), str(path)) from None
    except sqlite3.DatabaseError:
        return None
    return schema, application
