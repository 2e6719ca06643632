"""The polynomial kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layerwise._validation import Integer
from layerwise.kernels.base import BIAS, DotProductKernel


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

    def values(self, s, s_xx, s_zz):
        return _power(s, self.degree)

    def partial_derivatives(self, s, s_xx, s_zz):
        return self.degree * _power(s, self.degree - 1), 0.0


def _power(s: np.ndarray, degree: int) -> np.ndarray:
    """``s^degree`` by squaring: `np.power` calls the C library's function for each element."""
    out = np.ones_like(s) if degree % 2 == 0 else s.copy()
    while degree := degree // 2:
        s *= s
        if degree % 2:
            out *= s
    return out
