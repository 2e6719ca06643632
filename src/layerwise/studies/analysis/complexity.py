"""Sample complexity: the number of samples n* at which the median risk over seeds falls to a threshold.

Let ``m(n)`` be the median over S seeds of log risk and ``s(n)`` their standard deviation. The band around m is the
wider of two confidence intervals for a median:

    m -+ t e,  e = s sqrt(pi / (2 S + pi - 2)),   Student's t, with the standard error e of a normal sample's median;
    from the k-th smallest to the k-th largest,   the sign test, valid for every distribution: log risks are far from
                                                  normal if only some of the seeds have learnt.

Isotonic regression makes each of the three curves decreasing (a risk that rises again is noise, or n* is where it
falls for the last time). The points where they cross ``log threshold`` are the lower end of the interval, n* and the
upper end. A curve that does not cross within the grid of n is censored, to the left or to the right.

Between grid points the curve is a monotone cubic (`scipy.interpolate.PchipInterpolator`), which is the straight line in
log-log coordinates where the points lie on one. A drop between two grid points may happen anywhere between them: the
ends of the interval move towards these points by the share ``min(1, (drop / log 10)^2)`` of the distance, where drop is
the decrease in log risk; the whole distance where risk falls to a tenth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy.special import bdtr, stdtrit

from layerwise._validation import Fraction, Number
from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.definition.sizes import sizes_at

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray
UNRESOLVED_DROP = math.log(10)  # decrease in log risk between neighbouring n above which the crossing may be anywhere


@dataclass(frozen=True)
class Crossing:
    """The log n at which the risk of one cell crosses the threshold.

    -inf lies below the grid of n, inf above it; NaN means that all trials failed.
    """

    target: str
    learner: str
    dim: int
    log_n: float
    lower: float
    upper: float
    seed_error: float  # standard error of log_n due to the seeds
    grid_error: float  # standard deviation of its position between two grid points
    ends: tuple[int, int]  # smallest and largest n
    seeds: int
    failed: tuple[int, ...]  # sizes of the study at which every trial run so far failed
    not_run: tuple[int, ...]  # sizes of the study at which no trial has been run

    @property
    def censored(self) -> str:
        """The value of ``censored`` in `sample_complexity`."""
        if math.isnan(self.log_n):
            return "failed"
        if self.log_n == -math.inf:
            return "not run below" if min(self.not_run, default=math.inf) < self.ends[0] else "left"
        if self.log_n == math.inf:
            return "not run above" if max(self.not_run, default=0) > self.ends[1] else "right"
        return ""


def sample_complexity(result: StudyResult, threshold: float, *, level: float = 0.95) -> pd.DataFrame:
    """Return the number of samples n* at which the median risk falls to a threshold, for each cell of a study.

    Parameters
    ----------
    result : StudyResult
    threshold : float
        Risk to reach; predicting the mean has risk 1.
    level : float, default=0.95
        Confidence level of the interval.

    Returns
    -------
    DataFrame
        One row for each target, learner and dim with at least one trial:

        - n_star: NaN where censored;
        - lower, upper: ends of the confidence interval; 0 and inf are open ends;
        - censored: "" where n* was found; "right" where the threshold is not reached (n* > n_max); "left" where the
          smallest n is already below it (n* < n_min); "failed" where no trial succeeded; "not run below" and "not run
          above" where n* is outside of the sizes run so far but may be within those of the study;
        - n_min, n_max: the smallest and the largest n with a successful trial;
        - failed_n, not_run_n: tuples of the study's sizes at which every trial run so far failed, and at which no trial
          has been run;
        - seeds: successful trials at the n that has fewest; a single one gives the interval (0, inf).

    Raises
    ------
    ValueError
        For a threshold that is not a positive number, or a level outside (0, 1).

    See Also
    --------
    fit_exponent : How n* grows with the dimension.

    Notes
    -----
    n* is where the isotonic regression of the median log risk crosses the threshold, on a monotone cubic between grid
    points. The interval inverts a confidence band around that curve, and so accounts for censoring without resampling
    the few seeds: a percentile bootstrap of three seeds covers at most 75 %. Where risk drops sharply between two
    sizes, the interval reaches to both; only a finer grid makes it shorter.
    """
    import pandas as pd

    columns = ["target", "learner", "dim", "n_star", "lower", "upper", "censored", "n_min", "n_max"]
    rows = []
    for cell in crossings(result, threshold, level):
        n_star = math.exp(cell.log_n) if math.isfinite(cell.log_n) else math.nan
        interval = math.exp(cell.lower), math.exp(cell.upper)
        row = (cell.target, cell.learner, cell.dim, n_star, *interval, cell.censored, *cell.ends)
        rows.append((*row, cell.failed, cell.not_run, cell.seeds))
    return pd.DataFrame(rows, columns=[*columns, "failed_n", "not_run_n", "seeds"])


def crossings(result: StudyResult, threshold: float, level: float) -> Iterator[Crossing]:
    """Yield the crossing of every cell with at least one trial, in the order of the study."""
    Number(advice="Predicting the mean has risk 1; pass e.g. threshold=0.5.").check(threshold, "threshold")
    check_level(level)
    succeeded = {labels: (n, log_risks) for labels, n, log_risks in learning_curves(result)}
    sizes = {spec.label: spec.n or result.study.n for spec in result.study.learners}
    names: Any
    for names, cell in result.table.groupby(["target", "learner", "dim"], sort=False):
        target, learner, dim = names
        grid, run = sorted(sizes_at(sizes[learner], int(dim))), set(cell["n"])
        failed = run - set(cell["n"][cell["risk"].notna()])
        if names in succeeded:
            n, log_risks = succeeded[names]
            found = _cross(n, log_risks, math.log(threshold), level)
        else:
            ends = int(cell["n"].min()), int(cell["n"].max())
            found = {"log_n": math.nan, "lower": -math.inf, "upper": math.inf, "ends": ends, "seeds": 0}
            found |= {"seed_error": math.nan, "grid_error": 0.0}
        found["failed"] = tuple(size for size in grid if size in failed)
        found["not_run"] = tuple(size for size in grid if size not in run)
        yield Crossing(target, learner, int(dim), **found)


def check_level(level: float) -> None:
    """Raise ValueError unless the confidence level is strictly between 0 and 1."""
    Fraction(advice="Pass e.g. level=0.95.").check(level, "level")


def learning_curves(result: StudyResult) -> Iterator[tuple[tuple[str, str, int], Array, Array]]:
    """Yield, for each cell, (target, learner, dim), its n, ascending, and log risks of shape (sizes, seeds).

    Failed trials are NaN. Sizes at which every trial failed are left out, and so are cells without other sizes.
    """
    table = result.table[result.table["risk"].notna()]
    names: Any
    for names, cell in table.groupby(["target", "learner", "dim"], sort=False):
        n, row = np.unique(cell["n"], return_inverse=True)
        seeds, column = np.unique(cell["seed"], return_inverse=True)
        log_risks = np.full((len(n), len(seeds)), np.nan)
        log_risks[row, column] = np.log(np.maximum(cell["risk"], np.finfo(float).tiny))  # finite for a risk of 0
        target, learner, dim = names
        yield (target, learner, int(dim)), n, log_risks


def _cross(n: Array, log_risks: Array, height: float, level: float) -> dict:
    """Return the fields of a `Crossing` that depend on the risks."""
    x = np.log(n)
    S = np.sum(np.isfinite(log_risks), axis=1)
    m = np.nanmedian(log_risks, axis=1)
    earliest, log_n, latest = first_crossing(x, m, height)
    lower, upper, seed_error = -math.inf, math.inf, math.nan
    if S.min() > 1:
        e = np.nanstd(log_risks, axis=1, ddof=1) * np.sqrt(math.pi / (2 * S + math.pi - 2))
        t = stdtrit(S - 1, (1 + level) / 2)
        ordered, rows, k = np.sort(log_risks, axis=1), np.arange(len(n)), sign_test_rank(S, level)
        low = first_crossing(x, np.minimum(m - t * e, ordered[rows, k - 1]), height)
        high = first_crossing(x, np.maximum(m + t * e, ordered[rows, S - k]), height)
        lower, upper = low[0], high[2]
        near = [first_crossing(x, m + sign * e, height)[1] - log_n for sign in (-1, 1)]
        far = [(end[1] - log_n) / t.max() for end in (low, high)]
        seed_error = max(_mean_size(near), _mean_size(far))
    return {
        "log_n": log_n,
        "lower": min(lower, x[-1]),  # an interval outside of the grid begins at its end
        "upper": max(upper, x[0]),
        "seed_error": seed_error,
        "grid_error": (latest - earliest) / math.sqrt(12) if math.isfinite(log_n) else 0.0,
        "ends": (int(n[0]), int(n[-1])),
        "seeds": int(S.min()),
    }


def _mean_size(steps: list[float]) -> float:
    """Return the mean absolute value of the finite steps; others lead out of the grid."""
    sizes = [abs(step) for step in steps if math.isfinite(step)]
    return sum(sizes) / len(sizes) if sizes else math.nan


def sign_test_rank(S: Array, level: float) -> Array:
    """Return the largest k such that the k-th smallest and k-th largest of S values enclose the median at this level.

    The result is 1 where no k reaches the level.
    """
    k = np.ones_like(S)
    for candidate in range(2, int(S.max()) // 2 + 1):
        k[2 * bdtr(candidate - 1, S, 0.5) <= 1 - level] = candidate
    return k


def first_crossing(x: Array, y: Array, height: float) -> tuple[float, float, float]:
    """Return where the decreasing curve through the points falls to a height: inf if never, -inf if it starts below.

    The points (x ascending) are made decreasing by isotonic regression. The three values are how early the crossing may
    be, the crossing itself, and how late it may be, given its neighbouring points.
    """
    from scipy.interpolate import PchipInterpolator
    from scipy.optimize import brentq, isotonic_regression

    fit = isotonic_regression(y, increasing=False).x
    reached = np.flatnonzero(fit <= height)
    if not reached.size:
        return math.inf, math.inf, math.inf
    i = int(reached[0])
    if i == 0:
        first = float(x[0]) if fit[0] == height else -math.inf
        return first, first, first
    curve = PchipInterpolator(x, fit)
    best = float(x[i])
    if curve(best) < height:  # otherwise the crossing is the point itself, up to rounding
        best = cast("float", brentq(lambda at: float(curve(at)) - height, x[i - 1], x[i], xtol=1e-13))
    share = min(1.0, ((fit[i - 1] - fit[i]) / UNRESOLVED_DROP) ** 2)
    return best - share * (best - float(x[i - 1])), best, best + share * (float(x[i]) - best)
