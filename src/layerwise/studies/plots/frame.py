"""What the figures of studies share: the axes they are drawn on, colours, labels, legend, and the choice of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from layerwise.studies.definition.study import Study

SIZE = (7.2, 3.8)  # inches

# Okabe and Ito's palette, told apart by colour-blind readers; the faint yellow and the black are left out.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "osD^vP"
LINESTYLES = ("-", "--", ":")
INK, FAINT = "#333333", "#8c8c8c"

AXES = {
    "risk": "risk  (1 = predicting the mean)",
    "feature_correlation": "correlation with the true feature",
    "subspace_overlap": "overlap with the true subspace",
    "fit_seconds": "seconds to fit",
    "peak_bytes": "peak memory of the process, bytes",
}

#: Marker and label of cells whose n* is not known, by what `sample_complexity` says of them.
UNKNOWN = {
    "failed": ("x", "all trials failed"),
    "not run below": ("$?$", "smaller n not run yet"),
    "not run above": ("$?$", "larger n not run yet"),
}


def unknown_in(censored: pd.Series) -> list[tuple[str, str]]:
    """Marker and label of those that are there."""
    return [entry for side, entry in UNKNOWN.items() if (censored == side).any()]


def figure_and_axes(ax: Axes | None) -> tuple[Figure, Axes]:
    """The axes given, or those of a new figure of pyplot's; and their figure.

    Parameters
    ----------
    ax : matplotlib Axes or None
        Where to draw; a new figure when None.

    Returns
    -------
    figure : matplotlib Figure
        A display's ``figure_``.
    axes : matplotlib Axes
        Its ``ax_``.
    """
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=SIZE, layout="constrained")
    return cast("Figure", ax.figure), ax


def dress(ax: Axes, title: str, legend: list[Line2D]) -> None:
    """Give axes the look of the house: spines, ticks, a grid of heights, title, legend to the right.

    Parameters
    ----------
    ax : matplotlib Axes
        The axes.
    title : str
        Their title.
    legend : list of Line2D
        What the legend names, from the top down.
    """
    heading = ax.set_title(title, loc="left", fontsize=10.5, color=INK)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set(linewidth=0.6, color=INK)
    ax.tick_params(which="both", width=0.6, color=INK, labelcolor=INK, labelsize=8.5)
    ax.grid(axis="y", color="#e6e6e6", linewidth=0.5)
    ax.set_axisbelow(True)
    named = ax.legend(
        handles=legend,
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        handlelength=2.4,
    )
    for text in (heading, *named.get_texts()):
        text.set_parse_math(False)  # a label's $ is a dollar


def blank_axes() -> Axes:
    """Return axes of a new figure that pyplot does not know: for files, on any backend, any number of them.

    Returns
    -------
    Axes
        The axes.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=SIZE, layout="constrained").add_subplot()


def fix(study: Study, curves: str, **given: Any) -> dict[str, Any]:
    """What is one and the same for all curves of a display: each of target, learner and dim but the one they are.

    Parameters
    ----------
    study : Study
        The study.
    curves : str
        What each curve is.
    **given
        What was asked for, None where it was left open.

    Returns
    -------
    dict
        Value by name.

    Raises
    ------
    ValueError
        For a value that the study has not, or none where there is a choice; for a value of what the curves are; for
        curves that are none of these.
    """
    if curves not in given:
        raise ValueError(f"curves={curves!r} should be one of {', '.join(given)}.")
    if given[curves] is not None:
        raise ValueError(
            f"{curves}={given[curves]!r}: each curve is a {curves} and all are drawn. Leave {curves} out, or choose "
            f"other curves: {', '.join(name for name in given if name != curves)}."
        )
    known = choices(study)
    return {name: choose(name, value, known[name]) for name, value in given.items() if name != curves}


def choices(study: Study) -> dict[str, list]:
    """The labels of targets and learners and the dimensions that a study has."""
    return {
        "target": [spec.label for spec in study.targets],
        "learner": [spec.label for spec in study.learners],
        "dim": list(study.dims),
    }


def heading(study: Study, fixed: Mapping[str, Any]) -> str:
    """The title that says what is fixed; a learner that is the only one goes without saying.

    Parameters
    ----------
    study : Study
        The study.
    fixed : mapping
        As `fix` returns it.

    Returns
    -------
    str
        The title.
    """
    return ", ".join(
        f"d = {value}" if name == "dim" else str(value)
        for name, value in fixed.items()
        if name != "learner" or len(study.learners) > 1
    )


def choose(name: str, value: Any, known: list) -> Any:
    """Return the value, or the only one there is.

    Raises
    ------
    ValueError
        For a value that is not known, or none where there is a choice.
    """
    if value is None and len(known) == 1:
        return known[0]
    if value is None or value not in known:
        raise ValueError(f"{name}={value!r}: the study has {known}; choose one of these with {name}=...")
    return value
