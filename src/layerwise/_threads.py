"""Python threads over the blocks of a computation that NumPy does outside the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Lock
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")

_one_at_a_time = Lock()


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """``[function(item) for item in items]``, in as many threads as BLAS may use, each with one BLAS thread.

    One after the other where BLAS is limited to one thread, as in the trials of a study, or inside another such call.
    Elementwise operations and products of small blocks gain from it, as BLAS has no threads for the former. The result
    does not depend on the number of threads.
    """
    if not _one_at_a_time.acquire(blocking=False):
        return [function(item) for item in items]
    try:
        n_threads = max((library.num_threads for library in _blas().lib_controllers), default=1)
        if n_threads == 1:
            return [function(item) for item in items]
        with _blas().limit(limits=1), ThreadPoolExecutor(n_threads) as pool:
            return list(pool.map(function, items))
    finally:
        _one_at_a_time.release()


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """The BLAS libraries that are loaded."""
    return ThreadpoolController().select(user_api="blas")
