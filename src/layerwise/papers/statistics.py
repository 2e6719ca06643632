"""Statistics of studies and measurements for claims; most factories return a function ``result -> Estimate``."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from layerwise.papers.claim import Estimate, estimate
from layerwise.studies import StudyResult, fit_exponent, fit_rate

if TYPE_CHECKING:
    import pandas as pd

Statistic = Callable[[StudyResult], Estimate]
SampleSize = int | Callable[[int], int]
Metric = Literal["risk", "feature_correlation", "subspace_overlap"]


@dataclass(frozen=True)
class Cell:
    """The trials of one learner, target, dimension and sample size; calling it returns one value per seed.

    Parameters
    ----------
    learner, target : str, optional
        Labels; None where the study has only one.
    dim, n : int or callable, default=-1
        A positive number is the value itself. 0 or a negative number is a position among the sorted dimensions, or
        among the sample sizes that the learner has in that dimension: 0 is the smallest, -1 the largest. ``n`` may also
        be a function of d, so that one definition serves all sizes of a study.
    """

    learner: str | None = None
    target: str | None = None
    dim: int = -1
    n: SampleSize = -1

    def __call__(self, result: StudyResult, metric: str = "risk") -> pd.Series:
        """Return the metric by seed: NaN where a trial failed, and empty if the cell was not run.

        Raises
        ------
        ValueError
            If several learners or targets match.
        """
        rows = result.table
        for name, value in (("learner", self.learner), ("target", self.target)):
            rows = rows[rows[name] == value] if value is not None else rows
            if rows[name].nunique() > 1:
                raise ValueError(f"{name}=None matches {sorted(rows[name].unique())}. Pass one of them.")
        rows = rows[rows["dim"] == _value(rows["dim"], self.dim)]
        n = self.n if isinstance(self.n, int) else self.n(int(rows["dim"].max())) if len(rows) else 0
        return rows[rows["n"] == _value(rows["n"], n)].set_index("seed")[metric]


def risk(
    learner: str | None = None, target: str | None = None, *, dim: int = -1, n: SampleSize = -1, log: bool = True
) -> Statistic:
    """Return the statistic for the risk of a cell: its geometric mean over seeds, or its mean if ``log`` is False.

    The mean suits targets that are learnt exactly, whose risks spread over orders of magnitude near 0.
    """
    cell = Cell(learner, target, dim, n)
    return lambda result: estimate(cell(result), log=log)


def metric(
    name: Metric, learner: str | None = None, target: str | None = None, *, dim: int = -1, n: SampleSize = -1
) -> Statistic:
    """Return the statistic for a metric of a cell: its mean over seeds."""
    cell = Cell(learner, target, dim, n)
    return lambda result: estimate(cell(result, name))


def risk_ratio(numerator: Cell, denominator: Cell) -> Statistic:
    """Return the statistic for the ratio of two risks: the geometric mean over seeds of the ratio for each seed."""
    return lambda result: estimate(numerator(result) / denominator(result), log=True)


def risk_difference(first: Cell, second: Cell) -> Statistic:
    """Return the statistic for the difference of two risks: the mean over seeds of the difference for each seed."""
    return lambda result: estimate(first(result) - second(result))


def metric_ratio(name: Metric, numerator: Cell, denominator: Cell) -> Statistic:
    """Return the statistic for the ratio of two metrics: the geometric mean over the seeds where it is positive."""

    def statistic(result: StudyResult) -> Estimate:
        ratio = numerator(result, name) / denominator(result, name)
        return estimate(ratio[np.isfinite(ratio) & (ratio > 0)], log=True)

    return statistic


def exponent(threshold: float, learner: str | None = None, target: str | None = None) -> Statistic:
    """Return the statistic for kappa in n* ~ d^kappa at a risk threshold, with the interval of `fit_exponent`."""

    def statistic(result: StudyResult) -> Estimate:
        for fit in fit_exponent(result, threshold):
            if learner in (None, fit.learner) and target in (None, fit.target):
                return Estimate(fit.exponent, fit.lower, fit.upper)
        return Estimate(math.nan, math.nan, math.nan)

    return statistic


def rate(
    learner: str | None = None,
    target: str | None = None,
    *,
    dim: int = -1,
    n_range: tuple[float, float] = (0, math.inf),
) -> Statistic:
    """Return the statistic for beta in risk ~ n^-beta, with the interval of `fit_rate`."""

    def statistic(result: StudyResult) -> Estimate:
        rows = fit_rate(result, n_range=n_range)
        for name, value in (("learner", learner), ("target", target)):
            rows = rows[rows[name] == value] if value is not None else rows
        rows = rows[rows["dim"] == _value(rows["dim"], dim)]
        if len(rows) != 1:
            return Estimate(math.nan, math.nan, math.nan)
        return Estimate(*(float(rows[name].iloc[0]) for name in ("rate", "lower", "upper")))

    return statistic


def dim_slope(learner: str | None = None, target: str | None = None, *, n: SampleSize = -1) -> Statistic:
    """Return the statistic for a in risk ~ d^a at one n for each d: the mean over seeds of least-squares slopes."""

    def statistic(result: StudyResult) -> Estimate:
        dims = sorted(set(result.table["dim"]))
        risks = pd.DataFrame({dim: Cell(learner, target, int(dim), n)(result) for dim in dims})
        return estimate([fit_slope(row) for _, row in risks.iterrows()])

    import pandas as pd

    return statistic


def times(factor: float, power: int = 1) -> Callable[[int], int]:
    """Return the function ``d -> factor d^power``, rounded, for the sample size of a `Cell`."""
    return lambda dim: round(factor * dim**power)


def _value(column: pd.Series, choice: int) -> int:
    """Return the value at a position (see `Cell`), or the choice itself."""
    values = np.unique(column)
    if choice > 0:
        return choice
    return int(values[choice]) if -len(values) <= choice < len(values) else -1


def column(name: str, *, log: bool = False, **where: object) -> Callable[[pd.DataFrame], Estimate]:
    """Return the statistic for a column of a measurement: its mean over seeds, for rows with the values ``where``.

    Rows with the same ``seed`` are averaged first.
    """

    def statistic(table: pd.DataFrame) -> Estimate:
        rows = select(table, **where)
        return estimate(rows.groupby("seed")[name].mean(), log=log)

    return statistic


def largest(name: str, **where: object) -> Callable[[pd.DataFrame], float]:
    """Return the statistic for the largest absolute value in a column of a measurement without random numbers."""
    return lambda table: float(select(table, **where)[name].abs().max())


def slope(name: str, against: str, **where: object) -> Callable[[pd.DataFrame], Estimate]:
    """Return the statistic for a in ``name ~ against^a``: the mean over seeds of least-squares slopes of logarithms.

    Without a column ``seed`` there is one slope, without an interval.
    """

    def statistic(table: pd.DataFrame) -> Estimate:
        rows = select(table, **where)
        groups = [group for _, group in rows.groupby("seed")] if "seed" in rows else [rows]
        slopes = [fit_slope(group.groupby(against)[name].mean()) for group in groups]
        return estimate(slopes) if "seed" in rows else Estimate(*slopes * 3)

    return statistic


def fit_slope(values: pd.Series) -> float:
    """Return the least-squares slope of log values against the logarithm of the index; NaN if a value is not > 0."""
    x, y = np.asarray(values.index, dtype=float), values.to_numpy(dtype=float)
    if len(y) < 2 or not np.all(y > 0):
        return math.nan
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def select(table: pd.DataFrame, **where: object) -> pd.DataFrame:
    """Return the rows with these values; -1 stands for the largest value of a column."""
    for name, value in where.items():
        if isinstance(value, int) and value == -1:
            value = table[name].max()
        table = table[table[name] == value]
    return table
