"""Links: smooth functions of one variable fitted to data, their smoothness chosen by leave-one-out.

Over a basis of q functions, ``g(z) = sum_k c_k b_k(z)``, minimise

    |y - g(z)|^2 / n + penalty * R(g),      R(g) = int g''(z)^2 dmu(z) = c'Pc,

the Gaussian mu for polynomials, Lebesgue's between the knots for splines: what is not penalised are the straight
lines. With ``B_ik = b_k(z_i)``, ``G = B'B / n`` and the generalised eigenvectors of G against ``G + tau P``,

    G V = (G + tau P) V diag(s),    V'(G + tau P) V = I,    0 <= s <= 1,    tau = tr G / tr P,

every penalty ``tau m`` is diagonal, and a direction that the data do not see (s = 0) does no harm. With Z = BV and
``f_k = 1 / (s_k + m (1 - s_k))``:

    c = V diag(f) Z'y / n,      y_i - g_{-i}(z_i) = (y_i - g(z_i)) / (1 - sum_k f_k Z_ik^2 / n).

Leave-one-out, not generalised cross-validation: a few points in the tail of z carry much of the variance and have all
the leverage there, which the latter averages away. One eigenproblem of size q serves the whole path: 2 n q^2 flops,
and 4 n q for each penalty.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import BSpline
from scipy.linalg import eigh

from layerwise.hermite import hermite_values

#: Penalties tried, as multiples of tau: from hardly any to straight lines.
RELATIVE_PENALTIES = np.logspace(-9, 6, 46)
#: How far a fitted link may leave the range of y, in widths of it.
BEYOND = 1.0

Array = NDArray[Any]
Criterion = Literal["loo", "gcv"]


@dataclass(frozen=True, eq=False)
class Link(ABC):
    """A function of one variable, ``g(z) = sum_k c_k b_k(z)``.

    Attributes
    ----------
    coefficients : ndarray of shape (q,)
        c.
    penalty : float
        The one chosen; NaN where nothing was fitted.
    error : float
        Its mean squared leave-one-out residual (or its GCV, where that was the criterion), an estimate of that on fresh
        points; NaN where nothing was fitted.
    bounds : (float, float)
        What ``g(z)`` is clipped to: the range of y and `BEYOND` of its width on each side.
    """

    coefficients: Array
    penalty: float = float("nan")
    error: float = float("nan")
    bounds: tuple[float, float] = (-np.inf, np.inf)

    @classmethod
    @abstractmethod
    def fit(cls, z: ArrayLike, y: ArrayLike, *, criterion: Criterion = "loo") -> Self:
        """The link that y (n_samples,) has as a function of z (n_samples,)."""

    @abstractmethod
    def basis(self, z: Array, derivative: int = 0) -> Array:
        """The q basis functions at z, or a derivative of theirs, of shape (n_samples, q)."""

    def __call__(self, z: ArrayLike) -> Array:
        """``g(z)``, elementwise on (n_samples,)."""
        return np.clip(self.basis(np.asarray(z, dtype=float)) @ self.coefficients, *self.bounds)

    def derivative(self, z: ArrayLike) -> Array:
        """``g'(z)`` before clipping, elementwise on (n_samples,)."""
        return self.basis(np.asarray(z, dtype=float), derivative=1) @ self.coefficients

    def affine(self, scale: float, shift: float) -> Self:
        """The link ``scale * g + shift`` for scale >= 0, as if fitted to ``scale * y + shift``."""
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
        """This link's basis with the coefficients that the data choose."""
        c, penalty, error = penalised_least_squares(self.basis(np.asarray(z, dtype=float)), y, roughness, criterion)
        low, high = float(np.min(y)), float(np.max(y))
        room = BEYOND * (high - low)
        return replace(self, coefficients=c, penalty=penalty, error=error, bounds=(low - room, high + room))


