"""What every learner provides beyond scikit-learn's interface: parameter constraints, memory, a description."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, cast

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Choice, Constraint, Flag, Fraction, Memory, Number, check_parameters, check_peak
from layerwise.learners._single_rows import warn_single_rows
from layerwise.representations._validation import check_inputs, check_samples

#: "loo" (leave-one-out), or the fraction of rows held out.
Validation = Literal["loo"] | float
#: "auto" (chosen from the data), or a number.
Auto = Literal["auto"] | float
#: A seed or a random number generator, as accepted by scikit-learn.
RandomState = int | np.random.RandomState | None

#: A column is constant if its standard deviation is at most this many rounding errors of its mean.
CONSTANT_ROUNDINGS = 100

PENALTY = Number(auto=True)
PENALTY_OR_ZERO = Number(zero=True, auto=True)
VALIDATION = Fraction("loo")
SOLVER = Choice("exact", "gd")


class Learner(RegressorMixin, BaseEstimator):
    """Base class of the learners.

    ``constraints`` says what each constructor parameter but ``max_memory`` must be, which `fit` checks; ``presets`` has
    the names under which ``layerwise fit`` offers the learner, each with the constructor parameters it stands for.

    With ``standardize=True``, `fit` sets ``scaler_``, and every method sees the columns that it standardised; otherwise
    ``scaler_`` is None.
    """

    constraints: ClassVar[dict[str, Constraint]] = {}
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    max_memory: float
    standardize: bool = True
    scaler_: StandardScaler | None

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
        """Standardised X, and y; ValueError for these, for a parameter, or for a fit that needs too much memory.

        ``advice`` says how to reduce the memory.
        """
        X, y = check_samples(self, X, y)
        check_parameters(self, self.constraints | {"max_memory": Memory(), "standardize": Flag()})
        n, d = X.shape
        what = f"{' '.join(repr(self).split())} on n_samples={n} and n_features={d}"
        check_peak(self.memory_bytes(n, d), self.max_memory, what, f"{advice}, or raise max_memory.")
        self.scaler_ = fit_scaler(X) if self.standardize else None
        if self.standardize:
            warn_single_rows(X, y, getattr(self, "feature_names_in_", None))
        return self._scale(X), y

    def _check_inputs(self, X: Any) -> np.ndarray:
        """Return X (n_samples, n_features) as floats, standardised as in `fit`; NotFittedError before it."""
        check_is_fitted(self)
        return self._scale(check_inputs(self, X))

    def _check_samples(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return X as `_check_inputs` does, and y."""
        check_is_fitted(self)
        X, y = check_samples(self, X, y, reset=False)
        return self._scale(X), y

    def _scale(self, X: np.ndarray) -> np.ndarray:
        return X if self.scaler_ is None else cast("np.ndarray", self.scaler_.transform(X))


def fit_scaler(X: np.ndarray) -> StandardScaler:
    """Fit the scaler of the columns of X (n_samples, n_features), which sets constant columns to 0 in all rows.

    A learner has seen only one value of such a column, and says nothing about others.
    """
    scaler = StandardScaler().set_output(transform="default").fit(X)
    constant = scaler.var_ <= (CONSTANT_ROUNDINGS * np.finfo(X.dtype).eps * scaler.mean_) ** 2
    scaler.scale_[constant] = np.inf
    return scaler


def as_number(value: Auto) -> float | None:
    """A parameter that passed its constraint as a float, or None for "auto"."""
    return None if isinstance(value, str) else float(value)
