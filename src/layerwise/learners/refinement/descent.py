"""Leave-one-out Gauss-Newton: feature and link refitted together.

In ``y ~ g(z)``, ``z = H c + constant``, stage 1 estimates c by ridge regression and stage 2 fits g. But ridge
regression takes g(z) - z for noise, which leaves c with many times more error than its D unknowns need. Repeat::

    1  g <- the link of y on the leave-one-out feature z_{-i}, scaled to mean 0 and variance 1
    2  linearise there:   y_i - g(z_{-i}) ~ g'(z_{-i}) (H_i c' - z_{-i})
    3  c' <- ridge regression of it, the penalty by leave-one-out;   c <- (c + c') / 2
    4  z_{-i} <- half of it and half of the leave-one-out feature of c', in closed form

and keep the c, g whose leave-one-out error in line 1 was least. Where the features come in groups, as by degree::

    5  the same again, the penalty on c over the root mean square of its group's coefficients; keep the better of both

The link never sees an overfitted feature; what it sees is blurred by the feature's error, and the slope of the blurred
link is the best linear approximation of the true one under that error, where the slope at a point would miss a kink
nearby.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

import numpy as np

from layerwise.solvers.gram import FeatureBlocks
from layerwise.solvers.linearised import make_centred
from layerwise.solvers.link import Link, PolynomialLink, fit_link

#: A link whose slope varies less than this, relatively, is a line.
STRAIGHT = 0.1

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


def descend(
    features: FeatureBlocks,
    y: np.ndarray,
    families: Sequence[type[Link]],
    max_iter: int,
    patience: int,
    tol: float,
    *,
    scales: np.ndarray | None = None,
    start: np.ndarray | None = None,
) -> tuple[list[Candidate], list[dict]]:
    """Lines 1 to 4, from ``start`` or ridge regression: candidates as `STAGES` (fewer if z vanishes), history.

    ``scales`` (width,) are those of the coefficients. The feature of ``start`` has seen the labels: it is no candidate,
    nor is line 4 damped for it.
    """
    H = make_centred(features, scales)
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
        seen = start is not None and iteration == 0
        if not seen and len(candidates) < len(STAGES):
            candidates.append(Candidate(c, float(offset + H.mean @ c), link, link.error))
        elif not seen and link.error < candidates[-1].error:
            candidates[-1] = Candidate(c, float(offset + H.mean @ c), link, link.error)
        stage = {"stage": STAGES[1 + (iteration > 0)], "link": type(link).__name__, "link_penalty": link.penalty}
        history.append(stage | {"penalty": now.penalty, "error": link.error})

        stalled = 0 if link.error < (1 - tol) * least else stalled + 1
        least = np.inf if seen else min(least, link.error)
        slopes = link.derivative(left_out)
        if np.ptp(slopes) < STRAIGHT * np.abs(slopes).max():  # a fixed point: ridge regression again
            link = fit_link(left_out, y, families, "gcv")
            slopes = link.derivative(left_out)
        if iteration == max_iter or stalled > patience or not slopes.any():
            break
        now = H.ridge(slopes, y - link(left_out) + slopes * (left_out + offset))  # lines 2 and 3
        kept = 0.0 if seen else 0.5  # line 4
        c = kept * c + (1 - kept) * now.coefficients
        left_out = kept * (left_out + offset) + (1 - kept) * now.feature
    return candidates, history


def descend_by_groups(
    features: FeatureBlocks, y: np.ndarray, steps: tuple, groups: np.ndarray | None
) -> tuple[list[Candidate], list[dict], np.ndarray | None]:
    """Lines 1 to 4, and line 5: candidates, history, scales (None where lines 1 to 4 were better).

    Ridge regression takes all coefficients for equally large. But a feature of degree k may have no terms of lower
    degree, as that of the theory; noise that they fit is noise of z all the same. The second descent measures each
    coefficient by the root mean square of those of its group in the first.
    """
    candidates, history = descend(features, y, *steps)
    if groups is None or len(candidates) == 1:
        return candidates, history, None
    scales = group_scales(candidates[-1].coefficients, groups)
    scaled, scaled_history = descend(features, y, *steps, scales=scales)
    if len(scaled) < len(candidates) or scaled[-1].error >= candidates[-1].error:
        return candidates, history, None
    return scaled, scaled_history, scales


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
    scales: np.ndarray | None,
) -> Candidate:
    """The descent on all rows, begun again from the fold that came farthest, where one came farther.

    One huge label can mislead its first steps, and some fold is without it.
    """
    best = min(folds, key=lambda fold: fold.error)
    if best.error >= found.error:
        return found
    again, _ = descend(features, y, *steps, scales=scales, start=best.coefficients)
    return min(found, again[-1], key=lambda candidate: candidate.error)
