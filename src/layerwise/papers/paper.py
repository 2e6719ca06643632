"""What a paper is to this library: figures, each a study to run, and claims, each a statistic of its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from layerwise.studies import Study, StudyResult

if TYPE_CHECKING:
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
        ``statistic(result) -> float`` of a finished study; NaN where its trials are missing or failed.
    accepted : (float, float)
        The measured values that agree with the theory at the size of the study.
    """

    statement: str
    theory: float
    statistic: Callable[[StudyResult], float]
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
class Paper:
    """A paper and what of it can be reproduced.

    Parameters
    ----------
    key : str
        First author and year, the name of its module.
    citation : str
    figures : tuple of PublishedFigure
    """

    key: str
    citation: str
    figures: tuple[PublishedFigure, ...]


def median_risk(result: StudyResult, learner: str, n: int | None = None) -> float:
    """Median risk over seeds of a learner at ``n`` samples, at its largest sample size where None; NaN if not run."""
    summary = result.summary()
    rows = summary[summary["learner"] == learner]
    rows = rows[rows["n"] == (rows["n"].max() if n is None else n)]
    return float(rows["median"].iloc[0]) if len(rows) else float("nan")
