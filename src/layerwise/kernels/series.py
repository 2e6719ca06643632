"""Kernels given by a series of polynomials: Hermite and Gegenbauer series of an activation, and single degrees.

For inputs scaled to ``|x| = sqrt(d)``, with u the cosine of their angle, a layer with activation sigma has the kernel

    E sigma(w.x) sigma(w.z) = sum_k c_k^2 u^k                     w ~ N(0, I/d),    c_k = E sigma(g) h_k(g),
                            = sum_k l_k^2 N_k Q_k(u)              w uniform on the unit sphere,

where Q_k are the Gegenbauer polynomials in d dimensions with Q_k(1) = 1, N_k = (2k+d-2)/k C(k+d-3, k-1) the dimension
of the spherical harmonics of degree k, and ``l_k = E sigma(sqrt(d) t) Q_k(t)`` for t the first coordinate of a uniform
point of the sphere. They obey ``(k+d-2) Q_{k+1} = (2k+d-2) u Q_k - k Q_{k-1}``.

The kernel of one degree, ``kappa_k(x, z) = sum_{|a|=k} h_a(x) h_a(z)``, is the coefficient of t^k in Mehler's kernel,
see `layerwise.hermite.degree_kernel`: ``dkappa_k/d(x.z) = kappa_{k-1} + kappa_{k-3} + ...`` and
``dkappa_k/d|x|^2 = -(kappa_{k-2} + kappa_{k-4} + ...) / 2``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import comb, roots_jacobi

from layerwise._validation import Integer, as_vector
from layerwise.activations import Activation, ActivationLike, as_activation
from layerwise.hermite.degree_kernel import mehler_terms
from layerwise.kernels.arc_cosine import cosines
from layerwise.kernels.base import DotProductKernel, Profile

#: Nodes of the quadrature on each side of 0.
NODES = 128


@dataclass(frozen=True)
class SphericalSeries(DotProductKernel):
    """A function of the angle between x and z, a sum of coefficients times polynomials of its cosine."""

    bias: float = field(default=0.0, init=False, repr=False)

    @abstractmethod
    def _coefficients(self) -> np.ndarray:
        """The coefficients by degree."""

    @abstractmethod
    def _polynomials(self, u: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the polynomials and their derivatives at u, by degree."""

    def profile(self):
        coefficients = self._coefficients()

        def function(u: np.ndarray) -> np.ndarray:
            out = np.zeros_like(u)
            terms = self._polynomials(np.clip(u, -1, 1, out=u))
            for coefficient, (polynomial, _) in zip(coefficients, terms, strict=False):
                out += float(coefficient) * polynomial
            return out

        return Profile(function, 0, 0.0)

    def values(self, s, s_xx, s_zz):
        return self.profile().function(cosines(s, s_xx, s_zz)[0])

    def partial_derivatives(self, s, s_xx, s_zz):
        """As in `DotProductKernel`; no gradient at x = 0."""
        u, x, z = cosines(s.copy(), s_xx, s_zz)
        np.clip(u, -1, 1, out=u)
        terms = zip(self._coefficients(), self._polynomials(u), strict=False)
        slope, norms = sum((float(c) * derivative for c, (_, derivative) in terms), np.zeros_like(u)), x * z
        k_s, k_xx = np.zeros_like(s), np.zeros_like(s)
        np.divide(slope, norms, out=k_s, where=norms > 0)
        np.divide(-slope * u, 2 * s_xx, out=k_xx, where=s_xx > 0)
        return k_s, k_xx


@dataclass(frozen=True)
class HermiteKernel(SphericalSeries):
    """``sum_{k <= degree} c_k^2 cos^k t``, with the Hermite coefficients of an activation.

    Parameters
    ----------
    activation : str, sequence of float, callable or Activation
        As accepted by `layerwise.activations.as_activation`, e.g. the c_k themselves.
    degree : int
        The largest degree; the series of an activation with a kink misses about ``degree^{-3/2}``.
    """

    activation: ActivationLike = "relu"
    degree: int = 64

    def __post_init__(self):
        Integer(0).check(self.degree, "degree")
        as_activation(self.activation)

    def _coefficients(self):
        return as_activation(self.activation).series(self.degree).coefficients ** 2

    def _polynomials(self, u):
        power, below = np.ones_like(u), np.zeros_like(u)
        for k in range(self.degree + 1):
            yield power, k * below
            power, below = power * u, power


