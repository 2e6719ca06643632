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

The columns of H are centred, ``J = diag(g') H``, ``A = J'J + (n penalty / 2) I``. With the leave-one-out residuals
``e_i = (t_i - J_i c') / (1 - J_i A^{-1} J_i')`` leaving row i out moves c' by ``-A^{-1} J_i' e_i``, and its feature,
relative to the mean of the other rows, is

    z_{-i} = n/(n-1) H_i (c' - A^{-1} J_i' e_i).

Ridge regression itself (stage 1) has an intercept too: H there less its mean weighted by ``w = g'^2``, and
``w_i / sum(w)`` more leverage.

The other rows' targets in line 2 depend on row i to second order only, but these orders add up where n is near D: the
last choice, among ridge regression, two stages and the refined function, is made by cross-validation of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh
from sklearn.utils import check_random_state

from layerwise.learners._head import RandomState
from layerwise.solvers.gram import FeatureBlocks, as_blocks
from layerwise.solvers.link import Link, PolynomialLink, SplineLink, fit_link

#: Penalties tried in line 3, as multiples of the largest eigenvalue of 2 J'J / n.
RELATIVE_PENALTIES = np.logspace(0, -9, 28)
#: A later stage must beat an earlier one by so many standard errors of the difference of their squared errors.
CAUTION = 0.5

#: A link whose slope varies less than this, relatively, is a line.
STRAIGHT = 0.1

STAGES = ("ridge", "two-stage", "refinement")


@dataclass(frozen=True)
class Refinement:
    """A function ``features -> link(features @ coefficients - offset)`` and how it was found.

    Attributes
    ----------
    coefficients : ndarray of shape (width,)
        c.
    offset : float
        What centres z.
    link : Link
        g.
    stage : {"ridge", "two-stage", "refinement"}
        What was chosen: stage 1 (g a line), its feature with a link, or the refined ones.
    error : float
        Its mean squared error, out of fold, in squared units of y.
    errors : dict of str to float
        The same for each of the stages there were; empty where ``folds=0``.
    n_iter : int
        Gauss-Newton steps taken on all rows.
    history : list of dict
        Ridge regression, the first link, then one line a step: what was chosen, and the leave-one-out error.
    """

    coefficients: np.ndarray
    offset: float
    link: Link
    stage: str
    error: float
    errors: dict[str, float]
    n_iter: int
    history: list[dict] = field(repr=False)

    def feature(self, features: FeatureBlocks | np.ndarray) -> np.ndarray:
        """``z``, of shape (n_samples,)."""
        return as_blocks(features) @ self.coefficients - self.offset

    def predict(self, features: FeatureBlocks | np.ndarray) -> np.ndarray:
        """``g(z)``, of shape (n_samples,)."""
        z = self.feature(features)
        return self.link(z).astype(z.dtype, copy=False)


def refine(
    features: FeatureBlocks | np.ndarray,
    y: np.ndarray,
    *,
    families: Sequence[type[Link]] = (PolynomialLink, SplineLink),
    max_iter: int = 30,
    patience: int = 6,
    tol: float = 1e-3,
    folds: int = 5,
    random_state: RandomState = 0,
) -> Refinement:
    """Fit ``y ~ g(H c)``, feature and link together, or return the earlier stage that cross-validates better.

    Flops a step: ``3 n D^2 + 9 D^3`` in blocks of rows where n > D = width, ``13 n^3 + 2 n D`` where n <= D (and
    n^2 D once): products of matrices and one symmetric eigenproblem of size min(n, D). Times 1 + folds for the whole.
    Memory: 4 D^2 + 90 n and two blocks of rows, or 6 n^2 + n D where n <= D.

    Parameters
    ----------
    features : FeatureBlocks or ndarray of shape (n_samples, width)
        H. A constant column does no harm, nor do columns far from centred.
    y : ndarray of shape (n_samples,)
    families : sequence of Link types
        Whose member of the least leave-one-out error is the link, anew in every step.
    max_iter : int
        Most steps. 0 leaves the choice between ridge regression and two stages.
    patience : int
        Stop after so many steps without an error smaller by ``tol``, relatively.
    tol : float
    folds : int
        Of the cross-validation that chooses the stage. 0 chooses by leave-one-out error, six times faster and right
        where n is several times D; below that it is too hopeful.
    random_state : int, RandomState or None
        Draws the folds.

    Returns
    -------
    Refinement
    """
    features = as_blocks(features)
    mean, scale = float(np.mean(y, dtype=float)), float(np.std(y, dtype=float))
    labels = (np.asarray(y, dtype=float) - mean) / (scale if scale > 0 else 1.0)
    steps = (families, max_iter, patience, tol)
    candidates, history = descend(features, labels, *steps)
    errors = {}
    if folds > 1 and len(labels) > 2:
        squares = out_of_fold_squares(features, labels, len(candidates), min(folds, len(labels)), random_state, steps)
        best = cautious_choice(squares)
        errors = {STAGES[k]: scale**2 * float(squares[:, k].mean()) for k in range(len(candidates))}
    else:
        best = int(np.argmin([f.error for f in candidates]))
    f = candidates[best]
    return Refinement(
        f.coefficients.astype(features.dtype, copy=False),
        f.offset,
        f.link.affine(scale, mean),
        STAGES[best],
        errors.get(STAGES[best], scale**2 * f.error),
        errors,
        max(len(history) - 2, 0),
        [record | {"error": scale**2 * record["error"]} for record in history],
    )


class Candidate(NamedTuple):
    """``features -> link(features @ coefficients - offset)`` and its leave-one-out error."""

    coefficients: np.ndarray
    offset: float
    link: Link
    error: float

    def predict(self, features: FeatureBlocks) -> np.ndarray:
        """Of shape (n_samples,)."""
        return self.link(features @ self.coefficients - self.offset)


class LeftOut(NamedTuple):
    """Ridge regression, and what it says about each row when that row is left out."""

    coefficients: np.ndarray
    feature: np.ndarray  # (H_i - mean of the other rows of H) c_{-i}
    penalty: float
    residuals: np.ndarray  # t_i - slope_i (b_{-i} + H_i c_{-i})


def descend(
    features: FeatureBlocks,
    y: np.ndarray,
    families: Sequence[type[Link]],
    max_iter: int,
    patience: int,
    tol: float,
) -> tuple[list[Candidate], list[dict]]:
    """Lines 1 to 4: the candidates in the order of `STAGES` (fewer where the feature vanishes) and the history."""
    H = make_centred(features)
    now = H.ridge(np.ones_like(y), y, intercept=True)
    error = float(np.mean(now.residuals**2))
    line = PolynomialLink(np.array([y.mean(), 1.0]), error=error)
    candidates = [Candidate(now.coefficients, float(H.mean @ now.coefficients), line, error)]
    history = [{"stage": "ridge", "penalty": now.penalty, "error": error}]
    c, left_out = now.coefficients, now.feature
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


def out_of_fold_squares(
    features: FeatureBlocks, y: np.ndarray, n_candidates: int, folds: int, random_state: RandomState, steps: tuple
) -> np.ndarray:
    """Squared errors of the candidates, each fitted without the row's fold, of shape (n_samples, n_candidates)."""
    squares = np.empty((len(y), n_candidates))
    fold_of = check_random_state(random_state).permutation(len(y)) % folds
    for fold in range(folds):
        out = fold_of == fold
        inside, outside = (
            FeatureBlocks(features.X[rows], features.transform, features.shape[1]) for rows in (~out, out)
        )
        candidates, _ = descend(inside, y[~out], *steps)
        for k in range(n_candidates):
            squares[out, k] = (y[out] - candidates[min(k, len(candidates) - 1)].predict(outside)) ** 2
    return squares


def cautious_choice(squares: np.ndarray) -> int:
    """The last column that beats the one chosen before it by `CAUTION` standard errors of their difference."""
    best = 0
    for k in range(1, squares.shape[1]):
        gains = squares[:, best] - squares[:, k]
        if gains.mean() > CAUTION * gains.std() / np.sqrt(len(gains)):
            best = k
    return best


class Centred:
    """Features less their column means, in float64, and the ridge regressions of line 3 in the smaller dimension."""

    def __init__(self, features: FeatureBlocks):
        self.features = features
        self.mean = sum(block.sum(axis=0, dtype=float) for _, block in features) / features.shape[0]

    def __iter__(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Pairs (rows, their centred features), in order."""
        for rows, block in self.features:
            yield rows, block - self.mean

    def ridge(
        self, slopes: np.ndarray, target: np.ndarray, penalties: np.ndarray | None = None, *, intercept: bool = False
    ) -> LeftOut:
        """Minimise ``|target - slopes b - J c|^2 / n + (penalty/2) |c|^2`` over c (and b), J = diag(slopes) H.

        Parameters
        ----------
        slopes, target : ndarrays of shape (n_samples,)
            The slopes not all zero.
        penalties : ndarray of shape (n_penalties,), optional
            Among which leave-one-out chooses; by default `RELATIVE_PENALTIES` times the largest eigenvalue of
            ``2 J'J / n``.
        intercept : bool
            Otherwise b = 0.
        """
        raise NotImplementedError

    def _left_out(
        self,
        penalties: np.ndarray,
        residuals: np.ndarray,
        at: Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray]],
    ) -> LeftOut:
        """The penalty of the least error, ``at`` which c, H c and ``H_i A^{-1} J_i'`` are asked for."""
        errors = np.mean(residuals**2, axis=0)
        k = int(np.argmin(errors))
        c, fitted, shifts = at(k)
        others = len(fitted) / max(len(fitted) - 1, 1)  # H_i - (mean of the others) = others * (H_i - mean)
        return LeftOut(c, others * (fitted - shifts * residuals[:, k]), float(penalties[k]), residuals[:, k].copy())


class Tall(Centred):
    """n >= width: ``J'J = Q diag(s) Q'``, by blocks of rows."""

    def ridge(self, slopes, target, penalties=None, *, intercept=False):
        """As `Centred.ridge`."""
        n, width = self.features.shape
        weight = slopes @ slopes
        if intercept:
            target = target - slopes * (slopes @ target / weight)
        gram, moment, mean = np.zeros((width, width)), np.zeros(width), np.zeros(width)
        for rows, block in self:
            if intercept:
                mean += slopes[rows] ** 2 @ block / weight
            block *= slopes[rows, None]
            gram += block.T @ block
            moment += target[rows] @ block
        gram -= weight * np.outer(mean, mean)
        s, Q = eigh(gram, driver="evd", overwrite_a=True)
        s = np.maximum(s, 0)
        path = _path(penalties, 2 / n * s[-1])
        inverse = 1 / (s[:, None] + n / 2 * path)
        weights = inverse * (moment @ Q)[:, None]
        fitted, residuals, shifts = (np.empty((n, len(path))) for _ in range(3))
        for rows, block in self:
            Z = block @ Q
            centred = Z - mean @ Q
            fitted[rows] = Z @ weights
            shifts[rows] = slopes[rows, None] * ((Z * centred) @ inverse)
            centred_fit = fitted[rows] - mean @ Q @ weights
            centred *= centred
            leverage = slopes[rows, None] ** 2 * (centred @ inverse + intercept / weight)
            residuals[rows] = target[rows, None] - slopes[rows, None] * centred_fit
            residuals[rows] /= np.maximum(1 - leverage, np.finfo(float).eps)
        return self._left_out(path, residuals, lambda k: (Q @ weights[:, k], fitted[:, k], shifts[:, k]))


class Wide(Centred):
    """n < width: ``D K D = Q diag(s) Q'``, K once for all steps."""

    def __init__(self, features: FeatureBlocks):
        super().__init__(features)
        self.whole = features.toarray() - self.mean
        self.kernel = self.whole @ self.whole.T

    def ridge(self, slopes, target, penalties=None, *, intercept=False):
        """As `Centred.ridge`."""
        n = self.features.shape[0]
        weight = slopes @ slopes
        KD = self.kernel * slopes
        u, far = np.zeros(n), 0.0
        if intercept:
            u = slopes / np.sqrt(weight)
            target = target - u * (u @ target)
            KD -= np.outer(self.kernel @ slopes**2 / weight, slopes)
        M = slopes[:, None] * KD
        if intercept:
            M -= np.outer(u, u @ M)  # now M u = 0:
            far = np.trace(M) / n  # never the largest eigenvalue
            M += far * np.outer(u, u)  # move that eigenvalue away from 0
        s, Q = eigh(M, driver="evd", overwrite_a=True)
        s = np.maximum(s, 0)
        path = _path(penalties, 2 / n * s[-1])
        inverse = 1 / (s[:, None] + n / 2 * path)
        alphas = Q @ (inverse * (target @ Q)[:, None])
        residuals = alphas / ((Q * Q) @ inverse - (u * u)[:, None] / (far + n / 2 * path))
        rotated = (KD @ Q) * Q

        def at(k):
            dual = slopes * alphas[:, k]
            return dual @ self.whole, self.kernel @ dual, rotated @ inverse[:, k]

        return self._left_out(path, residuals, at)


def make_centred(features: FeatureBlocks | np.ndarray) -> Centred:
    """The way that works in the smaller of n and width."""
    features = as_blocks(features)
    return (Wide if features.shape[0] <= features.shape[1] else Tall)(features)


def _path(penalties: np.ndarray | None, top: float) -> np.ndarray:
    return RELATIVE_PENALTIES * (top if top > 0 else 1.0) if penalties is None else penalties
