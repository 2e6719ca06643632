"""Kernels of infinitely wide ReLU layers and networks.

With ``cos t = s / sqrt(s_xx s_zz)``:

    arc-cosine   k_p = (s_xx s_zz)^{p/2} J_p(t) / pi                                       (Cho & Saul 2009)
                 J_0 = pi - t,   J_1 = sin t + (pi - t) cos t,   J_2 = 3 sin t cos t + (pi - t)(1 + 2 cos^2 t)
    NTK          Theta_1 = Sigma_1 = s;   Sigma_{l+1} = k_1(Sigma_l) + bias,               (Jacot et al. 2018)
                 Theta_{l+1} = Sigma_{l+1} + Theta_l * k_0(Sigma_l)

The derivatives by s are ``k_2' = 4 k_1``, ``k_1' = k_0``, ``k_0' = 1 / (pi sqrt(s_xx s_zz) sin t)`` (Price's theorem).
k_p is homogeneous in x of degree p, hence ``2 s_xx dk/ds_xx = p k - s dk/ds`` (Euler's theorem).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layerwise._validation import Integer
from layerwise.kernels.base import BIAS, DotProductKernel


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

    def values(self, s, s_xx, s_zz):  # noqa: D102
        return arc_cosine(self.order, *angle(s, s_xx, s_zz))

    def partial_derivatives(self, s, s_xx, s_zz):
        """As in `DotProductKernel`; no gradient at x = 0, nor, for order 0, where x and z are parallel (t = 0, pi)."""
        return arc_cosine_derivatives(self.order, *angle(s, s_xx, s_zz), s_xx)


@dataclass(frozen=True)
class NeuralTangentKernel(DotProductKernel):
    """Neural tangent kernel of a fully connected ReLU network with all layers trained.

    The weights have variance 2 / fan-in; see Jacot, Gabriel, Hongler 2018, Theorem 1.

    Parameters
    ----------
    depth : int
        Number of layers of weights; 2 is the two-layer network.
    bias : float
        Variance of the Gaussian biases in every layer.
    """

    depth: int = 2
    bias: float = 0.0

    def __post_init__(self):
        Integer(1).check(self.depth, "depth")
        BIAS.check(self.bias, "bias")

    def values(self, s, s_xx, s_zz):  # noqa: D102
        tangent = s.copy()
        for _ in range(self.depth - 1):
            cosine, norms, sine, t = angle(s, s_xx, s_zz)
            tangent *= arc_cosine(0, cosine, norms, sine, t)
            s = arc_cosine(1, cosine, norms, sine, t)
            s += self.bias
            s_xx, s_zz = s_xx + self.bias, s_zz + self.bias
            tangent += s
        return tangent

    def partial_derivatives(self, s, s_xx, s_zz):
        """As in `DotProductKernel`: the recursion, differentiated.

        No gradient at x = 0 without a bias. From depth 2, k_0 has none where x and z are parallel, and is constant
        there.
        """
        tangent, by_s, by_xx = s.copy(), np.ones_like(s), np.zeros_like(s)  # Theta, dTheta/ds, dTheta/ds_xx
        s_by_s, s_by_xx = np.ones_like(s), np.zeros_like(s)  # of Sigma
        for _ in range(self.depth - 1):
            parts = angle(s, s_xx, s_zz)
            k_0, (k_0_s, k_0_xx) = arc_cosine(0, *parts), arc_cosine_derivatives(0, *parts, s_xx)
            k_1, (k_1_s, k_1_xx) = arc_cosine(1, *parts), arc_cosine_derivatives(1, *parts, s_xx)
            by_s = by_s * k_0 + tangent * k_0_s * s_by_s
            by_xx = by_xx * k_0 + tangent * (k_0_s * s_by_xx + k_0_xx)
            s_by_s, s_by_xx = k_1_s * s_by_s, k_1_s * s_by_xx + k_1_xx
            s = k_1 + self.bias
            s_xx, s_zz = s_xx + self.bias, s_zz + self.bias
            tangent = tangent * k_0 + s
            by_s, by_xx = by_s + s_by_s, by_xx + s_by_xx
        return by_s, by_xx


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
