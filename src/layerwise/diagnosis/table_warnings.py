"""Properties of a table that make fits unreliable or results misleading, each found by one function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from layerwise.diagnosis.sample import Sample, Table, standardised, varies

MAX_SCALE_RATIO = 1e4
#: Tails are heavy above both (squares of Gaussian variables are below, log-normal variables above), or if single values
#: make the excess kurtosis very large.
HEAVY_TAIL_INDEX, HEAVY_TAIL_KURTOSIS, OUTLIER_KURTOSIS = 0.45, 3.0, 30.0
TAIL_FRACTION, MIN_TAIL = 0.05, 10
#: Condition number of the standardised columns (Belsley, Kuh, Welsch 1980).
MAX_CONDITION = 30
#: Distinct values up to which a column is called discrete.
DISCRETE = 10
MIN_ROWS_PER_COLUMN = 10


@dataclass(frozen=True)
class TableWarning:
    """A warning: its kind, the columns concerned (none for the target or the whole table), and a sentence."""

    kind: str
    columns: tuple[str, ...]
    message: str


class Column(NamedTuple):
    """A column that varies: its name, values and number of distinct values."""

    name: str
    values: np.ndarray
    n_distinct: int


def table_warnings(table: Table, sample: Sample) -> tuple[TableWarning, ...]:
    """All warnings about a table, of which ``sample`` was prepared; O(n d (d + log n))."""
    constant = ~varies(table.X)
    columns = [Column(table.names[j], table.X[:, j], len(np.unique(table.X[:, j]))) for j in np.flatnonzero(~constant)]
    found: list[TableWarning] = []
    if constant.any():
        names = [table.names[j] for j in np.flatnonzero(constant)]
        found.append(_about(names, "constant", "constant: drop THEM"))
    for check in (_duplicates, _collinear):
        found.extend(check(table, sample))
    for check in (_copies_of_target, _identifiers, _scales, _heavy_columns, _discrete, _few_rows):
        found.extend(check(table, columns))
    return (*found, *_target(table))


def tail_index(values: np.ndarray) -> float:
    """Hill's estimate of xi in ``P(|v - median| > t) ~ t^(-1/xi)``, from the largest 5 % (at least 10).

    Variance is infinite for xi >= 1/2, the fourth moment for xi >= 1/4; about 0.16 for a Gaussian sample. NaN if the
    median itself is more than 95 % of the values.
    """
    sizes = np.sort(np.abs(values - np.median(values)))
    top = sizes[-max(MIN_TAIL, round(TAIL_FRACTION * len(values))) - 1 :]
    return float(np.mean(np.log(top[1:] / top[0]))) if top[0] > 0 else np.nan


def _heavy(values: np.ndarray) -> bool:
    kurtosis = float(np.mean(standardised(values) ** 4)) - 3
    heavy = tail_index(values) > HEAVY_TAIL_INDEX and kurtosis > HEAVY_TAIL_KURTOSIS
    return heavy or kurtosis > OUTLIER_KURTOSIS


def _copies_of_target(table: Table, columns: list[Column]) -> Iterator[TableWarning]:
    y, ranks = standardised(table.y), standardised(rankdata(table.y))
    for column in columns:
        if abs(standardised(column.values) @ y) / len(y) > 1 - 1e-10:
            yield _about([column.name], "copy of the target", "a copy of the target up to shift and scale: drop THEM")
        elif abs(standardised(rankdata(column.values)) @ ranks) / len(y) > 1 - 1e-10:
            message = "a monotone function of the target: drop THEM if unknown when predictions are made"
            yield _about([column.name], "copy of the target", message)


def _identifiers(table: Table, columns: list[Column]) -> Iterator[TableWarning]:
    names = []
    for column in columns:
        x = column.values
        if column.n_distinct == len(x) and np.all(x == np.round(x)):
            steps = np.diff(x)
            if np.all(steps > 0) or np.all(steps < 0) or np.ptp(x) < 1.1 * len(x):
                names.append(column.name)
    if names:
        yield _about(names, "identifier", "like row numbers (distinct integers, in order or consecutive): drop THEM")


def _duplicates(table: Table, sample: Sample) -> Iterator[TableWarning]:
    for j, i in sample.copy_of.items():
        message = f"the same as {table.names[i]} up to shift and scale: drop THEM"
        yield _about([table.names[j]], "duplicate", message)


def _collinear(table: Table, sample: Sample) -> Iterator[TableWarning]:
    """Linear dependence beyond copies, where there are enough rows to tell it from chance."""
    n, d = sample.X.shape
    if n < 2 * d:
        return
    values, vectors = np.linalg.eigh(sample.X.T @ sample.X / n)
    condition = np.sqrt(values[-1] / max(values[0], 1e-30 * values[-1]))
    if condition > MAX_CONDITION:
        names = [table.names[sample.kept[i]] for i in np.flatnonzero(np.abs(vectors[:, 0]) > 0.2)]
        figure = "above 1e7" if condition > 1e7 else f"{condition:.0f}"
        message = (
            f"{listed(names)} are nearly linearly dependent (condition number of the standardised columns {figure}): "
            "single coefficients and loadings are not determined."
        )
        yield TableWarning("collinear", tuple(names), message)


def _scales(table: Table, columns: list[Column]) -> Iterator[TableWarning]:
    spreads = np.array([column.values.std() for column in columns])
    ratio = spreads.max() / spreads.min()
    if ratio > MAX_SCALE_RATIO:
        low, high = columns[int(spreads.argmin())].name, columns[int(spreads.argmax())].name
        yield TableWarning(
            "scale",
            (low, high),
            f"the standard deviations of the columns differ by a factor of {ratio:.1g} ({low} to {high}): standardise "
            "them before fitting (StandardScaler).",
        )


def _heavy_columns(table: Table, columns: list[Column]) -> Iterator[TableWarning]:
    names = [c.name for c in columns if c.n_distinct > DISCRETE and _heavy(c.values)]
    if names:
        yield _about(names, "heavy tails", "heavy-tailed: consider logarithms or normal quantiles of THEM")


def _discrete(table: Table, columns: list[Column]) -> Iterator[TableWarning]:
    names = [column.name for column in columns if column.n_distinct <= DISCRETE]
    if names:
        yield _about(names, "discrete", "discrete: Hermite degrees, which assume continuous inputs, are approximate")


def _target(table: Table) -> Iterator[TableWarning]:
    values = np.unique(table.y)
    if len(values) == 2:
        message = f"the target takes two values, {values[0]:g} and {values[1]:g}: this is a classification problem."
        yield TableWarning("two-valued target", (), message)
    elif len(values) <= DISCRETE:
        yield TableWarning("discrete target", (), f"the target takes {len(values)} values only.")
    if len(values) > DISCRETE and _heavy(table.y):
        squares = np.sort(standardised(table.y) ** 2)
        largest = squares[-max(1, len(squares) // 100) :].sum() / squares.sum()
        yield TableWarning(
            "heavy tails",
            (),
            f"the target is heavy-tailed (tail index {tail_index(table.y):.2f}; 1 % of the rows carry {largest:.0%} of "
            "its variance): shares of variance are unreliable; consider its logarithm or a robust loss.",
        )


def _few_rows(table: Table, columns: list[Column]) -> Iterator[TableWarning]:
    n, d = len(table.y), len(columns)
    if n < MIN_ROWS_PER_COLUMN * d:
        message = f"{n / d:.1f} rows per column ({n} rows, {d} columns that vary): even linear fits are uncertain."
        yield TableWarning("few rows", (), message)


def _about(names: list[str], kind: str, rest: str) -> TableWarning:
    plural = len(names) > 1
    text = f"{listed(names)} {'are' if plural else 'is'} {rest.replace('THEM', 'them' if plural else 'it')}."
    return TableWarning(kind, tuple(names), text)


def listed(names: list[str]) -> str:
    """Join at most eight names, and say how many more there are."""
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
