"""A paper: figures, each a study or a measurement to run, and claims, each a statistic of its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from layerwise.studies import Study, StudyResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Claim:
    """One sentence of a paper that a number decides.

    Parameters
    ----------
    statement : str
        The sentence, naming the learner and the statistic.
    theory : float
        What the theory predicts in its limit.
    statistic : callable
        ``statistic(result) -> float`` of a finished study, NaN where its trials are missing or failed; or of the table
        of a measurement.
    accepted : (float, float)
        The measured values that agree with the theory at the size of the study.
    """

    statement: str
    theory: float
    statistic: Callable[[Any], float]
    accepted: tuple[float, float]

    def verdict(self, measured: float) -> str:
        """``"agrees"``, ``"differs"``, or ``"not measured"`` for NaN."""
        if np.isnan(measured):
            return "not measured"
        low, high = self.accepted
        return "agrees" if low <= measured <= high else "differs"


@dataclass(frozen=True)
class PublishedFigure:
    """A figure of a paper.

    Parameters
    ----------
    name : str
        Used for file names.
    caption : str
        What it shows, in a sentence.
    study : callable
        ``study(full) -> Study``: the default size, or the paper's.
    draw : callable
        ``draw(result) -> Figure``.
    claims : tuple of Claim
    """

    name: str
    caption: str
    study: Callable[[bool], Study]
    draw: Callable[[StudyResult], Figure]
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Measurement:
    """A figure of what no learner has to be trained for again and again: an identity, a variance, one run.

    Parameters
    ----------
    name, caption : str
        As of `PublishedFigure`.
    measure : callable
        ``measure(full) -> DataFrame``: the default size, or the paper's; the same numbers at every call.
    draw : callable
        ``draw(table) -> Figure``.
    claims : tuple of Claim
    """

    name: str
    caption: str
    measure: Callable[[bool], pd.DataFrame]
    draw: Callable[[pd.DataFrame], Figure]
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Paper:
    """A paper and what of it can be reproduced.

    Parameters
    ----------
    key : str
        First author and year, the name of its module.
    citation : str
    figures : tuple of PublishedFigure or Measurement
    """

    key: str
    citation: str
    figures: tuple[PublishedFigure | Measurement, ...]


def median(
    result: StudyResult,
    learner: str | None = None,
    n: int | None = None,
    *,
    dim: int | None = None,
    target: str | None = None,
    metric: str = "risk",
) -> float:
    """Median over seeds of a metric in one cell of a study.

    Parameters
    ----------
    result : StudyResult
    learner, target : str, optional
        Labels; may be left out where there is one.
    n : int, optional
        Sample size; the largest the rest leaves where None.
    dim : int, optional
        May be left out where there is one.
    metric : str
        As in `StudyResult.summary`.

    Returns
    -------
    float
        NaN where the cell has not been run, or failed.
    """
    rows = result.summary(metric=metric)
    for name, value in (("learner", learner), ("target", target), ("dim", dim)):
        rows = rows[rows[name] == value] if value is not None else rows
    rows = rows[rows["n"] == (rows["n"].max() if n is None else n)]
    if len(rows) > 1:
        raise ValueError(f"{len(rows)} cells of the study fit learner={learner!r}, target={target!r}, dim={dim}, n={n}")
    return float(rows["median"].iloc[0]) if len(rows) else float("nan")
