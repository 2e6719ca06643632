"""Whether a file is a store: the application id and schema version in the header of an SQLite file.

After a crash the first page of the file may be half written, while SQLite's log beside it (``STORE-wal``, or
``STORE-journal``) holds every committed page. So the header is read through SQLite, and through the log where there is
one. Python never opens the file itself: closing it would release the locks of all SQLite connections that the process
has to it (POSIX).
"""

from __future__ import annotations

import errno
import sqlite3
from contextlib import closing
from pathlib import Path

from layerwise.studies.storage.schema import APPLICATION_ID, SCHEMA_VERSION, StoreError


def log_of(path: Path) -> Path:
    """Return the path of SQLite's write-ahead log. It exists while a writer is open, and after a crash."""
    return Path(f"{path.resolve()}-wal")


def log_holds_data(path: Path) -> bool:
    """Return whether there is a write-ahead log that is not empty."""
    try:
        return log_of(path).stat().st_size > 0
    except OSError:
        return False


def check_header(path: Path) -> None:
    """Raise StoreError unless a file is a store of this schema; a missing or empty file may become one.

    OSError is raised if the path cannot be read.
    """
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    advice = "It was left unchanged. Give the path of a layerwise store, or of a file that does not exist yet."
    try:
        schema, application = _header(path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise StoreError(f"{path} is not an SQLite file. {advice}") from None
        raise damaged(path, error) from error
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is an SQLite file of another program (application id {application:#x}). {advice}")
    if schema != SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by another version of layerwise (schema {schema}; this version reads schema "
            f"{SCHEMA_VERSION}). It was left unchanged. Use that version of layerwise, or choose another path."
        )


def damaged(path: Path, error: sqlite3.Error) -> StoreError:
    """Return the error for a file that SQLite cannot read."""
    log = "" if log_of(path).exists() else f" together with {log_of(path).name} if that exists there"
    return StoreError(f"{path} is damaged ({error}). It was left unchanged: copy it again from its source{log}.")


def refuse_database(path: Path) -> None:
    """Raise StoreError for an SQLite file, whichever program wrote it, that would be overwritten."""
    if not path.is_file() or path.stat().st_size == 0:
        return
    try:
        _header(path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            return
    raise StoreError(
        f"{path} is an SQLite file, perhaps the store of a study, and would be overwritten. Choose another file."
    )


def _header(path: Path) -> tuple[int, int]:
    """Return the schema version and application id of an SQLite file."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    journal = Path(f"{path.resolve()}-journal")
    address = path.absolute().as_uri()
    if journal.exists():
        address += "?mode=rw"  # only a connection that may write can roll back an interrupted transaction
    elif log_holds_data(path):
        address += "?mode=ro"
    else:
        address += "?mode=ro&immutable=1"  # creates no log beside a file that is not ours
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            schema, application = (
                connection.execute(f"PRAGMA {field}").fetchone()[0] for field in ("user_version", "application_id")
            )
    except sqlite3.OperationalError as error:
        raise PermissionError(errno.EACCES, str(error), str(path)) from None
    return schema, application
