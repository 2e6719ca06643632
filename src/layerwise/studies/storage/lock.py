"""One writer a store: a lock of the operating system's, which is gone with the process that holds it, however it ends.

SQLite locks a transaction, and a study writes thousands of them. So who runs trials into STORE holds a lock on the file
STORE-lock beside it, whose text says who that is; the file is removed in the end. Where a killed process left it, it
locks nobody out: the lock is the system's (flock; on Windows a byte locked by msvcrt), not the file. Readers never look
at it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from layerwise.studies.storage.schema import StoreError

if sys.platform == "win32":
    import msvcrt

    BEYOND = 2**30  # a locked byte cannot be read, so it is none of the text

    def _take(file: int) -> None:
        os.lseek(file, BEYOND, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def sole_writer(store: Path) -> Generator[None]:
    """Hold the lock of a store.

    Parameters
    ----------
    store : Path
        The store's file.

    Raises
    ------
    StoreError
        When another process, or another `Store` of this one, holds it: says who, since when and what to do.
    """
    path = Path(f"{store.resolve()}-lock")
    file = _locked(path, store)
    try:
        since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        os.ftruncate(file, 0)
        os.write(file, f"process {os.getpid()} on {socket.gethostname()} since {since}".encode())
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file; it locks nobody out
            path.unlink()
        os.close(file)


def _locked(path: Path, store: Path) -> int:
    """Open and lock the file; again where its last holder removed it in between."""
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise StoreError(f"{path} cannot be opened ({error.strerror}). Choose another place.") from error
        try:
            _take(file)
            with suppress(FileNotFoundError):
                if os.path.samestat(path.stat(), os.fstat(file)):
                    return file
        except (BlockingIOError, PermissionError):  # the latter on Windows
            holder = os.read(file, 500).decode(errors="replace") or "another process"
            os.close(file)
            raise StoreError(
                f"{store} is being written by {holder}. Wait until that ends, and look on meanwhile with `layerwise "
                f"study status {store}`. Its lock goes with the process; there is nothing to delete."
            ) from None
        except OSError as error:
            os.close(file)
            raise StoreError(f"{path} cannot be locked ({error.strerror}). Choose a place on another disk.") from error
        os.close(file)