@dataclass(frozen=True)
class GegenbauerKernel(SphericalSeries):
    """``sum_{k <= degree} l_k^2 N_k Q_k(cos t)``, with the Gegenbauer coefficients of an activation.

    Parameters
    ----------
    dim : int
        d >= 2, the dimension of the inputs.
    activation : str, sequence of float, callable or Activation
        As accepted by `layerwise.activations.as_activation`.
    degree : int
        The largest degree.
    """

    dim: int = 2
    activation: ActivationLike = "relu"
    degree: int = 64

    def __post_init__(self):
        Integer(2).check(self.dim, "dim")
        Integer(0).check(self.degree, "degree")
        as_activation(self.activation)

    def _coefficients(self):
        return _gegenbauer_coefficients(as_activation(self.activation), self.dim, self.degree)

    def _polynomials(self, u):
        return _gegenbauer(u, self.dim, self.degree)

    def _points(self, X):
        return super()._points(_of_dimension(X, self.dim))


@dataclass(frozen=True)
class DegreeKernel(DotProductKernel):
    """``sum_k weights[k] kappa_k(x, z)``, with the reproducing kernels of the Hermite polynomials of each degree.

    Parameters
    ----------
    dim : int
        The dimension of the inputs, which should be standard Gaussian.
    weights : sequence of float >= 0
        (0, 0, 1) is the kernel of degree 2.
    """

    dim: int
    weights: Sequence[float] = (1.0, 1.0, 1.0)
    bias: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self):
        Integer(1).check(self.dim, "dim")
        w = as_vector(self.weights, "weights")
        if len(w) == 0 or w.min() < 0:
            raise ValueError(
                f"weights={self.weights!r} must be numbers >= 0, one for each degree. Pass e.g. (0, 0, 1)."
            )

    def values(self, s, s_xx, s_zz):
        return self._sum(s, s_xx, s_zz, self.weights)

    def partial_derivatives(self, s, s_xx, s_zz):
        w = np.asarray(self.weights, dtype=float)
        every_other = [float(w[k::2].sum()) for k in range(len(w))]
        by_s = self._sum(s, s_xx, s_zz, every_other[1:])
        by_xx = self._sum(s, s_xx, s_zz, every_other[2:])
        return self.dim * by_s, -self.dim / 2 * by_xx

    def _sum(self, s, s_xx, s_zz, weights):
        out = np.zeros_like(s)
        terms = mehler_terms(self.dim * s, self.dim * (s_xx + s_zz), self.dim, max(len(weights) - 1, 0))
        for weight, kappa in zip(weights, terms, strict=False):
            if weight:
                out += weight * kappa
        return out

    def _points(self, X):
        return super()._points(_of_dimension(X, self.dim))


def _of_dimension(X: np.ndarray, dim: int) -> np.ndarray:
    if X.shape[1] != dim:
        raise ValueError(f"X has {X.shape[1]} columns; this kernel needs {dim}. Pass such X, or another dim.")
    return X


def _gegenbauer(u: np.ndarray, dim: int, degree: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield Q_k and Q_k' for k = 0..degree."""
    Q, below, slope, slope_below = np.ones_like(u), np.zeros_like(u), np.zeros_like(u), np.zeros_like(u)
    yield Q, slope
    for k in range(degree):
        a, b = ((2 * k + dim - 2) / (k + dim - 2), k / (k + dim - 2)) if k else (1.0, 0.0)
        Q, below, slope, slope_below = a * u * Q - b * below, Q, a * (Q + u * slope) - b * slope_below, slope
        yield Q, slope


def _gegenbauer_coefficients(activation: Activation, dim: int, degree: int) -> np.ndarray:
    """``l_k^2 N_k`` for k = 0..degree, by quadrature on either side of 0 for the weight (1 - t^2)^((d-3)/2)."""
    power = (dim - 3) / 2
    x, weights = roots_jacobi(NODES, power, 0.0)  # the weight (1 - x)^power on (-1, 1)
    t = (x + 1) / 2
    weights = weights * (1 + t) ** power
    t, weights = np.concatenate([-t, t]), np.concatenate([weights, weights]) / (2 * weights.sum())
    values = weights * activation(np.sqrt(dim) * t)
    means = np.array([values @ Q for Q, _ in _gegenbauer(t, dim, degree)])
    k = np.arange(1, degree + 1)
    return means**2 * np.append(1.0, (2 * k + dim - 2) / k * comb(k + dim - 3, k - 1))
