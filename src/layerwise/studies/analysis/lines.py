"""Straight lines through few noisy points, some of them censored, with confidence intervals.

The variance of the error around ``y = a + b x`` has two estimates:

    seeds    from the repetitions behind each point,
    scatter  |residuals|^2 / (points - 2), which also detects that the points do not lie on a line.

The estimate that gives the wider interval counts, each with its own quantile of Student's t, and the scatter only where
it is larger than the seeds' variance. With three or four points the quantile for the scatter is large (12.7 and 4.3 at
95 %), so that an interval is short only where the points lie on a line to within the error of their seeds.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, cast

import numpy as np
from scipy.special import log_ndtr, stdtrit

Array = np.ndarray
MAX_SLOPE = 100.0  # slopes beyond it are not searched


class Line(NamedTuple):
    """``y = intercept + slope x`` and the interval of the slope; the defaults say that nothing is known."""

    slope: float = math.nan
    intercept: float = math.nan
    lower: float = -math.inf
    upper: float = math.inf


class Variance(NamedTuple):
    """An estimate of a variance, NaN where there is none, and its degrees of freedom."""

    value: float
    dof: int


def least_squares(x: Array, y: Array) -> tuple[float, float, Variance]:
    """Return slope, intercept and scatter of the least-squares line through at least two points.

    The scatter is ``|residuals|^2 / (points - 2)``, NaN for two points.
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
    """Return the standard deviation sigma and the quantile t of the interval with half width ``t sigma``.

    The scatter counts only where it is larger than the variance of the seeds; sigma is infinite where neither exists.
    """
    counts = [seeds] if scatter.value <= seeds.value else [seeds, scatter]
    pairs = [(math.sqrt(v), float(stdtrit(dof, (1 + level) / 2))) for v, dof in counts if v >= 0]
    return max(pairs, key=math.prod, default=(math.inf, 1.0))


def bounded_line(x: Array, y: Array, side: Array, sigma: float, t: float) -> Line:
    """Fit a line by maximum likelihood where some points are only bounds (the Tobit model).

    ``side`` is 0 for a point, 1 where the true value is above y, -1 where it is below; at least one is 0. With
    ``z_i = (a + b x_i - y_i) / sigma`` the deviance is

        D(a, b) = sum of z_i^2 over points  -  2 sum of log Phi(z_i) over lower bounds, log Phi(-z_i) over upper ones,

    which is convex. The interval for b is ``{b : min_a D(a, b) - min D <= t^2}``: ``b -+ t se(b)`` where there are no
    bounds, and open at an end where they leave b unlimited. Where the slope is at `MAX_SLOPE`, only the interval
    counts.
    """
    from scipy.optimize import brentq, minimize_scalar

    sigma = max(sigma, 1e-6)  # points without error turn bounds into hard constraints

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

    best: Any = minimize_scalar(profile, bounds=(-MAX_SLOPE, MAX_SLOPE), method="bounded", options={"xatol": 1e-8})
    slope = float(best.x)
    top = profile(slope) + t**2
    ends = [-math.inf, math.inf]
    for i, limit in enumerate((-MAX_SLOPE, MAX_SLOPE)):
        if profile(limit) > top:
            ends[i] = cast("float", brentq(lambda b: profile(b) - top, slope, limit))
    return Line(slope, best_intercept(slope), *ends)
