"""Statistics of a study's result on which the claims of the papers rest; NaN where a trial is missing or failed."""

from __future__ import annotations

import math
from functools import partial

from layerwise.studies import StudyResult, fit_exponent


def median(
    result: StudyResult,
    learner: str | None = None,
    n: int | None = None,
    *,
    dim: int | None = None,
    target: str | None = None,
    metric: str = "risk",
) -> float:
    """Return the median over seeds of a metric in one cell of a study, at the largest n unless it is given.

    It is NaN where the cell has not been run, or failed. ValueError is raised where several cells match.
    """
    rows = result.summary(metric=metric)
    for name, value in (("learner", learner), ("target", target), ("dim", dim)):
        rows = rows[rows[name] == value] if value is not None else rows
    rows = rows[rows["n"] == (rows["n"].max() if n is None else n)]
    if len(rows) > 1:
        raise ValueError(f"{len(rows)} cells match learner={learner!r}, target={target!r}, dim={dim}, n={n}; give all.")
    return float(rows["median"].iloc[0]) if len(rows) else math.nan


correlation = partial(median, metric="feature_correlation")


def exponent(result: StudyResult, threshold: float, learner: str | None = None) -> float:
    """Return kappa of n* ~ d^kappa at a threshold of risk, for a learner or, by default, the only one."""
    fits = (fit.exponent for fit in fit_exponent(result, threshold) if learner in (None, fit.learner))
    return next(fits, math.nan)


def dimensions_not_reached(result: StudyResult, threshold: float, learner: str) -> float:
    """Return the number of dimensions at which a learner does not reach the threshold at any sample size."""
    fits = [fit for fit in fit_exponent(result, threshold) if fit.learner == learner]
    return float(len(fits[0].not_reached)) if fits and fits[0].n_dims else math.nan
