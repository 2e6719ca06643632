"""Learning rates: how risk falls with the number of samples, risk ~ C n^-beta."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from layerwise._validation import shown
from layerwise.studies.analysis.complexity import check_level, learning_curves
from layerwise.studies.analysis.lines import Line, Variance, half_width, least_squares
from layerwise.studies.analysis.result import StudyResult

if TYPE_CHECKING:
    import pandas as pd


def fit_rate(result: StudyResult, *, n_range: tuple[float, float] = (0, math.inf), level: float = 0.95) -> pd.DataFrame:
    """Fit the learning curve risk ~ C n^-beta in each cell of a study.

    Parameters
    ----------
    result : StudyResult
    n_range : tuple of two floats, default=(0, inf)
        Smallest and largest n of the fit: a power law may hold only above some n, and down to some risk.
    level : float, default=0.95
        Confidence level of the interval.

    Returns
    -------
    DataFrame
        One row for each target, learner and dim that has a successful trial in the range: rate (beta), lower, upper,
        n_min, n_max, sizes (number of different n) and seeds. The rate is NaN with fewer than two sizes; the interval
        is (-inf, inf) with a single seed and fewer than three sizes.

    Raises
    ------
    ValueError
        For a range that is not ascending, or a level outside (0, 1).

    Notes
    -----
    beta is the mean over seeds of the least-squares slope of -log risk on log n. Fitting one slope per seed counts an
    error that a seed has in common at every n once. Seeds with a failed trial in the range are left out.
    """
    import pandas as pd

    low, high = n_range
    if not low < high:
        raise ValueError(
            f"n_range=({shown(low)}, {shown(high)}) must be a smaller and a larger n. Pass (0, math.inf) to use all."
        )
    check_level(level)
    rows = []
    for labels, n, log_risks in learning_curves(result):
        within = (low <= n) & (n <= high)
        if within.any():
            rows.append((*labels, *_rate(n[within], log_risks[within], level)))
    columns = ["target", "learner", "dim", "rate", "lower", "upper", "n_min", "n_max", "sizes", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def _rate(n: np.ndarray, log_risks: np.ndarray, level: float) -> tuple[float, float, float, int, int, int, int]:
    """Return the columns of `fit_rate` after the labels, for log risks of shape (sizes, seeds)."""
    x, complete = np.log(n), log_risks[:, np.isfinite(log_risks).all(axis=0)]
    S = complete.shape[1]
    line = Line()
    if len(n) > 1 and S:
        slopes = [least_squares(x, y)[0] for y in complete.T]
        slope, intercept, scatter = least_squares(x, complete.mean(axis=1))
        scatter = Variance(scatter.value / np.sum((x - x.mean()) ** 2), scatter.dof)
        seeds = Variance(float(np.var(slopes, ddof=1)) / S if S > 1 else math.nan, S - 1)
        half = math.prod(half_width(seeds, scatter, level))
        line = Line(slope, intercept, slope - half, slope + half)
    return -line.slope, -line.upper, -line.lower, int(n[0]), int(n[-1]), len(n), S
