"""Directions that transforms of the label show, beyond the null of permuted labels; not part of lines 1 to 5."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layerwise.learners.moments.directions import Directions
from layerwise.learners.moments.multi_index import MIN_ERROR, MIN_ERROR_RATIO, Candidate, MultiIndexFits
from layerwise.solvers.label_transforms import SortedLabels
from layerwise.solvers.variable_projection import complement

#: With fewer rows per dimension, no transform shows a direction.
MIN_ROWS_PER_DIMENSION = 2
#: A direction is known if this share of its squared length lies in the span of those found before.
KNOWN_SHARE = 0.9


@dataclass(frozen=True)
class TransformedDirections:
    """Directions that transforms of the label show, then those of its moments: as `Directions`, for `choose_rank`.

    ``frame`` (r, d) are orthonormal rows, the strongest first, ``gains`` the G of each, followed by that of a direction
    that does not stand out, and ``null`` the threshold.
    """

    moments: Directions
    order: np.ndarray
    labels: SortedLabels | None
    frame: np.ndarray
    gains: list[float]
    null: float

    @property
    def directions(self) -> np.ndarray:
        """Orthonormal rows (d, d)."""
        return np.linalg.qr(np.concatenate([self.frame, self.moments.directions]).T)[0].T

    @property
    def n_significant(self) -> int:
        """Number of directions that transforms show."""
        return len(self.frame)

    @property
    def n_found(self) -> int:
        """The same, and those of the moments."""
        return len(self.frame) + self.moments.n_found

    def confirmed(self) -> bool:
        """Whether some transform shows a direction, or the moments do."""
        return len(self.frame) > 0 or self.moments.confirmed()

    def stands_out(self, v: np.ndarray) -> bool:
        """Whether G, or a moment of y, along a unit vector (d,) exceeds its threshold."""
        w = self.moments.Z[self.order] @ v
        size = np.sqrt(np.mean(w**2))
        seen = self.labels is not None and size > 0 and self.labels.gain(w / size) > self.null
        return seen or self.moments.stands_out(v)

    def adds_to(self, frame: np.ndarray) -> bool:
        """Whether some direction is not in the span of another frame (r', d)."""
        return bool(np.any(np.sum((self.frame @ frame.T) ** 2, axis=1) < KNOWN_SHARE))


def find_transformed(
    moments: Directions, labels: np.ndarray, rng: np.random.RandomState, *, max_rank: int, n_null: int
) -> TransformedDirections:
    """Directions of the inputs of ``moments``, (n_samples, d), from their moments given the labels (n_samples,).

    One after the other, each in the complement of those before. A direction stands out if its G exceeds those of the
    same search in ``n_null`` tables with permuted rows, which ``rng`` draws until one of them is larger.
    """
    Z = moments.Z
    order = np.lexsort((Z[:, 0], labels))
    values, V = np.linalg.eigh(Z.T @ Z / len(Z))
    seen = values > 1e-10 * values[-1]
    back = V[:, seen] / np.sqrt(values[seen])
    X, d = Z[order] @ back, int(seen.sum())
    frame, gains, null = np.zeros((0, d)), [], []
    if d == 0 or len(labels) < MIN_ROWS_PER_DIMENSION * d or labels.min() == labels.max():
        return TransformedDirections(moments, order, None, frame @ back.T, gains, np.inf)
    by_label = SortedLabels.of(labels[order])
    while len(frame) < min(max_rank, d):
        N = complement(frame)
        u, gain = by_label.strongest_direction(X @ N.T)
        gains.append(gain)
        while len(null) < n_null and gain > max(null, default=-np.inf):
            null.append(by_label.strongest_direction(rng.permutation(X))[1])
        if gain <= max(null):
            break
        frame = np.concatenate([frame, u[None] @ N])
    frame = np.linalg.qr((frame @ back.T).T)[0].T
    return TransformedDirections(moments, order, by_label, frame, gains, max(null))


def fit_to_transformed(
    fits: MultiIndexFits,
    best: Candidate,
    moments: Directions,
    rng: np.random.RandomState,
    *,
    rank: int | None,
    max_rank: int,
    n_null: int,
) -> tuple[Candidate, int] | None:
    """The fit to directions that transforms of the label show, and its rank, if it clearly beats the ``best`` one.

    ``rank`` is None where validation chooses it. The directions found are recorded in the history of the fits.
    """
    if best.error < MIN_ERROR:
        return None
    kept = slice(None) if fits.held_out is None else ~fits.held_out
    found = find_transformed(moments, fits.labels[kept], rng, max_rank=rank or max_rank, n_null=n_null)
    fits.history.append({"stage": "transformed labels", "null": found.null, "values": found.gains})
    if not len(found.frame):
        return None
    if not found.adds_to(best.frame):  # as many rounds of polishing again, from the better of the two frames
        candidate = fits.of_rank([best.frame, found.directions[: len(best.frame)]])
        return (candidate, len(best.frame)) if candidate.error * MIN_ERROR_RATIO < best.error else None
    if rank is None:
        candidate, rank = fits.choose_rank(found, max_rank)
    else:
        candidate = fits.of_rank([found.directions[:rank]])
    return (candidate, rank) if candidate.clearly_beats(best) else None
