"""One BLAS and OpenMP thread for every trial, however many trials run beside it in the same process.

With one thread a sum is always split the same way, so a value does not depend on how many workers there are.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import lru_cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

from layerwise.studies.definition.lookup import INPUTS, LEARNERS, TARGETS, StudyError, find
from layerwise.studies.definition.trial import Trial

#: For processes that are yet to start; libraries read these while they are loaded.
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
_inside = 0  # trials running in this process
_limits: dict[ThreadpoolController, Any] = {}  # what the last of them restores


@contextmanager
def one_thread(trial: Trial) -> Generator[None]:
    """Hold BLAS and OpenMP to one thread while a trial runs.

    BLAS has one limit a process: the first trial sets it, the last one restores it. OpenMP's holds only in the thread
    that sets it.

    Parameters
    ----------
    trial : Trial
        What is about to run; its modules are imported first, for they bring the libraries.
    """
    global _inside
    with suppress(StudyError):  # the trial will say it better
        load(trial)
    controller = _controller(trial.target, trial.inputs, trial.learner)
    with _lock:
        _inside += 1
        if controller not in _limits:
            _limits[controller] = controller.limit(limits=1, user_api="blas")
    try:
        with controller.limit(limits=1, user_api="openmp"):
            yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for limit in reversed(_limits.values()):
                    limit.restore_original_limits()
                _limits.clear()


def load(trial: Trial) -> None:
    """Import what a trial names.

    Raises
    ------
    StudyError
        Where that is impossible.
    """
    for path, home in ((trial.target, TARGETS), (trial.inputs, INPUTS), (trial.learner, LEARNERS)):
        find(path, home)


@lru_cache(maxsize=256)
def _controller(target: str, inputs: str, learner: str) -> ThreadpoolController:
    """The libraries that are loaded once these classes are."""
    return ThreadpoolController()
