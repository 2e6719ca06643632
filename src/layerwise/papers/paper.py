"""The definition of a paper: figures, each a study or a measurement, and claims about their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from layerwise.studies import Study

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


@dataclass(frozen=True, kw_only=True)
class _Figure:
    name: str
    caption: str
    draw: Callable[[Any], Figure]
    claims: tuple[Claim, ...]


@dataclass(frozen=True, kw_only=True)
class PublishedFigure(_Figure):
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
        ``draw(result) -> Figure`` for the `StudyResult`.
    claims : tuple of Claim
        The claims that the study decides.
    """

    study: Callable[[bool], Study]


@dataclass(frozen=True, kw_only=True)
class Measurement(_Figure):
    """A figure that shows no study of learners: an identity, a variance, or a few training runs.

    Parameters
    ----------
    name, caption, draw, claims
        As for `PublishedFigure`; ``draw`` and the statistics take the table instead of a result.
    measure : callable
        ``measure(full) -> DataFrame``, at the default size or at the paper's; deterministic.
    """

    measure: Callable[[bool], pd.DataFrame]


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
