"""How many samples it takes: where the median risk over seeds falls to a threshold.

Let ``m(n)`` be the median over S seeds of log risk and ``s(n)`` their standard deviation. The band around m is the
wider of two intervals for a median:

    m -+ t e,  e = s sqrt(pi / (2 S + pi - 2)),   Student's, e the median's standard error in normal samples,
    from the k-th smallest to the k-th largest,   the sign test's, whatever the distribution: seeds that have jumped
                                                  and seeds that have not are far from normal.

Each of the three curves is made decreasing by isotonic regression (risk that rises again is noise, or is learnt away
later) and crosses ``log threshold`` at an n: the lower end of the interval, n* and its upper end. A curve that does not
cross within the grid is censored, and says which way.

Between grid points runs the monotone cubic of Fritsch and Carlson (`scipy.interpolate.PchipInterpolator`), which is the
straight line in log-log where the points are on one. Where risk jumps between two points, nothing says where: the ends
of the interval move towards the grid points beyond them, by the share ``min(1, (drop / log 10)^2)`` of the way for a
drop in log risk from one point to the next; all of it where risk falls to a tenth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy.special import bdtr, stdtrit

from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.definition.sizes import sizes_at

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray
JUMP = math.log(10)  # a drop in log risk between neighbouring n that hides where it happens


@dataclass(frozen=True)
class Crossing:
    """Where one cell's risk falls to the threshold, in log n: -inf is below the grid, inf above it, NaN: all failed."""

    target: str
    learner: str
    dim: int
    log_n: float
    lower: float
    upper: float
    seed_error: float  # standard error of log_n, from the seeds
    grid_error: float  # standard deviation of where between two points of the grid it is
    ends: tuple[int, int]  # smallest and largest n
    seeds: int
    failed: tuple[int, ...]  # sizes of the study at which all trials that have been run failed
    not_run: tuple[int, ...]  # sizes of the study at which none has been run

    @property
    def censored(self) -> str:
        """What `sample_complexity` says of the cell."""
        if math.isnan(self.log_n):
            return "failed"
        if self.log_n == -math.inf:
            return "not run below" if min(self.not_run, default=math.inf) < self.ends[0] else "left"
        if self.log_n == math.inf:
            return "not run above" if max(self.not_run, default=0) > self.ends[1] else "right"
        return ""


def sample_complexity(result: StudyResult, threshold: float, *, level: float = 0.95) -> pd.DataFrame:
    """Number of samples n* at which the median risk falls to a threshold, in each cell of a study.

    Parameters
    ----------
    result : StudyResult
        What the study found, finished or not.
    threshold : float
        Risk to be reached; 1 is predicting the mean.
    level : float, default=0.95
        Confidence level of the interval.

    Returns
    -------
    DataFrame
        One row for each target, learner and dim that has been run:

        - n_star: NaN where censored;
        - lower, upper: the confidence interval; 0 and inf are its open ends;
        - censored: "right" where the threshold is not reached (n* > n_max), "left" where the smallest n already
          does better (n* < n_min), "failed" where no trial succeeded, so that nothing is known, "not run below" and
          "not run above" where n* lies beyond what has been run but not beyond the study's sizes, "" otherwise;
        - n_min, n_max: ends of the grid of n, as far as trials succeeded;
        - failed_n, not_run_n: tuples of the study's sizes at which all trials that have been run failed, and at which
          none has been run;
        - seeds: successful trials at the n that has fewest. A single one gives the interval (0, inf).

    Raises
    ------
    ValueError
        For a threshold that is not a positive number, or a level outside (0, 1).

    See Also
    --------
    fit_exponent : How n* grows with the dimension.

    Notes
    -----
    n* is where the isotonic regression of the median log risk crosses, on a monotone cubic between grid points. The
    interval inverts a band around that curve, and so knows of censoring without resampling seeds, of which there are
    too few: the percentile bootstrap of three seeds covers 75 % at most. Where risk jumps from one n to the next it
    reaches to both, and only a finer grid shortens it.
    """
    import pandas as pd

    rows = [
        {
            "target": cell.target,
            "learner": cell.learner,
            "dim": cell.dim,
            "n_star": math.exp(cell.log_n) if math.isfinite(cell.log_n) else math.nan,
            "lower": math.exp(cell.lower),
            "upper": math.exp(cell.upper),
            "censored": cell.censored,
            "n_min": cell.ends[0],
            "n_max": cell.ends[1],
            "failed_n": cell.failed,
            "not_run_n": cell.not_run,
            "seeds": cell.seeds,
        }
        for cell in crossings(result, threshold, level)
    ]
    columns = ["target", "learner", "dim", "n_star", "lower", "upper", "censored", "n_min", "n_max"]
    return pd.DataFrame(rows, columns=[*columns, "failed_n", "not_run_n", "seeds"])


