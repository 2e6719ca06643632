"""Links: functions of one variable, smooth ones fitted to data with a smoothness chosen by leave-one-out.

For ``g(z) = sum_k c_k b_k(z)`` over a basis of q functions, minimise

    |y - g(z)|^2 / n + penalty * R(g),      R(g) = int g''(z)^2 dmu(z) = c'Pc,

with mu the Gaussian measure for polynomials and Lebesgue measure between the knots for splines; straight lines are not
penalised. With ``B_ik = b_k(z_i)``, ``G = B'B / n`` and the generalised eigenvectors of G against ``G + tau P``,

    G V = (G + tau P) V diag(s),    V'(G + tau P) V = I,    0 <= s <= 1,    tau = tr G / tr P,

the problem is diagonal for every penalty ``tau m``, and directions that vanish on the data (s = 0) cause no
instability. With Z = BV and ``f_k = 1 / (s_k + m (1 - s_k))``:

    c = V diag(f) Z'y / n,      y_i - g_{-i}(z_i) = (y_i - g(z_i)) / (1 - sum_k f_k Z_ik^2 / n).

The default is leave-one-out rather than generalised cross-validation: a few points in the tail of z carry much of the
variance and have high leverage, which the latter averages over. One eigenproblem of size q serves the whole path:
2 n q^2 flops, and 4 n q for each penalty.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import BSpline
from scipy.linalg import eigh

from layerwise.hermite import hermite_values
from layerwise.solvers.gram import FeatureBlocks, feature_block

#: Penalties tried, as multiples of tau: from almost no smoothing to straight lines.
RELATIVE_PENALTIES = np.logspace(-9, 6, 46)
#: Rows whose residuals are computed at once, for all penalties.
ROWS = 256
#: Degrees of freedom of the Student-t distribution of the biases of a `ReluLink`: heavy tails, with the finite eighth
#: moment that the theory needs.
BIAS_DF = 9
#: How far a fitted link may leave the range of y, as a multiple of its width.
MAX_EXCURSION = 1.0

Array = NDArray[Any]
Criterion = Literal["loo", "gcv"]


class Link(ABC):
    """A function g of one variable, elementwise on arrays of shape (n_samples,)."""

    @abstractmethod
    def __call__(self, z: Array) -> Array:
        """Evaluate g."""

    @abstractmethod
    def affine(self, scale: float, shift: float) -> Self:
        """Return the link ``scale * g + shift``."""


@dataclass(frozen=True, eq=False)
class SmoothLink(Link):
    """A function ``g(z) = sum_k c_k b_k(z)`` with coefficients c (q,) fitted to data.

    ``error`` is the mean squared leave-one-out residual at the chosen ``penalty`` (or the GCV score), an estimate of
    the error on new points; both are NaN if the link was not fitted. ``g(z)`` is clipped to ``bounds``: the range of y,
    extended on each side by its width.
    """

    coefficients: Array
    penalty: float = float("nan")
    error: float = float("nan")
    bounds: tuple[float, float] = (-np.inf, np.inf)

    @classmethod
    @abstractmethod
    def fit(cls, z: ArrayLike, y: ArrayLike, *, criterion: Criterion = "loo") -> Self:
        """Fit y (n_samples,) as a function of z (n_samples,)."""

    @abstractmethod
    def basis(self, z: Array, derivative: int = 0) -> Array:
        """Evaluate the q basis functions, or their first derivatives, at z; shape (n_samples, q)."""

    def __call__(self, z: ArrayLike) -> Array:
        """Evaluate g, clipped to the bounds."""
        return np.clip(self.basis(np.asarray(z, dtype=float)) @ self.coefficients, *self.bounds)

    def derivative(self, z: ArrayLike) -> Array:
        """Evaluate g' before clipping."""
        return self.basis(np.asarray(z, dtype=float), derivative=1) @ self.coefficients

    def affine(self, scale: float, shift: float) -> Self:
        """Return ``scale * g + shift`` for scale >= 0, as if fitted to ``scale * y + shift``."""
        low, high = self.bounds
        return replace(
            self,
            coefficients=scale * self.coefficients + shift * self.one,
            error=scale**2 * self.error,
            bounds=(scale * low + shift, scale * high + shift) if scale > 0 else (shift, shift),
        )

    @property
    @abstractmethod
    def one(self) -> Array:
        """The coefficients of the constant function 1, of shape (q,)."""

    def _fit(self, z: ArrayLike, y: ArrayLike, roughness: Array, criterion: Criterion) -> Self:
        """Return a copy with fitted coefficients."""
        c, penalty, error = penalised_least_squares(self.basis(np.asarray(z, dtype=float)), y, roughness, criterion)
        low, high = float(np.min(y)), float(np.max(y))
        margin = MAX_EXCURSION * (high - low)
        return replace(self, coefficients=c, penalty=penalty, error=error, bounds=(low - margin, high + margin))


