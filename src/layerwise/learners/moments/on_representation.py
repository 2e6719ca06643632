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

from layerwise.hermite import HermitePolynomial, n_terms
from layerwise.learners._base import RandomState
from layerwise.learners._describe import describe_directions, describe_polynomial
from layerwise.learners._representation import Representation
from layerwise.representations import HermiteFeatures
from layerwise.representations._validation import check_powers

#: The degrees that "hermite" tries, and the number of rows per feature that it requires.
HERMITE_DEGREES, ROWS_PER_FEATURE = (1, 2, 3), 2

#: Rows held out for validation="loo": with few rows per feature, a frame fits the rows from which it was estimated so
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
    _gaussian_inputs = True
    _set_tails: Any

    def _width(self, n: int, d: int) -> int:
        """The largest number of features; d for a transformer, whose width is known after it was fitted only."""
        return n_terms(d, _degrees(n, d)[-1]) - 1 if isinstance(self.representation, str) else d

    def _fit_on_representations(self, X: np.ndarray, y: np.ndarray):
        """Fit to each representation, and keep the one with the least validation error."""
        given: Any = clone(self.representation) if not isinstance(self.representation, str) else None
        tried = [given] if given is not None else [HermiteFeatures(k, constant=False) for k in _degrees(*X.shape)]
        if given is None:
            check_powers(X, tried[-1].degree)
        order = np.lexsort((X[:, 0], y))  # so that the rows held out do not depend on the order of the rows
        X, y = X[order], y[order]
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        fits = []
        for transformer in tried:
            inner = cast("Any", clone(cast("Any", self)))
            inner.set_params(representation=None, standardize=False, random_state=seed)
            if self.validation == "loo":
                inner.set_params(validation=HELD_OUT)
            if given is None:
                inner.set_params(robust=False, whiten=False)
            inner._gaussian_inputs = False
            fits.append((transformer, inner.fit(transformer.fit_transform(X, y), y)))
        self.representation_, best = min(fits, key=lambda fit: fit[1].history_[-1]["validation_loss"])
        own = ("n_features_in_", "feature_names_in_", "scaler_")
        kept = {name: value for name, value in vars(best).items() if name.endswith("_") and name not in own}
        vars(self).update(kept | {"history_": [{"stage": "representation", "degree": self._degree}, *best.history_]})
        self._set_tails(X, y, self.history_[-1]["penalty"])
        return self

    def _represent(self, X: np.ndarray) -> np.ndarray:
        """phi(x)."""
        return X if self.representation is None else self.representation_.transform(X)

    @property
    def _degree(self) -> int | None:
        return getattr(self.representation_, "degree", None)

    @property
    def features_(self) -> list[HermitePolynomial]:
        """The columns of `transform` as polynomials of x, with representation="hermite"."""
        if not isinstance(self.representation_, HermiteFeatures):
            raise AttributeError(
                "features_ are polynomials of x; they need representation='hermite'. Use directions_ for others."
            )
        shifts = self.components_ @ self.mean_
        d, degree = self.n_features_in_, self.representation_.degree
        rows = np.column_stack([-shifts, self.components_])
        return [HermitePolynomial.from_dense(d, degree, row) for row in rows]

    def _describe_features(self, columns: Sequence[str], slopes: np.ndarray) -> list[str]:
        """As `MomentRegressor.describe`, of polynomials, or of directions in the transformer's features."""
        if isinstance(self.representation_, HermiteFeatures):
            return [line for feature in self.features_ for line in describe_polynomial(feature, columns)]
        names = [f"phi{i}" for i in range(self.directions_.shape[1])]
        return describe_directions(self.directions_, slopes, "of the mean squared slope", names)


def _degrees(n: int, d: int) -> list[int]:
    """The degrees that "hermite" tries for n rows and d inputs."""
    return [k for k in HERMITE_DEGREES if ROWS_PER_FEATURE * n_terms(d, k) <= n] or [HERMITE_DEGREES[0]]
