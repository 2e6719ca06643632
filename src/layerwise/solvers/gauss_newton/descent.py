"""Leave-one-out Gauss-Newton: refit a feature and its link together.

In ``y ~ g(z)``, ``z = H c + constant``, ridge regression on H estimates c, and a link g is fitted to its feature. Ridge
regression treats g(z) - z as noise, which gives c a far larger error than its D unknowns require. Repeat::

    1  g <- the link of y on the leave-one-out feature z_{-i}, scaled to mean 0 and variance 1
    2  linearise there:   y_i - g(z_{-i}) ~ g'(z_{-i}) (H_i c' - z_{-i})
    3  c' <- ridge regression on it, the penalty chosen by leave-one-out;   c <- (c + c') / 2
    4  z_{-i} <- the mean of z_{-i} and the leave-one-out feature of c', in closed form

and keep the c and g whose leave-one-out error in line 1 was least. If the features come in groups, such as degrees::

    5  continue from there with each coefficient penalised relative to the root mean square of its group; do this twice

Ridge regression assumes that all coefficients have the same size. A feature of degree k may have no terms of lower
degree, as in the theory, and the noise that those terms fit is noise in z.

The link is never fitted to an overfitted feature. It is fitted to one blurred by the feature's error, and the slope of
the blurred link is the best linear approximation of the true link under that error, whereas the slope at a point would
miss a kink nearby.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from layerwise.solvers.gram import FeatureBlocks
from layerwise.solvers.linearised import Centred, make_centred
from layerwise.solvers.link import Link, PolynomialLink, SmoothLink, fit_link

#: A link whose slope varies by less than this fraction of its largest value is treated as a straight line.
MIN_SLOPE_VARIATION = 0.1

#: How often line 5 is done, each time with new scales.
N_RESCALINGS = 2

#: The penalty is chosen in every n-th step only, unless there are so few unknowns that the choice costs little.
PATH_EVERY, FEW_UNKNOWNS = 5, 32

STAGES = ("ridge", "two-stage", "refinement")


class Candidate(NamedTuple):
    """The function ``features -> link(features @ coefficients - offset)`` and its leave-one-out error."""

    coefficients: np.ndarray
    offset: float
    link: Link
    error: float

    def predict(self, features: FeatureBlocks) -> np.ndarray:
        """Predictions of shape (n_samples,)."""
        return self.link(features @ self.coefficients - self.offset)


class Options(NamedTuple):
    """Parameters of a descent, as `layerwise.solvers.gauss_newton.refine` takes them."""

    families: Sequence[type[SmoothLink]]
    max_iter: int
    patience: int
    tol: float


class State(NamedTuple):
    """The state of a descent: c, the leave-one-out feature of each row, and the last ridge penalty.

    If ``in_sample``, c was fitted to all labels and ``left_out`` is its feature as it is: such a state is not a
    candidate, and the next one replaces it instead of being averaged with it.
    """

    coefficients: np.ndarray
    left_out: np.ndarray
    penalty: float
    in_sample: bool = False


def descend(H: Centred, y: np.ndarray, start: State, options: Options) -> tuple[list[Candidate], State, list[dict]]:
    """Lines 1 to 4, from ``start``, for labels y (n_samples,).

    Returns the first candidate and, if there is one, the best of those after it; the state of the last of the two; and
    one history entry per step. There is no candidate if z vanishes, and only the first if the link is a straight line
    at once.
    """
    families, max_iter, patience, tol = options
    candidates, best_state, history = [], start, []
    c, left_out, penalty, in_sample = start
    least, stalled = np.inf, 0
    every = PATH_EVERY if min(H.features.shape) > FEW_UNKNOWNS else 1
    for iteration in range(max_iter + 1):
        centre, spread = left_out.mean(), left_out.std()
        if not spread > 0:
            break
        c, left_out, offset = c / spread, (left_out - centre) / spread, centre / spread
        link = fit_link(left_out, y, families)  # line 1
        history.append({"link": type(link).__name__, "link_penalty": link.penalty})
        history[-1] |= {"penalty": penalty, "error": link.error}
        if not in_sample:
            candidate = Candidate(c, float(offset + H.mean @ c), link, link.error)
            if len(candidates) < 2 or link.error < candidates[1].error:
                candidates, best_state = [*candidates[:1], candidate], State(c, left_out + offset, penalty)
            stalled = 0 if link.error < (1 - tol) * least else stalled + 1
            least = min(least, link.error)
        slopes = link.derivative(left_out)
        if np.ptp(slopes) < MIN_SLOPE_VARIATION * np.abs(slopes).max():  # the next step would be ridge regression again
            link = fit_link(left_out, y, families, "gcv")
            slopes = link.derivative(left_out)
        if iteration == max_iter or stalled > patience or not slopes.any():
            break
        target = y - link(left_out) + slopes * (left_out + offset)
        search = iteration % every == 0
        step = H.ridge(slopes, target) if search else H.ridge_at(slopes, target, penalty)  # lines 2 and 3
        kept = 0.0 if in_sample else 0.5
        c = kept * c + (1 - kept) * step.coefficients
        left_out = kept * (left_out + offset) + (1 - kept) * step.feature  # line 4
        penalty, in_sample = step.penalty, False
    return candidates, best_state, history


def fit_stages(
    features: FeatureBlocks, y: np.ndarray, options: Options, groups: np.ndarray | None
) -> tuple[list[Candidate], list[dict]]:
    """Lines 1 to 5 from ridge regression: one candidate for each of `STAGES` (fewer if z vanishes), and the history."""
    H = make_centred(features)
    ridge = H.ridge(np.ones_like(y), y, intercept=True)
    error = float(np.mean(ridge.residuals**2))
    line = PolynomialLink(np.array([y.mean(), 1.0]), error=error)
    candidates = [Candidate(ridge.coefficients, float(H.mean @ ridge.coefficients), line, error)]
    history = [{"stage": "ridge", "penalty": ridge.penalty, "error": error}]
    found, state, steps = descend(H, y, State(ridge.coefficients, ridge.feature, ridge.penalty), options)
    history += [{"stage": STAGES[1 + (i > 0)]} | step for i, step in enumerate(steps)]
    candidates += found
    if groups is None or len(found) < 2 or len(np.unique(groups)) == 1:
        return candidates, history
    for _ in range(N_RESCALINGS):
        H = make_centred(features, group_scales(state.coefficients, groups))
        again, state, steps = descend(H, y, state, options)
        found += again
        history += [{"stage": "refinement"} | step for step in steps[1:]]
    return [*candidates[:2], min(found[1:], key=lambda candidate: candidate.error)], history


def group_scales(coefficients: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Root mean square of the coefficients in the group of each, of shape (width,), scaled to a maximum of 1."""
    members = np.unique(groups, return_inverse=True)[1]
    sizes = np.sqrt(np.bincount(members, coefficients**2) / np.bincount(members))
    return (sizes / sizes.max())[members]


def restart_from_best_fold(
    features: FeatureBlocks,
    y: np.ndarray,
    found: Candidate,
    folds: Sequence[Candidate],
    options: Options,
    groups: np.ndarray | None,
) -> Candidate:
    """Descend on all rows from the best candidate of the folds, if its error is below that of ``found``.

    One huge label can mislead the first steps of a descent on all rows, and some fold does not contain it. Returns the
    better of the new candidate and ``found``.
    """
    best = min(folds, key=lambda fold: fold.error)
    if best.error >= found.error:
        return found
    c = best.coefficients
    H = make_centred(features, None if groups is None else group_scales(c, groups))
    again, *_ = descend(H, y, State(c, features @ c - H.mean @ c, np.nan, in_sample=True), options)
    return min([found, *again], key=lambda candidate: candidate.error)