def crossings(result: StudyResult, threshold: float, level: float) -> Iterator[Crossing]:
    """Yield the crossing of every cell that has been run, in the order of the study."""
    if not (math.isfinite(threshold) and threshold > 0):
        raise ValueError(f"threshold={threshold!r} should be a positive risk; 1 is predicting the mean, try 0.5.")
    check_level(level)
    succeeded = {labels: (n, log_risks) for labels, n, log_risks in cells(result)}
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
    """Raise unless the confidence level is one."""
    if not 0 < level < 1:
        raise ValueError(f"level={level!r} should be a confidence level between 0 and 1; 0.95 is usual.")


def cells(result: StudyResult) -> Iterator[tuple[tuple[str, str, int], Array, Array]]:
    """Yield (target, learner, dim), n ascending of shape (sizes,) and log risks of shape (sizes, seeds), NaN if failed.

    Sizes at which every trial failed are left out, and so is a cell that has no other ones.
    """
    table = result.table[result.table["risk"].notna()]
    names: Any
    for names, cell in table.groupby(["target", "learner", "dim"], sort=False):
        n, row = np.unique(cell["n"], return_inverse=True)
        seeds, column = np.unique(cell["seed"], return_inverse=True)
        log_risks = np.full((len(n), len(seeds)), np.nan)
        log_risks[row, column] = np.log(np.maximum(cell["risk"], np.finfo(float).tiny))  # of a risk of zero too
        target, learner, dim = names
        yield (target, learner, int(dim)), n, log_risks


def _cross(n: Array, log_risks: Array, height: float, level: float) -> dict:
    """The fields of a `Crossing` besides its labels."""
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
        "lower": min(lower, x[-1]),  # beyond the grid is what begins at its end
        "upper": max(upper, x[0]),
        "seed_error": seed_error,
        "grid_error": (latest - earliest) / math.sqrt(12) if math.isfinite(log_n) else 0.0,
        "ends": (int(n[0]), int(n[-1])),
        "seeds": int(S.min()),
    }


def _mean_size(steps: list[float]) -> float:
    """Mean of the sizes of the finite ones: a step may leave the grid."""
    sizes = [abs(step) for step in steps if math.isfinite(step)]
    return sum(sizes) / len(sizes) if sizes else math.nan


def sign_test_rank(S: Array, level: float) -> Array:
    """The largest k for which the k-th smallest and k-th largest of S hold the median at this level, or else 1."""
    k = np.ones_like(S)
    for candidate in range(2, int(S.max()) // 2 + 1):
        k[2 * bdtr(candidate - 1, S, 0.5) <= 1 - level] = candidate
    return k


def first_crossing(x: Array, y: Array, height: float) -> tuple[float, float, float]:
    """Where the decreasing curve through the points first falls to a height: inf if never, -inf if it begins below.

    Parameters
    ----------
    x, y : ndarray of shape (points,)
        The points, x ascending; isotonic regression makes y decreasing.
    height : float
        The height.

    Returns
    -------
    earliest, best, latest : float
        x, and how early and late the points let it be.
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
    if curve(best) < height:  # else at the point itself, but for rounding
        best = cast("float", brentq(lambda at: float(curve(at)) - height, x[i - 1], x[i], xtol=1e-13))
    share = min(1.0, ((fit[i - 1] - fit[i]) / JUMP) ** 2)
    return best - share * (best - float(x[i - 1])), best, best + share * (float(x[i]) - best)
