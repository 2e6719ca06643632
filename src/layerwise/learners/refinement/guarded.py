"""Refinement beyond the paper: leave-one-out Gauss-Newton (`descent`), guarded by cross-validation.

The other rows' targets in line 2 of the descent depend on row i to second order only, but these orders add up where n
is near D, and its error becomes too hopeful. The whole is therefore cross-validated beside the earlier stages, the two
that it must not fall below; and the descent on all rows begun again from the fold that came farthest, where one came
farther. Where the refined function clearly beats both earlier stages (`SURE`, `EXACT`), and each fit had more
rows than unknowns, it is the answer, its feature averaged with those of the folds (`average`).
Elsewhere the rows cannot rank the stages, and one fit to all of them may be far worse than the fits to their parts; the
answer is then a mixture of the functions whose errors were seen, f_{-v,s} of stage s fitted without fold v:

    6  f = sum_s w_s mean_v f_{-v,s},    w >= 0,  sum(w) = 1  of least squared error out of fold,

by convexity of the square no worse than the weighted mean of their errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from layerwise._validation import as_integer, as_vector
from layerwise.learners._head import RandomState, check_number, mean_square
from layerwise.learners._stages import convex_weights, lead
from layerwise.learners.refinement.average import average
from layerwise.learners.refinement.descent import STAGES, Candidate, Curve, from_the_best_fold, search
from layerwise.solvers.gram import FeatureBlocks, as_blocks
from layerwise.solvers.link import PolynomialLink, SmoothLink, SplineLink

#: The refined function is the answer where it leads by so many standard errors over the folds, or leads at all and its
#: error on all rows, left out, is so many times below theirs: a few rows of heavy-tailed labels, or a fold that they
#: misled, carry means and standard errors.
SURE, EXACT = 4.0, 100.0
#: A sure lead after so many folds spares the others, where the error is below `NEGLIGIBLE` of the variance of y and an
#: average has nothing to gain.
FIRST_FOLDS, NEGLIGIBLE = 3, 1e-2

#: From labels and the mask of a fold: the earlier stages fitted without it, and their predictions of it.
EarlierStages = Callable[[np.ndarray, np.ndarray], tuple[Sequence[Candidate], np.ndarray]]


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
        What `predict` is: stage 1 (g a line), its feature with a link, the refined ones, or the mixture of line 6. Of a
        mixture, c and g are the refined ones, on all rows.
    error : float
        Its mean squared error, out of fold, in squared units of y.
    errors : dict of str to float
        The same for each of the stages there were, on the rows of the folds that were run; empty where ``folds=0``.
    weights : dict of str to float
        w: what each stage has of `predict`.
    n_iter : int
        Gauss-Newton steps taken on all rows.
    history : list of dict
        Ridge regression, the first link, then one line a step: what was chosen, and the leave-one-out error.
    mixture : list of (float, Candidate)
        Weights and functions; empty unless that is the stage.
    """

    coefficients: np.ndarray
    offset: float
    link: Curve
    stage: str
    error: float
    errors: dict[str, float]
    weights: dict[str, float]
    n_iter: int
    history: list[dict] = field(repr=False)
    mixture: list[tuple[float, Candidate]] = field(default_factory=list, repr=False)

    @property
    def heaviest(self) -> bool:
        """Whether the refined c and g have half of the weight or more."""
        return self.weights.get("refinement", 0.0) >= 0.5

    def feature(self, features: FeatureBlocks | np.ndarray) -> np.ndarray:
        """``z``, of shape (n_samples,)."""
        return as_blocks(features) @ self.coefficients - self.offset

    def predict(self, features: FeatureBlocks | np.ndarray) -> np.ndarray:
        """``g(z)``, or the mixture of such, of shape (n_samples,).

        Where ``earlier`` stages have coefficients on more columns, or on fewer, the features of a mixture are those of
        the most, the others' being the first of them.
        """
        features = as_blocks(features)
        if not self.mixture:
            z = self.feature(features)
            return self.link(z).astype(z.dtype, copy=False)
        C = np.zeros((features.shape[1], len(self.mixture)))
        for column, (_, member) in zip(C.T, self.mixture, strict=True):
            column[: len(member.coefficients)] = member.coefficients
        total = np.zeros(features.shape[0])
        for (weight, member), z in zip(self.mixture, (features @ C).T, strict=True):
            total += weight * member.link(z - member.offset)
        return total.astype(features.dtype, copy=False)


