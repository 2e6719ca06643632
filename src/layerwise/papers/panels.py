"""Figures that several papers share: panels side by side, curves by dimension, and exponents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from layerwise.studies import ExponentDisplay, SampleComplexityDisplay, StudyResult, blank_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (4.6, 3.8)  # inches, per panel


def side_by_side(*draw: Callable[[Axes], object]) -> Figure:
    """Return a figure with one panel per function, which draws on given axes; only the last panel keeps its legend."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIZE[0] * len(draw) + 1.6, SIZE[1]), layout="constrained")
    panels = figure.subplots(1, len(draw), squeeze=False)[0]
    for ax, draw_on in zip(panels, draw, strict=True):
        draw_on(ax)
    for ax in panels[:-1]:
        if ax.get_legend() is not None:
            ax.get_legend().remove()
    return figure


def panel(
    result: StudyResult, metric: str = "risk", *, title: str | None = None, **options: Any
) -> Callable[[Axes], None]:
    """Return a panel for `side_by_side`: a metric, with a band from minimum to maximum over the seeds.

    ``options`` are those of `SampleComplexityDisplay.from_study`. With ``per_power``, the ticks are the multiples of
    d^power that were run.
    """

    def draw(ax: Axes) -> None:
        display = SampleComplexityDisplay.from_study(result, metric=metric, quantiles=(0, 1), ax=ax, **options)
        if metric == "feature_correlation":
            ax.set_ylim(0, 1.02)
        if title is not None:
            ax.set_title(title, loc="left", fontsize=10.5)
        if "per_power" in options:
            tick_multiples(display)

    return draw


def tick_multiples(display: SampleComplexityDisplay) -> None:
    """Place the ticks at the multiples of d^power that were run, which are round numbers."""
    multiples = np.unique([np.asarray(line.get_xdata()) for line in display.lines_])
    display.ax_.set_xticks(multiples, [f"{x:g}" for x in multiples])
    display.ax_.set_xticks([], minor=True)
    display.ax_.set_xlim(multiples[0] / 1.15, multiples[-1] * 1.15)


def draw_by_dimension(result: StudyResult, power: int, learner: str | None = None) -> Figure:
    """Draw risk and feature correlation against n / d^power, with one curve per dimension.

    The curves coincide if the samples needed grow like d^power.
    """
    options = {"curves": "dim", "learner": learner, "per_power": power}
    return side_by_side(*(panel(result, metric, **options) for metric in ("risk", "feature_correlation")))


def draw_exponents(result: StudyResult, threshold: float, predicted: Mapping[str, float]) -> Figure:
    """Draw n* against d with the fitted and the predicted power laws."""
    return ExponentDisplay.from_study(result, threshold, predicted=predicted, ax=blank_axes()).figure_
