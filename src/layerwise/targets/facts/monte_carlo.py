"""Facts by Monte Carlo, for functions about which nothing is known: fixed seeds, with standard errors.

The sample consists of 32 independently scrambled Sobol nets of 8192 Gaussian points each. Let ``T_g`` be the means over
net g of ``f(x) h_alpha(x)``, all ``|alpha| = k``. The mean of ``<T_g, T_g'>`` over g != g' is an unbiased estimate of
``|P_k f|^2``, and the jackknife over nets gives its standard error (in few dimensions far below that of as many
independent points). Degrees whose basis would exceed 2000 columns come from the noise stability of f without its
quadratic part (see `noise_stability`), whose error does not grow with the number of coefficients.

A second sample, stretched to where ``(f - E f)^2`` is large (see `importance`), checks the variance. Where the two
disagree, or the first is too inaccurate, the nets are drawn from the stretched distribution and weighted. A variance
that neither sample determines has an infinite error.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from layerwise.hermite import design_matrix, n_terms
from layerwise.targets.facts.base import Array, Facts, padded
from layerwise.targets.facts.importance import MAX_TAIL_INDEX, adapt, isotropic, tail_index
from layerwise.targets.facts.noise_stability import LAST, stability_energies

SEED = 271828
NETS, NET_SIZE = 32, 2**13
MAX_COLUMNS = 2000
MAX_DISAGREEMENT_SE = 3.0
CANCELLATION = 1e-13  # rounding of E f^2 - (E f)^2, relative to E f^2
MAX_PLAIN_ERROR = 0.1  # relative; beyond it a stretched sample of half the error is preferred


class MonteCarloFacts(Facts):
    """Facts about any square-integrable function of r standard Gaussian variables.

    Parameters
    ----------
    function : callable
        f, from points of shape (n, dim) to values of shape (n,).
    dim : int
        r.
    """

    top_degree = 6

    def __init__(self, function: Callable[[Array], Array], dim: int):
        self._function, self._dim = function, dim
        self._basis_degree = 2
        while self._basis_degree < 6 and n_terms(dim, self._basis_degree + 1) <= MAX_COLUMNS:
            self._basis_degree += 1
        self._proposal = isotropic(1.0, dim)
        self._determined = True

    def _net_means(self) -> tuple[Array, Array, float]:
        """Means over each net of ``f h_alpha`` (nets, terms) and of ``f^2`` (nets,); tail index of ``f^2``."""
        moments, squares = np.zeros((NETS, n_terms(self._dim, self._basis_degree))), np.zeros(NETS)
        largest = []
        rows = max(64, 2**22 // moments.shape[1])
        for g, seed in enumerate(np.random.SeedSequence(SEED).spawn(NETS)):
            rng = np.random.default_rng(seed)
            net = qmc.Sobol(self._dim, seed=rng).random(NET_SIZE)  # pyright: ignore[reportCallIssue] (rng= from SciPy 1.15)
            X = self._proposal.stretch(ndtri(np.clip(net, 2.0**-54, 1.0 - 2.0**-53)))
            weights, values = self._proposal.weights(X), self._function(X)
            y = weights * values
            largest.append(weights * values**2)
            squares[g] = np.mean(largest[-1])
            for start in range(0, NET_SIZE, rows):
                part = slice(start, start + rows)
                moments[g] += y[part] @ design_matrix(X[part], self._basis_degree) / NET_SIZE
        return moments, squares, tail_index(np.concatenate(largest))

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        """Means over each net, from the stretched sample if the check of the variance requires it."""
        moments, squares, tail = self._net_means()
        (variance, error), mean = _variance(moments, squares), float(moments[:, 0].mean())
        check = adapt(self._function, self._dim, mean, SEED)
        rounding = CANCELLATION * float(squares.mean())
        agree = abs(check.variance - variance) <= MAX_DISAGREEMENT_SE * np.hypot(check.error, error) + rounding
        inaccurate = error > MAX_PLAIN_ERROR * variance + rounding and check.error < 0.5 * error
        if check.trusted and (not agree or inaccurate):
            self._proposal = check.proposal
            moments, squares, _ = self._net_means()
        elif not check.trusted and (not agree or tail >= MAX_TAIL_INDEX):
            self._determined = False
        return moments, squares

    @cached_property
    def mean(self) -> float:  # type: ignore[override]
        """Mean of f."""
        return float(self._moments[0][:, 0].mean())

    @cached_property
    def variance(self) -> float:  # type: ignore[override]
        """Mean of f^2 minus an unbiased estimate of the squared mean."""
        return max(_variance(*self._moments)[0], 0.0)

    @cached_property
    def variance_error(self) -> float:  # type: ignore[override]
        """Standard error of the variance; infinite where neither sample determines it."""
        error = _variance(*self._moments)[1]
        return error if self._determined else np.inf

    @cached_property
    def _low(self) -> tuple[Array, Array]:
        """Unbiased energies of the degrees in the basis, and their standard errors."""
        ends = [0] + [n_terms(self._dim, k) for k in range(self._basis_degree + 1)]
        pairs = [between(self._moments[0][:, ends[k] : ends[k + 1]]) for k in range(self._basis_degree + 1)]
        energies, errors = np.array(pairs).T
        return energies, errors

    @cached_property
    def _high(self) -> tuple[Array, Array]:
        """Energies of degrees 0..LAST by noise stability; only those beyond the basis are used."""
        c, H = self._moments[0].mean(axis=0)[: self._dim + 1], self.expected_hessian()
        deviations = self._moments[0].var(axis=0, ddof=1) / NETS
        ends = [0] + [n_terms(self._dim, k) for k in range(3)]
        left = np.array([deviations[ends[k] : ends[k + 1]].sum() for k in range(3)])  # E |P_k f - estimate|^2

        def rest(X: Array) -> Array:
            return self._function(X) - c[0] - X @ c[1:] - 0.5 * (np.einsum("ni,ni->n", X @ H, X) - np.trace(H))

        energies, errors = self._low
        known, spread = np.append(left, energies[3:]), np.append(left, errors[3:])
        return stability_energies(rest, self._dim, known, spread, SEED, self._proposal)

    def degree_energies(self, max_degree: int) -> tuple[Array, Array]:
        """Estimates and their errors (standard errors, and bounds of the leakage from other degrees).

        Negative estimates are set to 0, and each degree is capped at the variance that the lower degrees leave. All
        errors are infinite where that of the variance is.
        """
        top = self._basis_degree
        energies, errors = self._low
        if max_degree > top:
            high, high_errors = self._high
            energies, errors = np.append(energies, high[top + 1 :]), np.append(errors, high_errors[top + 1 :])
        energies = np.clip(energies, 0.0, None)
        energies[1:] = np.diff(np.minimum(np.cumsum(energies[1:]), self.variance), prepend=0.0)
        energies, errors = padded(energies, max_degree), padded(errors, max_degree)
        errors[LAST + 1 :] = self.variance
        return energies, errors if self._determined else np.full(max_degree + 1, np.inf)

    def expected_hessian(self) -> Array:
        """``E f(x) (x x' - I)`` (Stein): sqrt(2) c_{2 e_i} on the diagonal, c_{e_i + e_j} elsewhere."""
        first, last = n_terms(self._dim, 1), n_terms(self._dim, 2)
        c = self._moments[0][:, first:last].mean(axis=0)
        j, i = np.tril_indices(self._dim)  # the order of multi_indices: e_i + e_j, i = 0..j, for j = 0..dim-1
        hessian = np.zeros((self._dim, self._dim))
        hessian[i, j] = hessian[j, i] = np.where(i == j, np.sqrt(2.0), 1.0) * c
        return hessian


def _variance(moments: Array, squares: Array) -> tuple[float, float]:
    """The variance from the net means of ``f h_alpha`` and of ``f^2``, and its standard error."""
    variance = float(squares.mean()) - between(moments[:, :1])[0]
    influence = squares - 2.0 * float(moments[:, 0].mean()) * moments[:, 0]
    return variance, float(influence.std(ddof=1) / np.sqrt(NETS))


def between(T: Array) -> tuple[float, float]:
    """Mean of <T_g, T_g'> over g != g' for rows T_g of T (n_nets, terms), and its jackknife standard error."""
    n = len(T)
    total, squares = T.sum(axis=0), np.einsum("gi,gi->g", T, T)
    pairs = float(total @ total - squares.sum())
    left_out = (pairs - 2.0 * (T @ total - squares)) / ((n - 1) * (n - 2))
    error = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))
    return pairs / (n * (n - 1)), float(error)
