"""Exponents: how the number of samples needed grows with the dimension, n* ~ C d^kappa.

A straight line in log-log coordinates is fitted to a few noisy points (`layerwise.studies.analysis.lines`); a censored
n* is a bound on the line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from layerwise._validation import did_you_mean
from layerwise.studies.analysis.complexity import Crossing, crossings
from layerwise.studies.analysis.lines import Line, Variance, bounded_line, half_width, least_squares
from layerwise.studies.analysis.result import StudyResult

Predicted = Mapping[Any, float]  # keys: a learner's label or (target, learner)


@dataclass(frozen=True)
class Exponent:
    """The growth of the number of samples that a learner needs: n* ~ constant * d^exponent.

    Parameters
    ----------
    target, learner : str
        Labels.
    exponent : float
        NaN where n* is known at fewer than two dimensions.
    lower, upper : float
        Ends of the confidence interval; -inf and inf are open ends.
    level : float
        Confidence level.
    constant : float
    n_dims : int
        Number of dimensions at which n* or a bound on it is known.
    not_reached, below_grid : tuple of int
        Dimensions at which the threshold is not reached (n* > n_max), and at which the smallest n already reaches it.
    predicted : float or None, default=None
        The exponent predicted by theory.
    failed, not_run : tuple of int, default=()
        Dimensions that are missing because every trial run so far failed, and because no trial has been run.
    unfinished : tuple of (int, str), default=()
        Dimensions that are missing because n* is outside of the sizes run so far, with the sizes that are to be run:
        ``(8, "not run below n = 400")``.
    failed_sizes : tuple of (int, tuple of int), default=()
        Dimensions that are not missing, with the sizes at which every trial run so far failed.
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
        """Number of dimensions at which n* is only known to lie outside of the grid of n."""
        return len(self.not_reached) + len(self.below_grid)

    def verdict(self, predicted: float | None = None) -> str:
        """Describe the exponent and whether it agrees with a prediction, by default the attribute ``predicted``.

        For example ``"agrees with 2: 1.93 [1.7, 2.2]; not reached at d = 24"``. It agrees if the interval contains the
        prediction, as wide intervals easily do. Missing dimensions, and sizes at which every trial failed, are listed.
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
        """The exponent with its interval, as `verdict` prints them; "" where nothing is known."""
        return self._interval(self.predicted)

    def _interval(self, predicted: float | None) -> str:
        """Print two digits, or more until the printed interval agrees with the prediction as the true one does."""
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
        """Return the ends of the interval with that many digits."""
        ends = (self.lower, self.upper)
        return [f"{end:.{digits}g}" if abs(end) < 10 else f"{end:.{digits - 2}f}" for end in ends]


def _at(what: str, dims: tuple[int, ...]) -> str:
    """Return ``"not reached at d = 8, 16"``."""
    return f"{what} d = {', '.join(map(str, dims))}"


def fit_exponent(
    result: StudyResult, threshold: float, *, level: float = 0.95, predicted: Predicted | None = None
) -> list[Exponent]:
    """Fit n* ~ C d^kappa for each target and learner of a study.

    Parameters
    ----------
    result : StudyResult
    threshold : float
        Risk to reach; predicting the mean has risk 1.
    level : float, default=0.95
        Confidence level of the intervals.
    predicted : mapping or None, default=None
        Exponents predicted by theory, by the learner's label or by (target, learner).

    Returns
    -------
    list of Exponent
        One for each target and learner with at least one trial, in the order of the study.

    Raises
    ------
    ValueError
        For a threshold that is not a positive number, a level outside (0, 1), or a prediction for a learner that the
        study does not have.

    See Also
    --------
    sample_complexity : The n* that are fitted.

    Notes
    -----
    Two dimensions cannot show whether n* follows a power law: the interval then accounts for the seeds only.
    """
    study = result.study
    labels = [(target.label, learner.label) for target in study.targets for learner in study.learners]
    known = {*labels, *(learner for _, learner in labels)}
    for label in predicted or {}:
        if label not in known:
            advice = did_you_mean(str(label), [spec.label for spec in study.learners])
            raise ValueError(f"predicted has the key {label!r}; it must be a learner or (target, learner).{advice}")
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


def _exponent(cells: list[Crossing], level: float, predicted: float | None) -> Exponent:
    """Fit log n* against log d; bounds are used where the error of at least one point is known."""
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
    """Return the mean squared error of log n* due to seeds and grid, over the dimensions at which it is known."""
    known = [cell for cell in group if not cell.censored and math.isfinite(cell.seed_error)]
    squares = [cell.seed_error**2 + cell.grid_error**2 for cell in known]
    return Variance(float(np.mean(squares)) if known else math.nan, sum(cell.seeds - 1 for cell in known))
