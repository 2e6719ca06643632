"""Polynomials of few directions fitted to candidate frames: degree, polishing and rank by validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from layerwise.hermite import n_terms
from layerwise.learners._head import Auto, check_number
from layerwise.learners._stages import lead
from layerwise.solvers import FeatureBlocks, RidgePath, ridge
from layerwise.solvers.gram import as_blocks
from layerwise.solvers.variable_projection import joint_features, polish, polynomial_features, slope_coefficients

#: Degrees that "auto" tries, and rows to a coefficient that it wants.
DEGREES, ROWS_PER_TERM = range(1, 7), 4
#: Rounds of choosing degree and penalty on a frame and polishing the frame with them, while they gain so much.
ROUNDS, GAIN = 6, 0.9
#: A larger rank must lead by so many standard errors of the validation error, or be so many times better.
CLEAR, SMALL = 2.0, 10.0
#: A direction that does not stand out in the moments must carry this share of ``E |grad q|^2``, clear as its lead may
#: be: validation has seen the frame polished, and takes what fits a few large labels for structure. By Poincare's
#: inequality q loses with it no more of its variance than the share times ``E |grad q|^2 / var q``, its mean degree.
MINOR = 0.05
#: Ranks in a row that bring nothing before larger ones are given up.
PATIENCE = 2
#: Validation errors below this share of the variance of y leave nothing to be explained.
EXACT = 1e-12


@dataclass(frozen=True)
class Candidate:
    """A frame in whitened inputs and the polynomial on it, with what validation says of it."""

    frame: np.ndarray
    degree: int
    path: RidgePath
    residuals: np.ndarray  # of each row by a fit without it
    polished: bool = False  # at this rank; the frame may be part of a larger one that was

    @property
    def error(self) -> float:
        """Mean square of the residuals."""
        return float(np.mean(self.residuals**2))

    def clearly_beats(self, other: Candidate) -> bool:
        """Whether validation tells the two apart, in squares or in sizes, whose tails are lighter."""
        sizes = np.abs([other.residuals, self.residuals])
        clear = self.error * SMALL < other.error or max(lead(sizes), lead(sizes**2)) > CLEAR
        return self.error < other.error and clear

    def needs_more_than(self, fewer: Candidate, stands_out: Callable[[np.ndarray], bool], minor: float = MINOR) -> bool:
        """Whether the direction used least, which ``fewer`` has not, is worth having.

        For one that stands out in the moments, which no fit has touched, it is enough that the error falls.
        """
        if stands_out((self.by_use() @ self.frame)[-1]):
            return self.error < fewer.error
        matters = self.least_share >= minor or self.error * SMALL < fewer.error
        return matters and self.clearly_beats(fewer)

    @property
    def least_share(self) -> float:
        """Of ``E |grad q|^2``, what the direction used least carries."""
        use = self._use()[0]
        return float(use[0] / use.sum()) if use.sum() > 0 else 0.0

    def by_use(self) -> np.ndarray:
        """Rotation (r, r) to the eigenvectors of ``E grad q grad q'``, the direction that q uses most first."""
        return self._use()[1].T[::-1]

    def _use(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues of ``E grad q grad q'``, the least first, and eigenvectors."""
        slopes = slope_coefficients(len(self.frame), self.degree, self.path.coefficients)
        return np.linalg.eigh(slopes.T @ slopes)


@dataclass
class MultiIndexFits:
    """Fits to inputs Z (n_samples, d) and labels (n_samples,) of mean 0 and variance 1, compared by validation.

    Attributes
    ----------
    held_out : ndarray of bool of shape (n_samples,) or None
        Rows that validate; None for leave-one-out.
    degree, penalty, polish
        As in `layerwise.learners.MomentRegressor`.
    history : list of dict
        Gains a line for each rank tried.
    """

    Z: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray | None
    degree: int | Literal["auto"]
    penalty: Auto
    polish: bool
    history: list[dict]

    def choose_rank(
        self,
        directions: np.ndarray,
        n_sure: int,
        n_found: int,
        stands_out: Callable[[np.ndarray], bool],
        max_rank: int,
    ) -> tuple[Candidate, int]:
        """The candidate of the rank that validation prefers, and that rank.

        Parameters
        ----------
        directions : ndarray of shape (d, d)
            Orthonormal rows, the strongest first.
        n_sure, n_found : int
            Ranks that are all tried, and that may be tried.
        stands_out : callable
            Whether the moments along a unit vector (d,) do.
        max_rank : int
        """
        best, found = self.linear(), 0
        minor = MINOR if self.held_out is None else 0.0  # which neither moments nor polishing have seen
        frame = directions[:0]
        for rank in range(1, min(max_rank, n_found, len(directions)) + 1):
            candidate = self.of_rank([directions[:rank], _extend(frame, directions)])
            frame = candidate.frame
            if candidate.clearly_beats(best) or (found and candidate.needs_more_than(best, stands_out, minor)):
                best, found = candidate, rank
            if (rank - found >= PATIENCE and rank >= n_sure) or best.error < EXACT:
                break
        while found > 1:  # down again
            frame = (best.by_use() @ best.frame)[:-1]
            candidate = self.of_rank([frame])
            if candidate.error > EXACT and best.needs_more_than(candidate, stands_out, minor):
                break
            minor = max(minor - best.least_share, 0.0)
            best, found = candidate, found - 1
        return best, found

    def linear(self) -> Candidate:
        """Ridge regression on all inputs, as a polynomial of one direction."""
        path, residuals = self.validated(self.Z)
        length = float(np.linalg.norm(path.coefficients))
        frame = path.coefficients / length if length else np.eye(1, self.Z.shape[1])[0]
        return Candidate(frame[None], 1, replace(path, coefficients=np.array([0.0, length])), residuals)

    def of_rank(self, frames: Sequence[np.ndarray]) -> Candidate:
        """Lines 3 and 4 from the best of some frames of one rank."""
        starts = [self.polynomial(frame) for frame in frames]
        best = current = min(starts, key=lambda start: start.error)
        rank, d = best.frame.shape
        kept = slice(None) if self.held_out is None else ~self.held_out
        for _ in range(ROUNDS if self.polish else 0):
            before = current
            if n_terms(rank, before.degree) + rank * (d - rank) >= len(self.labels[kept]):
                break
            frame = polish(self.Z[kept], self.labels[kept], before.frame, before.degree, before.path.penalty).frame
            current = self.polynomial(frame)
            polished = replace(current, polished=True)
            if self.held_out is None:  # the residuals of the linearised model count the frame's unknowns too
                joint = joint_features(self.Z, frame, current.degree, current.path.coefficients)
                polished = replace(polished, residuals=self.validated(joint)[1])
            if polished.error < best.error:
                best = polished
            if current.degree == before.degree and current.error > GAIN * before.error:
                break
        line = {"degree": best.degree, "polished": best.polished, "error": best.error}
        self.history.append({"stage": f"rank {rank}"} | line)
        return best

    def polynomial(self, frame: np.ndarray) -> Candidate:
        """Line 3, at the degree that validation prefers: a larger one must clearly beat the smaller."""
        degrees = degrees_to_try(self.degree, len(self.labels), len(frame))
        fits = [(k, *self.validated(polynomial_features(self.Z, frame, k))) for k in degrees]
        best, *larger = (Candidate(frame, *fit) for fit in fits)
        for candidate in larger:
            best = candidate if candidate.clearly_beats(best) else best
        return best

    def validated(self, features: FeatureBlocks | np.ndarray) -> tuple[RidgePath, np.ndarray]:
        """Ridge regression, refitted to all rows, and the residuals of rows left out."""
        penalty = check_number(self.penalty, "penalty", auto=True)
        labels, held_out = self.labels, self.held_out
        path = ridge(features, labels, None if penalty is None else [penalty], held_out=held_out)
        if held_out is None:
            return path, np.asarray(path.residuals)
        Phi = as_blocks(features).toarray()
        fitted = ridge(Phi[~held_out], labels[~held_out], path.penalty).coefficients
        return path, labels[held_out] - Phi[held_out] @ fitted


def degrees_to_try(degree: int | Literal["auto"], n: int, rank: int) -> list[int]:
    """Degrees of a polynomial of ``rank`` variables fitted to n rows, the least first."""
    if not isinstance(degree, str):
        return [int(degree)]
    return [k for k in DEGREES if n_terms(rank, k) <= max(n // ROWS_PER_TERM, 1 + rank)]


def _extend(frame: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """The frame and the direction that adds most to it, the earlier in the list the better."""
    rest = directions - directions @ frame.T @ frame
    sizes = np.linalg.norm(rest, axis=1)
    first = int(np.argmax(sizes > 0.5 * sizes.max()))
    return np.concatenate([frame, rest[first : first + 1] / sizes[first]])
