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

    def values(self, s, s_xx, s_zz):  # noqa: D102
        return np.power(s, self.degree, out=s)

    def partial_derivatives(self, s, s_xx, s_zz):  # noqa: D102
        return self.degree * s ** (self.degree - 1), 0.0
