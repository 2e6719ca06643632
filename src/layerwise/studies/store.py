"""Where outcomes live: one SQLite file, a row a trial.

A row is durable once `Store.add` returns. The file carries our application id and a schema version in its header,
which is read before SQLite touches anything: a file that is not ours is refused, its bytes unchanged. SQLite's
REAL is the IEEE double, so a risk comes back bit for bit; NaN, which SQLite has not, is stored as NULL.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

from layerwise.errors import UserError
from layerwise.studies.trial import Outcome, Trial, canonical_json

APPLICATION_ID = 0x6C617977  # "layw"
SCHEMA_VERSION = 2
SCHEMA = """
    CREATE TABLE trial (
        key TEXT PRIMARY KEY,      -- sha256 of the definition
        definition TEXT NOT NULL,  -- canonical JSON: everything that determines the value
        risk REAL,                 -- NULL where the trial failed
        fit_seconds REAL,
        error TEXT,                -- NULL where it did not
        version TEXT NOT NULL,     -- of layerwise
        finished TEXT NOT NULL,    -- UTC, ISO 8601
        metrics TEXT               -- JSON: the other metrics by name; NULL in rows of schema 1
    )
"""
MIGRATIONS = {1: "ALTER TABLE trial ADD COLUMN metrics TEXT"}  # from the schema of that number to the next
COLUMNS = "key, definition, risk, fit_seconds, error, version, finished, metrics"
WAIT_SECONDS = 30.0  # for another process's transaction
KEYS_PER_QUERY = 500


class StoreError(UserError):
    """A store that cannot be read or written: says what, where, and what to do."""


class Store:
    """The outcomes of trials, in one SQLite file.

    Any number of processes may read while one writes.

    Parameters
    ----------
    path : path-like
        The file; it and its folders are made when missing.

    Raises
    ------
    StoreError
        When the file is no store of ours, of a newer schema, damaged, or out of reach. It is left as it was.

    Examples
    --------
    >>> with Store("study.sqlite") as store:  # doctest: +SKIP
    ...     result = run_study(study, store)
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _check_header(self.path)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be opened ({error.strerror}). Choose another path.") from error
        try:
            # absolute, for SQLite has a meaning of its own for ":memory:"
            self._connection = sqlite3.connect(self.path.absolute(), timeout=WAIT_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise self._error(error) from error
        try:
            self._prepare()
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.Error):
                raise self._error(error) from error
            raise
        self._version = version("layerwise")

    def _prepare(self) -> None:
        """Check the file, or lay it out: the header first, then WAL, so that the header is never in the log alone."""
        damage = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise sqlite3.DatabaseError(damage)
        if self._schema() < SCHEMA_VERSION:
            self._connection.execute("BEGIN IMMEDIATE")
            schema = self._schema()  # now that no other process can lay it out meanwhile
            if schema == 0:
                self._connection.execute(SCHEMA)
                self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            else:
                for number in range(schema, SCHEMA_VERSION):
                    self._connection.execute(MIGRATIONS[number])
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            self._connection.execute("COMMIT")
        self._connection.execute(f"SELECT {COLUMNS} FROM trial LIMIT 0")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")

    def _schema(self) -> int:
        return self._connection.execute("PRAGMA user_version").fetchone()[0]

    def _error(self, error: sqlite3.Error) -> StoreError:
        lacking = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR  # no such table or column
        if isinstance(error, sqlite3.OperationalError) and not lacking:  # locked, read-only, disk full
            return StoreError(
                f"{self.path} cannot be used ({error}). Check its permissions, the disk's space and whether another "
                "program holds it, then run again: finished trials are kept."
            )
        return StoreError(
            f"{self.path} is damaged ({error}). It was left as it is: restore it from a copy, or choose another path."
        )

    def add(self, trial: Trial, outcome: Outcome) -> None:
        """Store an outcome; it is on disk when this returns. An earlier outcome of the same trial is replaced.

        Parameters
        ----------
        trial : Trial
            What was run.
        outcome : Outcome
            What came of it.
        """
        risk, seconds = (None if math.isnan(x) else x for x in (outcome.risk, outcome.fit_seconds))
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        metrics = canonical_json(dict(outcome.metrics))
        row = (trial.key, trial.definition, risk, seconds, outcome.error, self._version, finished, metrics)
        try:
            self._connection.execute(f"INSERT OR REPLACE INTO trial ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            raise self._error(error) from error

    def outcomes(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """Return the outcomes of those trials that have one.

        Parameters
        ----------
        keys : iterable of str
            Keys of trials.

        Returns
        -------
        dict
            Outcome by key.
        """
        rows = self._select("key, risk, fit_seconds, error, metrics", keys)
        return {
            key: Outcome(_number(risk), _number(seconds), error, json.loads(metrics or "{}"))
            for key, risk, seconds, error, metrics in rows
        }

    def other_versions(self, keys: Iterable[str]) -> set[str]:
        """Return the versions of layerwise, other than this one, that made the outcomes of these trials.

        Parameters
        ----------
        keys : iterable of str
            Keys of trials.

        Returns
        -------
        set of str
            The versions.
        """
        return {made_by for (made_by,) in self._select("version", keys)} - {self._version}

    def _select(self, columns: str, keys: Iterable[str]) -> Iterator[tuple]:
        keys = list(keys)
        for start in range(0, len(keys), KEYS_PER_QUERY):
            some = keys[start : start + KEYS_PER_QUERY]
            marks = ", ".join("?" * len(some))
            try:
                yield from self._connection.execute(f"SELECT {columns} FROM trial WHERE key IN ({marks})", some)
            except sqlite3.Error as error:
                raise self._error(error) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _check_header(path: Path) -> None:
    """Refuse a file that is not ours, by its first 100 bytes; a missing or empty file is to be laid out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        return
    cure = "It was left as it is. Give the path of a layerwise store, or of a file that does not exist yet."
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise StoreError(f"{path} is not an SQLite file. {cure}")
    schema, application = (int.from_bytes(header[offset : offset + 4], "big") for offset in (60, 68))
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is an SQLite file of another program (application id {application:#x}). {cure}")
    if schema > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer layerwise (schema {schema}, this one knows up to {SCHEMA_VERSION}). "
            "It was left as it is. Upgrade layerwise, or choose another path."
        )
