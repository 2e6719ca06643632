"""Open a store's file: to write, which lays it out or brings it up to date, or to read, which changes nothing at all.

A reader opens the file without the right to write. It sees an earlier schema through views of its own connection, and
waits for no writer, for SQLite's log (WAL) lets it read the last finished transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from layerwise.studies.storage.schema import (
    COLUMNS,
    MIGRATIONS,
    SCHEMA_VERSION,
    STUDY_COLUMNS,
    VIEWS,
    StoreError,
    check_header,
)

WAIT_SECONDS = 30.0  # for another process's transaction


def check_exists(path: Path) -> None:
    """Refuse a path at which there is nothing.

    Raises
    ------
    StoreError
        When there is not.
    """
    if not path.exists():
        raise StoreError(f"{path} does not exist. Give the path of a store that `layerwise study run` wrote.")


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open a store, made where it is missing, of the present schema afterwards.

    Raises
    ------
    StoreError
        When it is no store of ours, of a newer schema, damaged, or out of reach.
    """
    _check(path, make_folder=True)

    def prepare(connection: sqlite3.Connection) -> None:
        if _schema(connection) < SCHEMA_VERSION:
            _migrate(connection)
        _check_tables(connection)
        connection.execute("PRAGMA journal_mode = WAL")  # after the header, which is never in the log alone
        connection.execute("PRAGMA synchronous = FULL")

    # absolute, for SQLite has a meaning of its own for ":memory:"
    return _open(path, prepare, str(path.absolute()), factory=_Writer)


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a store without the right to write; threads may share the connection, one at a time.

    Raises
    ------
    StoreError
        When it is empty, no store of ours, of a newer schema, damaged, or out of reach.
    """
    _check(path, make_folder=False)

    def prepare(connection: sqlite3.Connection) -> None:
        if (schema := _schema(connection)) == 0:
            raise StoreError(f"{path} is empty: nothing was run into it. `layerwise study run` does.")
        if schema < SCHEMA_VERSION:
            connection.execute("PRAGMA temp_store = MEMORY")
            for statement in VIEWS[schema]:
                connection.execute(statement)
        _check_tables(connection)

    address = f"{path.absolute().as_uri()}?mode=ro"
    options = {"uri": True, "check_same_thread": False, "factory": _Reader}
    try:
        return _open(path, prepare, address, **options)
    except StoreError as error:
        code = getattr(error.__cause__, "sqlite_errorcode", None)
        if code not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY_DIRECTORY) or log_of(path).exists():
            raise
        # No log, and none can be made: the file stands where nobody may write.
        return _open(path, prepare, f"{address}&immutable=1", **options)


def log_of(path: Path) -> Path:
    """SQLite's log beside a store, which is there while anyone has it open."""
    return Path(f"{path.resolve()}-wal")


class _Writer(sqlite3.Connection):
    """A connection that in the end leaves every row in the file itself, which is what gets copied, not in its log."""

    def close(self) -> None:
        with suppress(sqlite3.Error):  # closed already, or a reader holds on to the log: the next writer does it
            self.execute("PRAGMA busy_timeout = 200")
            self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        super().close()


class _Reader(sqlite3.Connection):
    """A connection that leaves no empty log behind. SQLite makes one for it, which only who may write can remove."""

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__(address, **options)
        self._path = Path(self.execute("PRAGMA database_list").fetchone()[2])

    def close(self) -> None:
        super().close()
        with suppress(sqlite3.Error, OSError):
            if log_of(self._path).stat().st_size == 0:  # nothing is written by it: all rows are in the file
                with closing(sqlite3.connect(f"{self._path.as_uri()}?mode=rw", uri=True)) as last:
                    last.execute("PRAGMA schema_version").fetchone()


def store_error(path: Path, error: sqlite3.Error) -> StoreError:
    """What SQLite said of a store, and what to do."""
    lacking = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR  # no such table or column
    ours = (sqlite3.OperationalError, sqlite3.ProgrammingError)  # locked, read-only, disk full; closed
    if isinstance(error, ours) and not lacking:
        return StoreError(
            f"{path} cannot be used ({error}). Check its permissions, the disk's space and whether another "
            "program holds it, then run again: finished trials are kept."
        )
    return StoreError(
        f"{path} is damaged ({error}). It was left as it is: restore it from a copy, or choose another path."
    )


def _check(path: Path, *, make_folder: bool) -> None:
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        check_header(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be opened ({error.strerror}). Choose another path.") from error


def _open(
    path: Path, prepare: Callable[[sqlite3.Connection], None], address: str, **options: Any
) -> sqlite3.Connection:
    """Connect, look for damage, prepare; closed again where any of it fails."""
    connection = None
    try:
        connection = sqlite3.connect(address, timeout=WAIT_SECONDS, isolation_level=None, **options)
        damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise sqlite3.DatabaseError(damage)
        prepare(connection)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise store_error(path, error) from error
        raise
    return connection


def _schema(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _migrate(connection: sqlite3.Connection) -> None:
    """Step by step to the present schema, all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        while (schema := _schema(connection)) < SCHEMA_VERSION:  # another process may have done it meanwhile
            for statement in MIGRATIONS[schema]:
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check_tables(connection: sqlite3.Connection) -> None:
    connection.execute(f"SELECT {COLUMNS} FROM trial LIMIT 0")
    connection.execute(f"SELECT {STUDY_COLUMNS} FROM study LIMIT 0")
