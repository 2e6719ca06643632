"""The base class of the figures of a study."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Self, cast

from layerwise.studies.plots.frame import SIZE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(eq=False, repr=False)
class StudyDisplay(ABC):
    """A figure of a study, in scikit-learn's Display convention.

    The class method ``from_study`` computes the numbers and draws them; `plot` draws them again, on other axes.
    ``table`` holds the numbers that are drawn, ``figure_`` and ``ax_`` are matplotlib's figure and axes.
    """

    table: pd.DataFrame
    _: KW_ONLY
    title: str = ""
    figure_: Figure = field(init=False)
    ax_: Axes = field(init=False)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the figure.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes to draw on; None makes a new pyplot figure.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            _, ax = plt.subplots(figsize=SIZE, layout="constrained")
        self.figure_, self.ax_ = cast("Figure", ax.figure), ax
        self._draw(ax)
        return self

    @abstractmethod
    def _draw(self, ax: Axes) -> None:
        """Draw ``table`` on the axes, and set the attributes that hold the artists."""
