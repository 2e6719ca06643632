"""Radial kernels, functions of the mean squared difference ``r^2 = |x - z|^2 / d = s_xx + s_zz - 2 s``.

    Gaussian   exp(-r^2 / (2 bandwidth^2))
    Laplace    exp(-r / bandwidth)

With k' the derivative by r^2, the partial derivatives by s and s_xx are -2 k' and k'.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from layerwise._validation import Number
from layerwise.kernels.base import DotProductKernel

BANDWIDTH = Number()


@dataclass(frozen=True)
class RadialKernel(DotProductKernel):
    """A function of ``|x - z| / (sqrt(d) bandwidth)``."""

    bandwidth: float = 1.0
    bias: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self):
        BANDWIDTH.check(self.bandwidth, "bandwidth")


@dataclass(frozen=True)
class GaussianKernel(RadialKernel):
    """``exp(-|x - z|^2 / (2 d bandwidth^2))``.

    Parameters
    ----------
    bandwidth : float
        In units of the root mean square difference of the d coordinates.
    """

    def values(self, s, s_xx, s_zz):
        k = squared_distances(s, s_xx, s_zz)
        k *= -1 / (2 * self.bandwidth**2)
        return np.exp(k, out=k)

    def partial_derivatives(self, s, s_xx, s_zz):
        k_s = self.values(s, s_xx, s_zz)
        k_s *= 1 / self.bandwidth**2
        return k_s, -k_s / 2


@dataclass(frozen=True)
class LaplaceKernel(RadialKernel):
    """``exp(-|x - z| / (sqrt(d) bandwidth))``, which has no gradient at x = z.

    Parameters
    ----------
    bandwidth : float
        In units of the root mean square difference of the d coordinates.
    """

    def values(self, s, s_xx, s_zz):
        k = squared_distances(s, s_xx, s_zz)
        np.sqrt(k, out=k)
        k *= -1 / self.bandwidth
        return np.exp(k, out=k)

    def partial_derivatives(self, s, s_xx, s_zz):
        squares = squared_distances(s, s_xx, s_zz)
        distinct = squares > 8 * np.finfo(s.dtype).eps * (s_xx + s_zz)  # beyond the rounding errors of the terms
        r = np.sqrt(squares)
        k_s = np.zeros_like(r)
        np.divide(np.exp(r * (-1 / self.bandwidth)), r * self.bandwidth, out=k_s, where=distinct)
        return k_s, -k_s / 2


def squared_distances(s: np.ndarray, s_xx: np.ndarray, s_zz: np.ndarray) -> np.ndarray:
    """Overwrite ``s`` by ``s_xx + s_zz - 2 s``, or 0 where that is negative by rounding."""
    s *= -2
    s += s_xx
    s += s_zz
    return np.maximum(s, 0, out=s)
