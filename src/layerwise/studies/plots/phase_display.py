"""Median risk over the dimension d and the exponent a of n = d^a."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from layerwise._validation import shown
from layerwise.studies.analysis.complexity import sample_complexity
from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.plots.display import StudyDisplay
from layerwise.studies.plots.frame import AXES, COLOURS, INK, UNKNOWN, censored_entries, dimension_axis, style_axes
from layerwise.studies.plots.selection import choose, rows_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Colormap
    from matplotlib.lines import Line2D

Array = np.ndarray
LOW_RISK, CONTOUR = COLOURS[:2]


@dataclass(eq=False, repr=False)
class PhaseDiagramDisplay(StudyDisplay):
    """Median risk of one learner over (d, log_d n), one cell per d and n, with the contour at a threshold.

    If n* grows like ``d^kappa``, the contour tends to the height kappa. A cell extends half way to its neighbours, and
    is blank where no risk was measured. At the lower edge a cross marks a dimension at which all trials failed, and a
    question mark one at which too few sizes have been run to determine n*. Low risk is dark; grey is above 1, worse
    than predicting the mean.

    Parameters
    ----------
    table : DataFrame
        Rows of `StudyResult.summary` of one target and learner: one per cell.
    crossings : DataFrame
        Rows of `sample_complexity` for this target and learner: one per dimension.
    threshold : float
        Risk at the contour; predicting the mean has risk 1.
    title : str, default=""

    Attributes
    ----------
    figure_, ax_ : matplotlib Figure and Axes
    cells_ : PolyCollection
        The cells, by dimension; its array holds their risks.
    line_ : Line2D
        The contour: n* by d. It is interrupted where the threshold is not reached (marked by a triangle upwards at the
        largest n) or is reached at the smallest n (a triangle downwards).
    colorbar_ : Colorbar
        The scale of the risk.

    See Also
    --------
    ExponentDisplay : The contour with intervals, for several learners.
    """

    crossings: pd.DataFrame
    _: KW_ONLY
    threshold: float
    cells_: PolyCollection = field(init=False)
    line_: Line2D = field(init=False)
    colorbar_: Colorbar = field(init=False)

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
        threshold
            As for the class.
        target, learner, ax
            As for `SampleComplexityDisplay.from_study`.

        Raises
        ------
        ValueError
            For a label that the study does not have, a threshold that is not positive, or a result without a
            successful trial.
        """
        study = result.study
        target, learner = choose(study, "target", target), choose(study, "learner", learner)
        table, crossings = (
            rows_of(rows, {"target": target, "learner": learner}).reset_index(drop=True)
            for rows in (result.summary(), sample_complexity(result, threshold))
        )
        if table["median"].isna().all():
            raise ValueError(
                f"the result has no risk for target={shown(target)}, learner={shown(learner)}; run the study first."
            )
        title = f"{target}, {learner}" if len(study.targets) > 1 else str(learner)
        return cls(table, crossings, threshold=threshold, title=title).plot(ax)

    def _draw(self, ax: Axes) -> None:
        from matplotlib.collections import PolyCollection
        from matplotlib.lines import Line2D

        corners, risks = self._cells()
        self.cells_ = PolyCollection(
            corners, array=risks, cmap=_colour_map(), edgecolors="white", linewidths=0.6, clim=(0, 1)
        )
        ax.add_collection(self.cells_)
        ax.set_xscale("log")
        ax.autoscale_view()
        self.colorbar_ = self.figure_.colorbar(self.cells_, ax=ax, extend="max", pad=0.02, aspect=24)
        self.colorbar_.set_label(AXES["risk"], color=INK, fontsize=9)
        self.colorbar_.ax.tick_params(width=0.6, color=INK, labelcolor=INK, labelsize=8.5)
        self.colorbar_.ax.axhline(self.threshold, color=CONTOUR, linewidth=1.8)
        self.colorbar_.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        self._draw_contour(ax)
        dimension_axis(ax, self.table["dim"])
        ax.set_ylabel("log n / log d", color=INK)
        contour = {"color": CONTOUR, "linewidth": 1.8, "marker": "o", "markersize": 5}
        legend = [
            Line2D([], [], label=f"risk {self.threshold:g}", **contour),
            *censored_entries(self.crossings["censored"], CONTOUR, right="not reached", left="below the grid"),
        ]
        # above the axes, because the colour bar is to the right of them
        place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": len(legend), "fontsize": 8.5}
        style_axes(ax, self.title, legend, **place, borderaxespad=0.2, handletextpad=0.5, columnspacing=1.2)
        ax.grid(visible=False)

    def _cells(self) -> tuple[list[Array], Array]:
        """Return the corners of the cells that have a risk, each of shape (4, 2), and their risks."""
        dims = np.unique(self.table["dim"])
        sides = np.exp(edges(np.log(dims)))
        corners, risks = [], []
        for i, dim in enumerate(dims):
            column = self.table[self.table["dim"] == dim]
            heights, row = np.unique(_exponents(column["n"], column["dim"]), return_inverse=True)
            ends = edges(heights)
            for k, risk in zip(row, column["median"], strict=True):
                if math.isfinite(risk):
                    x, y = sides[[i, i + 1, i + 1, i]], ends[[k, k, k + 1, k + 1]]
                    corners.append(np.column_stack([x, y]))
                    risks.append(risk)
        return corners, np.array(risks)

    def _draw_contour(self, ax: Axes) -> None:
        """Draw n* by d, and markers where it is censored or unknown."""
        rows = self.crossings.sort_values("dim")
        style = {"color": CONTOUR, "zorder": 4}
        heights = _exponents(rows["n_star"], rows["dim"])
        (self.line_,) = ax.plot(
            rows["dim"], heights, linewidth=1.8, marker="o", markersize=5, markeredgecolor="white", **style
        )
        hollow = {"linewidth": 0, "markersize": 9, "markerfacecolor": "white", "markeredgewidth": 1.4}
        for side, marker, end in (("right", "^", "n_max"), ("left", "v", "n_min")):
            cells = rows[rows["censored"] == side]
            ax.plot(cells["dim"], _exponents(cells[end], cells["dim"]), marker=marker, **hollow, **style)
        for side, (marker, _) in UNKNOWN.items():
            dims = rows[rows["censored"] == side]["dim"]
            low, along = [0.03] * len(dims), ax.get_xaxis_transform()
            ax.plot(dims, low, marker=marker, linewidth=0, transform=along, **style)


def edges(centres: Array) -> Array:
    """Return the edges of cells, shape (cells + 1,), around their ascending centres: midpoints, and equally far beyond.

    A single cell has width 1/2.
    """
    if len(centres) == 1:
        return centres[0] + np.array([-0.25, 0.25])
    between = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - between[0]], between, [2 * centres[-1] - between[-1]]])


def _exponents(n: pd.Series, dim: pd.Series) -> Array:
    """Return ``a`` of ``n = d^a``; for d = 1, where it is undefined, log2 n."""
    return np.log(n.to_numpy(dtype=float)) / np.log(np.maximum(dim.to_numpy(dtype=float), 2))


def _colour_map() -> Colormap:
    """Return a map from dark blue at risk 0 to near white at 1, with grey beyond."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("learnt", ["#003f66", LOW_RISK, "#8fbfdd", "#f0f5f9"])
    return colours.with_extremes(over="#e2e2e2")
