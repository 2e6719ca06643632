"""Kernels ``E_v[sigma(v.x) sigma(v.z)]`` of infinitely wide layers, v uniform on the unit sphere.

For a polynomial sigma, with u = v.x and w = v.z,

    E u^i w^j = C sum_l i! j! / [((i-l)/2)! ((j-l)/2)! l! 2^((i+j)/2-l)] s_xx^((i-l)/2) s_zz^((j-l)/2) s^l

over l = i, i-2, ..., l <= j, i + j even; C = d^((i+j)/2) / [d (d+2) ... (d+i+j-2)] (Isserlis' theorem for a Gaussian v,
whose length is independent of its direction).
"""

from __future__ import annotations

from math import factorial

import numpy as np

from layerwise.activations import Activation, ActivationLike, as_polynomial
from layerwise.kernels.arc_cosine import ArcCosineKernel
from layerwise.kernels.base import DotProductKernel


class PolynomialActivationKernel(DotProductKernel):
    """Kernel ``E_v[sigma(v.x) sigma(v.z)]`` of an infinitely wide polynomial layer, v uniform on the unit sphere.

    It is the kernel K of the middle layer of Nichani, Damian, Lee 2023.

    Parameters
    ----------
    activation : sequence of float, HermiteSeries, str or Activation
        sigma, as accepted by `layerwise.activations.as_activation`, e.g. its coefficients in orthonormal Hermite
        polynomials; raises ValueError if it is not a polynomial.
    dim : int
        d, the dimension of the inputs.
    """

    def __init__(self, activation: ActivationLike, dim: int):
        self.bias = 0.0
        self.dim = dim
        self.monomials = as_polynomial(activation, constant=True).to_monomials()

    def values(self, s, s_xx, s_zz):
        out = np.zeros_like(s)
        for a, b, power, weight in self._terms():
            out += (weight * s_xx**a * s_zz**b) * s**power
        return out

    def partial_derivatives(self, s, s_xx, s_zz):
        k_s, k_xx = np.zeros_like(s), np.zeros_like(s)
        for a, b, power, weight in self._terms():
            if power:
                k_s += (weight * power * s_xx**a * s_zz**b) * s ** (power - 1)
            if a:
                k_xx += (weight * a * s_xx ** (a - 1) * s_zz**b) * s**power
        return k_s, k_xx

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
