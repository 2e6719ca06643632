"""Where a learner succeeds: median risk over the dimension d and the exponent of n = d^a."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self

import numpy as np

from layerwise.studies.analysis.complexity import sample_complexity
from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.plots.frame import AXES, COLOURS, INK, UNKNOWN, choose, dress, figure_and_axes, unknown_in

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Array = np.ndarray
LEARNT, CONTOUR = COLOURS[:2]


class PhaseDiagramDisplay:
    """Median risk of one learner over (d, log_d n), a cell for each d and n, with the line where it is a threshold.

    If n* grows like ``d^kappa`` the line tends to the height kappa. A cell reaches half way to its neighbours; where
    risk has not been measured nothing is drawn, but on the lower edge a cross where all trials of a dimension failed
    and a question mark where too few sizes have been run to tell n*. Dark is learnt, grey is worse than predicting the
    mean.

    Parameters
    ----------
    summary : DataFrame
        Rows of `StudyResult.summary` of one target and learner.
    table : DataFrame
        Their rows of `sample_complexity`.
    threshold : float
        Risk of the line.
    title : str, default=""
        Title of the axes.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    ax_ : matplotlib Axes
        The axes.
    cells_ : PolyCollection
        The cells, by dimension; its array is their risks.
    line_ : Line2D
        n* by d, broken where the threshold is not reached (a triangle upwards at the largest n) or is passed at the
        smallest n (one downwards).
    colorbar_ : Colorbar
        The scale of the risk.

    See Also
    --------
    PhaseDiagramDisplay.from_study : The usual way to make one.
    ExponentDisplay : The line alone, with intervals, for several learners.
    """

    figure_: Figure
    ax_: Axes
    cells_: PolyCollection
    line_: Line2D
    colorbar_: Colorbar

    def __init__(self, summary: pd.DataFrame, table: pd.DataFrame, *, threshold: float, title: str = "") -> None:
        self.summary = summary
        self.table = table
        self.threshold = threshold
        self.title = title

    @classmethod
    def from_study(
        cls,
        result: StudyResult,
        threshold: float = 0.5,
        *,
        target: str | None = None,
        learner: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw one learner of a study on one target.

        Parameters
        ----------
        result : StudyResult
            What the study found, finished or not.
        threshold : float, default=0.5
            Risk of the line; 1 is predicting the mean.
        target, learner : str or None, default=None
            Label of the target and the learner; may be left out when there is one.
        ax : matplotlib Axes or None, default=None
            Where to draw; a new figure when None.

        Returns
        -------
        PhaseDiagramDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            For a label that is not the study's, a threshold that is no risk, or a result without a successful trial.
        """
        study = result.study
        target = choose("target", target, [spec.label for spec in study.targets])
        learner = choose("learner", learner, [spec.label for spec in study.learners])
        summary, table = (
            rows[(rows["target"] == target) & (rows["learner"] == learner)].reset_index(drop=True)
            for rows in (result.summary(), sample_complexity(result, threshold))
        )
        if summary["median"].isna().all():
            raise ValueError(f"the result has no risk for target={target!r}, learner={learner!r}; run the study first.")
        title = f"{target}, {learner}" if len(study.targets) > 1 else str(learner)
        return cls(summary, table, threshold=threshold, title=title).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the cells and the line.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; a new figure when None.

        Returns
        -------
        PhaseDiagramDisplay
            Itself.
        """
        from matplotlib.collections import PolyCollection

        self.figure_, ax = figure_and_axes(ax)
        self.ax_ = ax
        corners, risks = self._cells()
        self.cells_ = PolyCollection(
            corners, array=risks, cmap=_colours(), edgecolors="white", linewidths=0.6, clim=(0, 1)
        )
        ax.add_collection(self.cells_)
        ax.set_xscale("log")
        ax.autoscale_view()
        self.colorbar_ = self.figure_.colorbar(self.cells_, ax=ax, extend="max", pad=0.02, aspect=24)
        self.colorbar_.set_label(AXES["risk"], color=INK, fontsize=9)
        self.colorbar_.ax.tick_params(width=0.6, color=INK, labelcolor=INK, labelsize=8.5)
        self.colorbar_.ax.axhline(self.threshold, color=CONTOUR, linewidth=1.8)
        self.colorbar_.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        self._draw_line()
        self._dress()
        return self

    def _cells(self) -> tuple[list[Array], Array]:
        """Corners of the cells that have a risk, of shape (4, 2) each, and their risks."""
        dims = np.unique(self.summary["dim"])
        sides = np.exp(edges(np.log(dims)))
        corners, risks = [], []
        for i, dim in enumerate(dims):
            column = self.summary[self.summary["dim"] == dim]
            heights, row = np.unique(_exponents(column["n"], column["dim"]), return_inverse=True)
            ends = edges(heights)
            for k, risk in zip(row, column["median"], strict=True):
                if math.isfinite(risk):
                    x, y = sides[[i, i + 1, i + 1, i]], ends[[k, k, k + 1, k + 1]]
                    corners.append(np.column_stack([x, y]))
                    risks.append(risk)
        return corners, np.array(risks)

    def _draw_line(self) -> None:
        """n* by d; triangles where it lies beyond the cells."""
        table = self.table.sort_values("dim")
        style = {"color": CONTOUR, "zorder": 4}
        heights = _exponents(table["n_star"], table["dim"])
        (self.line_,) = self.ax_.plot(
            table["dim"], heights, linewidth=1.8, marker="o", markersize=5, markeredgecolor="white", **style
        )
        for side, marker, end in (("right", "^", "n_max"), ("left", "v", "n_min")):
            cells = table[table["censored"] == side]
            self.ax_.plot(
                *(cells["dim"], _exponents(cells[end], cells["dim"])),
                linewidth=0,
                marker=marker,
                markersize=9,
                markerfacecolor="white",
                markeredgewidth=1.4,
                **style,
            )
        for side, (marker, _) in UNKNOWN.items():
            dims = table[table["censored"] == side]["dim"]
            low, along = [0.03] * len(dims), self.ax_.get_xaxis_transform()
            self.ax_.plot(dims, low, marker=marker, linewidth=0, transform=along, **style)

    def _dress(self) -> None:
        """Ticks at the dimensions that were run, labels, title; the legend stands above: the scale is beside."""
        from matplotlib.lines import Line2D
        from matplotlib.ticker import NullFormatter

        ax = self.ax_
        dims = sorted(set(self.summary["dim"]))
        ax.set_xticks(dims, [f"{d:,}" for d in dims])
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xticks([], minor=True)
        ax.set_xlabel("dimension d", color=INK)
        ax.set_ylabel("log n / log d", color=INK)
        dress(ax, self.title, [])
        ax.grid(visible=False)
        legend = [
            Line2D([], [], color=CONTOUR, linewidth=1.8, marker="o", markersize=5, label=f"risk {self.threshold:g}")
        ]
        for side, marker, label in (("right", "^", "not reached"), ("left", "v", "below the grid")):
            if (self.table["censored"] == side).any():
                look = {"markerfacecolor": "white", "markeredgecolor": CONTOUR, "markersize": 8}
                legend.append(Line2D([], [], linewidth=0, marker=marker, label=label, **look))
        for marker, label in unknown_in(self.table["censored"]):
            legend.append(Line2D([], [], linewidth=0, marker=marker, color=CONTOUR, label=label))
        ax.legend(
            handles=legend,
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(legend),
            frameon=False,
            fontsize=8.5,
            labelcolor=INK,
            borderaxespad=0.2,
            handletextpad=0.5,
            columnspacing=1.2,
        )


def edges(centres: Array) -> Array:
    """Ends of the cells around ascending centres: the midpoints, and as far again beyond the first and the last.

    Parameters
    ----------
    centres : ndarray of shape (cells,)
        Ascending.

    Returns
    -------
    ndarray of shape (cells + 1,)
        The ends; a cell alone has width 1/2.
    """
    if len(centres) == 1:
        return centres[0] + np.array([-0.25, 0.25])
    between = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - between[0]], between, [2 * centres[-1] - between[-1]]])


def _exponents(n: pd.Series, dim: pd.Series) -> Array:
    """``a`` of ``n = d^a``; at d = 1, where there is none, log2 n."""
    return np.log(n.to_numpy(dtype=float)) / np.log(np.maximum(dim.to_numpy(dtype=float), 2))


def _colours() -> Colormap:
    """From the house's blue at risk 0 to a breath of it at 1, a pale grey beyond."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("learnt", ["#003f66", LEARNT, "#8fbfdd", "#f0f5f9"])
    return colours.with_extremes(over="#e2e2e2")