def refine(
    features: FeatureBlocks | np.ndarray,
    y: np.ndarray,
    *,
    groups: ArrayLike | None = None,
    earlier: EarlierStages | None = None,
    families: Sequence[type[SmoothLink]] = (PolynomialLink, SplineLink),
    max_iter: int = 30,
    patience: int = 6,
    tol: float = 1e-3,
    folds: int = 10,
    random_state: RandomState = 0,
) -> Refinement:
    """Learn ``y ~ link(features @ coefficients)``.

    With w the number of features and m = min(n, w): a step costs 4 n w m + O(m^3) flops, all matrix products and one
    eigendecomposition of size m (n < w: 2 n^2 w once, then O(n^3)), with ``groups`` up to three times as many; ten
    folds cost nine times the fit, and ``earlier`` ten times. Peak memory 4 m^2 floats and blocks of features, where
    n <= w 2 n^2 + n w more. A mixture of three stages predicts by 60 w flops a row.

    Parameters
    ----------
    features : FeatureBlocks or ndarray of shape (n_samples, width)
        H, without a constant column.
    y : ndarray of shape (n_samples,)
    groups : array-like of shape (width,), optional
        A label for each feature, e.g. its degree: coefficients of one label are of one size. Give few; None is one.
    earlier : callable, optional
        Stages 1 and 2 in place of the descent's own, as what refinement is not to fall below. From labels
        (n_samples,), which are y standardised, and the mask of a fold: the functions fitted without the fold, each a
        `Candidate`, and their predictions of it, (2, rows in the fold).
    families : sequence of Link types
        Among which leave-one-out chooses at every step.
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
        Where y is not of shape (n_samples,) or ``groups`` not (width,), H or y is not finite or the squares of y leave
        float64, ``families`` is empty, or a number is negative or should be an integer.
    """
    features = as_blocks(features)
    y = as_vector(y, "y", features.shape[0])
    if not np.isfinite(features.X).all():
        raise ValueError("features hold NaN or infinity; they must be finite. Drop or impute these rows.")
    if not families:
        raise ValueError(f"families={families!r} is empty; it must hold a Link type. Give e.g. (SplineLink,).")
    groups = None if groups is None else np.asarray(groups)
    if groups is not None and groups.shape != features.shape[1:]:
        raise ValueError(
            f"groups is of shape {groups.shape}; it must hold one label for each of the {features.shape[1]} columns."
        )
    check_number(tol, "tol", zero=True)
    for name, count in (("max_iter", max_iter), ("patience", patience), ("folds", folds)):
        as_integer(count, name)
    mean = float(np.mean(y))
    scale = float(np.sqrt(mean_square(y - mean)))
    labels = (y - mean) / (scale if scale > 0 else 1.0)
    steps = (families, max_iter, patience, tol)
    candidates, history = search(features, labels, steps, groups)
    last = len(candidates) - 1

    def in_units_of_y(f: Candidate) -> Candidate:
        coefficients = f.coefficients.astype(features.dtype, copy=False)
        return Candidate(coefficients, f.offset, f.link.affine(scale, mean), scale**2 * f.error)

    errors, mixture = {}, []
    if last and folds > 1 and len(labels) > 2:
        fold_of = draw_folds(features.X, folds, random_state)
        members, predictions, seen = out_of_fold(features, labels, earlier, last, fold_of, steps, groups)
        squares = (predictions - seen) ** 2
        best = from_the_best_fold(features, labels, candidates[last], [fold[-1] for fold in members], steps, groups)
        names = STAGES[: last + 1] if earlier is None else STAGES
        errors = {name: scale**2 * float(e) for name, e in zip(names, squares.mean(axis=1), strict=True)}
        stage, error, weights = names[-1], errors[names[-1]], {names[-1]: 1.0}
        rows_in_each = len(labels) * (1 - 1 / (1 + fold_of.max()))
        least = squares[:-1].mean(axis=1).min()
        clear = lead(squares) > SURE
        if EXACT * best.error < least and squares[-1].mean() < least:  # no row left out has a twin
            clear |= len(np.unique(features.X, axis=0)) == len(labels)
        if clear and rows_in_each > features.shape[1]:
            if errors[stage] > NEGLIGIBLE * scale**2:
                best = average(features, [best, *(fold[-1] for fold in members)])
        else:
            w = convex_weights(predictions, seen)
            stage, error = "mixture", scale**2 * float(np.mean((w @ predictions - seen) ** 2))
            weights = {name: float(share) for name, share in zip(names, w, strict=True)}
            mixture = [
                (float(w[s]) / len(members), in_units_of_y(fold[s])) for fold in members for s in np.flatnonzero(w)
            ]
    else:
        chosen = int(np.argmin([f.error for f in candidates]))
        best, stage, error = candidates[chosen], STAGES[chosen], scale**2 * candidates[chosen].error
        weights = {stage: 1.0}
    history = [record | {"error": scale**2 * record["error"]} for record in history]
    c, offset, link, _ = in_units_of_y(best)
    return Refinement(c, offset, link, stage, error, errors, weights, max(len(history) - 2, 0), history, mixture)


