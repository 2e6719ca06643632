"""Directions whose moments stand out from those of permuted labels: lines 1 and 2 of the algorithm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.stats import norm, rankdata

from layerwise._validation import Constraint
from layerwise.solvers import ridge
from layerwise.solvers.moment_nulls import null_quantile
from layerwise.solvers.moment_tensors import Spectrum, along, leading, second_moment
from layerwise.solvers.variable_projection import polynomial_features


class Orders(Constraint):
    """A collection of orders of moments."""

    def __init__(self) -> None:
        super().__init__("a sequence of some of 1, 2, 3, 4", "(1, 2)", auto=True)

    def holds(self, value: Any) -> bool:
        """Whether every item is an integer from 1 to 4."""
        orders = list(value) if isinstance(value, Sequence | set | np.ndarray) else []
        integers = all(isinstance(k, int | np.integer) and not isinstance(k, bool) for k in orders)
        return bool(orders) and integers and all(1 <= k <= 4 for k in orders)


class Found(Protocol):
    """Directions among which a rank is chosen: those of moments, or those of transforms of the label."""

    @property
    def directions(self) -> np.ndarray:
        """Orthonormal rows (d, d), the strongest first."""
        ...

    @property
    def n_significant(self) -> int:
        """Ranks up to this number are all tried."""
        ...

    @property
    def n_found(self) -> int:
        """Ranks above this number are not tried."""
        ...

    def confirmed(self) -> bool:
        """Whether the labels depend on the inputs, at one level for all tests together."""
        ...

    def stands_out(self, v: np.ndarray) -> bool:
        """Whether a direction (d,) is seen without any fit."""
        ...


@dataclass(frozen=True)
class Directions:
    """What the moments say about directions, which are orthonormal rows (d, d), the strongest first.

    ``n_significant`` directions stand out in orders 1 and 2, and ``n_found`` in all orders. By order, ``labels`` are
    those of the moments, ``eigenvalues`` the leading ones, and ``null`` the threshold, from ``n_null`` permutations.
    ``rng`` draws more of them for `confirmed`.
    """

    Z: np.ndarray
    labels: dict[int, np.ndarray]
    directions: np.ndarray
    n_significant: int
    n_found: int
    eigenvalues: dict[int, np.ndarray]
    null: dict[int, float]
    n_null: int
    rng: np.random.RandomState

    def confirmed(self) -> bool:
        """Whether some order stands out at level ``1 / (n_null + 1)`` for all m orders together.

        The value of the order must exceed those of ``m (n_null + 1) - 1`` permutations: the ``n_null`` of the
        threshold, and more, which are drawn until one of them is larger. By Bonferroni's inequality, labels independent
        of the inputs pass with probability at most ``1 / (n_null + 1)``, whatever the distributions.
        """
        more = (len(self.labels) - 1) * (self.n_null + 1)
        for k, labels in self.labels.items():
            top = np.abs(self.eigenvalues[k][0])
            order = np.lexsort((self.Z[:, 0], labels))
            rows, scores = self.Z[order], labels[order]
            if top > self.null[k] and all(null_quantile(rows, scores, k, 1, self.rng) < top for _ in range(more)):
                return True
        return False

    def stands_out(self, v: np.ndarray) -> bool:
        """Whether the moments of some order along a unit vector (d,) exceed their threshold."""
        return any(along(self.Z, labels, k, v) > self.null[k] for k, labels in self.labels.items())


def find_directions(
    Z: np.ndarray,
    labels: np.ndarray,
    orders: Sequence[int],
    rng: np.random.RandomState,
    *,
    robust: bool,
    max_rank: int,
    n_null: int,
    gaussian: bool = True,
) -> Directions:
    """Directions of whitened inputs Z (n_samples, d) from the moments of labels (n_samples,) of increasing orders.

    If ``robust``, the moments are those of the normal scores of the labels. From order 2, ``max_rank`` eigenvalues are
    computed. ``n_null`` is the number of permutations, which ``rng`` draws.

    Unless Z is ``gaussian``, the linear part v'z of the labels, too, has second moments, and is removed before order 2;
    and products of Gaussian inputs have tails that hide directions in the spectrum. If any direction stands out, all of
    them are then left to validation, starting with v and T_2 v, which is E[e (v'z) z] for e the labels without v'z.
    """
    order = np.lexsort((Z[:, 0], labels))  # so that permutations do not depend on the order of the rows
    rows, scores = Z[order], labels[order]
    if robust:
        scores = norm.ppf((rankdata(scores) - 0.5) / len(scores))
        scores -= scores.mean()
    d = Z.shape[1]
    P, n_found, n_significant = np.zeros((d, d)), 0, 0
    eigenvalues, null, seen = {}, {}, {k: np.empty(len(scores)) for k in orders}
    for k in orders:
        if k == 2 and not gaussian:
            scores = scores - rows @ ridge(rows, scores).coefficients
        if k > 2 and n_found:
            scores = _without_quadratic_part(rows, scores, _leading_rows(P)[:n_found])
        null[k] = null_quantile(rows, scores, k, n_null, rng)
        spectrum = leading(rows, scores, k, 1 if k == 1 else min(d, max_rank))
        n_found += add_projections(P, spectrum, null[k])
        n_significant = n_found if k <= 2 else n_significant
        eigenvalues[k], seen[k][order] = spectrum.values, scores
    leading_rows = _leading_rows(P)
    if n_found and not gaussian:
        n_found = min(d, max_rank)
        v = ridge(rows, labels[order]).coefficients
        T = second_moment(rows, scores)
        leading_rows = np.linalg.qr(np.vstack([v, T @ v, leading_rows]).T)[0].T
    return Directions(Z, seen, leading_rows, n_significant, n_found, eigenvalues, null, n_null, rng)


def add_projections(P: np.ndarray, spectrum: Spectrum, null: float) -> int:
    """Add ``sum w V V'`` to P, w growing with how far a value stands out; return the number of directions that do."""
    n_found = 0
    for value, V in zip(spectrum.values, spectrum.factors, strict=True):
        strength = (value / null) ** 2 if null > 0 else 0.0
        P += (max(strength - 1, 0.0) + 1e-6 * strength) * (V @ V.T)  # the small term orders those that do not
        if strength > 1:
            n_found += round(1 / np.sum((V.T @ V) ** 2))  # 1 / sum(nu^4) over the eigenvalues nu of V; 1 for a vector
    return n_found


def _leading_rows(P: np.ndarray) -> np.ndarray:
    """Eigenvectors of P as rows, the strongest first."""
    return np.linalg.eigh(P)[1].T[::-1]


def _without_quadratic_part(Z: np.ndarray, labels: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Labels without their degrees <= 2 along the frame, which leaves T_3 and T_4 as they are, but less noisy."""
    features = polynomial_features(Z, frame, 2)
    return labels - features @ ridge(features, labels).coefficients
