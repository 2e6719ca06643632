"""Straight lines through few noisy points, some of them only bounded, with intervals that stay honest.

The error's variance around ``y = a + b x`` has two estimates:

    seeds    what the repetitions behind each point say of it,
    scatter  |residuals|^2 / (points - 2), which also sees that the points are on no line.

The seeds' holds unless the scatter's is the larger; each comes with its own quantile of Student's t, and with three or
four points the scatter's is large (12.7 and 4.3 at 95 %). So an interval is short only where the points lie on a line
as closely as their seeds allow.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, cast

import numpy as np
from scipy.special import log_ndtr, stdtrit

Array = np.ndarray
STEEPEST = 100.0  # a slope beyond is none


class Line(NamedTuple):
    """``y = intercept + slope x``, with the ends of the slope's interval; unknown until fitted."""

    slope: float = math.nan
    intercept: float = math.nan
    lower: float = -math.inf
    upper: float = math.inf


class Variance(NamedTuple):
    """An estimate of a variance, NaN if there is none, and its degrees of freedom."""

    value: float
    dof: int


def least_squares(x: Array, y: Array) -> tuple[float, float, Variance]:
    """The line through points, and their scatter around it.

    Parameters
    ----------
    x, y : ndarray of shape (points,)
        At least two points.

    Returns
    -------
    slope, intercept : float
        The line.
    scatter : Variance
        ``|residuals|^2 / (points - 2)``.
    """
    z = x - x.mean()
    slope = float(z @ y / (z @ z))
    residuals = y - y.mean() - slope * z
    dof = len(x) - 2
    return (
        slope,
        float(y.mean() - slope * x.mean()),
        Variance(float(residuals @ residuals) / dof if dof else math.nan, dof),
    )


def half_width(seeds: Variance, scatter: Variance, level: float) -> tuple[float, float]:
    """Return sigma and t, so that ``t sigma`` is the half width of an interval for what has this error.

    Parameters
    ----------
    seeds, scatter : Variance
        The two estimates; the scatter's counts where it is the larger.
    level : float
        Confidence level.

    Returns
    -------
    sigma, t : float
        Standard deviation, infinite where neither estimate exists, and quantile of Student's t.
    """
    counts = [seeds] if scatter.value <= seeds.value else [seeds, scatter]
    pairs = [(math.sqrt(v), float(stdtrit(dof, (1 + level) / 2))) for v, dof in counts if v >= 0]
    return max(pairs, key=math.prod, default=(math.inf, 1.0))


def bounded_line(x: Array, y: Array, side: Array, sigma: float, t: float) -> Line:
    """The line of greatest likelihood where some points are only bounds (Tobin's model).

    With ``z_i = (a + b x_i - y_i) / sigma`` the deviance is

        D(a, b) = sum of z_i^2 over points  -  2 sum of log Phi(z_i) over lower bounds, log Phi(-z_i) over upper ones,

    which is convex, and the interval for b is ``{b : min_a D(a, b) - min D <= t^2}``: ``b -+ t se(b)`` where all are
    points, open where the bounds only bound b from one side.

    Parameters
    ----------
    x, y : ndarray of shape (points,)
        The points.
    side : ndarray of shape (points,)
        0 for a point, 1 where the truth lies above y, -1 where below. At least one point.
    sigma : float
        Standard deviation of the error.
    t : float
        Quantile.

    Returns
    -------
    Line
        The line; of a slope beyond `STEEPEST` only the ends of the interval mean something.
    """
    from scipy.optimize import brentq, minimize_scalar

    sigma = max(sigma, 1e-6)  # exact points: bounds are then walls

    def deviance(intercept: float, slope: float) -> float:
        z = (intercept + slope * x - y) / sigma
        return float(np.sum(np.where(side == 0, z**2, -2 * log_ndtr(side * z))))

    def best_intercept(slope: float) -> float:
        offsets = y - slope * x
        ends = (offsets.min() - 9 * sigma, offsets.max() + 9 * sigma)
        best: Any = minimize_scalar(
            deviance, args=(slope,), bounds=ends, method="bounded", options={"xatol": 1e-7 * sigma}
        )
        return float(best.x)

    def profile(slope: float) -> float:
        return deviance(best_intercept(slope), slope)

    best: Any = minimize_scalar(profile, bounds=(-STEEPEST, STEEPEST), method="bounded", options={"xatol": 1e-8})
    slope = float(best.x)
    top = profile(slope) + t**2
    ends = [-math.inf, math.inf]
    for i, limit in enumerate((-STEEPEST, STEEPEST)):
        if profile(limit) > top:
            ends[i] = cast("float", brentq(lambda b: profile(b) - top, slope, limit))
    return Line(slope, best_intercept(slope), *ends)
