"""What the arguments of `ConvexNeuralRegressor` may be, and the parts that they name."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Literal, cast

import numpy as np

from layerwise._validation import as_integer
from layerwise.learners._head import (
    Auto,
    Validation,
    check_memory,
    check_number,
    check_penalty,
    held_out_rows,
)
from layerwise.representations._validation import as_activation
from layerwise.solvers.neurons import Polynomial, ReLU, Square

#: Fraction of rows that choose F1's penalty under validation="auto".
HELD_OUT = 0.2


class ConvexArguments:
    """The checks and choices, mixed into the learner that has the arguments."""

    space: Literal["F1", "F2"]
    activation: Literal["quadratic", "relu"] | Sequence[float]
    bias: float
    penalty: Auto
    validation: Literal["auto"] | Validation
    tol: Auto
    max_iter: Literal["auto"] | int
    max_memory: int

    def _check_choices(self, n: int, d: int) -> float | None:
        """The penalty, None for "auto"."""
        if self.space not in ("F1", "F2"):
            raise ValueError(
                f"space={self.space!r} must be 'F1' (total variation) or 'F2' (Hilbert). Give one of them."
            )
        check_number(self.bias, "bias", zero=True)
        self._choose_activation()
        tol = check_number(self.tol, "tol", auto=True)
        self._tol = tol or (1e-4 if isinstance(self._sigma, Square) else 0.05)
        self._max_iter = 2000 if isinstance(self._sigma, Square) else 50
        if not (isinstance(self.max_iter, str) and self.max_iter == "auto"):
            self._max_iter = as_integer(self.max_iter, "max_iter", 1)
        check_memory(self.max_memory)
        if self.space == "F1":
            return check_number(self.penalty, "penalty", auto=True)
        d += bool(self.bias)
        size = min(n, d * (d + 1) // 2) if isinstance(self._sigma, Square) else n
        peak = 4 * size**2 * 8
        if peak > self.max_memory:
            raise ValueError(
                f"n_samples={n} with space='F2' needs {peak / 2**30:.1f} GiB for four square matrices of size {size}, "
                f"over max_memory={self.max_memory / 2**30:.1f} GiB. Fit fewer rows, raise max_memory, or give "
                "space='F1', which forms no such matrix."
            )
        return check_penalty(self.penalty)

    def _choose_activation(self) -> None:
        if isinstance(self.activation, str) and self.activation in ("quadratic", "relu"):
            self._sigma = Square() if self.activation == "quadratic" else ReLU()
            return
        self._series = as_activation(self.activation, "'quadratic', 'relu' or ")
        self._sigma = Polynomial(self._series.to_monomials())

    def _held_out_rows(self, n: int, penalty: float | None, rng: np.random.RandomState) -> np.ndarray | None:
        """Mask of the rows that choose the penalty; None for leave-one-out, and in F1 for a penalty that was given."""
        chosen = self.validation
        auto = isinstance(chosen, str) and chosen == "auto"
        if self.space == "F2":
            return held_out_rows("loo" if auto else cast("Validation", chosen), n, rng)
        if isinstance(chosen, str) and chosen == "loo":
            raise ValueError(
                "validation='loo' with space='F1', where leave-one-out has no closed form. Give a fraction of rows to "
                "hold out, e.g. 0.2, or 'auto'."
            )
        if not auto and (not isinstance(chosen, Real) or not 0 < float(chosen) < 1):
            raise ValueError(
                f"validation={chosen!r} is neither 'loo' (of space='F2' only), 'auto' nor a fraction of rows between 0 "
                "and 1. Give e.g. 0.2."
            )
        if penalty is not None:
            return None
        fraction = HELD_OUT if auto else float(cast("float", chosen))
        if not 0 < round(fraction * n) < n:
            raise ValueError(
                f"validation={chosen!r} holds out {round(fraction * n)} of n_samples={n} rows; at least one must be "
                "held out and one kept. Give more samples, another fraction, or a penalty, which needs none."
            )
        return held_out_rows(fraction, n, rng)
