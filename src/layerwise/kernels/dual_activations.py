"""Second moments of an activation on a pair of Gaussian variables, from which kernels of wide networks are built.

For (u, v) Gaussian of mean 0 with variances q_x, q_z and covariance s,

    k = E sigma(u) sigma(v),    k' = dk/ds = E sigma'(u) sigma'(v)                        (Price's theorem).

In closed form for ReLU (`layerwise.kernels.arc_cosine`: k = k_1 / 2) and for erf (Williams 1998),

    k = (2/pi) asin(2 s / sqrt(A B)),    k' = (4/pi) / sqrt(A B - 4 s^2),    A = 1 + 2 q_x,  B = 1 + 2 q_z.

Any other activation is expanded in Hermite polynomials: with ``sigma(sqrt(q) z) = sum_j c_j(q) h_j(z)`` and
``rho = s / sqrt(q_x q_z)``, k = sum_j c_j(q_x) c_j(q_z) rho^j. Partial derivatives by q follow from
``2 q c_j' = j c_j + sqrt((j+1)(j+2)) c_{j+2}``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache

import numpy as np

from layerwise.activations import Activation, ActivationLike, as_activation
from layerwise.hermite.quadrature import gaussian_rule
from layerwise.hermite.univariate import hermite_values
from layerwise.kernels.angle import size_sine_angle, supplement
from layerwise.kernels.arc_cosine import angle, arc_cosine, arc_cosine_derivatives, cosines

#: Degree at which the series of an activation that is neither a polynomial, ReLU nor erf is cut off.
SERIES_DEGREE = 64
#: Nodes of its quadrature on each side of 0.
SERIES_NODES = 128
#: Variances below this one, of x = 0 without bias, count as this one in series.
MIN_VARIANCE = 1e-8


class DualActivation(ABC):
    """k, k' and their partial derivatives for one activation. Arrays have the shapes of `DotProductKernel.values`."""

    @abstractmethod
    def values(self, s: np.ndarray, q_x: np.ndarray, q_z: np.ndarray, weight: float) -> tuple[np.ndarray, np.ndarray]:
        """``weight`` times k and k'; may overwrite ``s``."""

    @abstractmethod
    def derivatives(self, s: np.ndarray, q_x: np.ndarray, q_z: np.ndarray) -> tuple[np.ndarray, ...]:
        """k, k', dk/dq_x, dk'/ds and dk'/dq_x; derivatives are 0 where they do not exist."""

    @abstractmethod
    def mean_square(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``E sigma(u)^2`` for variances q, and its derivative by q."""


class DualReLU(DualActivation):
    """ReLU."""

    def values(self, s, q_x, q_z, weight):
        cosine, x, z = cosines(s, q_x, q_z)
        size, sine, t = size_sine_angle(cosine)
        size *= t
        sine -= size
        slope = supplement(cosine, t)
        slope *= weight / (2 * np.pi)
        np.maximum(cosine, 0, out=cosine)
        cosine *= np.pi
        cosine += sine
        cosine *= x * (weight / (2 * np.pi))
        cosine *= z
        return cosine, slope

    def derivatives(self, s, q_x, q_z):
        parts = angle(s, q_x, q_z)
        k, slope = arc_cosine(1, *parts), arc_cosine(0, *parts)
        k_xx = arc_cosine_derivatives(1, *parts, q_x)[1]
        return tuple(a / 2 for a in (k, slope, k_xx, *arc_cosine_derivatives(0, *parts, q_x)))

    def mean_square(self, q):
        return q / 2, np.full_like(q, 0.5)


class DualErf(DualActivation):
    """The error function."""

    def values(self, s, q_x, q_z, weight):
        cosine, x, z = cosines(s, q_x + 0.5, q_z + 0.5)
        _, sine, t = size_sine_angle(cosine)
        k = supplement(cosine, t)
        k -= np.pi / 2
        k *= weight * 2 / np.pi
        slope = np.divide(weight * 2 / np.pi, sine, out=sine)
        slope /= x
        slope /= z
        return k, slope

    def derivatives(self, s, q_x, q_z):
        A, B = 1 + 2 * q_x, 1 + 2 * q_z
        D = A * B - 4 * s * s
        root = np.sqrt(D)
        k = 2 / np.pi * np.arcsin(2 * s / np.sqrt(A * B))
        slope = 4 / np.pi / root
        return k, slope, -s * slope / A, 4 * s * slope / D, -B * slope / D

    def mean_square(self, q):
        A = 1 + 2 * q
        return 2 / np.pi * np.arcsin(2 * q / A), 4 / np.pi / (A * np.sqrt(1 + 4 * q))


class DualSeries(DualActivation):
    """A Hermite series: exact for polynomials, cut off at degree `SERIES_DEGREE` otherwise.

    Parameters
    ----------
    activation : Activation
        Without kinks, or with one at 0.
    """

    def __init__(self, activation: Activation):
        if any(activation.kinks):
            raise ValueError(
                f"activation={activation!r} has kinks at {tuple(activation.kinks)}; all of them must be at 0 for its "
                "series to be accurate. Pass a smooth activation, or RandomFeatures with this one."
            )
        self.activation = activation
        polynomial = activation.polynomial
        self.degree = SERIES_DEGREE if polynomial is None else len(polynomial.coefficients) - 1

    def coefficients(self, q: np.ndarray) -> np.ndarray:
        """``c_0, ..., c_{degree+2}`` for variances q, of shape (degree + 3, *q.shape), in the dtype of q."""
        nodes, analysis = _rule(self.degree, self.activation.polynomial is not None)
        values = self.activation(np.multiply.outer(nodes, np.sqrt(q, dtype=float)))
        return np.tensordot(analysis, values, axes=1).astype(q.dtype)

    def values(self, s, q_x, q_z, weight):
        q_x, q_z = np.maximum(q_x, MIN_VARIANCE), np.maximum(q_z, MIN_VARIANCE)
        rho = np.clip(cosines(s, q_x, q_z)[0], -1, 1, out=s)
        c_x, c_z = self.coefficients(q_x), self.coefficients(q_z)
        k, slope = np.full_like(rho, 0), np.zeros_like(rho)
        power = np.ones_like(rho)
        k += c_x[0] * c_z[0]
        for j in range(1, self.degree + 1):
            product = c_x[j] * c_z[j]
            slope += j * product * power
            power *= rho
            k += product * power
        k *= weight
        slope *= weight / (np.sqrt(q_x) * np.sqrt(q_z))
        return k, slope

    def derivatives(self, s, q_x, q_z):
        q_x, q_z = np.maximum(q_x, MIN_VARIANCE), np.maximum(q_z, MIN_VARIANCE)
        norms = np.sqrt(q_x) * np.sqrt(q_z)
        rho = np.clip(s / norms, -1, 1)
        c_x, c_z = self.coefficients(q_x), self.coefficients(q_z)
        j = np.arange(self.degree + 1).reshape(-1, 1, 1)
        changes = (j * c_x[:-2] + np.sqrt((j + 1.0) * (j + 2)).astype(q_x.dtype) * c_x[2:]) / (2 * q_x)
        k, k_q, once, once_q, twice = (np.zeros_like(rho) for _ in range(5))  # sums, and their derivatives by rho
        powers = [np.zeros_like(rho), np.zeros_like(rho), np.ones_like(rho)]  # rho^(i-2), rho^(i-1), rho^i
        for i in range(self.degree + 1):
            product, change = c_x[i] * c_z[i], changes[i] * c_z[i]
            k += product * powers[2]
            k_q += change * powers[2]
            once += i * product * powers[1]
            once_q += i * change * powers[1]
            twice += i * (i - 1) * product * powers[0]
            powers = [powers[1], powers[2], powers[2] * rho]
        slope, slope_s = once / norms, twice / norms**2
        k_xx = k_q - once * rho / (2 * q_x)
        slope_xx = (once_q - twice * rho / (2 * q_x)) / norms - slope / (2 * q_x)
        return k, slope, k_xx, slope_s, slope_xx

    def mean_square(self, q):
        q = np.maximum(q, MIN_VARIANCE)
        c = self.coefficients(q)
        j = np.arange(self.degree + 1.0).reshape(-1, *[1] * q.ndim)
        changes = (j * c[:-2] + np.sqrt((j + 1) * (j + 2)) * c[2:]) / (2 * q)
        return np.sum(c[:-2] ** 2, axis=0), (2 * np.sum(c[:-2] * changes, axis=0)).astype(q.dtype)


def dual_activation(activation: ActivationLike) -> DualActivation:
    """Return the second moments of an activation, in closed form for ReLU and erf."""
    sigma = as_activation(activation)
    if sigma.is_relu:
        return DualReLU()
    if sigma.name == "erf":
        return DualErf()
    return DualSeries(sigma)


@lru_cache(maxsize=16)
def _rule(degree: int, polynomial: bool) -> tuple[np.ndarray, np.ndarray]:
    """Nodes z_i and the matrix ``w_i h_j(z_i)`` of shape (degree + 3, n_nodes)."""
    nodes, weights = gaussian_rule(degree + 3) if polynomial else gaussian_rule(SERIES_NODES, kinks=(0.0,))
    return nodes, hermite_values(nodes, degree + 2) * weights
