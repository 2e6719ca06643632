"""The definition of a paper: figures, each a study or a measurement, and claims about their results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from layerwise.papers.claim import Claim
from layerwise.studies import Outcome, Study, StudyResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: "small" takes seconds, "default" minutes; "full" has the paper's size, or the largest that is feasible.
Size = Literal["small", "default", "full"]
T = TypeVar("T")


def by_size(size: Size, small: T, default: T, full: T) -> T:
    """Return the value for this size."""
    return {"small": small, "default": default, "full": full}[size]


@dataclass(frozen=True, kw_only=True)
class _Figure:
    name: str
    caption: str
    draw: Callable[[Any], Figure] | None = None
    claims: tuple[Claim, ...] = ()
    smallest: Size = "small"

    def has(self, size: Size) -> bool:
        """Return whether the figure is run at this size."""
        sizes = get_args(Size)
        return sizes.index(size) >= sizes.index(self.smallest)


@dataclass(frozen=True, kw_only=True)
class PublishedFigure(_Figure):
    """A study, the figure that shows it, and the claims that it decides.

    Parameters
    ----------
    name : str
        Name of the figure and of its files.
    caption : str
        One sentence that says what the figure shows.
    study : callable
        ``study(size) -> Study`` for the sizes "small", "default" and "full".
    draw : callable, optional
        ``draw(result) -> Figure`` for the `StudyResult`; None for a study that only decides claims.
    claims : tuple of Claim
    smallest : {"small", "default", "full"}, default="small"
        The smallest size at which the figure is run; above "small" for studies whose trials take minutes each.
    """

    study: Callable[[Size], Study]

    def trivial(self, size: Size) -> StudyResult:
        """Return the result of predicting the mean: risk 1, and learnt features and directions unrelated to the truth.

        No claim may be supported by it.
        """
        study = self.study(size)
        nothing = Outcome(1.0, 1.0, metrics={"feature_correlation": 0.0, "subspace_overlap": 0.0})
        return StudyResult(study, {trial.key: nothing for trial in study.trials()})


@dataclass(frozen=True, kw_only=True)
class Measurement(_Figure):
    """Claims that no study of learners decides: an identity, a variance, or a few training runs.

    Parameters
    ----------
    name, caption, draw, claims, smallest
        As in `PublishedFigure`, but ``draw`` and the statistics take the table of the measurement.
    measure : callable
        ``measure(size) -> DataFrame``, which must be deterministic.
    trivial_values : mapping
        Values, by column, of an answer that contains no information, such as 0 for a correlation and 1 for a risk or a
        relative error. No claim may be supported by a table with these columns.
    """

    measure: Callable[[Size], pd.DataFrame]
    trivial_values: Mapping[str, float] = field(default_factory=dict)

    def trivial(self, size: Size) -> pd.DataFrame:
        """Return the table of an answer that contains no information."""
        return self.measure(size).assign(**self.trivial_values)


@dataclass(frozen=True)
class Paper:
    """A paper: its figures with the claims that they decide. Your own claims form a paper, too.

    Parameters
    ----------
    key : str
        First author and year; the name of the folder and of the store.
    citation : str
        Authors, year, title and venue.
    figures : tuple of PublishedFigure or Measurement
        In the order of the paper.
    """

    key: str
    citation: str
    figures: tuple[PublishedFigure | Measurement, ...]

    @property
    def claims(self) -> dict[str, Claim]:
        """All claims by name."""
        return {claim.name: claim for figure in self.figures for claim in figure.claims}
