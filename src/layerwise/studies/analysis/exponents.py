"""How samples grow with the dimension, n* ~ C d^kappa, and how risk falls with samples, risk ~ C n^-beta.

Both are straight lines in log-log coordinates, fitted to a few noisy points (`layerwise.studies.analysis.lines`). A
censored n* is a bound on the line, not a point of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from layerwise.studies.analysis.complexity import Crossing, cells, check_level, crossings
from layerwise.studies.analysis.lines import Line, Variance, bounded_line, half_width, least_squares
from layerwise.studies.analysis.result import StudyResult

if TYPE_CHECKING:
    import pandas as pd

Predicted = Mapping[Any, float]  # by the learner's label or by (target, learner)


@dataclass(frozen=True)
class Exponent:
    """How the number of samples a learner needs grows with the dimension: n* ~ constant * d^exponent.

    Parameters
    ----------
    target, learner : str
        Labels.
    exponent : float
        NaN where the threshold is reached within the grid at fewer than two dimensions.
    lower, upper : float
        Confidence interval; -inf and inf are its open ends.
    level : float
        Its confidence level.
    constant : float
        The constant.
    n_dims : int
        Number of dimensions that tell something: those of the study that are not missing.
    not_reached : tuple of int
        Dimensions at which the threshold is not reached: n* > n_max.
    below_grid : tuple of int
        Dimensions at which the smallest n already does better: n* < n_min.
    predicted : float or None, default=None
        What theory says.
    failed : tuple of int, default=()
        Dimensions that are missing because every trial that has been run there failed.
    not_run : tuple of int, default=()
        Dimensions that are missing because no trial has been run there yet.
    unfinished : tuple of (int, str), default=()
        Dimensions that are missing because n* lies beyond what has been run there so far, and which sizes those are:
        ``(8, "not run below n = 400")``.
    failed_sizes : tuple of (int, tuple of int), default=()
        Dimensions that are not missing, and the sizes at which every trial that has been run there failed.
    """

    target: str
    learner: str
    exponent: float
    lower: float
    upper: float
    level: float
    constant: float
    n_dims: int
    not_reached: tuple[int, ...]
    below_grid: tuple[int, ...]
    predicted: float | None = None
    failed: tuple[int, ...] = ()
    not_run: tuple[int, ...] = ()
    unfinished: tuple[tuple[int, str], ...] = ()
    failed_sizes: tuple[tuple[int, tuple[int, ...]], ...] = ()

    @property
    def n_censored(self) -> int:
        """Number of dimensions at which n* is only known to lie beyond the grid."""
        return len(self.not_reached) + len(self.below_grid)

    def verdict(self, predicted: float | None = None) -> str:
        """Say in words what was found.

        Parameters
        ----------
        predicted : float or None, default=None
            What theory says; the exponent's own ``predicted`` when None.

        Returns
        -------
        str
            Such as ``"agrees with 2: 1.93 [1.7, 2.2]; not reached at d = 24"``. It agrees where the interval
            holds the prediction, which a wide interval does easily. Dimensions that are missing are counted and named,
            sizes at which every trial failed are named.
        """
        predicted = self.predicted if predicted is None else predicted
        found = self._interval(predicted)
        if found and predicted is not None:
            agrees = self.lower <= predicted <= self.upper
            found = f"{'agrees with' if agrees else 'differs from'} {predicted:g}: {found}"
        beyond = (("not reached at", self.not_reached), ("below the grid at", self.below_grid))
        notes = [_at(what, dims) for what, dims in beyond if dims]
        if not found and not notes and self.n_dims:
            notes = ["one dimension gives no exponent"]
        missing = len(self.failed) + len(self.not_run) + len(self.unfinished)
        if missing:
            why = (("all trials failed at", self.failed), ("none run yet at", self.not_run))
            reasons = [_at(what, dims) for what, dims in why if dims]
            reasons += [_at(f"{what} at", (dim,)) for dim, what in self.unfinished]
            notes.append(f"{missing} of {self.n_dims + missing} dimensions missing ({', '.join(reasons)})")
        for dim, sizes in self.failed_sizes:
            notes.append(f"{_at('all trials failed at', (dim,))}, n = {', '.join(f'{n:,}' for n in sizes)}")
        return "; ".join([found] * bool(found) + notes)

    @property
    def interval(self) -> str:
        """The exponent and its interval in words, "" where nothing is known; as precise as the verdict needs."""
        return self._interval(self.predicted)

    def _interval(self, predicted: float | None) -> str:
        """With two digits, or as many more as the ends need to lie on their own side of the prediction when printed."""
        digits = 2
        low, high = self._ends(digits)
        if predicted is not None:
            agrees = self.lower <= predicted <= self.upper
            while digits < 17 and (float(low) <= predicted <= float(high)) != agrees:
                digits += 1
                low, high = self._ends(digits)
        if math.isfinite(self.exponent):
            return f"{self.exponent:.{max(2, digits - 1)}f} [{low}, {high}]"
        if math.isfinite(self.lower) and math.isfinite(self.upper):
            return f"between {low} and {high}"
        return f"at least {low}" if self.lower > -math.inf else f"at most {high}" if self.upper < math.inf else ""

    def _ends(self, digits: int) -> list[str]:
        ends = (self.lower, self.upper)
        return [f"{end:.{digits}g}" if abs(end) < 10 else f"{end:.{digits - 2}f}" for end in ends]


def _at(what: str, dims: tuple[int, ...]) -> str:
    return f"{what} d = {', '.join(map(str, dims))}"


def fit_exponent(
    result: StudyResult, threshold: float, *, level: float = 0.95, predicted: Predicted | None = None
) -> list[Exponent]:
    """Fit n* ~ C d^kappa for each target and learner of a study.

    Parameters
    ----------
    result : StudyResult
        What the study found, finished or not.
    threshold : float
        Risk to be reached; 1 is predicting the mean.
    level : float, default=0.95
        Confidence level of the intervals.
    predicted : mapping or None, default=None
        What theory says, by the learner's label, or by (target, learner).

    Returns
    -------
    list of Exponent
        One for each target and learner that has been run, in the order of the study.

    Raises
    ------
    ValueError
        For a threshold that is not a positive number, a level outside (0, 1), or a prediction for a learner that the
        study has not.

    See Also
    --------
    sample_complexity : The n* that are fitted.

    Notes
    -----
    With two dimensions, and with none but seeds to judge by, nothing tells a power law from any other curve.
    """
    study = result.study
    labels = [(target.label, learner.label) for target in study.targets for learner in study.learners]
    known = {*labels, *(learner for _, learner in labels)}
    for label in predicted or {}:
        if label not in known:
            learners = ", ".join(repr(spec.label) for spec in study.learners)
            raise ValueError(f"predicted has {label!r}, which is no learner of the study; use one of {learners}.")
    rates = dict(predicted or {})
    groups: dict[tuple[str, str], list[Crossing]] = {}
    for cell in crossings(result, threshold, level):
        groups.setdefault((cell.target, cell.learner), []).append(cell)
    fits = []
    for names, group in groups.items():
        fit = _exponent(group, level, rates.get(names, rates.get(names[1])))
        run = {cell.dim for cell in group}
        fits.append(replace(fit, not_run=tuple(dim for dim in study.dims if dim not in run)))
    return fits


def fit_rate(result: StudyResult, *, n_range: tuple[float, float] = (0, math.inf), level: float = 0.95) -> pd.DataFrame:
    """Fit risk ~ C n^-beta, the learning curve, in each cell of a study.

    Parameters
    ----------
    result : StudyResult
        What the study found, finished or not.
    n_range : tuple of two floats, default=(0, inf)
        Smallest and largest n of the fit: a power law holds beyond some n, and down to some risk.
    level : float, default=0.95
        Confidence level of the interval.

    Returns
    -------
    DataFrame
        One row for each target, learner and dim that has a successful trial in the range: rate (beta), lower, upper,
        n_min, n_max, sizes (number of n) and seeds. The rate is NaN with fewer than two sizes; the interval is
        (-inf, inf) where neither seeds nor a third size tell of the error.

    Raises
    ------
    ValueError
        For a range that is none, or a level outside (0, 1).

    Notes
    -----
    beta is the mean over seeds of the least-squares slope of -log risk on log n. Each seed has a slope of its own, so
    that noise a seed carries from n to n is counted once. Seeds with a failed trial in the range are left out.
    """
    import pandas as pd

    low, high = n_range
    if not low < high:
        raise ValueError(f"n_range={n_range!r} should be a smaller and a larger n; (0, inf) takes them all.")
    check_level(level)
    rows = []
    for labels, n, log_risks in cells(result):
        within = (low <= n) & (n <= high)
        if within.any():
            rows.append((*labels, *_rate(n[within], log_risks[within], level)))
    columns = ["target", "learner", "dim", "rate", "lower", "upper", "n_min", "n_max", "sizes", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def _rate(n: np.ndarray, log_risks: np.ndarray, level: float) -> tuple[float, float, float, int, int, int, int]:
    """Rate, ends of its interval, and what it was made of."""
    x, whole = np.log(n), log_risks[:, np.isfinite(log_risks).all(axis=0)]
    S = whole.shape[1]
    line = Line()
    if len(n) > 1 and S:
        slopes = [least_squares(x, y)[0] for y in whole.T]
        slope, intercept, scatter = least_squares(x, whole.mean(axis=1))
        scatter = Variance(scatter.value / np.sum((x - x.mean()) ** 2), scatter.dof)
        seeds = Variance(float(np.var(slopes, ddof=1)) / S if S > 1 else math.nan, S - 1)
        half = math.prod(half_width(seeds, scatter, level))
        line = Line(slope, intercept, slope - half, slope + half)
    return -line.slope, -line.upper, -line.lower, int(n[0]), int(n[-1]), len(n), S


def _exponent(cells: list[Crossing], level: float, predicted: float | None) -> Exponent:
    """The line of log n* against log d; bounds take part once a point tells of the error."""
    group = [cell for cell in cells if cell.censored in ("", "left", "right")]
    partly = [cell for cell in cells if cell.censored.startswith("not run")]
    x = np.log([cell.dim for cell in group])
    y = np.array([cell.log_n for cell in group])
    seen = np.isfinite(y)
    line, scatter = Line(), Variance(math.nan, 0)
    if seen.sum() > 1:
        slope, intercept, scatter = least_squares(x[seen], y[seen])
        line = Line(slope, intercept)
    sigma, t = half_width(_seed_variance(group), scatter, level)
    if len(group) > 1 and seen.all():
        half = t * sigma / float(np.linalg.norm(x - x.mean()))
        line = Line(line.slope, line.intercept, line.slope - half, line.slope + half)
    elif seen.any() and len(group) > 1 and sigma < math.inf:
        limits = np.log([cell.ends[cell.censored == "right"] for cell in group])
        bounded = bounded_line(x, np.where(seen, y, limits), np.where(seen, 0, np.sign(y)), sigma, t)
        line = bounded if seen.sum() > 1 else Line(lower=bounded.lower, upper=bounded.upper)
    return Exponent(
        target=cells[0].target,
        learner=cells[0].learner,
        exponent=line.slope,
        lower=line.lower,
        upper=line.upper,
        level=level,
        constant=math.exp(line.intercept),
        n_dims=len(group),
        not_reached=tuple(cell.dim for cell in group if cell.censored == "right"),
        below_grid=tuple(cell.dim for cell in group if cell.censored == "left"),
        predicted=predicted,
        failed=tuple(cell.dim for cell in cells if cell.censored == "failed"),
        unfinished=tuple((cell.dim, f"{cell.censored} n = {cell.ends[cell.log_n > 0]:,}") for cell in partly),
        failed_sizes=tuple((cell.dim, cell.failed) for cell in [*group, *partly] if cell.failed),
    )


def _seed_variance(group: list[Crossing]) -> Variance:
    """What seeds and grid say of the error of log n*, where it is known: one variance for all dimensions."""
    known = [cell for cell in group if not cell.censored and math.isfinite(cell.seed_error)]
    squares = [cell.seed_error**2 + cell.grid_error**2 for cell in known]
    return Variance(float(np.mean(squares)) if known else math.nan, sum(cell.seeds - 1 for cell in known))
