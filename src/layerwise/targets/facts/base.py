"""What a target knows about itself, one answer for each way of knowing it.

A target is ``f(x) = f_0(S x)`` with ``S`` (r, dim) of orthonormal rows. Under N(0, I) everything asked of f is asked of
f_0 on R^r: the degree energies are equal, and ``E Hessian f = S' (E Hessian f_0) S``. `Facts` answer for f_0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

COEFFICIENT_FLOOR = 1e-10  # of the norm
ENERGY_FLOOR = 1e-13  # of the variance
ROUNDING = 64 * float(np.finfo(np.float64).eps)


class Facts(ABC):
    """Facts about a function of r standard Gaussian variables."""

    mean: float
    variance: float
    variance_error: float = 0.0
    """Bound, or standard error, of ``variance``; 0 where it is exact to rounding."""
    top_degree: int
    """Degrees above it are zero (a polynomial), or not worth asking for."""

    @abstractmethod
    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """``|P_k f|^2`` for k = 0..max_degree, and the error of each (0 where exact)."""

    @abstractmethod
    def expected_hessian(self) -> Array:
        """E Hessian, shape (r, r)."""

    def energy_floor(self, max_degree: int) -> Array:
        """Energies for k = 0..max_degree that cannot be told from 0; here those of sums that round."""
        return np.full(max_degree + 1, ENERGY_FLOOR * self.variance)

    def coefficient_floor(self) -> float:
        """The same for energies that are squares of exact coefficients: as in `HermiteSeries.information_exponent`."""
        return COEFFICIENT_FLOOR**2 * (self.variance + self.mean**2)

    def information_exponent(self) -> int | None:
        """Least k >= 1 with ``|P_k f|^2 > 0``: above `energy_floor` and 6 errors; None if none is seen."""
        for top in sorted({min(4, self.top_degree), self.top_degree}):
            energies, errors = self.degree_energies(top)
            seen = np.flatnonzero((energies > np.maximum(self.energy_floor(top), 6.0 * errors))[1:])
            if self.variance > 0.0 and len(seen):
                return int(seen[0]) + 1
        return None


def padded(values: Array, max_degree: int) -> Array:
    """``values`` cut or filled with zeros to length max_degree + 1."""
    out = np.zeros(max_degree + 1)
    out[: len(values)] = values[: max_degree + 1]
    return out


def distinct(values: Array, rtol: float = 1e-10) -> tuple[Array, Array]:
    """Distinct values in increasing order, and the place of each in them.

    Values within ``rtol`` of the largest size are one, their mean: eigenvalues of one matrix come back rounded.
    """
    order = np.argsort(values, kind="stable")
    place = np.empty(len(values), dtype=int)
    apart = np.diff(values[order]) > rtol * np.abs(values).max(initial=0.0)
    place[order] = np.cumsum(np.append(0, apart))[: len(values)]
    return np.bincount(place, weights=values) / np.bincount(place), place
