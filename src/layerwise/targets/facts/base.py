"""Facts about a target under standard Gaussian inputs: mean, variance, energies by Hermite degree, expected Hessian.

A target is ``f(x) = f_0(S x)``, where S (r, dim) has orthonormal rows. `Facts` describe f_0 on R^r: f has the same
mean, variance and degree energies, and ``E Hessian f = S' (E Hessian f_0) S``. Each subclass is one method.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from layerwise.inputs import Array

COEFFICIENT_FLOOR = 1e-10  # relative to the norm
ENERGY_FLOOR = 1e-13  # relative to the variance
MAX_RELATIVE_ERROR = 1 / 3
ROUNDING = 64 * float(np.finfo(np.float64).eps)


class Facts(ABC):
    """Facts about a function of r standard Gaussian variables."""

    mean: float
    variance: float
    variance_error: float = 0.0
    """Error bound or standard error of ``variance``: 0 where it is exact to rounding, inf where it is unknown."""
    top_degree: int
    """Largest degree that `information_exponent` considers: the degree of a polynomial, or a practical limit."""
    exact_degree: int | None = None
    """The degree of a function that is known to be a polynomial, else None."""

    @property
    def variance_reliable(self) -> bool:
        """Whether the error of ``variance`` is at most a third of it, rounding aside."""
        rounding = ROUNDING * (self.variance + self.mean**2)
        return bool(self.variance_error <= max(MAX_RELATIVE_ERROR * self.variance, rounding))

    @abstractmethod
    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """Return ``|P_k f|^2`` for k = 0..max_degree, and the error of each (0 where exact)."""

    @abstractmethod
    def expected_hessian(self) -> Array:
        """Return E Hessian f_0, shape (r, r)."""

    def energy_floor(self, max_degree: int) -> Array:
        """Largest energy for k = 0..max_degree that rounding can produce where the truth is 0."""
        return np.full(max_degree + 1, ENERGY_FLOOR * self.variance)

    def coefficient_floor(self) -> float:
        """The same for squares of exact coefficients, as in `HermiteSeries.information_exponent`."""
        return COEFFICIENT_FLOOR**2 * (self.variance + self.mean**2)

    def information_exponent(self) -> int | None:
        """Smallest k >= 1 with ``|P_k f|^2`` above `energy_floor` and 6 errors; None if there is no such k."""
        for top in sorted({min(4, self.top_degree), self.top_degree}):
            energies, errors = self.degree_energies(top)
            seen = np.flatnonzero((energies > np.maximum(self.energy_floor(top), 6.0 * errors))[1:])
            if self.variance > 0.0 and len(seen):
                return int(seen[0]) + 1
        return None


def padded(values: Array, max_degree: int) -> Array:
    """Truncate ``values`` or fill it with zeros, to length max_degree + 1."""
    out = np.zeros(max_degree + 1)
    out[: len(values)] = values[: max_degree + 1]
    return out


def distinct(values: Array, rtol: float = 1e-10) -> tuple[Array, Array]:
    """Return the distinct values in increasing order, and the index of each value among them.

    Values that differ by at most ``rtol`` times the largest absolute value are replaced by their mean, since computed
    eigenvalues are rounded.
    """
    order = np.argsort(values, kind="stable")
    index = np.empty(len(values), dtype=int)
    apart = np.diff(values[order]) > rtol * np.abs(values).max(initial=0.0)
    index[order] = np.cumsum(np.append(0, apart))[: len(values)]
    return np.bincount(index, weights=values) / np.bincount(index), index
