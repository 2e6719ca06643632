"""Several features, found one after the other, refined together, and compared out of fold.

On the rows outside each fold, repeat for r = 1, 2, ...::

    1  starts: the features found, and one more by `new_features`; a few joint Gauss-Newton steps from each
    2  the starts with the smallest errors on the fold's rows: the joint descent to its end; keep the best

and let f_r be the function after the r-th round. Leave-one-out cannot choose between starts: the residuals of which
moments are taken depend on all labels. r features are used only if f_r clearly leads, on the rows of the folds, over
all f_s with s < r and over what is known without several features. The result is a descent on all rows from the best
fold's features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from layerwise.solvers.gauss_newton.folds import FoldFit
from layerwise.solvers.gauss_newton.new_features import first_states, next_states
from layerwise.solvers.gauss_newton.several import (
    SeveralCandidate,
    SeveralState,
    descend_several,
    rotate_to_use,
)
from layerwise.solvers.gram import FeatureBlocks
from layerwise.solvers.linearised_several import JointlyCentred
from layerwise.solvers.squared_errors import lead

#: Steps after each of which all starts but this many, by their errors on the fold's rows, are given up.
ROUNDS = ((3, 4), (6, 2), (20, 1))
#: The standard errors by which more features must lead,
MIN_LEAD_SE = 4.0
#: or the factor by which their error must be smaller.
MIN_ERROR_RATIO = 100.0
#: Folds that are run before a lead, or its absence, ends the comparison.
MIN_FOLDS, MIN_FOLDS_BEHIND = 3, 2
#: Numbers of features in a row that may fail to lead: the two features of a product lead only together.
PATIENCE = 2
#: Errors below this share of the variance of y leave nothing to explain.
MIN_ERROR = 1e-3


@dataclass
class FoldGrowth:
    """The functions f_1, f_2, ... of the rows outside ``out`` (mask), and ``reference`` predictions for its rows."""

    features: FeatureBlocks
    y: np.ndarray
    out: np.ndarray
    reference: np.ndarray
    found: list[tuple[SeveralCandidate, SeveralState]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._inside, self._outside = self.features.subset(~self.out), self.features.subset(self.out)

    def grow(self, n_features: int) -> bool:
        """Lines 1 and 2 until f_r is there for r = n_features; False if no start has a feature that varies."""
        y, H = self.y[~self.out], None
        while len(self.found) < n_features:
            H = JointlyCentred(self._inside) if H is None else H
            starts = next_states(H, y, *self.found[-1]) if self.found else first_states(H, y)
            best = []
            for n_steps, kept in ROUNDS:
                reached = [each for start in starts if (each := descend_several(H, y, start, n_steps)) is not None]
                best = sorted(reached, key=lambda each: self.missed(each[0]))[:kept]
                starts = [state for _, state in best]
            if not best:
                return False
            self.found.append(best[0])
        return True

    def missed(self, candidate: SeveralCandidate) -> float:
        """The mean squared error on the fold's rows."""
        return float(np.mean((candidate.predict(self._outside) - self.y[self.out]) ** 2))

    def error(self, n_features: int) -> float:
        """The mean squared error of f_r over all rows: leave-one-out on the rows of the fit, plain on the others."""
        candidate, share = self.found[n_features - 1][0], float(np.mean(self.out))
        return (1 - share) * candidate.error + share * self.missed(candidate)

    def squares(self, n_features: int) -> np.ndarray:
        """Squared errors on the fold's rows of the reference, then of f_1, ..., f_r."""
        grown = [candidate.predict(self._outside) for candidate, _ in self.found[:n_features]]
        return (np.array([*self.reference, *grown]) - self.y[self.out]) ** 2

    def rotated(self, n_features: int) -> SeveralCandidate:
        """f_r with its features rotated."""
        return rotate_to_use(JointlyCentred(self._inside), self.y[~self.out], *self.found[n_features - 1])


