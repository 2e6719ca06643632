"""Risk against how well the hidden feature was recovered."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from layerwise._validation import Choice, shown
from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.plots.display import StudyDisplay
from layerwise.studies.plots.frame import AXES, GRID, INK, curve_style, start_at_zero, style_axes
from layerwise.studies.plots.selection import rows_of, select, title_of
from layerwise.studies.trials.metrics import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.lines import Line2D


@dataclass(eq=False, repr=False)
class FeatureRecoveryDisplay(StudyDisplay):
    """Risk against recovery of the hidden feature: one dot per trial, and a path through the medians as n grows.

    A path towards the lower right recovers the feature and learns with it. One that falls without moving to the right
    learns in another way; one that moves to the right without falling recovers the feature but does not use it.
    (`SampleComplexityDisplay` with ``metric="feature_correlation"`` draws recovery against n.)

    Parameters
    ----------
    table : DataFrame
        Rows of `StudyResult.table`: one per trial.
    metric : str
        The measure of recovery.
    curves : {"learner", "dim"}, default="learner"
        What each path is.
    title : str, default=""

    Attributes
    ----------
    figure_, ax_ : matplotlib Figure and Axes
    lines_ : list of Line2D
        The medians over seeds in the order of n, one line per path, in the order of the study.
    dots_ : list of PathCollection
        The trials, one collection per path.
    """

    _: KW_ONLY
    metric: str
    curves: Literal["learner", "dim"] = "learner"
    lines_: list[Line2D] = field(init=False)
    dots_: list[PathCollection] = field(init=False)

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
        """Draw every learner that exposes its feature or subspace, or one learner at every dimension.

        Parameters
        ----------
        result : StudyResult
        curves
            As for the class.
        target, learner, dim, ax
            As for `SampleComplexityDisplay.from_study`.
        metric : str or None, default=None
            A metric of `layerwise.studies.trials.metrics`; None selects the first one that was measured.

        Raises
        ------
        ValueError
            For a label or metric that the study does not have, and where no trial has the metric.
        """
        study = result.study
        Choice("learner", "dim").check(curves, "curves")
        Choice(*METRICS, none=True).check(metric, "metric")
        selected = select(study, curves, target=target, learner=learner, dim=dim)
        table = rows_of(result.table[result.table["risk"].notna()], selected)
        names = METRICS if metric is None else [metric]
        measured = next((name for name in names if table[name].notna().any()), None)
        if measured is None:
            chosen = ", ".join(f"{name}={shown(value)}" for name, value in selected.items())
            raise ValueError(
                f"the result has no {' or '.join(names)} for {chosen}. Choose a target with a hidden feature or "
                "subspace, and a learner that has feature(X), transform(X) or directions_."
            )
        title = title_of(study, selected)
        return cls(table[table[measured].notna()], metric=measured, curves=curves, title=title).plot(ax)

    def _draw(self, ax: Axes) -> None:
        self.lines_, self.dots_ = [], []
        for i, (name, trials) in enumerate(self.table.groupby(self.curves, sort=False)):
            style = curve_style(i)
            dots = {"s": 14, "color": style["color"], "alpha": 0.28, "linewidth": 0}
            self.dots_.append(ax.scatter(trials[self.metric], trials["risk"], **dots))
            medians = trials.groupby("n")[[self.metric, "risk"]].median().sort_index()
            label = f"{'d = ' * (self.curves == 'dim')}{name}  (n = {medians.index[0]:,} → {medians.index[-1]:,})"
            self.lines_ += ax.plot(medians[self.metric], medians["risk"], label=label, **style)
        ax.set_xlabel(AXES[self.metric], color=INK)
        ax.set_ylabel(AXES["risk"], color=INK)
        ax.set_xlim(-0.03, 1.06)
        start_at_zero(ax)
        style_axes(ax, self.title, self.lines_)
        ax.grid(axis="x", color=GRID, linewidth=0.5)
