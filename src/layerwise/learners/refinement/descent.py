"""Leave-one-out Gauss-Newton: feature and link refitted together.

In ``y ~ g(z)``, ``z = H c + constant``, stage 1 estimates c by ridge regression and stage 2 fits g. But ridge
regression takes g(z) - z for noise, which leaves c with many times more error than its D unknowns need. Repeat::

    1  g <- the link of y on the leave-one-out feature z_{-i}, scaled to mean 0 and variance 1
    2  linearise there:   y_i - g(z_{-i}) ~ g'(z_{-i}) (H_i c' - z_{-i})
    3  c' <- ridge regression of it, the penalty by leave-one-out;   c <- (c + c') / 2
    4  z_{-i} <- half of it and half of the leave-one-out feature of c', in closed form

and keep the c, g whose leave-one-out error in line 1 was least. Where the features come in groups, as by degree::

    5  go on from there, the penalty on c over the root mean square of its group's coefficients, twice; keep the best

Ridge regression takes all coefficients for equally large. But a feature of degree k may have no terms of lower degree,
as that of the theory, and noise that they fit is noise of z all the same.

The link never sees an overfitted feature; what it sees is blurred by the feature's error, and the slope of the blurred
link is the best linear approximation of the true one under that error, where the slope at a point would miss a kink
nearby.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

import numpy as np

from layerwise.solvers.gram import FeatureBlocks
from layerwise.solvers.linearised import Centred, make_centred
from layerwise.solvers.link import PolynomialLink, SmoothLink, fit_link

#: A link whose slope varies less than this, relatively, is a line.
STRAIGHT = 0.1

#: Times line 5 is done, the scales anew each time.
ROUNDS = 2

STAGES = ("ridge", "two-stage", "refinement")


class Curve(Protocol):
    """A function of one variable, as a `Link` is."""

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Elementwise on (n_samples,)."""
        ...

    def affine(self, scale: float, shift: float) -> Self:
        """The function ``scale * g + shift``."""
        ...


class Candidate(NamedTuple):
    """``features -> link(features @ coefficients - offset)`` and its leave-one-out error."""

    coefficients: np.ndarray
    offset: float
    link: Curve
    error: float

    def predict(self, features: FeatureBlocks) -> np.ndarray:
        """Of shape (n_samples,)."""
        return self.link(features @ self.coefficients - self.offset)


class Point(NamedTuple):
    """Where a descent stands: c, each row's feature by a fit without it, and the penalty of ridge regression last.

    Of c that has ``seen`` the labels of all rows, the feature as it is: no candidate, and not to be averaged with.
    """

    coefficients: np.ndarray
    left_out: np.ndarray
    penalty: float
    seen: bool = False


def descend(
    H: Centred,
    y: np.ndarray,
    start: Point,
    families: Sequence[type[SmoothLink]],
    max_iter: int,
    patience: int,
    tol: float,
) -> tuple[list[Candidate], Point, list[dict]]:
    """Lines 1 to 4 from ``start``: the first candidate and the best after it, the point of this, history.

    Fewer where z vanishes, or a line is left at once.
    """
    candidates, reached, history = [], start, []
    c, left_out, penalty, seen = start
    least, stalled = np.inf, 0
    for iteration in range(max_iter + 1):
        centre, spread = left_out.mean(), left_out.std()
        if not spread > 0:
            break
        c, left_out, offset = c / spread, (left_out - centre) / spread, centre / spread
        link = fit_link(left_out, y, families)  # line 1
        history.append({"link": type(link).__name__, "link_penalty": link.penalty})
        history[-1] |= {"penalty": penalty, "error": link.error}
        if not seen:
            candidate = Candidate(c, float(offset + H.mean @ c), link, link.error)
            if len(candidates) < 2 or link.error < candidates[1].error:
                candidates, reached = [*candidates[:1], candidate], Point(c, left_out + offset, penalty)
            stalled = 0 if link.error < (1 - tol) * least else stalled + 1
            least = min(least, link.error)
        slopes = link.derivative(left_out)
        if np.ptp(slopes) < STRAIGHT * np.abs(slopes).max():  # a fixed point: ridge regression again
            link = fit_link(left_out, y, families, "gcv")
            slopes = link.derivative(left_out)
        if iteration == max_iter or stalled > patience or not slopes.any():
            break
        now = H.ridge(slopes, y - link(left_out) + slopes * (left_out + offset))  # lines 2 and 3
        kept = 0.0 if seen else 0.5
        c = kept * c + (1 - kept) * now.coefficients
        left_out = kept * (left_out + offset) + (1 - kept) * now.feature  # line 4
        penalty, seen = now.penalty, False
    return candidates, reached, history


def search(
    features: FeatureBlocks, y: np.ndarray, steps: tuple, groups: np.ndarray | None
) -> tuple[list[Candidate], list[dict]]:
    """Lines 1 to 5 from ridge regression: candidates as `STAGES` (fewer if z vanishes), history."""
    H = make_centred(features)
    ridge = H.ridge(np.ones_like(y), y, intercept=True)
    error = float(np.mean(ridge.residuals**2))
    line = PolynomialLink(np.array([y.mean(), 1.0]), error=error)
    candidates = [Candidate(ridge.coefficients, float(H.mean @ ridge.coefficients), line, error)]
    history = [{"stage": "ridge", "penalty": ridge.penalty, "error": error}]
    found, reached, more = descend(H, y, Point(ridge.coefficients, ridge.feature, ridge.penalty), *steps)
    history += [{"stage": STAGES[1 + (i > 0)]} | line for i, line in enumerate(more)]
    candidates += found
    if groups is None or len(found) < 2 or len(np.unique(groups)) == 1:
        return candidates, history
    for _ in range(ROUNDS):
        H = make_centred(features, group_scales(reached.coefficients, groups))
        again, reached, more = descend(H, y, reached, *steps)
        found += again
        history += [{"stage": "refinement"} | line for line in more[1:]]
    return [*candidates[:2], min(found[1:], key=lambda candidate: candidate.error)], history


def group_scales(coefficients: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Root mean square of the coefficients of each one's group, of shape (width,), the largest 1."""
    members = np.unique(groups, return_inverse=True)[1]
    sizes = np.sqrt(np.bincount(members, coefficients**2) / np.bincount(members))
    return (sizes / sizes.max())[members]


def from_the_best_fold(
    features: FeatureBlocks,
    y: np.ndarray,
    found: Candidate,
    folds: Sequence[Candidate],
    steps: tuple,
    groups: np.ndarray | None,
) -> Candidate:
    """Lines 1 to 5 on all rows, begun again from the fold that came farthest, where one came farther.

    One huge label can mislead the first steps, and some fold is without it.
    """
    best = min(folds, key=lambda fold: fold.error)
    if best.error >= found.error:
        return found
    c = best.coefficients
    H = make_centred(features, None if groups is None else group_scales(c, groups))
    again, *_ = descend(H, y, Point(c, features @ c - H.mean @ c, np.nan, seen=True), *steps)
    return min([found, *again], key=lambda candidate: candidate.error)
