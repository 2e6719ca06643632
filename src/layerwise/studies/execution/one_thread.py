"""One BLAS and OpenMP thread for every trial, however many trials run at the same time in the same process.

With one thread a sum is always split the same way, so a value does not depend on the number of workers.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import lru_cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

from layerwise.studies.definition.lookup import StudyError, find
from layerwise.studies.definition.trial import Trial

#: For processes that are yet to start; libraries read these variables when they are loaded.
ENVIRONMENT = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ),
    "1",
)

_lock = Lock()
_running = 0  # trials running in this process
_limits: dict[ThreadpoolController, Any] = {}  # restored by the last of them


@contextmanager
def one_thread(trial: Trial) -> Generator[None]:
    """Limit BLAS and OpenMP to one thread while a trial runs.

    The trial's modules are imported first, because they load the libraries. BLAS has one limit per process: the first
    trial sets it, the last one restores it. The limit of OpenMP applies only to the thread that sets it.
    """
    global _running
    with suppress(StudyError):  # the trial reports it
        load(trial)
    controller = _controller(trial.paths)
    with _lock:
        _running += 1
        if controller not in _limits:
            _limits[controller] = controller.limit(limits=1, user_api="blas")
    try:
        with controller.limit(limits=1, user_api="openmp"):
            yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                for limit in reversed(_limits.values()):
                    limit.restore_original_limits()
                _limits.clear()


def load(trial: Trial) -> None:
    """Import every class that a trial names, or raise StudyError."""
    for path, home in trial.paths:
        find(path, home)


@lru_cache(maxsize=256)
def _controller(paths: tuple[tuple[str, str], ...]) -> ThreadpoolController:
    """Return the libraries that are loaded once these classes are."""
    return ThreadpoolController()
