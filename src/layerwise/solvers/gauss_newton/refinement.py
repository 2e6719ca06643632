"""Refinement of a feature and its link, cross-validated beside the stages that come before it.

In line 2 of the descent the targets of other rows depend on row i to second order only, but these terms add up where n
is near D, and the leave-one-out error becomes optimistically biased. The whole procedure is therefore cross-validated
beside the two earlier stages (ridge regression, and its feature with a link), below which it must not fall; and the
descent on all rows is restarted from the best fold if that fold's candidate has the smaller error.

If the refined function clearly beats both earlier stages (`MIN_LEAD_SE`, `MIN_ERROR_RATIO`) and each fit had more rows
than unknowns, it is the result, its feature averaged with those of the folds (`averaging`). Otherwise the rows cannot
rank the stages, and one fit to all rows may be far worse than the fits to parts of them. The result is then a stack of
the functions whose errors were measured, f_{-v,s} being stage s fitted without fold v:

    6  f = sum_s w_s mean_v f_{-v,s},    w >= 0,  sum(w) = 1,  of least squared error out of fold.

Because the square is convex, its error is at most the weighted mean of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from layerwise._validation import Number, as_integer, as_vector
from layerwise.solvers.gauss_newton.averaging import average_features
from layerwise.solvers.gauss_newton.descent import (
    STAGES,
    Candidate,
    Options,
    fit_stages,
    restart_from_best_fold,
)
from layerwise.solvers.gauss_newton.folds import FoldFit, draw_folds
from layerwise.solvers.gram import FeatureBlocks, as_blocks
from layerwise.solvers.link import Link, PolynomialLink, SmoothLink, SplineLink
from layerwise.solvers.squared_errors import lead, mean_square, stacking_weights

#: The refined function is the result if it leads by this many standard errors over the folds,
MIN_LEAD_SE = 4.0
#: or if it leads at all and its leave-one-out error on all rows is smaller than theirs by this factor: means and
#: standard errors may be dominated by a few rows with heavy-tailed labels, or by a fold that they misled.
MIN_ERROR_RATIO = 100.0
#: After this many folds a lead of `MIN_LEAD_SE` ends the cross-validation, provided that the error is below
MIN_FOLDS = 3
#: this share of the variance of y, where averaging has nothing to gain.
NEGLIGIBLE_SHARE = 1e-2


@dataclass(frozen=True)
class Refinement:
    """A function ``features -> link(features @ coefficients - offset)``, or a stack of such, and how it was found.

    Attributes
    ----------
    coefficients, offset, link : ndarray of shape (width,), float, Link
        c, what is subtracted from ``features @ coefficients`` to centre z, and g.
    stage : {"ridge", "two-stage", "refinement", "stack"}
        What `predict` evaluates: ridge regression (g is a line), its feature with a link, the refined feature and link,
        or the stack of line 6. With a stack, c and g are the refined ones, fitted to all rows.
    error : float
        The mean squared error out of fold, in squared units of y.
    errors, weights : dict of str to float
        The same for each stage that was fitted, on the rows of the folds that were run, empty without folds; and w, the
        weight of each stage in `predict`.
    n_iter : int
        Gauss-Newton steps taken on all rows.
    history : list of dict
        Ridge regression, the first link, then one entry per step: what was chosen, and the leave-one-out error.
    stack : list of (float, Candidate)
        Weights and functions of the stack; empty otherwise.
    """

    coefficients: np.ndarray
    offset: float
    link: Link
    stage: str
    error: float
    errors: dict[str, float]
    weights: dict[str, float]
    n_iter: int
    history: list[dict] = field(repr=False)
    stack: list[tuple[float, Candidate]] = field(default_factory=list, repr=False)

    @property
    def mostly_refined(self) -> bool:
        """Whether the refined c and g have at least half of the weight."""
        return self.weights.get("refinement", 0.0) >= 0.5

    def feature(self, features: FeatureBlocks | np.ndarray) -> np.ndarray:
        """``z``, of shape (n_samples,)."""
        return as_blocks(features) @ self.coefficients - self.offset

    def predict(self, features: FeatureBlocks | np.ndarray) -> np.ndarray:
        """``g(z)``, or the stack of such functions, of shape (n_samples,).

        If the members of a stack have different numbers of coefficients, pass as many columns as the largest number;
        the others use the first of these columns.
        """
        features = as_blocks(features)
        if not self.stack:
            z = self.feature(features)
            return self.link(z).astype(z.dtype, copy=False)
        C = np.zeros((features.shape[1], len(self.stack)))
        for column, (_, member) in zip(C.T, self.stack, strict=True):
            column[: len(member.coefficients)] = member.coefficients
        total = np.zeros(features.shape[0])
        for (weight, member), z in zip(self.stack, (features @ C).T, strict=True):
            total += weight * member.link(z - member.offset)
        return total.astype(features.dtype, copy=False)


def refine(
    features: FeatureBlocks | np.ndarray,
    y: np.ndarray,
    *,
    groups: ArrayLike | None = None,
    folds: int | Sequence[FoldFit] = 10,
    families: Sequence[type[SmoothLink]] = (PolynomialLink, SplineLink),
    max_iter: int = 30,
    patience: int = 6,
    tol: float = 1e-3,
    error_to_beat: float = np.inf,
    random_state: int | np.random.RandomState | None = 0,
) -> Refinement:
    """Fit ``y ~ link(features @ coefficients)``.

    With w features and m = min(n, w), a step costs 4 n w m + O(m^3) flops, all of them matrix products and one
    eigendecomposition of size m (for n < w: 2 n^2 w once, then O(n^3) per step); with ``groups`` up to three times as
    many steps are taken. Ten folds cost nine times the fit. Peak memory is 4 m^2 floats and blocks of features, or
    6 n^2 + n w if n <= w. A stack of three stages costs 60 w flops per predicted row.

    Parameters
    ----------
    features : FeatureBlocks or ndarray of shape (n_samples, width)
        H, without a constant column.
    y : ndarray of shape (n_samples,)
    groups : array-like of shape (width,), optional
        A label for each feature, e.g. its degree: coefficients with the same label are assumed to be of similar size.
        Use few labels. None puts all features into one group.
    folds : int or sequence of FoldFit, default=10
        The number of folds of the cross-validation, or the folds themselves with earlier stages fitted without each,
        below which refinement must not fall. The sequence may compute its items when they are asked for: the remaining
        folds are skipped once the refined function clearly leads. With 0 or 1 one stage is chosen by its leave-one-out
        error, which is many times faster, but optimistically biased unless n is several times the number of features.
    families : sequence of SmoothLink types
        The candidates for the link; leave-one-out chooses one of them at every step.
    max_iter : int, default=30
        The largest number of steps. 0 leaves ridge regression and two stages.
    patience, tol : int, default=6, and float, default=1e-3
        Stop after ``patience`` steps without a relative decrease of the error by ``tol``.
    error_to_beat : float, optional
        Skip the folds, as with ``folds=0``, if the leave-one-out error on all rows is not below this number: as it is
        optimistically biased, the error out of fold is unlikely to be.
    random_state : int, RandomState or None, default=0
        Draws the folds.

    Raises
    ------
    ValueError, TypeError
        If y is not of shape (n_samples,) or ``groups`` not of shape (width,), H or y is not finite, the squares of y
        overflow or underflow float64, ``families`` is empty, or a number is negative or not an integer.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise.solvers.gauss_newton import refine
    >>> H = np.random.default_rng(0).standard_normal((200, 10))
    >>> result = refine(H, np.tanh(H.sum(axis=1)))
    >>> result.stage
    'refinement'
    >>> bool(result.error < 1e-3)
    True
    """
    features = as_blocks(features)
    X = features.X
    y = as_vector(y, "y", features.shape[0])
    groups = _check(features, groups, families, max_iter, patience, tol)
    features = features.kept()
    labels, mean, scale = standardise(y)
    options = Options(families, max_iter, patience, tol)
    candidates, history = fit_stages(features, labels, options, groups)
    names = STAGES[: len(candidates)]
    if isinstance(folds, Sequence):
        names = STAGES
    elif as_integer(folds, "folds") > 1:
        fold_of = draw_folds(features.X, folds, random_state)
        folds = [FoldFit(fold_of == fold) for fold in range(1 + int(fold_of.max()))]
    else:
        folds = []

    def in_units_of_y(f: Candidate) -> Candidate:
        coefficients = f.coefficients.astype(features.dtype, copy=False)
        return Candidate(coefficients, f.offset, f.link.affine(scale, mean), scale**2 * f.error)

    errors, stack = {}, []
    if not scale**2 * candidates[-1].error < error_to_beat:
        folds = []
    if len(candidates) > 1 and len(folds) > 1 and len(labels) > 2:
        members, predictions, seen = out_of_fold(features, labels, folds, len(candidates) - 1, options, groups)
        squares = (predictions - seen) ** 2
        refined = [fold[-1] for fold in members]
        best = restart_from_best_fold(features, labels, candidates[-1], refined, options, groups)
        errors = {name: scale**2 * float(e) for name, e in zip(names, squares.mean(axis=1), strict=True)}
        stage = names[-1]
        error, weights = errors[stage], {stage: 1.0}
        rows_per_fit = len(labels) * (1 - 1 / len(folds))
        if _clearly_leads(squares, best.error, X) and rows_per_fit > features.shape[1]:
            if error > NEGLIGIBLE_SHARE * scale**2:
                best = average_features(features, [best, *refined])
        else:
            w = stacking_weights(predictions, seen)
            stage, error = "stack", scale**2 * float(np.mean((w @ predictions - seen) ** 2))
            weights = {name: float(share) for name, share in zip(names, w, strict=True)}
            used = np.flatnonzero(w)
            stack = [(float(w[s]) / len(members), in_units_of_y(fold[s])) for fold in members for s in used]
    else:
        chosen = int(np.argmin([f.error for f in candidates]))
        best, stage, error = candidates[chosen], STAGES[chosen], scale**2 * candidates[chosen].error
        weights = {stage: 1.0}
    history = [record | {"error": scale**2 * record["error"]} for record in history]
    c, offset, link, _ = in_units_of_y(best)
    return Refinement(c, offset, link, stage, error, errors, weights, max(len(history) - 2, 0), history, stack)


def standardise(y: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Labels with mean 0 and variance 1 in float64 (0 if y is constant), the mean, and the standard deviation."""
    y = np.asarray(y, dtype=float)
    mean = float(np.mean(y))
    scale = float(np.sqrt(mean_square(y - mean)))
    return (y - mean) / (scale if scale > 0 else 1.0), mean, scale


