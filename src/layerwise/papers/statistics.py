"""Statistics of studies and measurements, on which claims rest: each factory returns ``result -> Estimate``."""

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
        A negative number or 0 counts positions among the dimensions, or among the sizes that the learner has at that
        dimension: 0 is the smallest, -1 the largest. A positive number is the value itself, and ``n`` may be a function
        of d. The last makes one definition serve all sizes of a study.
    """

    learner: str | None = None
    target: str | None = None
    dim: int = -1
    n: SampleSize = -1

    def __call__(self, result: StudyResult, metric: str = "risk") -> pd.Series:
        """Return the metric by seed, NaN where a trial failed; empty where the cell was not run.

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
    """Return the statistic of a cell's risk: the geometric mean over seeds, or the mean.

    The mean suits targets that are learnt exactly, whose risks spread over orders of magnitude near 0.
    """
    cell = Cell(learner, target, dim, n)
    return lambda result: estimate(cell(result), log=log)


def metric(
    name: Metric, learner: str | None = None, target: str | None = None, *, dim: int = -1, n: SampleSize = -1
) -> Statistic:
    """Return the statistic of a cell's metric: the mean over seeds."""
    cell = Cell(learner, target, dim, n)
    return lambda result: estimate(cell(result, name))


def risk_ratio(numerator: Cell, denominator: Cell) -> Statistic:
    """Return the statistic of the ratio of two risks, seed by seed: its geometric mean."""
    return lambda result: estimate(numerator(result) / denominator(result), log=True)


def risk_difference(first: Cell, second: Cell) -> Statistic:
    """Return the statistic of the difference of two risks, seed by seed: its mean."""
    return lambda result: estimate(first(result) - second(result))


def metric_ratio(name: Metric, numerator: Cell, denominator: Cell) -> Statistic:
    """Return the statistic of the ratio of two metrics, seed by seed: its geometric mean; NaN where one is 0."""

    def statistic(result: StudyResult) -> Estimate:
        ratio = numerator(result, name) / denominator(result, name)
        return estimate(ratio[np.isfinite(ratio) & (ratio > 0)], log=True)

    return statistic


def exponent(threshold: float, learner: str | None = None, target: str | None = None) -> Statistic:
    """Return the statistic kappa of n* ~ d^kappa at a threshold of risk, with the interval of `fit_exponent`."""

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
    """Return the statistic beta of risk ~ n^-beta, with the interval of `fit_rate`."""

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
    """Return the statistic a of risk ~ d^a at a sample size for each d: the mean over seeds of least-squares slopes."""

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
    """Return the statistic of a column of a measurement: its mean over the rows with these values in other columns.

    Several rows with one value of a column ``seed`` are averaged first.
    """

    def statistic(table: pd.DataFrame) -> Estimate:
        rows = select(table, **where)
        return estimate(rows.groupby("seed")[name].mean(), log=log)

    return statistic


def largest(name: str, **where: object) -> Callable[[pd.DataFrame], float]:
    """Return the statistic of the largest absolute value in a column of a measurement without random numbers."""
    return lambda table: float(select(table, **where)[name].abs().max())


def slope(name: str, against: str, **where: object) -> Callable[[pd.DataFrame], Estimate]:
    """Return the statistic a of ``name ~ against^a``: the mean over seeds of least-squares slopes of logarithms.

    Without a column ``seed``, one slope without an interval.
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
