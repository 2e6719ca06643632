"""The definition of a paper: figures, each a study or a measurement, and claims about their results."""

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
    """A statement of a paper that one number confirms or refutes.

    Parameters
    ----------
    statement : str
        The statement, with the learner and the statistic.
    theory : float
        The value that theory predicts in its limit.
    statistic : callable
        ``statistic(result) -> float`` for the result of a study, NaN where its trials are missing or failed; for a
        measurement, ``statistic(table) -> float``.
    accepted : (float, float)
        The range of measured values that agree with the theory at the size of the study.
    """

    statement: str
    theory: float
    statistic: Callable[[Any], float]
    accepted: tuple[float, float]

    def verdict(self, measured: float) -> str:
        """Return "agrees" or "differs", or "not measured" for NaN."""
        if np.isnan(measured):
            return "not measured"
        low, high = self.accepted
        return "agrees" if low <= measured <= high else "differs"


@dataclass(frozen=True)
class PublishedFigure:
    """A figure that shows a study.

    Parameters
    ----------
    name : str
        Name of the figure and of its files.
    caption : str
        What it shows, in one sentence.
    study : callable
        ``study(full) -> Study``, at the default size or at the paper's.
    draw : callable
        ``draw(result) -> Figure``.
    claims : tuple of Claim
        The claims that the study decides.
    """

    name: str
    caption: str
    study: Callable[[bool], Study]
    draw: Callable[[StudyResult], Figure]
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Measurement:
    """A figure that shows no study of learners: an identity, a variance, or a few training runs.

    Parameters
    ----------
    name, caption : str
        As for `PublishedFigure`.
    measure : callable
        ``measure(full) -> DataFrame``, at the default size or at the paper's; deterministic.
    draw : callable
        ``draw(table) -> Figure``.
    claims : tuple of Claim
        The claims that the table decides.
    """

    name: str
    caption: str
    measure: Callable[[bool], pd.DataFrame]
    draw: Callable[[pd.DataFrame], Figure]
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Paper:
    """A paper and its reproducible figures.

    Parameters
    ----------
    key : str
        First author and year, the name of its module.
    citation : str
        Authors, year, title and venue.
    figures : tuple of PublishedFigure or Measurement
        The figures, in the order of the paper.
    """

    key: str
    citation: str
    figures: tuple[PublishedFigure | Measurement, ...]
