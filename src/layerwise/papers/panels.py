"""Figures of several panels beside each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (4.6, 3.8)  # inches, of a panel


def side_by_side(*draw: Callable[[Axes], object]) -> Figure:
    """One panel for each function, which draws on the axes it is given; the last one's legend stands for all."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIZE[0] * len(draw) + 1.6, SIZE[1]), layout="constrained")
    panels = figure.subplots(1, len(draw), squeeze=False)[0]
    for ax, draw_on in zip(panels, draw, strict=True):
        draw_on(ax)
    for ax in panels[:-1]:
        if ax.get_legend() is not None:
            ax.get_legend().remove()
    return figure
