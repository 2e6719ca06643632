"""Refinement beyond the paper: feature and link refitted together by leave-one-out Gauss-Newton.

In ``y ~ g(z)``, ``z = H c + constant``, stage 1 estimates c by ridge regression and stage 2 fits g. But ridge
regression takes g(z) - z for noise, which leaves c with many times more error than its D unknowns need. Repeat::

    1  g <- the link of y on the leave-one-out feature z_{-i}, scaled to mean 0 and variance 1
    2  linearise there:   y_i - g(z_{-i}) ~ g'(z_{-i}) (H_i c' - z_{-i})
    3  c' <- ridge regression of it, the penalty by leave-one-out;   c <- (c + c') / 2
    4  z_{-i} <- half of it and half of the leave-one-out feature of c', in closed form

and keep the c, g whose leave-one-out error in line 1 was least. The link never sees an overfitted feature; what it sees
is blurred by the feature's error, and the slope of the blurred link is the best linear approximation of the true one
under that error, where the slope at a point would miss a kink nearby.

The other rows' targets in line 2 depend on row i to second order only, but these orders add up where n is near D: the
whole is cross-validated, and the descent on all rows begun again from the fold that came farthest, where one came
farther. Where the refined function clearly beats both earlier stages out of fold (`CLEAR`, `SMALL`), and each fit had
more rows than unknowns, it is the answer. Elsewhere the rows cannot rank the stages, and one fit to all of them may
be far worse than the fits to their parts; the answer is then a mixture of the functions whose errors were seen,
f_{-v,s} of stage s fitted without fold v:

    5  f = sum_s w_s mean_v f_{-v,s},    w >= 0,  sum(w) = 1  of least squared error out of fold,

by convexity of the square no worse than the weighted mean of their errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from layerwise.hermite._checks import as_vector
from layerwise.learners._head import RandomState, mean_square
from layerwise.learners._hierarchical_arguments import check_refinement
from layerwise.learners._stages import convex_weights, lead
from layerwise.solvers.gram import FeatureBlocks, as_blocks
from layerwise.solvers.linearised import make_centred
from layerwise.solvers.link import Link, PolynomialLink, SplineLink, fit_link

#: A lead of so many standard errors, over all folds, makes the refined function the answer.
CLEAR = 2.0
#: Or a leave-one-out error on all rows so many times below theirs out of fold: a few rows of heavy-tailed labels carry
#: means and standard errors.
SMALL = 10.0
#: A lead of so many over the folds so far, at least `FIRST_FOLDS`, spares the others.
SURE, FIRST_FOLDS = 4.0, 3
#: A link whose slope varies less than this, relatively, is a line.
STRAIGHT = 0.1

STAGES = ("ridge", "two-stage", "refinement")


class Candidate(NamedTuple):
    """``features -> link(features @ coefficients - offset)`` and its leave-one-out error."""

    coefficients: np.ndarray
    offset: float
    link: Link
    error: float

    def predict(self, features: FeatureBlocks) -> np.ndarray:
        """Of shape (n_samples,)."""
        return self.link(features @ self.coefficients - self.offset)


@dataclass(frozen=True)
class Refinement:
    """A function ``features -> link(features @ coefficients - offset)``, or a mixture of such, and how it was found.

    Attributes
    ----------
    coefficients : ndarray of shape (width,)
        c.
    offset : float
        What centres z.
    link : Link
        g.
    stage : {"ridge", "two-stage", "refinement", "mixture"}
        What `predict` is: stage 1 (g a line), its feature with a link, the refined ones, or the mixture of line 5. Of a
        mixture, c and g are those that the stage of the most weight has on all rows.
    error : float
        Its mean squared error, out of fold, in squared units of y.
    errors : dict of str to float
        The same for each of the stages there were, on the rows of the folds that were run; empty where ``folds=0``.
    n_iter : int
        Gauss-Newton steps taken on all rows.
    history : list of dict
        Ridge regression, the first link, then one line a step: what was chosen, and the leave-one-out error.
    mixture : list of (float, Candidate)
        Weights and functions; empty unless that is the stage.
    """

    coefficients: np.ndarray
    offset: float
    link: Link
    stage: str
    error: float
    errors: dict[str, float]
    n_iter: int
    history: list[dict] = field(repr=False)
    mixture: list[tuple[float, Candidate]] = field(default_factory=list, repr=False)

    def feature(self, features: FeatureBlocks | np.ndarray) -> np.ndarray:
        """``z``, of shape (n_samples,)."""
        return as_blocks(features) @ self.coefficients - self.offset

    def predict(self, features: FeatureBlocks | np.ndarray) -> np.ndarray:
        """``g(z)``, or the mixture of such, of shape (n_samples,)."""
        features = as_blocks(features)
        if not self.mixture:
            z = self.feature(features)
            return self.link(z).astype(z.dtype, copy=False)
        C = np.column_stack([member.coefficients for _, member in self.mixture])
        total = np.zeros(features.shape[0])
        for (weight, member), z in zip(self.mixture, (features @ C).T, strict=True):
            total += weight * member.link(z - member.offset)
        return total.astype(features.dtype, copy=False)


def refine(
    features: FeatureBlocks | np.ndarray,
    y: np.ndarray,
    *,
    families: Sequence[type[Link]] = (PolynomialLink, SplineLink),
    max_iter: int = 30,
    patience: int = 6,
    tol: float = 1e-3,
    folds: int = 10,
    random_state: RandomState = 0,
) -> Refinement:
    """Fit ``y ~ g(H c)``, feature and link together, or the mixture of that and the earlier stages.

    Flops a step: ``3 n D^2 + 9 D^3`` in blocks of rows where n > D = width, ``13 n^3 + 2 n D`` where n <= D (and
    n^2 D once): products of matrices and one symmetric eigenproblem of size min(n, D). Times 1 + folds for the whole,
    4 where three folds make it sure. Memory: 4 D^2 + 90 n and two blocks of rows, or 6 n^2 + n D where n <= D.

    Parameters
    ----------
    features : FeatureBlocks or ndarray of shape (n_samples, width)
        H. A constant column does no harm, nor do columns far from centred.
    y : ndarray of shape (n_samples,)
    families : sequence of Link types
        Whose member of the least leave-one-out error is the link, anew in every step.
    max_iter : int
        Most steps. 0 leaves ridge regression and two stages.
    patience : int
        Stop after so many steps without an error smaller by ``tol``, relatively.
    tol : float
    folds : int
        Of the cross-validation. 0 chooses one stage by leave-one-out error, many times faster and right where n is
        several times D; below that it is too hopeful.
    random_state : int, RandomState or None
        Draws the folds.

    Returns
    -------
    Refinement

    Raises
    ------
    ValueError, TypeError
        Where y is not of shape (n_samples,), H or y is not finite or the squares of y leave float64, ``families`` is
        empty, or a number is negative or should be an integer.
    """
    features = as_blocks(features)
    y = as_vector(y, "y", features.shape[0])
    check_refinement(features, families, tol, max_iter=max_iter, patience=patience, folds=folds)
    mean = float(np.mean(y))
    scale = float(np.sqrt(mean_square(y - mean)))
    labels = (y - mean) / (scale if scale > 0 else 1.0)
    steps = (families, max_iter, patience, tol)
    candidates, history = descend(features, labels, *steps)
    last = len(candidates) - 1

    def in_units_of_y(f: Candidate) -> Candidate:
        coefficients = f.coefficients.astype(features.dtype, copy=False)
        return Candidate(coefficients, f.offset, f.link.affine(scale, mean), scale**2 * f.error)

    errors, mixture = {}, []
    if last and folds > 1 and len(labels) > 2:
        folds = min(folds, len(labels))
        members, predictions, seen = out_of_fold(features, labels, len(candidates), folds, random_state, steps)
        squares = (predictions - seen) ** 2
        candidates[last] = from_the_best_fold(features, labels, candidates[last], [f[last] for f in members], steps)
        errors = {STAGES[s]: scale**2 * float(e) for s, e in enumerate(squares.mean(axis=1))}
        best, stage, error = last, STAGES[last], errors[STAGES[last]]
        too_few = len(labels) * (1 - 1 / folds) <= features.shape[1]  # rows in each fit, to tell the stages apart
        earlier = squares[:-1].mean(axis=1).min()
        clear = lead(squares) > CLEAR or (squares[-1].mean() < earlier and SMALL * candidates[last].error < earlier)
        if too_few or not clear:
            weights = convex_weights(predictions, seen)
            best, stage = int(np.argmax(weights)), "mixture"
            error = scale**2 * float(np.mean((weights @ predictions - seen) ** 2))
            mixture = [
                (float(weights[s]) / len(members), in_units_of_y(fold[s]))
                for fold in members
                for s in np.flatnonzero(weights)
            ]
    else:
        best = int(np.argmin([f.error for f in candidates]))
        stage, error = STAGES[best], scale**2 * candidates[best].error
    history = [record | {"error": scale**2 * record["error"]} for record in history]
    c, offset, link, _ = in_units_of_y(candidates[best])
    return Refinement(c, offset, link, stage, error, errors, max(len(history) - 2, 0), history, mixture)


def descend(
    features: FeatureBlocks,
    y: np.ndarray,
    families: Sequence[type[Link]],
    max_iter: int,
    patience: int,
    tol: float,
    start: np.ndarray | None = None,
) -> tuple[list[Candidate], list[dict]]:
    """Lines 1 to 4, from ``start`` or ridge regression: candidates as `STAGES` (fewer if z vanishes), history."""
    H = make_centred(features)
    now = H.ridge(np.ones_like(y), y, intercept=True)
    error = float(np.mean(now.residuals**2))
    line = PolynomialLink(np.array([y.mean(), 1.0]), error=error)
    candidates = [Candidate(now.coefficients, float(H.mean @ now.coefficients), line, error)]
    history = [{"stage": "ridge", "penalty": now.penalty, "error": error}]
    c, left_out = now.coefficients, now.feature
    if start is not None:
        c, left_out = start, features @ start - H.mean @ start
    least, stalled = np.inf, 0
    for iteration in range(max_iter + 1):
        centre, spread = left_out.mean(), left_out.std()
        if not spread > 0:
            break
        c, left_out, offset = c / spread, (left_out - centre) / spread, centre / spread
        link = fit_link(left_out, y, families)  # line 1
        if iteration < 2:
            candidates.append(Candidate(c, float(offset + H.mean @ c), link, link.error))
        elif link.error < candidates[2].error:
            candidates[2] = Candidate(c, float(offset + H.mean @ c), link, link.error)
        stage = {"stage": STAGES[1 + (iteration > 0)], "link": type(link).__name__, "link_penalty": link.penalty}
        history.append(stage | {"penalty": now.penalty, "error": link.error})

        stalled = 0 if link.error < (1 - tol) * least else stalled + 1
        least = min(least, link.error)
        slopes = link.derivative(left_out)
        if np.ptp(slopes) < STRAIGHT * np.abs(slopes).max():  # a fixed point: ridge regression again
            link = fit_link(left_out, y, families, "gcv")
            slopes = link.derivative(left_out)
        if iteration == max_iter or stalled > patience or not slopes.any():
            break
        now = H.ridge(slopes, y - link(left_out) + slopes * (left_out + offset))  # lines 2 and 3
        c = (c + now.coefficients) / 2
        left_out = (left_out + offset + now.feature) / 2  # line 4
    return candidates, history


def out_of_fold(
    features: FeatureBlocks, y: np.ndarray, n_stages: int, folds: int, random_state: RandomState, steps: tuple
) -> tuple[list[list[Candidate]], np.ndarray, np.ndarray]:
    """Each stage fitted without each fold, until the last stage surely leads.

    Returns
    -------
    members : list of lists of Candidate
        By fold, then by stage.
    predictions : ndarray of shape (n_stages, n_seen)
        Theirs of the rows they were fitted without.
    seen : ndarray of shape (n_seen,)
        The labels of these rows.
    """
    fold_of = check_random_state(random_state).permutation(len(y)) % folds
    members, predictions = [], np.empty((n_stages, len(y)))
    rows = np.zeros(len(y), dtype=bool)
    for fold in range(folds):
        out = fold_of == fold
        inside, outside = (
            FeatureBlocks(features.X[part], features.transform, features.shape[1]) for part in (~out, out)
        )
        found, _ = descend(inside, y[~out], *steps)
        members.append([found[min(s, len(found) - 1)] for s in range(n_stages)])
        predictions[:, out] = [member.predict(outside) for member in members[-1]]
        rows |= out
        if fold + 1 >= FIRST_FOLDS and lead((predictions[:, rows] - y[rows]) ** 2) > SURE:
            break
    return members, predictions[:, rows], y[rows]


def from_the_best_fold(
    features: FeatureBlocks, y: np.ndarray, found: Candidate, folds: Sequence[Candidate], steps: tuple
) -> Candidate:
    """The descent on all rows, begun again from the fold that came farthest, where one came farther.

    One huge label can mislead its first steps, and some fold is without it.
    """
    best = min(folds, key=lambda fold: fold.error)
    if best.error >= found.error:
        return found
    again, _ = descend(features, y, *steps, start=best.coefficients)
    return min(found, again[-1], key=lambda candidate: candidate.error)
