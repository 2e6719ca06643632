"""The common style of the figures: axes, colours, markers, axis labels and legend entries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

SIZE = (7.2, 3.8)  # inches

# The colour-blind safe palette of Okabe and Ito without its yellow and black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "osD^vP"
LINESTYLES = ("-", "--", ":")
REFERENCE_DASHES: tuple[Any, ...] = ((0, (5, 3)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))
INK, FAINT, GRID = "#333333", "#8c8c8c", "#e6e6e6"

AXES = {
    "risk": "risk  (1 = predicting the mean)",
    "feature_correlation": "correlation with the true feature",
    "subspace_overlap": "overlap with the true subspace",
    "fit_seconds": "seconds to fit",
    "peak_bytes": "peak memory of the process, bytes",
}

#: Marker and label of cells whose n* is unknown, by the value of ``censored`` in `sample_complexity`.
UNKNOWN = {
    "failed": ("x", "all trials failed"),
    "not run below": ("$?$", "smaller n not run yet"),
    "not run above": ("$?$", "larger n not run yet"),
}


def blank_axes() -> Axes:
    """Return axes of a new figure that pyplot does not manage, so that any number can be written to files."""
    from matplotlib.figure import Figure

    return Figure(figsize=SIZE, layout="constrained").add_subplot()


def curve_style(i: int) -> dict[str, Any]:
    """Return the line and marker of the i-th curve of a figure, as keyword arguments of ``Axes.plot``."""
    return {
        "color": COLOURS[i % len(COLOURS)],
        "linestyle": LINESTYLES[i // len(COLOURS) % len(LINESTYLES)],
        "linewidth": 1.6,
        "marker": MARKERS[i % len(MARKERS)],
        "markersize": 5,
        "markeredgecolor": "white",
        "markeredgewidth": 0.7,
        "zorder": 3,
    }


def style_axes(ax: Axes, title: str, legend: list[Line2D], **options: Any) -> None:
    """Set title, spines, ticks and a horizontal grid; place the legend to the right of the axes.

    ``options`` are those of a legend at another place.
    """
    heading = ax.set_title(title, loc="left", fontsize=10.5, color=INK)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set(linewidth=0.6, color=INK)
    ax.tick_params(which="both", width=0.6, color=INK, labelcolor=INK, labelsize=8.5)
    ax.grid(axis="y", color=GRID, linewidth=0.5)
    ax.set_axisbelow(True)
    place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5), "fontsize": 9, "handlelength": 2.4}
    entries = ax.legend(handles=legend, frameon=False, labelcolor=INK, **(options or place))
    for text in (heading, *entries.get_texts()):
        text.set_parse_math(False)  # labels are plain text, in which a $ may occur


def start_at_zero(ax: Axes) -> None:
    """Start the vertical axis just below 0, so that a marker at 0 is drawn whole."""
    ax.set_ylim(bottom=-0.02 * ax.get_ylim()[1])


def dimension_axis(ax: Axes, dims: Iterable[int]) -> None:
    """Label the horizontal axis, which is logarithmic, with the dimensions that were run."""
    from matplotlib.ticker import NullFormatter

    dims = sorted(set(dims))
    ax.set_xticks(dims, [f"{d:,}" for d in dims])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xticks([], minor=True)
    ax.set_xlabel("dimension d", color=INK)


def censored_entries(censored: pd.Series, colour: str, *, right: str, left: str) -> list[Line2D]:
    """Return one legend entry for each kind of censoring that occurs in that column of `sample_complexity`."""
    from matplotlib.lines import Line2D

    hollow: dict[str, Any] = {"markersize": 8, "markerfacecolor": "white", "markeredgecolor": colour}
    triangles = (("right", "^", right), ("left", "v", left))
    entries = [(side, {"marker": marker, "label": label, **hollow}) for side, marker, label in triangles]
    entries += [(side, {"marker": m, "label": label, "color": colour}) for side, (m, label) in UNKNOWN.items()]
    return [Line2D([], [], linewidth=0, **style) for side, style in entries if (censored == side).any()]
