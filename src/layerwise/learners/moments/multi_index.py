"""Polynomials of a few directions fitted to candidate frames; degree, polishing and rank chosen by validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from layerwise.hermite import n_terms
from layerwise.learners._base import Auto, as_number
from layerwise.learners.moments.directions import Found
from layerwise.solvers import FeatureBlocks, RidgePath, ridge
from layerwise.solvers.gram import as_blocks
from layerwise.solvers.squared_errors import lead
from layerwise.solvers.variable_projection import joint_features, polish, polynomial_features, slope_coefficients

#: Degrees that "auto" tries, and the number of rows per coefficient that it requires.
DEGREES, ROWS_PER_TERM = range(1, 7), 4
#: Degree and penalty are chosen on a frame, then the frame is polished with them, at most this many times,
MAX_ROUNDS = 6
#: and as long as each round multiplies the error by at most this factor.
MAX_ERROR_RATIO = 0.9
#: A larger rank must lead by this many standard errors of the validation error,
MIN_LEAD_SE = 2.0
#: or have an error smaller by this factor.
MIN_ERROR_RATIO = 10.0
#: A direction that does not stand out in the moments must carry this share of ``E |grad q|^2``, however clear its lead:
#: validation has seen the polished frame, and mistakes the fit of a few large labels for structure. By Poincare's
#: inequality, the share of its variance that q loses without the direction is at most this share times
#: ``E |grad q|^2 / var q``, its mean degree.
MIN_SLOPE_SHARE = 0.05
#: Larger ranks are given up after this many in a row without an improvement.
PATIENCE = 2
#: Validation errors below this share of the variance of y leave nothing to explain.
MIN_ERROR = 1e-12


@dataclass(frozen=True)
class Candidate:
    """A frame (rank, d) in whitened inputs, orthonormal, the polynomial on it, and its validation residuals.

    Each residual is by a fit without its row. ``polished`` says whether the frame was polished at this rank; it may be
    part of a larger frame that was.
    """

    frame: np.ndarray
    degree: int
    path: RidgePath
    residuals: np.ndarray
    polished: bool = False

    @property
    def error(self) -> float:
        """Mean square of the residuals."""
        return float(np.mean(self.residuals**2))

    def clearly_beats(self, other: Candidate) -> bool:
        """Whether validation separates the two, by squared errors or by absolute ones, whose tails are lighter."""
        sizes = np.abs([other.residuals, self.residuals])
        clear = self.error * MIN_ERROR_RATIO < other.error or max(lead(sizes), lead(sizes**2)) > MIN_LEAD_SE
        return self.error < other.error and clear

    def needs_more_than(
        self, fewer: Candidate, stands_out: Callable[[np.ndarray], bool], min_share: float = MIN_SLOPE_SHARE
    ) -> bool:
        """Whether to keep the least used direction, which ``fewer`` lacks.

        If it stands out in the moments, which no fit has changed, a smaller error suffices.
        """
        if stands_out((self.by_use() @ self.frame)[-1]):
            return self.error < fewer.error
        matters = self.least_share >= min_share or self.error * MIN_ERROR_RATIO < fewer.error
        return matters and self.clearly_beats(fewer)

    @property
    def least_share(self) -> float:
        """Share of the least used direction in ``E |grad q|^2``."""
        use = self._use()[0]
        return float(use[0] / use.sum()) if use.sum() > 0 else 0.0

    def by_use(self) -> np.ndarray:
        """Rotation (r, r) to the eigenvectors of ``E grad q grad q'``, the most used direction first."""
        return self._use()[1].T[::-1]

    def _use(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues of ``E grad q grad q'``, the smallest first, and eigenvectors."""
        slopes = slope_coefficients(len(self.frame), self.degree, self.path.coefficients)
        return np.linalg.eigh(slopes.T @ slopes)


@dataclass
class MultiIndexFits:
    """Fits to inputs Z (n_samples, d) and labels (n_samples,) of mean 0 and variance 1, compared by validation.

    ``held_out`` is the mask of the rows on which fits are validated, or None for leave-one-out; degree, penalty and
    polish are those of `MomentRegressor`. ``history`` gets an entry for each rank that is tried.
    """

    Z: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray | None
    degree: int | Literal["auto"]
    penalty: Auto
    polish: bool
    history: list[dict]

    def choose_rank(self, moments: Found, max_rank: int) -> tuple[Candidate, int]:
        """Return the candidate of the rank with the best validation, and that rank.

        All ranks up to the ``n_significant`` of the moments are tried, and none above ``n_found`` or ``max_rank``.
        Unless the moments are `Directions.confirmed`, a first direction must lower the error tenfold: the directions
        were chosen by the labels by which the error is estimated.
        """
        directions, stands_out, confirmed = moments.directions, moments.stands_out, cache(moments.confirmed)
        best, found = self.linear(), 0
        min_share = MIN_SLOPE_SHARE if self.held_out is None else 0.0  # held-out rows have not seen the polished frame
        frame = directions[:0]
        for rank in range(1, min(max_rank, moments.n_found, len(directions)) + 1):
            candidate = self.of_rank([directions[:rank], _extend(frame, directions)])
            frame = candidate.frame
            accepted = candidate.clearly_beats(best)
            if found:
                accepted = accepted or candidate.needs_more_than(best, stands_out, min_share)
            elif accepted and candidate.error * MIN_ERROR_RATIO >= best.error:
                accepted = confirmed()
            if accepted:
                best, found = candidate, rank
            if (rank - found >= PATIENCE and rank >= moments.n_significant) or best.error < MIN_ERROR:
                break
        while found > 1:  # remove directions again
            frame = (best.by_use() @ best.frame)[:-1]
            candidate = self.of_rank([frame])
            if candidate.error > MIN_ERROR and best.needs_more_than(candidate, stands_out, min_share):
                break
            min_share = max(min_share - best.least_share, 0.0)
            best, found = candidate, found - 1
        return best, found

    def linear(self) -> Candidate:
        """Ridge regression on all inputs, as a polynomial of one direction."""
        path, residuals = self.validated(self.Z)
        length = float(np.linalg.norm(path.coefficients))
        frame = path.coefficients / length if length else np.eye(1, self.Z.shape[1])[0]
        return Candidate(frame[None], 1, replace(path, coefficients=np.array([0.0, length])), residuals)

    def of_rank(self, frames: Sequence[np.ndarray]) -> Candidate:
        """Lines 3 and 4, starting from the best of several frames of the same rank."""
        starts = [self.polynomial(frame) for frame in frames]
        best = current = min(starts, key=lambda start: start.error)
        rank, d = best.frame.shape
        kept = slice(None) if self.held_out is None else ~self.held_out
        for _ in range(MAX_ROUNDS if self.polish else 0):
            before = current
            if n_terms(rank, before.degree) + rank * (d - rank) >= len(self.labels[kept]):
                break
            frame = polish(self.Z[kept], self.labels[kept], before.frame, before.degree, before.path.penalty).frame
            current = self.polynomial(frame)
            polished = replace(current, polished=True)
            if self.held_out is None:  # residuals of the linearised model also count the unknowns of the frame
                joint = joint_features(self.Z, frame, current.degree, current.path.coefficients)
                polished = replace(polished, residuals=self.validated(joint)[1])
            if polished.error < best.error:
                best = polished
            if current.degree == before.degree and current.error > MAX_ERROR_RATIO * before.error:
                break
        record = {"degree": best.degree, "polished": best.polished, "error": best.error}
        self.history.append({"stage": f"rank {rank}"} | record)
        return best

    def polynomial(self, frame: np.ndarray) -> Candidate:
        """Line 3, at the degree chosen by validation: a larger degree must clearly beat the smaller."""
        degrees = degrees_to_try(self.degree, len(self.labels), len(frame))
        fits = [(k, *self.validated(polynomial_features(self.Z, frame, k))) for k in degrees]
        best, *larger = (Candidate(frame, *fit) for fit in fits)
        for candidate in larger:
            best = candidate if candidate.clearly_beats(best) else best
        return best

    def validated(self, features: FeatureBlocks | np.ndarray) -> tuple[RidgePath, np.ndarray]:
        """Ridge regression, refitted to all rows, and the validation residuals."""
        penalty = as_number(self.penalty)
        labels, held_out = self.labels, self.held_out
        path = ridge(features, labels, None if penalty is None else [penalty], held_out=held_out)
        if held_out is None:
            return path, np.asarray(path.residuals)
        Phi = as_blocks(features).toarray()
        fitted = ridge(Phi[~held_out], labels[~held_out], path.penalty).coefficients
        return path, labels[held_out] - Phi[held_out] @ fitted


def degrees_to_try(degree: int | Literal["auto"], n: int, rank: int) -> list[int]:
    """Degrees of a polynomial of ``rank`` variables that may be fitted to n rows, in increasing order."""
    if not isinstance(degree, str):
        return [int(degree)]
    return [k for k in DEGREES if n_terms(rank, k) <= max(n // ROWS_PER_TERM, 1 + rank)]


def _extend(frame: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """The frame with one more row: the direction that adds most to it, with a preference for earlier ones."""
    rest = directions - directions @ frame.T @ frame
    sizes = np.linalg.norm(rest, axis=1)
    first = int(np.argmax(sizes > 0.5 * sizes.max()))
    return np.concatenate([frame, rest[first : first + 1] / sizes[first]])