class PolynomialLink(Link):
    """``g = sum_{k <= degree} c_k h_k`` in orthonormal Hermite polynomials; ``R(g) = E g''^2 = sum_k k (k-1) c_k^2``.

    Right where the target is a polynomial of a polynomial: its tails keep growing as they should. A kinked link it
    only approximates, and its tails then run away; `SplineLink` is for those.
    """

    @classmethod
    def fit(cls, z: ArrayLike, y: ArrayLike, degree: int = 5, *, criterion: Criterion = "loo") -> Self:
        """The polynomial of at most ``degree`` >= 2 through (z, y); z should have mean 0 and variance 1."""
        k = np.arange(degree + 1.0)
        return cls(np.zeros(degree + 1))._fit(z, y, np.diag(k * (k - 1)), criterion)

    def basis(self, z: Array, derivative: int = 0) -> Array:
        """``h_k(z)``, or ``h_k' = sqrt(k) h_{k-1}``."""
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
class SplineLink(Link):
    """Cubic B-splines on equally spaced knots between two quantiles of z, straight lines beyond them.

    ``R(g) = int g''^2`` over the knots. Bends where the data bend, and never runs away.

    Attributes
    ----------
    low, high : float
        The outermost knots.
    """

    low: float = 0.0
    high: float = 1.0

    @classmethod
    def fit(
        cls, z: ArrayLike, y: ArrayLike, n_knots: int = 14, tail: float = 0.005, *, criterion: Criterion = "loo"
    ) -> Self:
        """The spline through (z, y), with ``n_knots`` between the quantiles ``tail`` and 1 - ``tail`` of z."""
        low, high = (float(q) for q in np.quantile(np.asarray(z, dtype=float), [tail, 1 - tail]))
        high = high if high > low else low + 1.0
        link = cls(np.zeros(n_knots + 2), low=low, high=high)
        edges = np.linspace(low, high, n_knots)
        middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1] - edges[0]) / 2
        # b'' is linear between knots: two Gauss points integrate its squares exactly
        curvature = [link._spline.derivative(2)(middle + node * half) for node in (-(3**-0.5), 3**-0.5)]
        return link._fit(z, y, half * sum(b.T @ b for b in curvature), criterion)

    @property
    def _spline(self) -> BSpline:
        """All basis functions at once, as a spline with values in R^q."""
        q = len(self.coefficients)
        knots = np.concatenate([[self.low] * 3, np.linspace(self.low, self.high, q - 2), [self.high] * 3])
        return BSpline(knots, np.eye(q), 3)

    def basis(self, z: Array, derivative: int = 0) -> Array:
        """``b_k`` within the knots; beyond them its tangent there."""
        inside = np.clip(z, self.low, self.high)
        slopes = self._spline.derivative()(inside)
        return slopes if derivative else self._spline(inside) + slopes * (z - inside)[:, None]

    @property
    def one(self) -> Array:
        """B-splines sum to 1."""
        return np.ones(len(self.coefficients))


def fit_link(
    z: ArrayLike,
    y: ArrayLike,
    families: Sequence[type[Link]] = (PolynomialLink, SplineLink),
    criterion: Criterion = "loo",
) -> Link:
    """The link of the least leave-one-out error among the families'; straight lines are members of each.

    Parameters
    ----------
    z : array-like of shape (n_samples,)
        Mean 0 and variance 1. Where z was itself fitted to y, pass its leave-one-out values: an overfitted z looks
        like a straight line.
    y : array-like of shape (n_samples,)
    families : sequence of Link types
    criterion : {"loo", "gcv"}
        Leave-one-out, or generalised cross-validation: bolder where a few rows have all the leverage.

    Returns
    -------
    Link
    """
    return min((family.fit(z, y, criterion=criterion) for family in families), key=lambda link: link.error)


def penalised_least_squares(
    B: Array, y: ArrayLike, roughness: Array, criterion: Criterion = "loo"
) -> tuple[Array, float, float]:
    """Minimise ``|y - Bc|^2 / n + penalty c'Pc`` over c, the penalty by leave-one-out.

    Parameters
    ----------
    B : ndarray of shape (n_samples, q)
    y : array-like of shape (n_samples,)
    roughness : ndarray of shape (q, q)
        P, positive semidefinite.
    criterion : {"loo", "gcv"}
        "gcv" gives every row the mean leverage.

    Returns
    -------
    c : ndarray of shape (q,)
    penalty, error : float
        The penalty chosen and its mean squared leave-one-out residual.
    """
    y = np.asarray(y, dtype=float)
    n, q = B.shape
    G = B.T @ B / n
    tau = np.trace(G) / np.trace(roughness)
    sum_of_both = G + tau * roughness
    sum_of_both[np.diag_indices(q)] += 1e-13 * np.trace(G)  # lines too are unseen where all z are equal
    s, V = eigh(G, sum_of_both)
    s = np.clip(s, 0, 1)[:, None]
    filters = 1 / (s + RELATIVE_PENALTIES * (1 - s))  # (q, n_penalties)
    Z = B @ V
    C = filters * (Z.T @ y / n)[:, None]
    residuals = y[:, None] - Z @ C
    Z *= Z
    leverage = Z @ filters / n
    if criterion == "gcv":
        leverage = leverage.mean(axis=0)
    residuals /= np.maximum(1 - leverage, np.finfo(float).eps)
    errors = np.mean(residuals**2, axis=0)
    best = int(np.argmin(errors))
    return V @ C[:, best], float(tau * RELATIVE_PENALTIES[best]), float(errors[best])
