"""Directions from the moments of x given y, which show what no moment of y itself shows.

For ``y = g(u.x, noise)`` with |u| = 1 and x ~ N(0, I) let ``zeta_k(y) = E[h_k(u.x) | y]``. A transform T of the label
has ``E T(y) h_k(u.x) = E T(y) zeta_k(y)``: some transform shows u in degree k if and only if ``E zeta_k(y)^2 > 0``. The
least such k >= 1 is the generative exponent, at most 2 for every polynomial g (Damian, Pillaud-Vivien, Lee & Bruna
2024). With slices b of the labels, their probabilities p_b, ``m_b = E[x | b]`` and ``C_b = E[x x' - I | b]``,

    M_1 = sum_b p_b m_b m_b',      M_2 = sum_b p_b C_b^2

are uu' times averages of ``zeta_1^2`` and ``2 zeta_2^2`` over the slices; for several directions their ranges lie in
the span. M_1 is sliced inverse regression (Li 1991). M_2 is the sliced average variance estimate of Cook & Weisberg
(1991), whose C_b is centred at m_b.

Given a direction, let ``m(y) = E[u.x | y]`` and ``v(y) = Var[u.x | y]``. Then x has, given y, mean m u and covariance
``I + (v - 1) uu'``. With a Gaussian of these moments, twice the mean log-likelihood ratio to y independent of x is

    G(u) = (1/n) sum_i (u.x_i)^2 - (u.x_i - m_i)^2 / v_i - log v_i = u'Au + 2 b'u + terms without u,
    A = (1/n) sum_i (1 - 1/v_i) x_i x_i',      b = (1/n) sum_i (m_i / v_i) x_i.

A maximum over unit vectors is an eigenvector of ``A + bu' + ub'``. For m = 0 it is the leading eigenvector of the
second moment with the transform ``T = 1 - 1/E[(u.x)^2 | y]``, the optimal one for spectral estimates (Luo, Alghamdi &
Lu 2019; Mondelli & Montanari 2019). The transform zeta_2 maximises the signal ``E T zeta_2`` for a given ``E T^2``,
which is another problem: it is unbounded where g is, so that the rows with the largest labels dominate the other
eigenvectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.linalg import eigh
from scipy.stats import rankdata

#: M_1 and M_2 are averages over these numbers of slices: few for noisy labels, many for links that oscillate.
SLICES = (5, 20)
#: Moments given y are means over this many rows with the next smaller and as many with the next larger labels.
HALF_WINDOW = 20
#: Estimates of ``Var[u.x | y]`` are at least this value.
MIN_VARIANCE = 0.1
#: Number of times that m, v and u are re-estimated in turn.
STEPS = 4


def slice_bounds(labels: np.ndarray, n_slices: int) -> np.ndarray:
    """Positions in sorted labels (n,) at which slices of about equal size begin, and n; equal labels share a slice."""
    index = ((rankdata(labels) - 0.5) * n_slices / len(labels)).astype(int)
    return np.concatenate([[0], np.flatnonzero(np.diff(index)) + 1, [len(labels)]])


def sliced_moments(X: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unbiased estimates of M_1 and M_2 from rows X (n, d) in the order of their labels; ``bounds`` as `slice_bounds`.

    ``m_b m_b'`` and ``C_b^2`` are averages over pairs of different rows of a slice, of ``x_i x_j'`` and ``A_i A_j``
    with ``A_i = x_i x_i' - I``, ``A_i^2 = (|x_i|^2 - 2) x_i x_i' + I``; a slice of one row counts as 0. 4 n d^2 flops,
    and 2 d^3 per slice.
    """
    n, d = X.shape
    M_1, M_2, identity = np.zeros((d, d)), np.zeros((d, d)), np.eye(d)
    for start, stop in pairwise(bounds):
        rows, size = X[start:stop], stop - start
        if size > 1:
            pairs = n * (size - 1)  # p_b / (size (size - 1)) = 1 / pairs
            gram, total = rows.T @ rows, rows.sum(axis=0)
            M_1 += (np.outer(total, total) - gram) / pairs
            S = gram - size * identity
            M_2 += (S @ S - (rows.T * (np.einsum("ij,ij->i", rows, rows) - 2)) @ rows - size * identity) / pairs
    return M_1, M_2


@dataclass(frozen=True)
class SortedLabels:
    """Slices and windows of sorted labels (n,), n >= 2, for inputs in the same order.

    The window of a row, ``first[i] <= j < stop[i]``, has all equal labels and, if these are few, further rows on both
    sides.
    """

    bounds: list[np.ndarray]
    first: np.ndarray
    stop: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray) -> SortedLabels:
        """Find equal labels by exact comparison."""
        first, stop = np.searchsorted(labels, labels, "left"), np.searchsorted(labels, labels, "right")
        more = np.maximum(HALF_WINDOW - (stop - first - 1) // 2, 0)
        bounds = [slice_bounds(labels, n_slices) for n_slices in SLICES]
        return cls(bounds, np.maximum(first - more, 0), np.minimum(stop + more, len(labels)))

    def others(self, values: np.ndarray) -> np.ndarray:
        """Mean of the values (n,) over the window of each row, without the row itself."""
        sums = np.concatenate([[0.0], np.cumsum(values)])
        return (sums[self.stop] - sums[self.first] - values) / (self.stop - self.first - 1)

    def inverse_moments(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Estimates m and v (n,) of the mean and variance of w given y, each by the other rows of a window."""
        m = self.others(w)
        return m, np.maximum(self.others(w**2) - m**2, MIN_VARIANCE)

    def gain(self, w: np.ndarray) -> float:
        """G for projections w (n,) of mean square 1, out of sample but for their direction."""
        m, v = self.inverse_moments(w)
        return float(np.mean(w**2 - (w - m) ** 2 / v - np.log(v)))

    def improved(self, X: np.ndarray, u: np.ndarray) -> np.ndarray:
        """The maximiser of G for the moments along u: 2 n d^2 flops and one eigenvector."""
        m, v = self.inverse_moments(X @ u)
        tilt = np.outer((m / v) @ X / len(X), u)
        return leading_vector((X.T * (1 - 1 / v)) @ X / len(X) + tilt + tilt.T)

    def strongest_direction(self, X: np.ndarray) -> tuple[np.ndarray, float]:
        """The unit vector u (d,) with the larger G of those reached from M_1 and from M_2, and its G.

        X (n, d) must have second moments ``X'X = n I``. About 20 n d^2 + 50 d^3 flops and ten eigenvectors.
        """
        candidates = []
        for each in zip(*(sliced_moments(X, bounds) for bounds in self.bounds), strict=True):
            u = leading_vector(np.sum(each, axis=0))
            for _ in range(STEPS):
                u = self.improved(X, u)
            candidates.append((u, self.gain(X @ u)))
        return max(candidates, key=lambda candidate: candidate[1])


def leading_vector(M: np.ndarray) -> np.ndarray:
    """Eigenvector (d,) of the largest eigenvalue of a symmetric matrix."""
    return eigh(M, subset_by_index=[len(M) - 1] * 2)[1][:, 0]
