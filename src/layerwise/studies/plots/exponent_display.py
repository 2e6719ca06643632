"""The figure of `fit_exponent`: samples needed against the dimension."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from layerwise.studies.analysis.complexity import sample_complexity
from layerwise.studies.analysis.exponents import Exponent, Predicted, fit_exponent
from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.plots.frame import (
    COLOURS,
    FAINT,
    INK,
    LINESTYLES,
    UNKNOWN,
    dress,
    figure_and_axes,
    fix,
    unknown_in,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

LOOK: dict[str, Any] = {"markersize": 5.5, "markeredgecolor": "white", "markeredgewidth": 0.7}
REFERENCES: list[Any] = [(0, (5, 3)), (0, (1, 1.5)), (0, (5, 2, 1, 2))]
MARKERS = "osDPX*"  # no triangles: these say what is censored
APART = 1.02  # curves stand this factor apart in d, so that no bar or triangle hides another


class ExponentDisplay:
    """Samples n* against the dimension d, log-log, with the fitted power laws; one curve a learner or a target.

    A filled marker is an n*, its bar the confidence interval. A triangle upwards is a threshold not reached (n* >
    n_max), one downwards a threshold passed at the smallest n; a bar that ends in a caret is open. A cross on the lower
    edge is a dimension where all trials failed.

    Parameters
    ----------
    table : DataFrame
        Rows of `sample_complexity`; what is not told apart by ``curves`` is one and the same.
    exponents : list of Exponent
        The fits of these rows.
    threshold : float
        Risk to be reached.
    curves : {"learner", "target"}, default="learner"
        What each curve is.
    title : str, default=""
        Title of the axes.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    ax_ : matplotlib Axes
        The axes.
    lines_ : list of Line2D
        The fitted power laws, one line a curve, in the order of the study; without data where there is no exponent.

    See Also
    --------
    ExponentDisplay.from_study : The usual way to make one.
    """

    figure_: Figure
    ax_: Axes
    lines_: list[Line2D]

    def __init__(
        self,
        table: pd.DataFrame,
        exponents: list[Exponent],
        *,
        threshold: float,
        curves: Literal["learner", "target"] = "learner",
        title: str = "",
    ) -> None:
        self.table = table
        self.exponents = exponents
        self.threshold = threshold
        self.curves: Literal["learner", "target"] = curves
        self.title = title

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
            What the study found, finished or not.
        threshold : float
            Risk to be reached; 1 is predicting the mean.
        curves : {"learner", "target"}, default="learner"
            What each curve is.
        target, learner : str or None, default=None
            Label of the target and the learner; may be left out when there is one, or when it is what the curves are.
        level : float, default=0.95
            Confidence level of the bars and of the exponents.
        predicted : mapping or None, default=None
            What theory says, by the learner's label or by (target, learner): drawn as faint slopes.
        ax : matplotlib Axes or None, default=None
            Where to draw; a new figure when None.

        Returns
        -------
        ExponentDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            For a label that is not the study's, or a result without a successful trial.
        """
        study = result.study
        ((fixed, label),) = fix(study, curves, target=target, learner=learner).items()
        table = sample_complexity(result, threshold, level=level)
        table = table[table[fixed] == label].reset_index(drop=True)
        if (table["censored"] == "failed").all():
            raise ValueError(f"the result has no risk for {fixed}={label!r}; run the study first.")
        fits = fit_exponent(result, threshold, level=level, predicted=predicted)
        fits = [fit for fit in fits if getattr(fit, fixed) == label]
        title = label if fixed == "target" or len(study.learners) > 1 else ""
        return cls(table, fits, threshold=threshold, curves=curves, title=title).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the points, their bars and the power laws.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; a new figure when None.

        Returns
        -------
        ExponentDisplay
            Itself.
        """
        from matplotlib.lines import Line2D

        self.figure_, ax = figure_and_axes(ax)
        self.ax_ = ax
        ax.set_xscale("log")
        ax.set_yscale("log")
        self.lines_, legend = [], []
        for i, fit in enumerate(self.exponents):
            name = getattr(fit, self.curves)
            cells = self.table[self.table[self.curves] == name].sort_values("dim")
            colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
            self._draw_cells(cells, APART ** (i - (len(self.exponents) - 1) / 2), colour, marker)
            line = {"color": colour, "linestyle": LINESTYLES[i // len(COLOURS) % len(LINESTYLES)], "linewidth": 1.6}
            fitted = math.isfinite(fit.exponent)
            d = cells["dim"].to_numpy(dtype=float)[: None if fitted else 0]
            self.lines_ += ax.plot(d, fit.constant * d**fit.exponent, zorder=3, **line)
            found = (
                f"d^{fit.interval}" if fitted else "exponent " * bool(fit.interval) + fit.verdict().replace("; ", "\n")
            )
            legend.append(Line2D([], [], marker=marker, label=f"{name}: {found}", **LOOK, **line))
        self._dress(legend + self._draw_predictions())
        return self

    def _draw_cells(self, cells: pd.DataFrame, apart: float, colour: str, marker: str) -> None:
        """A marker and a bar for each cell; what is open or censored points out of the grid."""
        ax = self.ax_
        for cell in cells.to_dict("records"):
            d, side = apart * cell["dim"], cell["censored"]
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
                ax.plot(d, cell["n_star"], marker=marker, color=colour, linewidth=0, zorder=4, **LOOK)

    def _draw_predictions(self) -> list[Line2D]:
        """Faint lines of the predicted slopes through the middle of each fit; the legend names each slope once."""
        drawn: dict[float, Line2D] = {}
        for fit, line in zip(self.exponents, self.lines_, strict=True):
            d, heights = (np.asarray(values, dtype=float) for values in line.get_data())
            if fit.predicted is not None and d.size:
                dashes = REFERENCES[[*drawn, fit.predicted].index(fit.predicted) % len(REFERENCES)]
                middle = np.exp(np.mean(np.log(heights)) + fit.predicted * (np.log(d) - np.mean(np.log(d))))
                label = f"predicted: d^{fit.predicted:g}"
                drawn[fit.predicted] = self.ax_.plot(
                    d, middle, color=FAINT, linewidth=0.9, linestyle=dashes, zorder=1, label=label
                )[0]
        return list(drawn.values())

    def _dress(self, legend: list[Line2D]) -> None:
        """Ticks at the dimensions that were run, labels, title and legend; censored cells are explained once."""
        from matplotlib.lines import Line2D
        from matplotlib.ticker import NullFormatter

        ax = self.ax_
        dims = sorted(set(self.table["dim"]))
        ax.set_xticks(dims, [f"{d:,}" for d in dims])
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xticks([], minor=True)
        ax.set_xlabel("dimension d", color=INK)
        ax.set_ylabel(f"samples n* to reach risk {self.threshold:g}", color=INK)
        for side, triangle, label in (("right", "^", "not reached: n* is larger"), ("left", "v", "n* is smaller")):
            if (self.table["censored"] == side).any():
                style = {"marker": triangle, "markersize": 8, "markerfacecolor": "white", "markeredgecolor": FAINT}
                legend.append(Line2D([], [], linewidth=0, label=label, **style))
        for marker, label in unknown_in(self.table["censored"]):
            legend.append(Line2D([], [], linewidth=0, marker=marker, color=FAINT, label=label))
        dress(ax, self.title, legend)
