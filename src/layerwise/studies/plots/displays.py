"""Figures of studies, in scikit-learn's Display convention."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.plots.frame import (
    AXES,
    COLOURS,
    FAINT,
    INK,
    LINESTYLES,
    MARKERS,
    choices,
    dress,
    figure_and_axes,
    fix,
    heading,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Curves = Literal["learner", "dim", "target"]

SUPERSCRIPTS = str.maketrans("0123456789.", "⁰¹²³⁴⁵⁶⁷⁸⁹·")


class SampleComplexityDisplay:
    """Risk, or another metric, against the number of training samples; one curve a learner, a dimension or a target.

    Parameters
    ----------
    summary : DataFrame
        Rows of `StudyResult.summary`; what is not told apart by ``curves`` is one and the same.
    curves : {"learner", "dim", "target"}, default="learner"
        What each curve is.
    metric : str, default="risk"
        What the summary is of.
    per_power : float, default=0
        The horizontal axis is ``n / d^per_power``.
    title : str, default=""
        Title of the axes.
    references : mapping of str to float or None, default=None
        Levels drawn as faint horizontal lines, by label: ``{"kernel plateau ½": 0.5}``.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    ax_ : matplotlib Axes
        The axes.
    lines_ : list of Line2D
        The medians, one line a curve, in the order of the study.

    See Also
    --------
    SampleComplexityDisplay.from_study : The usual way to make one.
    """

    figure_: Figure
    ax_: Axes
    lines_: list[Line2D]

    def __init__(
        self,
        summary: pd.DataFrame,
        *,
        curves: Curves = "learner",
        metric: str = "risk",
        per_power: float = 0,
        title: str = "",
        references: Mapping[str, float] | None = None,
    ) -> None:
        self.summary = summary
        self.curves: Curves = curves
        self.metric = metric
        self.per_power = per_power
        self.title = title
        self.references = references

    @classmethod
    def from_study(
        cls,
        result: StudyResult,
        *,
        curves: Curves = "learner",
        target: str | None = None,
        learner: str | None = None,
        dim: int | None = None,
        metric: str = "risk",
        per_power: float = 0,
        quantiles: tuple[float, float] = (0.25, 0.75),
        references: Mapping[str, float] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw a metric of every learner of a study, or of one learner at every dimension or on every target.

        Parameters
        ----------
        result : StudyResult
            What the study found, finished or not.
        curves : {"learner", "dim", "target"}, default="learner"
            What each curve is.
        target, learner : str or None, default=None
            Label of the target and the learner; may be left out when there is one, or when it is what the curves are.
        dim : int or None, default=None
            Dimension; likewise.
        metric : str, default="risk"
            What to draw: "risk", "fit_seconds", "peak_bytes" or one of `layerwise.studies.trials.metrics`.
        per_power : float, default=0
            The horizontal axis is ``n / d^per_power``: 2 shows whether n = d^2 samples are what it takes.
        quantiles : tuple of two floats, default=(0.25, 0.75)
            The band around the median over seeds; (0, 1) is minimum to maximum.
        references : mapping of str to float or None, default=None
            Levels drawn as faint horizontal lines, by label.
        ax : matplotlib Axes or None, default=None
            Where to draw; a new figure when None.

        Returns
        -------
        SampleComplexityDisplay
            The display, drawn.
        """
        study = result.study
        fixed = fix(study, curves, target=target, learner=learner, dim=dim)
        summary = result.summary(quantiles, metric)
        for name, value in fixed.items():
            summary = summary[summary[name] == value]
        ran = summary["succeeded"].gt(0).any()
        summary = summary[summary["median"].notna() | (summary["failed"] > 0)].reset_index(drop=True)
        told = " and ".join(f"{name}={value!r}" for name, value in fixed.items() if choices(study)[name] != [value])
        if summary["median"].isna().all():
            if metric == "peak_bytes" and ran:
                raise ValueError(
                    "the result has no peak_bytes: memory is known only of trials that have a process to themselves "
                    "(on Linux), and these shared theirs: in threads, or on a Dask worker. Run the study into another "
                    'store with workers="processes" (--workers processes).'
                )
            raise ValueError(f"the result has no {metric}{' for ' + told if told else ''}; run the study first.")
        display = cls(
            summary,
            curves=curves,
            metric=metric,
            per_power=per_power,
            title=heading(study, fixed),
            references=references,
        )
        return display.plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; a new figure when None.

        Returns
        -------
        SampleComplexityDisplay
            Itself.
        """
        self.figure_, ax = figure_and_axes(ax)
        self.ax_ = ax
        references = self._draw_references(ax)
        self.lines_ = []
        for i, (name, curve) in enumerate(self.summary.groupby(self.curves, sort=False)):
            curve = curve.sort_values("n")
            x = curve["n"] / curve["dim"].astype(float) ** self.per_power
            colour = COLOURS[i % len(COLOURS)]
            dashes = LINESTYLES[i // len(COLOURS) % len(LINESTYLES)]
            ax.fill_between(x, curve["lower"], curve["upper"], color=colour, alpha=0.16, linewidth=0)
            (line,) = ax.plot(
                x,
                curve["median"],
                color=colour,
                linestyle=dashes,
                linewidth=1.6,
                marker=MARKERS[i % len(MARKERS)],
                markersize=5,
                markeredgecolor="white",
                markeredgewidth=0.7,
                label=f"d = {name}" if self.curves == "dim" else str(name),
                zorder=3,
            )
            self.lines_.append(line)
        self._dress(ax, [*self.lines_, *references])
        return self

    def _draw_references(self, ax: Axes) -> list[Line2D]:
        """Faint lines at the reference levels; the legend names them, so that no text lies on a curve."""
        levels = (self.references or {}).items()
        dashes = itertools.cycle([(0, (5, 3)), (0, (1, 1.5)), (0, (5, 2, 1, 2))])
        return [
            ax.axhline(level, color=FAINT, linewidth=0.9, linestyle=style, zorder=2, label=label)
            for (label, level), style in zip(levels, dashes, strict=False)
        ]

    def _dress(self, ax: Axes, legend: list[Line2D]) -> None:
        """Scales, ticks at the sample sizes that were run, spines, title; the legend from the highest end down."""
        ax.set_xscale("log")
        sizes = sorted(self.summary["n"].unique())
        if self.per_power == 0 and len(sizes) <= 21:
            every = -(-len(sizes) // 7)  # at most seven labels
            ax.set_xticks(sizes[::-1][::every], [f"{n:,}" for n in sizes[::-1][::every]])
            ax.set_xticks(sizes, minor=True, labels=[])
        power = "" if self.per_power == 1 else f"{self.per_power:g}".translate(SUPERSCRIPTS)
        ax.set_xlabel(f"n / d{power}" if self.per_power else "training samples n", color=INK)
        ax.set_ylabel(AXES.get(self.metric, self.metric), color=INK)
        ax.set_ylim(bottom=-0.02 * ax.get_ylim()[1])  # room for a marker at zero
        dress(ax, self.title, sorted(legend, key=_last_level, reverse=True))
        failed = int(self.summary["failed"].to_numpy().sum())
        if failed:
            note = f"{failed} failed trial{'s' * (failed > 1)} left out"
            ax.set_title(note, loc="right", fontsize=8, color=FAINT)


def _last_level(line: Line2D) -> float:
    """Return the last finite height of a curve."""
    levels = np.asarray(line.get_ydata(), dtype=float)
    return float(levels[np.isfinite(levels)][-1]) if np.isfinite(levels).any() else math.inf
