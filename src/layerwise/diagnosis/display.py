"""A figure of a diagnosis, in three panels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, INK, FAINT = "#0072B2", "#D55E00", "#333333", "#8c8c8c"


class DiagnosisDisplay:
    """A `Diagnosis` in scikit-learn's Display convention.

    The panels: shares of the variance with their standard errors; the leading eigenvalues of each matrix of moments,
    divided by the threshold of permuted labels, so that those above 1 stand out; rows that each learner needs, beside
    those of the table. `draw_shares`, `draw_moments` and `draw_learners` draw one of them each.

    Parameters
    ----------
    diagnosis : Diagnosis

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : list of matplotlib Axes
        The three panels.
    """

    #: Of a figure with the three panels side by side, in inches.
    size = (15, 4)

    figure_: Figure
    ax_: list[Axes]

    def __init__(self, diagnosis: Any) -> None:
        self.diagnosis = diagnosis

    @classmethod
    def from_diagnosis(cls, diagnosis: Any, *, axes: Sequence[Axes] | np.ndarray | None = None) -> Self:
        """Draw a diagnosis.

        Parameters
        ----------
        diagnosis : Diagnosis
        axes : three matplotlib Axes or None, default=None
            None makes a new pyplot figure.

        Returns
        -------
        DiagnosisDisplay
        """
        return cls(diagnosis).plot(axes)

    def plot(self, axes: Sequence[Axes] | np.ndarray | None = None) -> Self:
        """Draw the three panels; see `from_diagnosis`.

        Raises
        ------
        ValueError
            If ``axes`` are not three.
        """
        panels: tuple[Callable[[Axes], None], ...] = (self.draw_shares, self.draw_moments, self.draw_learners)
        if axes is None:
            import matplotlib.pyplot as plt

            axes = plt.subplots(1, len(panels), figsize=self.size, layout="constrained")[1]
        self.ax_ = cast("list[Axes]", list(np.ravel(np.asarray(axes, dtype=object))))
        if len(self.ax_) != len(panels):
            raise ValueError(
                f"axes has {len(self.ax_)} entries; it must have {len(panels)}. Pass those of plt.subplots(1, 3), or "
                "call draw_shares, draw_moments or draw_learners for one panel."
            )
        self.figure_ = cast("Figure", self.ax_[0].figure)
        for draw, ax in zip(panels, self.ax_, strict=True):
            draw(ax)
        return self

    def draw_shares(self, ax: Axes) -> None:
        """Draw the shares of the variance with bars of one standard error."""
        found = self.diagnosis
        entries = [("linear", found.linear), ("additive", found.additive), ("quadratic", found.quadratic)]
        entries += [(f"degree {k}", share) for k, share in enumerate(found.degrees, start=1)]
        entries.append(("noise" + " (at most)" * found.noise.upper_bound, found.noise.share))
        colours = [BLUE] * 3 + [ORANGE] * len(found.degrees) + [FAINT]
        place = np.arange(len(entries))
        values, errors = np.array([(share.value, share.standard_error) for _, share in entries]).T
        ax.barh(place, values, xerr=errors, color=colours, ecolor=INK, height=0.7)
        ax.axvline(0, color=INK, linewidth=0.6)
        ax.set_yticks(place, [name for name, _ in entries])
        ax.invert_yaxis()
        _style(ax, "share of the variance of the target", "share ± standard error")

    def draw_moments(self, ax: Axes) -> None:
        """Draw the eigenvalues divided by their thresholds, on a logarithmic axis."""
        moments = self.diagnosis.directions.moments
        for i, each in enumerate(moments):
            ratios = np.abs(each.eigenvalues) / each.threshold
            ratios = ratios[ratios > 1e-3]  # the others are zeros: the matrix of the bins of order 1 has rank 9
            colours = [ORANGE if ratio > 1 else FAINT for ratio in ratios]
            ax.scatter(ratios, np.full(len(ratios), i), s=18, c=colours, linewidth=0)
        ax.axvline(1, color=INK, linewidth=0.8, linestyle="--")
        ax.set_xscale("log")
        ax.set_yticks(range(len(moments)), [f"{each.labels}, order {each.order}" for each in moments])
        ax.invert_yaxis()
        number = len(self.diagnosis.directions)
        title = f"{number} direction{'s' * (number != 1)} above permuted targets"
        _style(ax, title, "eigenvalue / threshold")

    def draw_learners(self, ax: Axes) -> None:
        """Draw the rows that learners need, on a logarithmic axis, and those of the table."""
        learners = self.diagnosis.learners
        place = np.arange(len(learners))
        colours = [BLUE if each.affordable else FAINT for each in learners]
        ax.scatter([each.n_samples for each in learners], place, s=24, c=colours, linewidth=0)
        ax.axvline(self.diagnosis.n_samples, color=INK, linewidth=0.8, linestyle="--")
        ax.set_xscale("log")
        ax.set_yticks(place, [f"{each.learner} ({each.formula})" for each in learners])
        ax.invert_yaxis()
        _style(ax, "rows needed (dashed: this table)", "rows")


def _style(ax: Axes, title: str, label: str) -> None:
    ax.set_title(title, loc="left", fontsize=10.5, color=INK)
    ax.set_xlabel(label, color=INK, fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8.5, labelcolor=INK)
