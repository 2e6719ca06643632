"""Does risk fall because the hidden feature was found? Risk against what was learnt of it, along n."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.plots.frame import AXES, COLOURS, INK, LINESTYLES, MARKERS, dress, figure_and_axes, fix, heading
from layerwise.studies.trials.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


class FeatureRecoveryDisplay:
    """Risk against recovery of the feature or subspace: a faint dot a trial, a path through the medians as n grows.

    A path that runs along the bottom right has found what is hidden and learns with it; one that falls without going
    right learns otherwise; one that goes right without falling has found it and cannot use it. (Recovery against n is
    `SampleComplexityDisplay` with ``metric="feature_correlation"``.)

    Parameters
    ----------
    trials : DataFrame
        Rows of `StudyResult.table` of one target, or of one learner, at one dimension or learner.
    metric : str
        What measures the recovery.
    curves : {"learner", "dim"}, default="learner"
        What each path is.
    title : str, default=""
        Title of the axes.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    ax_ : matplotlib Axes
        The axes.
    lines_ : list of Line2D
        The medians over seeds by n, one path a curve, in the order of the study.
    dots_ : list of PathCollection
        The trials, one collection a curve.

    See Also
    --------
    FeatureRecoveryDisplay.from_study : The usual way to make one.
    """

    figure_: Figure
    ax_: Axes
    lines_: list[Line2D]
    dots_: list[PathCollection]

    def __init__(
        self,
        trials: pd.DataFrame,
        *,
        metric: str,
        curves: Literal["learner", "dim"] = "learner",
        title: str = "",
    ) -> None:
        self.trials = trials
        self.metric = metric
        self.curves: Literal["learner", "dim"] = curves
        self.title = title

    @classmethod
    def from_study(
        cls,
        result: StudyResult,
        *,
        curves: Literal["learner", "dim"] = "learner",
        target: str | None = None,
        learner: str | None = None,
        dim: int | None = None,
        metric: str | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw every learner of a study that shows what it has learnt, or one learner at every dimension.

        Parameters
        ----------
        result : StudyResult
            What the study found, finished or not.
        curves : {"learner", "dim"}, default="learner"
            What each path is.
        target, learner : str or None, default=None
            Label of the target and the learner; may be left out when there is one, or when it is what the paths are.
        dim : int or None, default=None
            Dimension; likewise.
        metric : str or None, default=None
            One of `layerwise.studies.trials.metrics`; the first that was measured when None.
        ax : matplotlib Axes or None, default=None
            Where to draw; a new figure when None.

        Returns
        -------
        FeatureRecoveryDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            For a label or metric that is not the study's, or where no such learner shows what it has learnt.
        """
        study = result.study
        if curves not in ("learner", "dim"):
            raise ValueError(f"curves={curves!r} should be one of learner, dim.")
        if metric is not None and metric not in METRICS:
            raise ValueError(f"metric={metric!r} measures no recovery; use one of {', '.join(METRICS)}.")
        trials = result.table[result.table["risk"].notna()]
        fixed = fix(study, curves, target=target, learner=learner, dim=dim)
        for name, value in fixed.items():
            trials = trials[trials[name] == value]
        names = METRICS if metric is None else [metric]
        shown = next((name for name in names if trials[name].notna().any()), None)
        if shown is None:
            told = ", ".join(f"{name}={value!r}" for name, value in fixed.items())
            raise ValueError(
                f"the result has no {' or '.join(names)} for {told}; it takes a target with a hidden feature or "
                "subspace, and a learner that shows its own."
            )
        return cls(trials[trials[shown].notna()], metric=shown, curves=curves, title=heading(study, fixed)).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the dots and the paths.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; a new figure when None.

        Returns
        -------
        FeatureRecoveryDisplay
            Itself.
        """
        self.figure_, ax = figure_and_axes(ax)
        self.ax_ = ax
        self.lines_, self.dots_ = [], []
        for i, (name, trials) in enumerate(self.trials.groupby(self.curves, sort=False)):
            colour = COLOURS[i % len(COLOURS)]
            dots = {"s": 14, "color": colour, "alpha": 0.28, "linewidth": 0}
            self.dots_.append(ax.scatter(trials[self.metric], trials["risk"], **dots))
            medians = trials.groupby("n")[[self.metric, "risk"]].median().sort_index()
            (line,) = ax.plot(
                medians[self.metric],
                medians["risk"],
                color=colour,
                linestyle=LINESTYLES[i // len(COLOURS) % len(LINESTYLES)],
                linewidth=1.6,
                marker=MARKERS[i % len(MARKERS)],
                markersize=5,
                markeredgecolor="white",
                markeredgewidth=0.7,
                label=f"{'d = ' * (self.curves == 'dim')}{name}  (n = {medians.index[0]:,} → {medians.index[-1]:,})",
                zorder=3,
            )
            self.lines_.append(line)
        ax.set_xlabel(AXES[self.metric], color=INK)
        ax.set_ylabel(AXES["risk"], color=INK)
        ax.set_xlim(-0.03, 1.06)
        ax.set_ylim(bottom=-0.02 * ax.get_ylim()[1])
        dress(ax, self.title, self.lines_)
        ax.grid(axis="x", color="#e6e6e6", linewidth=0.5)
        return self