@dataclass(frozen=True)
class Several:
    """The function ``candidate`` of several features, and the errors out of fold of f_0 (the reference), f_1, ...

    ``candidate`` is None if the reference was not clearly beaten.
    """

    candidate: SeveralCandidate | None
    errors: list[float]

    @property
    def n_features(self) -> int:
        """R, or 0."""
        return 0 if self.candidate is None else len(self.candidate.coefficients)

    @property
    def error(self) -> float:
        """The error out of fold of the function chosen."""
        return self.errors[self.n_features]


def refine_several(
    features: FeatureBlocks,
    y: np.ndarray,
    folds: Sequence[FoldFit],
    reference: Callable[[FoldFit], np.ndarray],
    n_features: int | None,
    max_features: int,
) -> Several:
    """Fit ``y ~ g(z_1, ..., z_R)``, ``z = features @ coefficients' - offsets``, to labels of mean 0 and variance 1.

    Parameters
    ----------
    features : FeatureBlocks of shape (n_samples, D)
        H, without a constant column.
    y : ndarray of shape (n_samples,)
    folds : sequence of FoldFit
        Later folds are skipped, and not asked for, once the comparison is clear.
    reference : callable
        From a fold, predictions (n_models, n_held_out) of models fitted without it, which several features must clearly
        beat.
    n_features : int or None
        R; None increases it up to ``max_features`` as long as one or two more features clearly lead.

    Notes
    -----
    Each r costs about 5 r starts of 3 steps and 60 steps more in each fold that is run. With m = min(n, r D), a step
    costs 4 n D r m + O(m^3) flops.
    """
    growths: list[FoldGrowth] = []

    def compare(r: int) -> tuple[bool, np.ndarray]:
        """Whether r features clearly lead, and the mean squared errors of the reference and of f_1, ..., f_r."""
        squares, means, clear = np.empty((0, 0)), np.ones(1), False
        for v, fold in enumerate(folds):
            if v == len(growths):
                growths.append(FoldGrowth(features, y, fold.held_out, reference(fold)))
            if not growths[v].grow(r):
                return False, np.full(1, np.inf)
            here = growths[v].squares(r)
            squares = np.hstack([squares, here]) if v else here
            means = squares.mean(axis=1)
            ahead = lead(squares)
            clear = ahead > MIN_LEAD_SE or means[-1] * MIN_ERROR_RATIO < means[:-1].min()
            if (clear and v + 1 >= MIN_FOLDS) or (ahead <= 0 and v + 1 >= MIN_FOLDS_BEHIND):
                break
        n_reference = len(squares) - r
        return bool(clear), np.append(means[:n_reference].min(), means[n_reference:])

    chosen, errors = 0, np.zeros(1)
    if n_features is None:
        for r in range(1, max_features + 1):
            clear, errors_r = compare(r)
            errors = errors_r if len(errors_r) > 1 or r == 1 else errors
            chosen = r if clear else chosen
            if r - max(chosen, 1) >= PATIENCE or errors.min() < MIN_ERROR:
                break
    else:
        clear, errors = compare(n_features)
        chosen = n_features if clear else 0
    if not chosen:
        return Several(None, errors.tolist())
    return Several(_on_all_rows(features, y, growths, chosen), errors.tolist())


def _on_all_rows(features: FeatureBlocks, y: np.ndarray, growths: list[FoldGrowth], r: int) -> SeveralCandidate:
    """The descent on all rows from the best fold's features, or that fold's function if its error is smaller."""
    best = min((growth for growth in growths if len(growth.found) >= r), key=lambda growth: growth.error(r))
    C, H = best.found[r - 1][0].coefficients, JointlyCentred(features)
    again = descend_several(H, y, SeveralState(C, features @ C.T - H.mean @ C.T, in_sample=True))
    if again is None or again[0].error > best.error(r):
        return best.rotated(r)
    return rotate_to_use(H, y, *again)
