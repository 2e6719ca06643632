"""`MomentRegressor` on a representation: directions in features phi(x) instead of x.

A direction theta in Hermite features ``phi(x) = (h_alpha(x))_{1 <= |alpha| <= k}`` is a polynomial ``theta'phi(x)``, so
that ``q(U phi(x))`` is a polynomial of polynomials. These features are orthonormal for N(0, I), but not Gaussian:
``E[p phi phi'] != 0`` for linear p = theta'phi, so that second moments of y would show the linear part of y again. That
part is therefore removed from y first (`find_directions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from layerwise.hermite import HermitePolynomial
from layerwise.learners._base import RandomState
from layerwise.learners._describe import describe_directions, describe_polynomial
from layerwise.learners._representation import (
    Representation,
    candidate_representations,
    hermite_degree,
    hermite_polynomials,
    representation_width,
)

#: Rows held out for validation="auto": with few rows per feature, a frame fits the rows from which it was estimated so
#: well that leave-one-out errors of the polynomial on it are too small.
HELD_OUT = 0.2


class OnRepresentation:
    """The part of `MomentRegressor` that concerns its parameter ``representation``."""

    representation: Representation
    random_state: RandomState
    orders: Any
    validation: Any
    n_features_in_: int
    components_: np.ndarray
    mean_: np.ndarray
    directions_: np.ndarray
    max_memory: float
    _gaussian_inputs = True
    _set_tails: Any

    def _width(self, n: int, d: int) -> int:
        """The largest number of features; d for a transformer, whose width is known after it was fitted only."""
        candidates = candidate_representations(self.representation, n, d, self.max_memory)
        return max(representation_width(each, d) for each in candidates)

    def _fit_on_representations(self, X: np.ndarray, y: np.ndarray):
        """Fit to each representation in turn, while that lowers the validation error."""
        order = np.lexsort((X[:, 0], y))  # so that the rows held out do not depend on the order of the rows
        X, y = X[order], y[order]
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        best, least = cast("Any", self), np.inf
        n, d = X.shape
        for transformer in candidate_representations(self.representation, n, d, self.max_memory):
            inner = cast("Any", clone(cast("Any", self)))
            inner.set_params(representation=None, standardize=False, random_state=seed)
            if self.validation == "auto":
                inner.set_params(validation=HELD_OUT)
            if hermite_degree(transformer) is not None:
                inner.set_params(robust=False, whiten=False)
            inner._gaussian_inputs = False
            inner.fit(transformer.fit_transform(X, y), y)
            error = inner.history_[-1]["validation_loss"]
            if error >= least:
                break
            best, least, self.representation_ = inner, error, transformer
        own = ("n_features_in_", "feature_names_in_", "scaler_")
        kept = {name: value for name, value in vars(best).items() if name.endswith("_") and name not in own}
        degree = hermite_degree(self.representation_)
        vars(self).update(kept | {"history_": [{"stage": "representation", "degree": degree}, *best.history_]})
        self._set_tails(X, y, best.history_[-1]["penalty"])
        return self

    def _represent(self, X: np.ndarray) -> np.ndarray:
        """phi(x)."""
        return X if self.representation is None else self.representation_.transform(X)

    @property
    def features_(self) -> list[HermitePolynomial]:
        """The columns of `transform` as polynomials of x, with representation="hermite"."""
        degree = hermite_degree(self.representation_)
        if degree is None:
            raise AttributeError(
                "features_ are polynomials of x; they need representation='hermite'. Use directions_ for others."
            )
        shifts = self.components_ @ self.mean_
        polynomials = hermite_polynomials(self.components_, degree, self.n_features_in_)
        return [p - float(shift) for p, shift in zip(polynomials, shifts, strict=True)]

    def _describe_features(self, columns: Sequence[str], slopes: np.ndarray) -> list[str]:
        """Describe polynomials, or directions in the transformer's features; see `MomentRegressor.describe`."""
        if hermite_degree(self.representation_) is not None:
            return [line for feature in self.features_ for line in describe_polynomial(feature, columns)]
        names = [f"phi{i}" for i in range(self.directions_.shape[1])]
        return describe_directions(self.directions_, slopes, "of the mean squared slope", names)
