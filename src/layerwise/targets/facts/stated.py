"""Facts stated in closed form, with the remaining ones taken from elsewhere."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from layerwise._validation import Number, as_vector
from layerwise.targets.facts.base import Array, Facts, padded


class StatedFacts(Facts):
    """Facts that the caller states, which are trusted, completed by those of another object.

    Parameters
    ----------
    other : Facts
        Answers for everything that is not stated.
    mean, variance : float, optional
        E f and Var f.
    energies : array-like of shape (K + 1,), optional
        ``|P_k f|^2`` for k = 0..K.
    hessian : array-like of shape (r, r), optional
        E Hessian of f_0.

    Raises
    ------
    ValueError
        If a stated value is not finite, or a variance or an energy is negative.
    """

    def __init__(
        self,
        other: Facts,
        *,
        mean: float | None = None,
        variance: float | None = None,
        energies: ArrayLike = (),
        hessian: ArrayLike | None = None,
    ):
        Number(zero=True, none=True).check(variance, "variance")
        self._other, self._mean, self._variance = other, mean, variance
        self._energies = as_vector(np.asarray(energies, dtype=float), "energies")
        self._hessian = None if hessian is None else np.asarray(hessian, dtype=float)
        if np.any(self._energies < 0.0):
            raise ValueError(f"energies={self._energies} must be >= 0. They are squared norms: check their formula.")
        self.top_degree = max(other.top_degree, len(self._energies) - 1)
        self.exact_degree = other.exact_degree

    @cached_property
    def mean(self) -> float:  # type: ignore[override]
        """E f."""
        return self._other.mean if self._mean is None else float(self._mean)

    @cached_property
    def variance(self) -> float:  # type: ignore[override]
        """Var f."""
        return self._other.variance if self._variance is None else float(self._variance)

    @cached_property
    def variance_error(self) -> float:  # type: ignore[override]
        """0 if the variance is stated."""
        return self._other.variance_error if self._variance is None else 0.0

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """The stated energies, with error 0, followed by the others."""
        known = len(self._energies)
        if max_degree < known:
            return padded(self._energies, max_degree), np.zeros(max_degree + 1)
        energies, errors = self._other.degree_energies(max_degree)
        return np.append(self._energies, energies[known:]), np.append(np.zeros(known), errors[known:])

    def expected_hessian(self) -> Array:
        """The stated Hessian, or the other one."""
        return self._other.expected_hessian() if self._hessian is None else self._hessian
