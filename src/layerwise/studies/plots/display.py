"""The base class of the figures of a study."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self, cast

from layerwise.studies.plots.frame import SIZE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class StudyDisplay(ABC):
    """A figure of a study, in scikit-learn's Display convention.

    The class method ``from_study`` computes the numbers and draws them; `plot` draws them again, on other axes.

    Parameters
    ----------
    table : DataFrame
        The numbers that are drawn.
    title : str, default=""
        Title of the axes.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    ax_ : matplotlib Axes
        The axes.
    """

    figure_: Figure
    ax_: Axes

    def __init__(self, table: pd.DataFrame, *, title: str = "") -> None:
        self.table = table
        self.title = title

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the figure."""
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=SIZE, layout="constrained")
        self.figure_, self.ax_ = cast("Figure", ax.figure), ax
        self._draw(ax)
        return self

    @abstractmethod
    def _draw(self, ax: Axes) -> None:
        """Draw ``table`` on the axes, and set the attributes that hold the artists."""
