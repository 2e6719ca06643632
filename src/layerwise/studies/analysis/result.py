"""The outcomes of a study as tidy tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Protocol, Self

from layerwise._validation import Choice
from layerwise.studies.definition.study import Study
from layerwise.studies.trials.metrics import METRICS
from layerwise.studies.trials.run import Outcome

if TYPE_CHECKING:
    import pandas as pd


class HoldsOutcomes(Protocol):
    """An object that returns the outcomes of trials by key, as a `Store` does."""

    def outcomes(self, keys: Iterable[str]) -> Mapping[str, Outcome]:
        """Return the outcomes of the trials that have been run."""
        ...


MEASURED = ("risk", "fit_seconds", "peak_bytes")
COLUMNS = ("target", "learner", "dim", "n", "seed", *MEASURED, "error", *METRICS)


class StudyResult:
    """The outcomes of a study, in the order of its definition.

    Parameters
    ----------
    study : Study
    outcomes : mapping
        `Outcome` by the key of its trial; tables have no rows for trials without one.
    """

    def __init__(self, study: Study, outcomes: Mapping[str, Outcome]) -> None:
        self.study = study
        self.outcomes = dict(outcomes)

    @classmethod
    def from_store(cls, study: Study, store: HoldsOutcomes) -> Self:
        """Return the outcomes of a study that a store holds so far, without running trials."""
        return cls(study, store.outcomes(trial.key for trial in study.trials()))

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per trial: target, learner, dim, n, seed, risk, fit_seconds, peak_bytes, error, metrics.

        The error is None where the trial succeeded; peak_bytes is NaN where it is unknown (`Outcome`); the metrics
        are those of `layerwise.studies.trials.metrics`, NaN where one does not apply.
        """
        import pandas as pd

        rows = []
        for target, learner, trial in self.study.cells():
            outcome = self.outcomes.get(trial.key)
            if outcome is not None:
                peak = math.nan if outcome.peak_bytes is None else outcome.peak_bytes
                values = (outcome.risk, outcome.fit_seconds, peak, outcome.error)
                values += tuple(outcome.metrics.get(name, math.nan) for name in METRICS)
                rows.append((target, learner, trial.dim, trial.n, trial.seed, *values))
        columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(COLUMNS, ())
        kinds = dict.fromkeys(("dim", "n", "seed"), "int64")
        kinds |= dict.fromkeys((*MEASURED, *METRICS), "float64")
        return pd.DataFrame({name: pd.Series(v, dtype=kinds.get(name, "object")) for name, v in columns.items()})

    def summary(self, quantiles: tuple[float, float] = (0.25, 0.75), metric: str = "risk") -> pd.DataFrame:
        """Return the median and two quantiles over the seeds of each cell.

        Parameters
        ----------
        quantiles : tuple of two floats, default=(0.25, 0.75)
            Lower and upper quantile; (0, 1) is minimum and maximum.
        metric : str, default="risk"
            "risk", "fit_seconds", "peak_bytes" or a metric of `layerwise.studies.trials.metrics`.

        Returns
        -------
        DataFrame
            One row per cell: target, learner, dim, n; median, lower and upper of the metric over the successful
            trials; succeeded and failed, the numbers of trials.

        Raises
        ------
        ValueError
            For quantiles outside [0, 1] or not in ascending order, or an unknown metric.
        """
        lower, upper = quantiles
        if not 0 <= lower <= upper <= 1:
            raise ValueError(
                f"quantiles=({lower}, {upper}) must be two numbers 0 <= lower <= upper <= 1. Pass e.g. (0.25, 0.75)."
            )
        Choice(*MEASURED, *METRICS).check(metric, "metric")
        cells = self.table.groupby(["target", "learner", "dim", "n"], sort=False)
        summary = cells.agg(
            median=(metric, "median"),
            lower=(metric, lambda values: values.quantile(lower)),
            upper=(metric, lambda values: values.quantile(upper)),
            succeeded=("risk", "count"),
            failed=("error", "count"),
        )
        return summary.reset_index()

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write `table` as CSV with all digits."""
        self.table.to_csv(path, index=False)
