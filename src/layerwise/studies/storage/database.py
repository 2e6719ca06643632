"""A connection to a store's file: transactions, queries, and a close that leaves all data in the file itself.

A reader opens the file without the right to write and changes nothing. It need not wait for a writer, because SQLite's
write-ahead log lets it read the last committed transaction.

The log is in use from the first write of a connection until the last connection is closed, and the file's header says
so (its *journal mode*). So a file whose header names a log that is not there was copied without it.
"""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from layerwise.studies.storage.header import check_header, damaged, log_of
from layerwise.studies.storage.schema import LAYOUT, STUDY_COLUMNS, TRIAL_COLUMNS, StoreError

WAIT_SECONDS = 30.0  # for a transaction of another process


class Database:
    """An open store file. One that is `read_only` may be shared by threads, one at a time.

    A missing file, with its folders, is created if `create` holds. `log_missing` tells that the file was copied or
    restored without the log that was in use, so that it may lack its last trials; this warns. StoreError is raised if
    the file is missing and may not be created, is not a store, is damaged, or cannot be opened.
    """

    def __init__(self, path: Path, *, create: bool, read_only: bool) -> None:
        self.path = path
        self.log_missing = False
        self._read_only = read_only
        self._logging = False  # whether this connection has switched the log on
        if (read_only or not create) and not path.exists():
            raise StoreError(f"{path} does not exist. Give the path of a store that `layerwise study run` wrote.")
        try:
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            check_header(path)
        except OSError as error:
            raise StoreError(f"{path} cannot be opened ({error.strerror}). Choose another path.") from error
        self.connection = self._connect()
        if not read_only:
            self.checkpoint()  # moves what a crash left in the log to the database
        if self.log_missing:
            warnings.warn(
                f"{path} was in use, or its run was killed, and {log_of(path).name} is not beside it: the last trials "
                "may be missing. If you copied the file, copy that file too; otherwise `layerwise study resume` runs "
                "the missing trials again.",
                stacklevel=3,
            )

    def _connect(self) -> sqlite3.Connection:
        # An absolute path, because SQLite gives ":memory:" a meaning of its own.
        if not self._read_only:
            return self._checked(sqlite3.connect(self.path.absolute(), WAIT_SECONDS, isolation_level=None))
        address = f"{self.path.absolute().as_uri()}?mode=ro"
        options: dict[str, Any] = {"isolation_level": None, "uri": True, "check_same_thread": False}
        try:
            return self._checked(sqlite3.connect(address, WAIT_SECONDS, **options))
        except StoreError as error:
            code = getattr(error.__cause__, "sqlite_errorcode", None)
            cannot_log = code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY_DIRECTORY)
            if not cannot_log or log_of(self.path).exists():
                raise
        # The header names a log, there is none, and none can be created: a copy in a write-protected folder.
        self.log_missing = True
        return self._checked(sqlite3.connect(f"{address}&immutable=1", WAIT_SECONDS, **options))

    def _checked(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Return the connection after a check for damage; close it if the check fails."""
        has_log = log_of(self.path).exists()
        try:
            damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise sqlite3.DatabaseError(damage)
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                if self._read_only:
                    raise StoreError(f"{self.path} is empty. Fill it with `layerwise study run`.")
                with _transaction(connection):
                    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:  # not done meanwhile by another
                        for statement in LAYOUT:
                            connection.execute(statement)
            connection.execute(f"SELECT {TRIAL_COLUMNS} FROM trial LIMIT 0")
            connection.execute(f"SELECT {STUDY_COLUMNS} FROM study LIMIT 0")
            if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                self.log_missing = not has_log
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.Error):
                raise self._error(error) from error
            raise
        return connection

    def _error(self, error: sqlite3.Error) -> StoreError:
        """Return what SQLite reported, with advice."""
        missing_column = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
        usable = (sqlite3.OperationalError, sqlite3.ProgrammingError)  # locked, read-only, disk full; closed
        if isinstance(error, usable) and not missing_column:
            return StoreError(
                f"{self.path} cannot be used ({error}). Check its permissions, the free space on the disk and whether "
                "another program holds it, then run again: finished trials are kept."
            )
        return damaged(self.path, error)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Write everything inside or nothing; it is on disk at the end."""
        try:
            if not self._logging:
                self._start_log()
            with _transaction(self.connection):
                yield
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _start_log(self) -> None:
        with suppress(sqlite3.OperationalError):  # within a query of this connection: this transaction goes without
            self._logging = self.connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal"
            self.connection.execute("PRAGMA synchronous = FULL")

    def select(self, query: str, values: Sequence[str] = ()) -> Iterator[tuple]:
        """Yield the rows of a query."""
        try:
            rows = self.connection.execute(query, values)
            yield from map(tuple, rows)  # an abandoned `yield from` closes its cursor, even that of a closed file
        except sqlite3.Error as error:
            raise self._error(error) from error

    @contextmanager
    def validated(self, table: str, rowid: int) -> Generator[None]:
        """Turn a ValueError about the contents of a row into a StoreError that names the row."""
        try:
            yield
        except (ValueError, TypeError) as error:
            again = "run the study again" if table == "trial" else "run the study's TOML file again"
            raise StoreError(
                f"{self.path} is damaged: row {rowid} of the table {table} {error}. Restore the file from a copy; or "
                f'delete that row (sqlite3 {self.path} "DELETE FROM {table} WHERE rowid = {rowid}") and {again}.'
            ) from error

    def checkpoint(self) -> None:
        """Move everything from the log into the file itself, which is what users copy."""
        with suppress(sqlite3.Error):  # already closed; or a reader is using the log, and the next close does it
            self.connection.execute("PRAGMA busy_timeout = 200")
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.connection.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000:.0f}")

    def close(self) -> None:
        """Close the connection. The last one to close removes the log and marks the file as complete."""
        if not self._read_only:
            self.checkpoint()
            with suppress(sqlite3.Error):
                self.connection.execute("PRAGMA journal_mode = DELETE")
        self.connection.close()
        with suppress(sqlite3.Error, OSError):
            if self._read_only and log_of(self.path).stat().st_size == 0:  # left by a writer that closed before
                with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=rw", 0, uri=True)) as last:
                    mark = "schema_version" if self.log_missing else "journal_mode = DELETE"
                    last.execute(f"PRAGMA {mark}").fetchone()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