def out_of_fold(
    features: FeatureBlocks,
    y: np.ndarray,
    folds: Sequence[FoldFit],
    last: int,
    options: Options,
    groups: np.ndarray | None,
) -> tuple[list[list[Candidate]], np.ndarray, np.ndarray]:
    """Fit the stages without each fold, until the last stage clearly leads.

    Returns the candidates by fold, then by stage (the earlier ones and the last of the descent, which has ``last``
    stages before it); their predictions (n_stages, n_seen) for the rows of the folds without which they were fitted;
    and the labels (n_seen,) of these rows.
    """
    members, predictions, labels = [], np.empty((0, 0)), np.empty(0)
    for fold in folds:
        out = fold.held_out
        inside, outside = features.subset(~out), features.subset(out)
        found, _ = fit_stages(inside, y[~out], options, groups)
        stages = [found[min(s, len(found) - 1)] for s in range(last + 1)]
        if fold.stages:
            predicted = [*fold.predictions, stages[-1].predict(outside)]
            stages = [*fold.stages, stages[-1]]
        else:
            predicted = [stage.predict(outside) for stage in stages]
        missed = np.sum((stages[-1].predict(outside) - y[out]) ** 2)
        stages[-1] = stages[-1]._replace(error=(np.sum(~out) * stages[-1].error + missed) / len(y))
        predictions = np.hstack([predictions, predicted]) if members else np.array(predicted)
        labels = np.append(labels, y[out])
        members.append(stages)
        squares = (predictions - labels) ** 2
        if len(members) >= MIN_FOLDS and lead(squares) > MIN_LEAD_SE and squares[-1].mean() < NEGLIGIBLE_SHARE:
            break
    return members, predictions, labels


