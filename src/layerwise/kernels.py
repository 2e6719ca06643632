"""Kernels in closed form, evaluated tile by tile.

Each is a function of ``s = x.z / d + bias`` and of the same expressions s_xx, s_zz for (x, x) and (z, z). Where an
angle t appears, ``cos t = s / sqrt(s_xx s_zz)``:

    arc-cosine   k_p = (s_xx s_zz)^{p/2} J_p(t) / pi                                       (Cho & Saul 2009)
                 J_0 = pi - t,   J_1 = sin t + (pi - t) cos t,   J_2 = 3 sin t cos t + (pi - t)(1 + 2 cos^2 t)
    NTK          Theta_1 = Sigma_1 = s;   Sigma_{l+1} = k_1(Sigma_l) + bias,               (Jacot et al. 2018)
                 Theta_{l+1} = Sigma_{l+1} + Theta_l * k_0(Sigma_l)
    polynomial   s^degree
    activation   E_v[sigma(v.x) sigma(v.z)], v uniform on the unit sphere, sigma a polynomial: with u = v.x, w = v.z

                 E u^i w^j = C sum_l i! j! / [((i-l)/2)! ((j-l)/2)! l! 2^((i+j)/2-l)] s_xx^((i-l)/2) s_zz^((j-l)/2) s^l

                 over l = i, i-2, ..., l <= j, i + j even; C = d^((i+j)/2) / [d (d+2) ... (d+i+j-2)]  (Isserlis' theorem
                 for a Gaussian v, whose length is independent of its direction)

A Gram matrix is computed in square tiles, its upper half mirrored: one product of two row blocks per tile and a few
passes over a tile that stays in cache. Apart from the result it needs memory for a few tiles only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import factorial

import numpy as np

from layerwise._validation import Integer, Number
from layerwise.activations import Activation, ActivationLike, as_polynomial

#: Rows and columns of a tile.
TILE = 384
#: The variance of a bias.
BIAS = Number(zero=True)


class DotProductKernel(ABC):
    """Kernel k(x, z) that depends on x.z, |x|^2 and |z|^2 only.

    Subclasses have a ``bias >= 0``, added to x.z / d, and map a tile of inner products to kernel values.
    """

    bias: float

    @abstractmethod
    def values(self, s: np.ndarray, s_xx: np.ndarray, s_zz: np.ndarray) -> np.ndarray:
        """Kernel values from inner products ``s`` (a, b), ``s_xx`` (a, 1) and ``s_zz`` (1, b); may overwrite ``s``."""

    def __call__(self, X: np.ndarray, Z: np.ndarray | None = None) -> np.ndarray:
        """Compute the kernel matrix, of shape (n_x, n_z); if Z is None, that of X with itself, by its upper half."""
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
        """Compute ``k(X, Z) @ alpha``, of shape (n_x,), without forming the whole kernel matrix."""
        X, Z = self._points(X), self._points(Z)
        out = np.zeros(X.shape[0], dtype=X.dtype)
        for i in range(0, X.shape[0], TILE):
            for j in range(0, Z.shape[0], TILE):
                out[i : i + TILE] += self._tile(X[i : i + TILE], Z[j : j + TILE]) @ alpha[j : j + TILE]
        return out

    def _points(self, X: np.ndarray) -> np.ndarray:
        """Return X (n, d) as an array of floats."""
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


@dataclass(frozen=True)
class PolynomialKernel(DotProductKernel):
    """``(x.z / d + bias)^degree``.

    Parameters
    ----------
    degree : int
    bias : float
        With 0, only monomials of exactly this degree are in the span.
    """

    degree: int = 3
    bias: float = 1.0

    def __post_init__(self):
        Integer(1).check(self.degree, "degree")
        BIAS.check(self.bias, "bias")

    def values(self, s, s_xx, s_zz):  # noqa: D102
        return np.power(s, self.degree, out=s)


class PolynomialActivationKernel(DotProductKernel):
    """Kernel ``E_v[sigma(v.x) sigma(v.z)]`` of an infinitely wide polynomial layer, v uniform on the unit sphere.

    It is the kernel K of the middle layer of Nichani, Damian, Lee 2023.

    Parameters
    ----------
    activation : sequence of float, HermiteSeries, str or Activation
        sigma, as `layerwise.activations.as_activation` takes it, e.g. its coefficients in orthonormal Hermite
        polynomials; ValueError if it is not a polynomial.
    dim : int
        d, the dimension of the inputs.
    """

    def __init__(self, activation: ActivationLike, dim: int):
        self.bias = 0.0
        self.dim = dim
        self.monomials = as_polynomial(activation, constant=True).to_monomials()

    def values(self, s, s_xx, s_zz):  # noqa: D102
        out = np.zeros_like(s)
        for a, b, power, weight in self._terms():
            out += (weight * s_xx**a * s_zz**b) * s**power
        return out

    def dot(self, X, Z, alpha):
        """Compute ``k(X, Z) @ alpha``, in ``2 (n_x + n_z) d^2`` flops by moments of Z if sigma is at most quadratic.

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
            raise ValueError(f"X has {X.shape[1]} columns; this kernel needs {self.dim}. Pass such X, or another dim.")
        return super()._points(X)

    def _terms(self):
        """Yield (a, b, l, weight) for every term ``weight s_xx^a s_zz^b s^l``."""
        for i, a_i in enumerate(self.monomials):
            for j, a_j in enumerate(self.monomials):
                if a_i * a_j != 0 and (i + j) % 2 == 0:
                    C = float(np.prod([self.dim / (self.dim + 2 * m) for m in range((i + j) // 2)]))
                    for power in range(i % 2, min(i, j) + 1, 2):
                        pairs = factorial((i - power) // 2) * factorial((j - power) // 2) * factorial(power)
                        count = factorial(i) * factorial(j) / (pairs * 2.0 ** ((i + j) // 2 - power))
                        yield (i - power) // 2, (j - power) // 2, power, float(a_i * a_j * (count * C))


def activation_kernel(activation: Activation, dim: int) -> tuple[DotProductKernel, float]:
    """Return a kernel k and a factor c with ``E_v[sigma(v.x) sigma(v.z)] = c k(x, z)``, v uniform on the unit sphere.

    Raises ValueError if sigma is neither ReLU nor a polynomial: no closed form is implemented for others.
    """
    if activation.is_relu:
        return ArcCosineKernel(1), 0.5
    if activation.polynomial is None:
        raise ValueError(
            f"activation={activation!r} must be 'relu' or a polynomial: the kernel of its infinitely wide layer has no "
            "closed form here. Pass e.g. (0, 0, 1) for h_2, or use a layer of finite width."
        )
    return PolynomialActivationKernel(activation, dim), 1.0


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
