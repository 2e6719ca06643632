"""What every learner provides beyond scikit-learn's interface: parameter constraints, memory, a description."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Choice, Constraint, Fraction, Memory, Number, check_parameters, check_peak
from layerwise.representations._validation import check_samples

#: "loo" (leave-one-out), or the fraction of rows held out.
Validation = Literal["loo"] | float
#: "auto" (chosen from the data), or a number.
Auto = Literal["auto"] | float
#: A seed, or a source of randomness, as scikit-learn takes it.
RandomState = int | np.random.RandomState | None

PENALTY = Number(auto=True)
PENALTY_OR_ZERO = Number(zero=True, auto=True)
VALIDATION = Fraction("loo")
SOLVER = Choice("exact", "gd")


class Learner(RegressorMixin, BaseEstimator):
    """Base class of the learners.

    ``constraints`` says what each constructor parameter but ``max_memory`` must be, which `fit` checks; ``presets`` has
    the names under which ``layerwise fit`` offers the learner, each with the constructor parameters it stands for.
    """

    constraints: ClassVar[dict[str, Constraint]] = {}
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    max_memory: float

    @abstractmethod
    def memory_bytes(self, n_samples: int, n_features: int) -> int:
        """Peak memory of `fit` in bytes, beside X and y, by formula."""

    def describe(self, columns: Sequence[str] | None = None) -> list[str]:
        """Sentences about the structure that the fit found; empty for a learner that finds none.

        ``columns`` are names of the inputs, by default those seen in `fit`, or x0, x1, ... Raises NotFittedError before
        `fit`.
        """
        check_is_fitted(self)
        return []

    def _check_fit(self, X: Any, y: Any, advice: str) -> tuple[np.ndarray, np.ndarray]:
        """X and y as float arrays, or ValueError: for these, for a parameter, or for a fit that needs too much memory.

        ``advice`` says how to reduce the memory.
        """
        X, y = check_samples(self, X, y)
        check_parameters(self, self.constraints | {"max_memory": Memory()})
        n, d = X.shape
        what = f"{' '.join(repr(self).split())} on n_samples={n} and n_features={d}"
        check_peak(self.memory_bytes(n, d), self.max_memory, what, f"{advice}, or raise max_memory.")
        return X, y


def as_number(value: Auto) -> float | None:
    """A parameter that passed its constraint as a float, or None for "auto"."""
    return None if isinstance(value, str) else float(value)
