"""Kernels of infinitely wide layers of step functions, ReLU and squared ReLU.

With ``cos t = s / sqrt(s_xx s_zz)``:

    k_p = (s_xx s_zz)^{p/2} J_p(t) / pi                                                    (Cho & Saul 2009)
    J_0 = pi - t,   J_1 = sin t + (pi - t) cos t,   J_2 = 3 sin t cos t + (pi - t)(1 + 2 cos^2 t)

The derivatives by s are ``k_2' = 4 k_1``, ``k_1' = k_0``, ``k_0' = 1 / (pi sqrt(s_xx s_zz) sin t)`` (Price's theorem).
k_p is homogeneous in x of degree p, hence ``2 s_xx dk/ds_xx = p k - s dk/ds`` (Euler's theorem).

For values, ``a = min(t, pi - t)`` is computed, in which J_1 = sin t - |cos t| a + pi max(cos t, 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layerwise.kernels.angle import size_sine_angle, supplement
from layerwise.kernels.base import BIAS, DotProductKernel, Profile


@dataclass(frozen=True)
class ArcCosineKernel(DotProductKernel):
    """Kernel of an infinitely wide layer, proportional to ``E[relu(w.x)^p relu(w.z)^p]`` with w ~ N(0, I/d).

    The factor is 2 for p = 0 and 1. See Cho & Saul 2009, equations (4) to (8).

    Parameters
    ----------
    order : {0, 1, 2}
        p: step function, ReLU, squared ReLU.
    bias : float
        Variance of a Gaussian bias inside the activation.
    """

    order: int = 1
    bias: float = 0.0

    def __post_init__(self):
        if self.order not in (0, 1, 2):
            raise ValueError(f"order={self.order!r} must be 0, 1 or 2. Pass order=1 for ReLU.")
        BIAS.check(self.bias, "bias")

    def profile(self):
        return Profile(PROFILES[self.order], self.order, 0.0)

    def values(self, s, s_xx, s_zz):
        cosine, x, z = cosines(s, s_xx, s_zz)
        J = PROFILES[self.order](cosine)
        J *= x**self.order
        J *= z**self.order
        return J

    def partial_derivatives(self, s, s_xx, s_zz):
        """As in `DotProductKernel`; no gradient at x = 0, nor, for order 0, where x and z are parallel (t = 0, pi)."""
        return arc_cosine_derivatives(self.order, *angle(s, s_xx, s_zz), s_xx)


def cosines(s: np.ndarray, s_xx: np.ndarray, s_zz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Overwrite ``s`` by ``cos t``, 0 if x or z is 0; return it, and the lengths of x (a, 1) and z (1, b)."""
    x, z = np.sqrt(s_xx), np.sqrt(s_zz)
    for lengths in (x, z):
        s *= np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return s, x, z


def j_0(cosine: np.ndarray) -> np.ndarray:
    """``J_0 / pi`` from cos t."""
    J = supplement(cosine, size_sine_angle(cosine)[2])
    J *= 1 / np.pi
    return J


def j_1(cosine: np.ndarray) -> np.ndarray:
    """``J_1 / pi`` from cos t, which it overwrites."""
    size, sine, t = size_sine_angle(cosine)
    size *= t
    sine -= size
    sine *= 1 / np.pi
    np.maximum(cosine, 0, out=cosine)
    cosine += sine
    return cosine


def j_2(cosine: np.ndarray) -> np.ndarray:
    """``J_2 / pi`` from cos t, which it overwrites."""
    _, sine, t = size_sine_angle(cosine)
    J = supplement(cosine, t)
    sine *= cosine
    sine *= 3 / np.pi
    cosine *= cosine
    cosine *= 2 / np.pi
    cosine += 1 / np.pi
    J *= cosine
    J += sine
    return J


PROFILES = (j_0, j_1, j_2)


def angle(s, s_xx, s_zz):
    """Return (cos t, |x||z|, sin t, t) for a tile; ``s`` becomes the cosine in place, and t = pi/2 if x or z is 0."""
    norms = np.sqrt(s_xx) * np.sqrt(s_zz)
    np.divide(s, norms, out=s, where=norms > 0)
    np.clip(s, -1, 1, out=s)
    t = np.arccos(s)
    return s, norms, np.sqrt(1 - s * s), t


def arc_cosine(order: int, cosine, norms, sine, t) -> np.ndarray:
    """Return ``(|x||z|)^order J_order(t) / pi`` for a tile, so that k_1(x, x) = |x|^2."""
    J = np.pi - t
    if order == 1:
        J *= cosine
        J += sine
        J *= norms
    elif order == 2:
        J *= 1 + 2 * cosine**2
        J += 3 * sine * cosine
        J *= norms**2
    J *= 1 / np.pi
    return J


def arc_cosine_derivatives(order: int, cosine, norms, sine, t, s_xx) -> tuple[np.ndarray, np.ndarray]:
    """Return the partial derivatives of k_order by s and s_xx for a tile; 0 where there is no gradient in x."""
    if order == 0:
        k, by_s = 0.0, np.zeros_like(t)
        np.divide(1 / np.pi, norms * sine, out=by_s, where=norms * sine**2 > 8 * np.finfo(t.dtype).eps * norms)
    else:
        k = arc_cosine(order, cosine, norms, sine, t)
        by_s = arc_cosine(order - 1, cosine, norms, sine, t) * (1 if order == 1 else 4)
    by_xx = np.zeros_like(t)
    np.divide(order * k - cosine * norms * by_s, 2 * s_xx, out=by_xx, where=s_xx > 0)
    return by_s, by_xx
