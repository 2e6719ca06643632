"""The samples needed against the dimension, with the power laws of `fit_exponent`."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from layerwise._validation import shown
from layerwise.studies.analysis.complexity import sample_complexity
from layerwise.studies.analysis.exponents import Exponent, Predicted, fit_exponent
from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.plots.display import StudyDisplay
from layerwise.studies.plots.frame import (
    COLOURS,
    FAINT,
    INK,
    LINESTYLES,
    REFERENCE_DASHES,
    UNKNOWN,
    censored_entries,
    dimension_axis,
    style_axes,
)
from layerwise.studies.plots.selection import rows_of, select

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

MARKER_STYLE: dict[str, Any] = {"markersize": 5.5, "markeredgecolor": "white", "markeredgewidth": 0.7}
MARKERS = "osDPX*"  # without triangles, which mark censored cells
SHIFT = 1.02  # factor in d between neighbouring curves, so that bars and triangles do not hide one another


@dataclass(eq=False, repr=False)
class ExponentDisplay(StudyDisplay):
    """Samples n* against the dimension d in log-log axes, with fitted power laws, one per learner or target.

    A filled marker is an n* and its bar the confidence interval; a caret at an end of the bar says that this end is
    open. An open triangle upwards is a threshold that is not reached (n* > n_max), one downwards a threshold reached at
    the smallest n. A cross at the lower edge is a dimension at which all trials failed.

    Parameters
    ----------
    table : DataFrame
        Rows of `sample_complexity`: one per curve and dimension.
    exponents : list of Exponent
        The fits, one per curve.
    threshold : float
        Risk to reach; predicting the mean has risk 1.
    curves : {"learner", "target"}, default="learner"
        What each curve is.
    title : str, default=""

    Attributes
    ----------
    figure_, ax_ : matplotlib Figure and Axes
    lines_ : list of Line2D
        The fitted power laws, one line per curve, in the order of the study; empty where there is no exponent.
    """

    exponents: list[Exponent]
    _: KW_ONLY
    threshold: float
    curves: Literal["learner", "target"] = "learner"
    lines_: list[Line2D] = field(init=False)

    @classmethod
    def from_study(
        cls,
        result: StudyResult,
        threshold: float,
        *,
        curves: Literal["learner", "target"] = "learner",
        target: str | None = None,
        learner: str | None = None,
        level: float = 0.95,
        predicted: Predicted | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw every learner of a study on one target, or one learner on every target.

        Parameters
        ----------
        result : StudyResult
        threshold, curves
            As for the class.
        target, learner, ax
            As for `SampleComplexityDisplay.from_study`.
        level : float, default=0.95
            Confidence level of the bars and of the exponents.
        predicted : mapping or None, default=None
            Exponents predicted by theory, by the learner's label or by (target, learner); drawn as reference slopes.

        Raises
        ------
        ValueError
            For a label that the study does not have, or a result without a successful trial.
        """
        study = result.study
        selected = select(study, curves, target=target, learner=learner)
        ((name, label),) = selected.items()
        table = rows_of(sample_complexity(result, threshold, level=level), selected).reset_index(drop=True)
        if (table["censored"] == "failed").all():
            raise ValueError(f"the result has no risk for {name}={shown(label)}; run the study first.")
        fits = fit_exponent(result, threshold, level=level, predicted=predicted)
        fits = [fit for fit in fits if getattr(fit, name) == label]
        title = label if name == "target" or len(study.learners) > 1 else ""
        return cls(table, fits, threshold=threshold, curves=curves, title=title).plot(ax)

    def _draw(self, ax: Axes) -> None:
        from matplotlib.lines import Line2D

        ax.set_xscale("log")
        ax.set_yscale("log")
        self.lines_, legend = [], []
        for i, fit in enumerate(self.exponents):
            name = getattr(fit, self.curves)
            cells = self.table[self.table[self.curves] == name].sort_values("dim")
            colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
            self._draw_cells(cells, SHIFT ** (i - (len(self.exponents) - 1) / 2), colour, marker)
            line = {"color": colour, "linestyle": LINESTYLES[i // len(COLOURS) % len(LINESTYLES)], "linewidth": 1.6}
            fitted = math.isfinite(fit.exponent)
            d = cells["dim"].to_numpy(dtype=float)[: None if fitted else 0]
            self.lines_ += ax.plot(d, fit.constant * d**fit.exponent, zorder=3, **line)
            found = (
                f"d^{fit.interval}" if fitted else "exponent " * bool(fit.interval) + fit.verdict().replace("; ", "\n")
            )
            legend.append(Line2D([], [], marker=marker, label=f"{name}: {found}", **MARKER_STYLE, **line))
        legend += self._draw_predictions()
        legend += censored_entries(
            self.table["censored"], FAINT, right="not reached: n* is larger", left="n* is smaller"
        )
        dimension_axis(ax, self.table["dim"])
        ax.set_ylabel(f"samples n* to reach risk {self.threshold:g}", color=INK)
        style_axes(ax, self.title, legend)

    def _draw_cells(self, cells: pd.DataFrame, shift: float, colour: str, marker: str) -> None:
        """Draw a marker and a bar for each cell; what is open or censored points out of the grid."""
        ax = self.ax_
        for cell in cells.to_dict("records"):
            d, side = shift * cell["dim"], cell["censored"]
            if side in UNKNOWN:
                style = {"marker": UNKNOWN[side][0], "color": colour, "zorder": 4}
                ax.plot(d, 0.03, transform=ax.get_xaxis_transform(), **style)
                continue
            bar = max(cell["lower"], cell["n_min"]), min(cell["upper"], cell["n_max"])
            ax.plot([d, d], bar, color=colour, linewidth=1.1, alpha=0.55, zorder=2)
            for end, is_open, caret in ((bar[0], cell["lower"] == 0, "v"), (bar[1], cell["upper"] == math.inf, "^")):
                if is_open and not side:
                    ax.plot(d, end, marker=caret, markersize=3.5, color=colour, alpha=0.55, linewidth=0, zorder=2)
            if side:
                end, triangle = (cell["n_max"], "^") if side == "right" else (cell["n_min"], "v")
                hollow = {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": 1.4}
                ax.plot(d, end, marker=triangle, markersize=9, linewidth=0, zorder=4, **hollow)
            else:
                ax.plot(d, cell["n_star"], marker=marker, color=colour, linewidth=0, zorder=4, **MARKER_STYLE)

    def _draw_predictions(self) -> list[Line2D]:
        """Draw the predicted slopes through the middle of each fit; return one legend entry per slope."""
        drawn: dict[float, Line2D] = {}
        for fit, line in zip(self.exponents, self.lines_, strict=True):
            d, heights = (np.asarray(values, dtype=float) for values in line.get_data())
            if fit.predicted is not None and d.size:
                dashes = REFERENCE_DASHES[[*drawn, fit.predicted].index(fit.predicted) % len(REFERENCE_DASHES)]
                middle = np.exp(np.mean(np.log(heights)) + fit.predicted * (np.log(d) - np.mean(np.log(d))))
                label = f"predicted: d^{fit.predicted:g}"
                drawn[fit.predicted] = self.ax_.plot(
                    d, middle, color=FAINT, linewidth=0.9, linestyle=dashes, zorder=1, label=label
                )[0]
        return list(drawn.values())