class PolynomialLink(SmoothLink):
    """``g = sum_{k <= degree} c_k h_k`` in orthonormal Hermite polynomials; ``R(g) = E g''^2 = sum_k k (k-1) c_k^2``.

    Suited to targets that are polynomials of polynomials, since it extrapolates their growth. Links with kinks are only
    approximated, and extrapolate badly; use `SplineLink` for those.
    """

    @classmethod
    def fit(cls, z: ArrayLike, y: ArrayLike, degree: int = 5, *, criterion: Criterion = "loo") -> Self:
        """Fit a polynomial of degree ``degree`` >= 2 to (z, y); z should have mean 0 and variance 1."""
        k = np.arange(degree + 1.0)
        return cls(np.zeros(degree + 1))._fit(z, y, np.diag(k * (k - 1)), criterion)

    def basis(self, z: Array, derivative: int = 0) -> Array:
        """Evaluate ``h_k``, or ``h_k' = sqrt(k) h_{k-1}``."""
        values = hermite_values(z, len(self.coefficients) - 1).T
        if not derivative:
            return values
        slopes = np.zeros_like(values)
        slopes[:, 1:] = values[:, :-1] * np.sqrt(np.arange(1.0, values.shape[1]))
        return slopes

    @property
    def one(self) -> Array:
        """``h_0``."""
        return np.eye(1, len(self.coefficients))[0]


@dataclass(frozen=True, eq=False)
class SplineLink(SmoothLink):
    """Cubic B-splines on equally spaced knots between two quantiles of z, with linear extrapolation.

    ``R(g) = int g''^2`` over the interval of the knots, the outermost of which are ``low`` and ``high``.
    """

    low: float = 0.0
    high: float = 1.0

    @classmethod
    def fit(
        cls, z: ArrayLike, y: ArrayLike, n_knots: int = 14, tail: float = 0.005, *, criterion: Criterion = "loo"
    ) -> Self:
        """Fit a spline to (z, y), with ``n_knots`` between the quantiles ``tail`` and 1 - ``tail`` of z."""
        low, high = (float(q) for q in np.quantile(np.asarray(z, dtype=float), [tail, 1 - tail]))
        high = high if high > low else low + 1.0
        link = cls(np.zeros(n_knots + 2), low=low, high=high)
        return link._fit(z, y, unit_splines(n_knots + 2)[2] / (high - low) ** 3, criterion)

    def basis(self, z: Array, derivative: int = 0) -> Array:
        """Evaluate ``b_k`` between the knots and its tangents beyond them, or the derivatives of these."""
        values, slopes, _ = unit_splines(len(self.coefficients))
        u = (z - self.low) / (self.high - self.low)
        inside = np.clip(u, 0, 1)
        if derivative:
            return slopes(inside) / (self.high - self.low)
        B, beyond = values(inside), np.flatnonzero(u != inside)
        B[beyond] += slopes(inside[beyond]) * (u - inside)[beyond, None]
        return B

    @property
    def one(self) -> Array:
        """Ones: B-splines sum to 1."""
        return np.ones(len(self.coefficients))


