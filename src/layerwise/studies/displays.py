"""Figures of studies, in scikit-learn's Display convention."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self, TypeVar, cast

import numpy as np

from layerwise.studies.result import StudyResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

T = TypeVar("T", str, int)

SIZE = (7.2, 3.8)  # inches

# Okabe and Ito's palette, told apart by colour-blind readers; the faint yellow and the black are left out.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "osD^vP"
LINESTYLES = ("-", "--", ":")
INK, FAINT = "#333333", "#8c8c8c"


class SampleComplexityDisplay:
    """Risk against the number of training samples, one curve a learner.

    Parameters
    ----------
    summary : DataFrame
        Rows of `StudyResult.summary` of one target and one dimension.
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
        The medians, one line a learner, in the order of the study.

    See Also
    --------
    SampleComplexityDisplay.from_study : The usual way to make one.
    """

    figure_: Figure
    ax_: Axes
    lines_: list[Line2D]

    def __init__(
        self, summary: pd.DataFrame, *, title: str = "", references: Mapping[str, float] | None = None
    ) -> None:
        self.summary = summary
        self.title = title
        self.references = references

    @classmethod
    def from_study(
        cls,
        result: StudyResult,
        *,
        target: str | None = None,
        dim: int | None = None,
        quantiles: tuple[float, float] = (0.25, 0.75),
        references: Mapping[str, float] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the risk of every learner of a study.

        Parameters
        ----------
        result : StudyResult
            What the study found, finished or not.
        target : str or None, default=None
            Label of the target; may be left out when there is one.
        dim : int or None, default=None
            Dimension; may be left out when there is one.
        quantiles : tuple of two floats, default=(0.25, 0.75)
            The band around the median over seeds.
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
        target = _choose("target", target, [spec.label for spec in study.targets])
        dim = _choose("dim", dim, list(study.dims))
        summary = result.summary(quantiles)
        summary = summary.loc[(summary["target"] == target) & (summary["dim"] == dim)].reset_index(drop=True)
        if summary.empty:
            raise ValueError(f"the result has no outcome for target={target!r} and dim={dim}; run the study first.")
        return cls(summary, title=f"{target}, d = {dim}", references=references).plot(ax)

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
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=SIZE, layout="constrained")
        self.ax_, self.figure_ = ax, cast("Figure", ax.figure)
        references = self._draw_references(ax)
        self.lines_ = []
        for i, (learner, curve) in enumerate(self.summary.groupby("learner", sort=False)):
            curve = curve.sort_values("n")
            colour = COLOURS[i % len(COLOURS)]
            dashes = LINESTYLES[i // len(COLOURS) % len(LINESTYLES)]
            ax.fill_between(curve["n"], curve["lower"], curve["upper"], color=colour, alpha=0.16, linewidth=0)
            (line,) = ax.plot(
                curve["n"],
                curve["median"],
                color=colour,
                linestyle=dashes,
                linewidth=1.6,
                marker=MARKERS[i % len(MARKERS)],
                markersize=5,
                markeredgecolor="white",
                markeredgewidth=0.7,
                label=str(learner),
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
        sizes = sorted(self.summary["n"].unique())
        every = -(-len(sizes) // 7)  # at most seven labels
        ax.set_xscale("log")
        ax.set_xticks(sizes[::-1][::every], [f"{n:,}" for n in sizes[::-1][::every]])
        ax.set_xticks(sizes, minor=True, labels=[])
        ax.set_ylim(bottom=-0.02 * ax.get_ylim()[1])  # room for a marker at zero
        ax.set_xlabel("training samples n", color=INK)
        ax.set_ylabel("risk  (1 = predicting the mean)", color=INK)
        title = ax.set_title(self.title, loc="left", fontsize=10.5, color=INK)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set(linewidth=0.6, color=INK)
        ax.tick_params(which="both", width=0.6, color=INK, labelcolor=INK, labelsize=8.5)
        ax.grid(axis="y", color="#e6e6e6", linewidth=0.5)
        ax.set_axisbelow(True)
        by_height = sorted(legend, key=_last_level, reverse=True)
        named = ax.legend(
            handles=by_height,
            loc="center left",
            bbox_to_anchor=(1.01, 0.5),
            frameon=False,
            fontsize=9,
            labelcolor=INK,
            handlelength=2.4,
        )
        for text in (title, *named.get_texts()):
            text.set_parse_math(False)  # a label's $ is a dollar
        failed = int(self.summary["failed"].to_numpy().sum())
        if failed:
            note = f"{failed} failed trial{'s' * (failed > 1)} left out"
            ax.set_title(note, loc="right", fontsize=8, color=FAINT)


def blank_axes() -> Axes:
    """Return axes of a new figure that pyplot does not know: for files, on any backend, any number of them.

    Returns
    -------
    Axes
        The axes.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=SIZE, layout="constrained").add_subplot()


def _last_level(line: Line2D) -> float:
    """Return the last finite height of a curve."""
    levels = np.asarray(line.get_ydata(), dtype=float)
    return float(levels[np.isfinite(levels)][-1]) if np.isfinite(levels).any() else math.inf


def _choose(name: str, value: T | None, known: list[T]) -> T:
    """Return the value, or the only one there is."""
    if value is None and len(known) == 1:
        return known[0]
    if value is None or value not in known:
        raise ValueError(f"{name}={value!r}: the study has {known}; choose one of these with {name}=...")
    return value
