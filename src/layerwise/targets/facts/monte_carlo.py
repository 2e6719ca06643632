"""Facts by Monte Carlo: the last resort, drawn once at a fixed seed, with standard errors.

32 independently scrambled Sobol nets of 8192 Gaussian points each. With ``T_g`` the means over net g of
``f(x) h_alpha(x)``, all ``|alpha| = k``, the mean of ``<T_g, T_g'>`` over g != g' is unbiased for ``|P_k f|^2``, and
the jackknife over nets gives its standard error (in few dimensions far below that of as many independent points).
Degrees whose basis would pass 2000 columns come from `degree_spectrum` of f less its lower degrees on 6000 independent
points: unbiased too, but its noise grows with the number of coefficients, like ``sqrt(2 C(r+k-1, k)) E f^2 / 6000``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from layerwise.hermite import degree_spectrum, design_matrix, n_terms
from layerwise.targets.facts.base import Array, Facts

SEED = 271828
NETS, NET_SIZE = 32, 2**13
SPECTRUM_SIZE = 6000
MAX_COLUMNS = 2000


class MonteCarloFacts(Facts):
    """Facts about any square-integrable function of r standard Gaussian variables."""

    top_degree = 6

    def __init__(self, function: Callable[[Array], Array], dim: int):
        self._function, self._dim = function, dim
        self._basis_degree = 2
        while self._basis_degree < 6 and n_terms(dim, self._basis_degree + 1) <= MAX_COLUMNS:
            self._basis_degree += 1
        self._spectra: dict[int, tuple[Array, Array]] = {}

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        """Means over each net of ``f h_alpha`` (nets, terms) and of ``f^2`` (nets,)."""
        moments, squares = np.zeros((NETS, n_terms(self._dim, self._basis_degree))), np.zeros(NETS)
        rows = max(64, 2**22 // moments.shape[1])
        for g, seed in enumerate(np.random.SeedSequence(SEED).spawn(NETS)):
            rng = np.random.default_rng(seed)
            net = qmc.Sobol(self._dim, seed=rng).random(NET_SIZE)  # pyright: ignore[reportCallIssue] (rng= from SciPy 1.15)
            X = ndtri(np.clip(net, 2.0**-54, 1.0 - 2.0**-53))
            y = self._function(X)
            squares[g] = np.mean(y**2)
            for start in range(0, NET_SIZE, rows):
                part = slice(start, start + rows)
                moments[g] += y[part] @ design_matrix(X[part], self._basis_degree) / NET_SIZE
        return moments, squares

    @cached_property
    def mean(self) -> float:  # type: ignore[override]
        """Mean of f."""
        return float(self._moments[0][:, 0].mean())

    @cached_property
    def variance(self) -> float:  # type: ignore[override]
        """Mean of f^2 less the unbiased square of the mean."""
        return float(self._moments[1].mean()) - _between(self._moments[0][:, :1])[0]

    @cached_property
    def variance_error(self) -> float:  # type: ignore[override]
        """Standard error of the variance."""
        influence = self._moments[1] - 2.0 * self.mean * self._moments[0][:, 0]
        return float(influence.std(ddof=1) / np.sqrt(NETS))

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """Unbiased estimates (they may fall below zero) and their standard errors."""
        if max_degree not in self._spectra:
            energies, errors = np.zeros(max_degree + 1), np.zeros(max_degree + 1)
            if max_degree > self._basis_degree:
                X = np.random.default_rng(SEED).standard_normal((SPECTRUM_SIZE, self._dim))
                fitted = design_matrix(X, self._basis_degree) @ self._moments[0].mean(axis=0)
                spectrum = degree_spectrum(X, self._function(X) - fitted, max_degree)  # degrees above: unchanged
                energies[:], errors[:] = spectrum.energies, spectrum.standard_errors
            ends = [0] + [n_terms(self._dim, k) for k in range(self._basis_degree + 1)]
            for k in range(min(max_degree, self._basis_degree) + 1):
                energies[k], errors[k] = _between(self._moments[0][:, ends[k] : ends[k + 1]])
            self._spectra[max_degree] = energies, errors
        energies, errors = self._spectra[max_degree]
        return energies.copy(), errors.copy()

    def expected_hessian(self) -> Array:
        """``E f(x) (x x' - I)`` (Stein): sqrt(2) c_{2 e_i} on, c_{e_i + e_j} off the diagonal."""
        first, last = n_terms(self._dim, 1), n_terms(self._dim, 2)
        c = self._moments[0][:, first:last].mean(axis=0)
        j, i = np.tril_indices(self._dim)  # the order of multi_indices: e_i + e_j, i = 0..j, for j = 0..dim-1
        hessian = np.zeros((self._dim, self._dim))
        hessian[i, j] = hessian[j, i] = np.where(i == j, np.sqrt(2.0), 1.0) * c
        return hessian


def _between(T: Array) -> tuple[float, float]:
    """Mean of <T_g, T_g'> over g != g', and its jackknife standard error."""
    n = len(T)
    total, squares = T.sum(axis=0), np.einsum("gi,gi->g", T, T)
    pairs = float(total @ total - squares.sum())
    left_out = (pairs - 2.0 * (T @ total - squares)) / ((n - 1) * (n - 2))
    error = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))
    return pairs / (n * (n - 1)), float(error)
