"""What a study found, as tidy tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Protocol, Self

from layerwise.studies.definition.study import Study
from layerwise.studies.trials.metrics import METRICS
from layerwise.studies.trials.run import Outcome

if TYPE_CHECKING:
    import pandas as pd


class HoldsOutcomes(Protocol):
    """Whatever returns the outcomes of trials by key, as a `Store` does."""

    def outcomes(self, keys: Iterable[str]) -> Mapping[str, Outcome]:
        """Return the outcomes of those trials that have one."""
        ...


MEASURED = ("risk", "fit_seconds", "peak_bytes")
COLUMNS = ("target", "learner", "dim", "n", "seed", *MEASURED, "error", *METRICS)


class StudyResult:
    """The outcomes of a study, in the order of its definition.

    Parameters
    ----------
    study : Study
        The study.
    outcomes : mapping
        `Outcome` by the key of its trial; trials without one are left out of the tables.
    """

    def __init__(self, study: Study, outcomes: Mapping[str, Outcome]) -> None:
        self.study = study
        self.outcomes = dict(outcomes)

    @classmethod
    def from_store(cls, study: Study, store: HoldsOutcomes) -> Self:
        """Return what a store holds of a study, finished or not; runs nothing.

        Parameters
        ----------
        study : Study
            The study.
        store : Store
            The store.

        Returns
        -------
        StudyResult
            Its outcomes so far.
        """
        return cls(study, store.outcomes(trial.key for trial in study.trials()))

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a trial: target, learner, dim, n, seed, risk, fit_seconds, peak_bytes, error, metrics.

        The error is None where the trial succeeded; peak_bytes is NaN where it is not known (`Outcome`); the metrics
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
        """Summarise the seeds of each cell.

        Parameters
        ----------
        quantiles : tuple of two floats, default=(0.25, 0.75)
            The band; (0, 1) is minimum to maximum.
        metric : str, default="risk"
            What to summarise: "risk", "fit_seconds", "peak_bytes" or one of `layerwise.studies.trials.metrics`.

        Returns
        -------
        DataFrame
            One row a cell: target, learner, dim, n; median, lower and upper quantile of the metric over the trials
            that succeeded; succeeded and failed, their numbers.
        """
        lower, upper = quantiles
        if not 0 <= lower <= upper <= 1:
            raise ValueError(f"quantiles={quantiles!r} should be two numbers with 0 <= lower <= upper <= 1.")
        known = (*MEASURED, *METRICS)
        if metric not in known:
            raise ValueError(f"metric={metric!r} is not measured; a study has {', '.join(known)}.")
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
        """Write `table` as CSV; floats keep all their digits.

        Parameters
        ----------
        path : path-like
            The file.
        """
        self.table.to_csv(path, index=False)
