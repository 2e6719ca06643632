"""The time budget of a fit."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from layerwise._validation import Constraint

SECONDS = {"quick": 10.0, "default": 60.0, "thorough": 600.0}


class Budget(Constraint):
    """One of the names in `SECONDS`, or a finite number of seconds > 0."""

    def __init__(self) -> None:
        super().__init__(f"one of {', '.join(map(repr, SECONDS))} or a finite number of seconds > 0", "'default'")

    def holds(self, value: Any) -> bool:
        """Whether the value is a known name or a finite positive number."""
        if isinstance(value, str):
            return value in SECONDS
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value) and float(value) > 0


def as_seconds(budget: str | float) -> float:
    """The budget in seconds."""
    return SECONDS[budget] if isinstance(budget, str) else float(budget)