@cache
def unit_splines(q: int) -> tuple[BSpline, BSpline, Array]:
    """The q cubic B-splines on equally spaced knots in [0, 1], their derivatives, and P, (q, q), on this interval."""
    edges = np.linspace(0, 1, q - 2)
    splines = BSpline(np.concatenate([[0.0] * 3, edges, [1.0] * 3]), np.eye(q), 3)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1] - edges[0]) / 2
    # b'' is linear between knots: two Gauss points integrate its square exactly
    curvature = [splines.derivative(2)(middle + node * half) for node in (-(3**-0.5), 3**-0.5)]
    return splines, splines.derivative(), half * sum(b.T @ b for b in curvature)


@dataclass(frozen=True, eq=False)
class ReluLink(Link):
    """A line and random ReLU neurons, ``g(z) = mean + scale z + c'relu(a z + b)``, in the dtype of z.

    The ``signs`` a, ``biases`` b and ``coefficients`` c have shape (width,).
    """

    mean: float
    scale: float
    signs: np.ndarray
    biases: np.ndarray
    coefficients: np.ndarray

    def __call__(self, z: Array) -> Array:
        """Evaluate g."""
        return self.mean + self.scale * z + relu_features(z, self.signs, self.biases) @ self.coefficients

    def affine(self, scale: float, shift: float) -> Self:
        """Return ``scale * g + shift``."""
        mean, slope = scale * self.mean + shift, scale * self.scale
        return replace(self, mean=mean, scale=slope, coefficients=scale * self.coefficients)


def relu_features(z: Array, signs: Array, biases: Array) -> FeatureBlocks:
    """Return ``relu(a z + b)``, of shape (n_samples, width), by blocks of rows."""
    return FeatureBlocks(z[:, None], lambda column: feature_block(column, signs[:, None], biases), len(signs))


def fit_link(
    z: ArrayLike,
    y: ArrayLike,
    families: Sequence[type[SmoothLink]] = (PolynomialLink, SplineLink),
    criterion: Criterion = "loo",
) -> SmoothLink:
    """Fit a link of each family and return that of least leave-one-out error; all families contain straight lines.

    z (n_samples,) should have mean 0 and variance 1. If z was itself fitted to y (n_samples,), pass its leave-one-out
    values: y is nearly linear in an overfitted z. The criterion "gcv", generalised cross-validation, smooths less than
    leave-one-out if a few rows have high leverage.
    """
    return min((family.fit(z, y, criterion=criterion) for family in families), key=lambda link: link.error)


def penalised_least_squares(
    B: Array, y: ArrayLike, roughness: Array, criterion: Criterion = "loo"
) -> tuple[Array, float, float]:
    """Minimise ``|y - Bc|^2 / n + penalty c'Pc`` over c, with the penalty chosen by leave-one-out.

    ``roughness`` is P (q, q), positive semidefinite; the criterion "gcv" replaces each leverage by their mean. Returns
    c (q,), the penalty and its mean squared leave-one-out residual.
    """
    y = np.asarray(y, dtype=float)
    n, q = B.shape
    G = B.T @ B / n
    tau = np.trace(G) / np.trace(roughness)
    sum_of_both = G + tau * roughness
    sum_of_both[np.diag_indices(q)] += 1e-13 * np.trace(G)  # if all z are equal, P and G vanish on a common direction
    s, V = eigh(G, sum_of_both)
    s = np.clip(s, 0, 1)[:, None]
    filters = 1 / (s + RELATIVE_PENALTIES * (1 - s))  # (q, n_penalties)
    Z = B @ V
    C = filters * (Z.T @ y / n)[:, None]
    filters /= n
    mean_leverage = np.sum(Z * Z, axis=0) @ filters / n
    errors = np.zeros(len(RELATIVE_PENALTIES))
    for start in range(0, n, ROWS):  # blocks that stay in cache
        rows = Z[start : start + ROWS]
        residuals = rows @ C
        residuals -= y[start : start + ROWS, None]
        leverage = mean_leverage if criterion == "gcv" else (rows * rows) @ filters
        residuals /= np.maximum(1 - leverage, np.finfo(float).eps)
        errors += np.einsum("ij,ij->j", residuals, residuals)
    errors /= n
    best = int(np.argmin(errors))
    return V @ C[:, best], float(tau * RELATIVE_PENALTIES[best]), float(errors[best])