def draw_folds(X: np.ndarray, folds: int, random_state: RandomState) -> np.ndarray:
    """The fold of each row, (n_samples,), whatever the order of rows; those of one x, as in a bootstrap, in one."""
    distinct, copies = np.unique(X, axis=0, return_inverse=True)
    order = check_random_state(random_state).permutation(len(distinct))
    return (order % min(folds, len(distinct)))[copies.ravel()]


def out_of_fold(
    features: FeatureBlocks,
    y: np.ndarray,
    earlier: EarlierStages | None,
    last: int,
    fold_of: np.ndarray,
    steps: tuple,
    groups: np.ndarray | None,
) -> tuple[list[list[Candidate]], np.ndarray, np.ndarray]:
    """Each stage fitted without each fold, until the last stage surely leads.

    Returns
    -------
    members : list of lists of Candidate
        By fold, then by stage: the ``earlier`` ones, or the descent's before ``last``, and its last.
    predictions : ndarray of shape (n_stages, n_seen)
        Theirs of the rows they were fitted without.
    seen : ndarray of shape (n_seen,)
        The labels of these rows.
    """
    members, known, labels = [], np.empty((0, 0)), np.empty(0)
    for fold in np.unique(fold_of):
        out = fold_of == fold
        inside, outside = (
            FeatureBlocks(features.X[part], features.transform, features.shape[1]) for part in (~out, out)
        )
        found, _ = search(inside, y[~out], steps, groups)
        stages = [found[min(s, len(found) - 1)] for s in range(last + 1)]
        if earlier is None:
            predicted = [stage.predict(outside) for stage in stages]
        else:
            before, predicted_before = earlier(y, out)
            predicted = [*predicted_before, stages[-1].predict(outside)]
            stages = [*before, stages[-1]]
        missed = np.sum((stages[-1].predict(outside) - y[out]) ** 2)
        stages[-1] = stages[-1]._replace(error=(np.sum(~out) * stages[-1].error + missed) / len(y))
        known = np.hstack([known, predicted]) if members else np.array(predicted)
        labels = np.append(labels, y[out])
        members.append(stages)
        squares = (known - labels) ** 2
        if len(members) >= FIRST_FOLDS and lead(squares) > SURE and squares[-1].mean() < NEGLIGIBLE:
            break
    return members, known, labels
