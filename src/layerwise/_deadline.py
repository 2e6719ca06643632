"""A time limit for work inside a block, checked cooperatively by long loops.

>>> from layerwise._deadline import check_deadline, time_limit
>>> with time_limit(60):
...     check_deadline()
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


class OutOfTime(Exception):
    """The time limit of the enclosing `time_limit` has passed."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Within the block, `check_deadline` raises OutOfTime once ``seconds``, or an earlier limit, have passed."""
    token = _deadline.set(min(_deadline.get(), monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


def check_deadline() -> None:
    """Raise OutOfTime if the limit has passed. Long loops call it once per iteration."""
    if monotonic() > _deadline.get():
        raise OutOfTime("the time limit has passed")
