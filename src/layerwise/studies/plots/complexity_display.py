"""Risk against the number of samples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from layerwise._validation import shown
from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.plots.display import StudyDisplay
from layerwise.studies.plots.frame import AXES, FAINT, INK, REFERENCE_DASHES, curve_style, start_at_zero, style_axes
from layerwise.studies.plots.selection import labels, rows_of, select, title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

SUPERSCRIPTS = str.maketrans("0123456789.", "⁰¹²³⁴⁵⁶⁷⁸⁹·")


@dataclass(eq=False, repr=False)
class SampleComplexityDisplay(StudyDisplay):
    """Risk, or another metric, against the number of training samples, with one curve per learner, dimension or target.

    Each curve is the median over seeds, in a band between two quantiles.

    Parameters
    ----------
    table : DataFrame
        Rows of `StudyResult.summary`: one per curve and n.
    curves : {"learner", "dim", "target"}, default="learner"
        What each curve is.
    metric : str, default="risk"
        The metric that was summarised.
    per_power : float, default=0
        The horizontal axis is ``n / d^per_power``: curves of several dimensions coincide for 2 if the samples needed
        grow like d^2.
    title : str, default=""
    references : mapping of str to float or None, default=None
        Levels drawn as horizontal lines, by label: ``{"kernel plateau ½": 0.5}``.

    Attributes
    ----------
    figure_, ax_ : matplotlib Figure and Axes
    lines_ : list of Line2D
        The medians, one line per curve, in the order of the study.
    """

    _: KW_ONLY
    curves: Literal["learner", "dim", "target"] = "learner"
    metric: str = "risk"
    per_power: float = 0
    references: Mapping[str, float] | None = None
    lines_: list[Line2D] = field(init=False)

    @classmethod
    def from_study(
        cls,
        result: StudyResult,
        *,
        curves: Literal["learner", "dim", "target"] = "learner",
        target: str | None = None,
        learner: str | None = None,
        dim: int | None = None,
        metric: str = "risk",
        per_power: float = 0,
        quantiles: tuple[float, float] = (0.25, 0.75),
        references: Mapping[str, float] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw a metric of every learner, or of one learner at every dimension or on every target.

        Parameters
        ----------
        result : StudyResult
        curves, per_power, references
            As for the class.
        target, learner : str or None, default=None
            Labels; None selects the only one. The one that ``curves`` names must be None.
        dim : int or None, default=None
            Dimension; likewise.
        metric : str, default="risk"
            "risk", "fit_seconds", "peak_bytes" or a metric of `layerwise.studies.trials.metrics`.
        quantiles : tuple of two floats, default=(0.25, 0.75)
            The band around the median over seeds; (0, 1) is minimum to maximum.
        ax
            As for `plot`.

        Raises
        ------
        ValueError
            For labels, a metric or quantiles that the study does not have, and where there is nothing to draw.
        """
        study = result.study
        selected = select(study, curves, target=target, learner=learner, dim=dim)
        table = rows_of(result.summary(quantiles, metric), selected)
        succeeded = table["succeeded"].gt(0).any()
        table = table[table["median"].notna() | (table["failed"] > 0)].reset_index(drop=True)
        if table["median"].isna().all():
            raise ValueError(_nothing_to_draw(result, metric, selected, bool(succeeded)))
        options = {"curves": curves, "metric": metric, "per_power": per_power, "references": references}
        return cls(table, title=title_of(study, selected), **options).plot(ax)

    def _draw(self, ax: Axes) -> None:
        dashes = itertools.cycle(REFERENCE_DASHES)
        references = [
            ax.axhline(level, color=FAINT, linewidth=0.9, linestyle=next(dashes), zorder=2, label=label)
            for label, level in (self.references or {}).items()
        ]
        self.lines_ = []
        for i, (name, curve) in enumerate(self.table.groupby(self.curves, sort=False)):
            curve = curve.sort_values("n")
            x = curve["n"] / curve["dim"].astype(float) ** self.per_power
            style = curve_style(i)
            ax.fill_between(x, curve["lower"], curve["upper"], color=style["color"], alpha=0.16, linewidth=0)
            label = f"d = {name}" if self.curves == "dim" else str(name)
            self.lines_ += ax.plot(x, curve["median"], label=label, **style)
        self._label(ax, [*self.lines_, *references])

    def _label(self, ax: Axes, legend: list[Line2D]) -> None:
        """Set scale, ticks, labels and legend, whose entries are ordered as the right ends of the curves."""
        ax.set_xscale("log")
        sizes = sorted(self.table["n"].unique())
        if self.per_power == 0 and len(sizes) <= 21:
            every = -(-len(sizes) // 7)  # at most seven labels
            ax.set_xticks(sizes[::-1][::every], [f"{n:,}" for n in sizes[::-1][::every]])
            ax.set_xticks(sizes, minor=True, labels=[])
        power = "" if self.per_power == 1 else f"{self.per_power:g}".translate(SUPERSCRIPTS)
        ax.set_xlabel(f"n / d{power}" if self.per_power else "training samples n", color=INK)
        ax.set_ylabel(AXES.get(self.metric, self.metric), color=INK)
        start_at_zero(ax)
        style_axes(ax, self.title, sorted(legend, key=_last_level, reverse=True))
        failed = int(self.table["failed"].to_numpy().sum())
        if failed:
            note = f"{failed} failed trial{'s' * (failed > 1)} left out"
            ax.set_title(note, loc="right", fontsize=8, color=FAINT)


def _nothing_to_draw(result: StudyResult, metric: str, selected: Mapping[str, Any], succeeded: bool) -> str:
    """Return the message for a metric that no selected trial has."""
    if metric == "peak_bytes" and succeeded:
        return (
            "the result has no peak_bytes: memory is measured only for trials that have a process of their own (on "
            "Linux), not in threads or on a Dask worker. Run the study into another store with "
            'workers="processes" (--workers processes).'
        )
    chosen = [f"{name}={shown(value)}" for name, value in selected.items() if labels(result.study, name) != [value]]
    return f"the result has no {metric}{' for ' + ' and '.join(chosen) if chosen else ''}; run the study first."


def _last_level(line: Line2D) -> float:
    """Return the last finite height of a curve."""
    levels = np.asarray(line.get_ydata(), dtype=float)
    return float(levels[np.isfinite(levels)][-1]) if np.isfinite(levels).any() else math.inf
