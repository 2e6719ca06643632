"""Kernels in closed form, evaluated tile by tile.

Each is a function of ``s = x.z / d + bias`` and of the same for (x, x) and (z, z), whose angle is
``cos t = s / sqrt(s_xx s_zz)``:

    arc-cosine   k_p = (s_xx s_zz)^{p/2} J_p(t) / pi                                       (Cho & Saul 2009)
                 J_0 = pi - t,   J_1 = sin t + (pi - t) cos t,   J_2 = 3 sin t cos t + (pi - t)(1 + 2 cos^2 t)
    NTK          Theta_1 = Sigma_1 = s;   Sigma_{l+1} = k_1(Sigma_l) + bias,               (Jacot et al. 2018)
                 Theta_{l+1} = Sigma_{l+1} + Theta_l * k_0(Sigma_l)
    polynomial   s^degree
    activation   E_v[sigma(v.x) sigma(v.z)], v uniform on the unit sphere, sigma a polynomial: with u = v.x, w = v.z

                 E u^i w^j = C sum_l i! j! / [((i-l)/2)! ((j-l)/2)! l! 2^((i+j)/2-l)] s_xx^((i-l)/2) s_zz^((j-l)/2) s^l

                 over l = i, i-2, ..., l <= j, i + j even; C = d^((i+j)/2) / [d (d+2) ... (d+i+j-2)]  (Isserlis' theorem
                 for a Gaussian v, whose length is independent of its direction)

A Gram matrix is filled by square tiles, the upper half computed and mirrored: one product of two row blocks and a few
passes over a tile that stays in cache. Beyond the result it needs memory for a few tiles only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np

from layerwise.hermite import HermiteSeries

TILE = 384


class DotProductKernel(ABC):
    """A kernel k(x, z) that depends on x.z, |x|^2 and |z|^2 only.

    Subclasses have a ``bias >= 0``, added to x.z / d, and turn a tile of inner products into kernel values.
    """

    bias: float

    @abstractmethod
    def values(self, s: np.ndarray, s_xx: np.ndarray, s_zz: np.ndarray) -> np.ndarray:
        """Kernel values from inner products ``s`` (a, b), ``s_xx`` (a, 1) and ``s_zz`` (1, b); may overwrite ``s``."""

    def __call__(self, X: np.ndarray, Z: np.ndarray | None = None) -> np.ndarray:
        """Kernel matrix of shape (n_x, n_z); of X with itself, by its upper half, where Z is None."""
        X, Z = self._points(X), None if Z is None else self._points(Z)
        other = X if Z is None else Z
        out = np.empty((X.shape[0], other.shape[0]), dtype=X.dtype)
        for i in range(0, X.shape[0], TILE):
            for j in range(i if Z is None else 0, other.shape[0], TILE):
                rows, columns = slice(i, i + TILE), slice(j, j + TILE)
                out[rows, columns] = self._tile(X[rows], other[columns])
                if Z is None and j > i:
                    out[columns, rows] = out[rows, columns].T
        return out

    def dot(self, X: np.ndarray, Z: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        """``k(X, Z) @ alpha`` of shape (n_x,), the kernel matrix never standing in memory whole."""
        X, Z = self._points(X), self._points(Z)
        out = np.zeros(X.shape[0], dtype=X.dtype)
        for i in range(0, X.shape[0], TILE):
            for j in range(0, Z.shape[0], TILE):
                out[i : i + TILE] += self._tile(X[i : i + TILE], Z[j : j + TILE]) @ alpha[j : j + TILE]
        return out

    def _points(self, X: np.ndarray) -> np.ndarray:
        """X (n, d) as floats."""
        return X if X.dtype.kind == "f" else X.astype(float)

    def _tile(self, X: np.ndarray, Z: np.ndarray) -> np.ndarray:
        d = X.shape[1]
        s = X @ Z.T
        s *= 1 / d
        s += self.bias
        s_xx, s_zz = (np.einsum("ij,ij->i", A, A) / d + self.bias for A in (X, Z))
        return self.values(s, s_xx[:, None], s_zz[None, :])


@dataclass(frozen=True)
class ArcCosineKernel(DotProductKernel):
    """``2 E[relu(w.x)^p relu(w.z)^p]``-type kernel of an infinitely wide layer, w ~ N(0, I/d).

    Parameters
    ----------
    order : {0, 1, 2}
        p: step function, ReLU, squared ReLU.
    bias : float
        Variance of a Gaussian bias inside the activation.

    References
    ----------
    Cho & Saul 2009, equations (4) to (8).
    """

    order: int = 1
    bias: float = 0.0

    def __post_init__(self):
        if self.order not in (0, 1, 2):
            raise ValueError(f"order={self.order!r} of the arc-cosine kernel must be 0, 1 or 2.")
        check_bias(self.bias)

    def values(self, s, s_xx, s_zz):  # noqa: D102
        return arc_cosine(self.order, *angle(s, s_xx, s_zz))


@dataclass(frozen=True)
class NeuralTangentKernel(DotProductKernel):
    """Neural tangent kernel of a fully connected ReLU network, all layers trained.

    Parameters
    ----------
    depth : int
        Number of layers of weights; 2 is the two-layer network.
    bias : float
        Variance of the Gaussian biases of every layer.

    References
    ----------
    Jacot, Gabriel, Hongler 2018, Theorem 1, with weights of variance 2 / fan-in.
    """

    depth: int = 2
    bias: float = 0.0

    def __post_init__(self):
        if self.depth < 1 or int(self.depth) != self.depth:
            raise ValueError(f"depth={self.depth!r} of the neural tangent kernel must be a whole number >= 1.")
        check_bias(self.bias)

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


@dataclass(frozen=True)
class PolynomialKernel(DotProductKernel):
    """``(x.z / d + bias)^degree``.

    Parameters
    ----------
    degree : int
    bias : float
        With 0 only the monomials of exactly this degree are in the span.
    """

    degree: int = 3
    bias: float = 1.0

    def __post_init__(self):
        if self.degree < 1 or int(self.degree) != self.degree:
            raise ValueError(f"degree={self.degree!r} of the polynomial kernel must be a whole number >= 1.")
        check_bias(self.bias)

    def values(self, s, s_xx, s_zz):  # noqa: D102
        return np.power(s, self.degree, out=s)


class PolynomialActivationKernel(DotProductKernel):
    """``E_v[sigma(v.x) sigma(v.z)]`` over v uniform on the unit sphere: an infinitely wide polynomial layer.

    Parameters
    ----------
    coefficients : sequence of float
        Of ``sigma = sum_k c_k h_k`` in orthonormal Hermite polynomials.
    dim : int
        d, the dimension of the inputs.

    References
    ----------
    Nichani, Damian, Lee 2023: the kernel K of the middle layer.
    """

    def __init__(self, coefficients: Sequence[float], dim: int):
        self.bias = 0.0
        self.dim = dim
        self.monomials = HermiteSeries(np.asarray(coefficients, dtype=float)).to_monomials()

    def values(self, s, s_xx, s_zz):  # noqa: D102
        out = np.zeros_like(s)
        for a, b, power, weight in self._terms():
            out += (weight * s_xx**a * s_zz**b) * s**power
        return out

    def dot(self, X, Z, alpha):
        """``k(X, Z) @ alpha``, in ``2 (n_x + n_z) d^2`` flops where sigma is at most quadratic, by moments of Z.

        With ``w_z = alpha_z s_zz^b``, ``sum_z w_z s^l`` is ``sum_z w_z``, ``x.(sum_z w_z z) / d`` or
        ``x'(sum_z w_z z z')x / d^2`` for l = 0, 1, 2.
        """
        X, Z, d = self._points(X), self._points(Z), self.dim
        if len(self.monomials) > 3 or d > len(Z):
            return super().dot(X, Z, alpha)
        s_xx, s_zz = (np.einsum("ij,ij->i", A, A) / d for A in (X, Z))
        out = np.zeros(len(X), dtype=X.dtype)
        for a, b, power, weight in self._terms():
            w = alpha * s_zz**b
            if power == 0:
                moment = np.sum(w)
            elif power == 1:
                moment = X @ (w @ Z) / d
            else:
                moment = np.einsum("ij,ij->i", X @ (Z.T @ (w[:, None] * Z)), X) / d**2
            out += weight * s_xx**a * moment
        return out

    def _points(self, X: np.ndarray) -> np.ndarray:
        if X.shape[1] != self.dim:
            raise ValueError(f"X has {X.shape[1]} columns; this kernel is that of dim={self.dim} inputs. Give such X.")
        return super()._points(X)

    def _terms(self):
        """(a, b, l, weight) of every term ``weight s_xx^a s_zz^b s^l``."""
        for i, a_i in enumerate(self.monomials):
            for j, a_j in enumerate(self.monomials):
                if a_i * a_j != 0 and (i + j) % 2 == 0:
                    for power in range(i % 2, min(i, j) + 1, 2):
                        weight = float(a_i * a_j * self._weight(i, j, power))
                        yield (i - power) // 2, (j - power) // 2, power, weight

    def _weight(self, i: int, j: int, power: int) -> float:
        pairs = factorial((i - power) // 2) * factorial((j - power) // 2) * factorial(power)
        count = factorial(i) * factorial(j) / (pairs * 2.0 ** ((i + j) // 2 - power))
        return count * float(np.prod([self.dim / (self.dim + 2 * m) for m in range((i + j) // 2)]))


def angle(s, s_xx, s_zz):
    """(cos t, |x||z|, sin t, t) of a tile, ``s`` becoming the cosine in place; where x or z vanishes, t = pi/2."""
    norms = np.sqrt(s_xx) * np.sqrt(s_zz)
    np.divide(s, norms, out=s, where=norms > 0)
    np.clip(s, -1, 1, out=s)
    t = np.arccos(s)
    return s, norms, np.sqrt(1 - s * s), t


def arc_cosine(order: int, cosine, norms, sine, t) -> np.ndarray:
    """``(|x||z|)^order J_order(t) / pi``, of a tile; for order 1 and 2 normalised as 2 E[...], so k_1(x, x) = |x|^2."""
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


def check_bias(bias: float) -> None:
    """Raise ValueError unless ``bias``, a variance, is finite and non-negative."""
    if not (np.isfinite(bias) and bias >= 0):
        raise ValueError(f"bias={bias!r} is the variance of a bias and must be a finite number >= 0.")