def _clearly_leads(squares: np.ndarray, error: float, X: np.ndarray) -> bool:
    """Whether the last stage leads by its errors out of fold, or by ``error``, left out, on all rows X."""
    least = squares[:-1].mean(axis=1).min()
    if lead(squares) > MIN_LEAD_SE:
        return True
    smaller = MIN_ERROR_RATIO * error < least and squares[-1].mean() < least
    return bool(smaller and len(np.unique(X, axis=0)) == len(X))  # leave-one-out errors need distinct rows


def _check(features: FeatureBlocks, groups: ArrayLike | None, families, max_iter, patience, tol) -> np.ndarray | None:
    """The groups as an array; raises ValueError or TypeError for arguments that are not allowed."""
    if not np.isfinite(features.X).all():
        raise ValueError("features contains NaN or infinity; its entries must be finite. Drop or impute these rows.")
    if not families:
        raise ValueError(f"families={families!r} is empty; it must contain a SmoothLink type. Pass e.g. (SplineLink,).")
    Number(zero=True).check(tol, "tol")
    for name, count in (("max_iter", max_iter), ("patience", patience)):
        as_integer(count, name)
    if groups is None:
        return None
    labels = np.asarray(groups)
    if labels.shape != features.shape[1:]:
        raise ValueError(
            f"groups has shape {labels.shape}; it must be ({features.shape[1]},). Pass one label for each column."
        )
    return labels
