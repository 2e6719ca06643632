"""One writer per store.

SQLite locks single transactions, and a study writes thousands of them. So whoever runs trials into STORE locks the file
``STORE-lock`` beside it and names itself in ``STORE-writer``. The operating system releases the lock when its process
ends, however it ends. Readers ignore both files.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from layerwise.studies.storage.schema import StoreError


@contextmanager
def sole_writer(store: Path) -> Generator[None]:
    """Hold the lock of a store.

    StoreError is raised if another process, or another `Store` of this process, holds it. The message names the process
    and the time since when it holds the lock.
    """
    path = Path(f"{store.resolve()}-lock")
    writer = Path(f"{store.resolve()}-writer")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = "another process"
        with suppress(OSError):
            holder = writer.read_text(encoding="utf-8") or holder
        raise StoreError(
            f"{store} is being written by {holder}. Wait until that ends; `layerwise study status {store}` shows its "
            "progress. The lock ends with the process; there is nothing to delete."
        ) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be locked ({error.strerror}). Choose a path on another disk.") from error
    try:
        since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        writer.write_text(f"process {os.getpid()} on {socket.gethostname()} since {since}", encoding="utf-8")
        yield
    finally:
        writer.unlink(missing_ok=True)
        lock.release()
