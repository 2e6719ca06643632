"""Drawings of the figures, and the statistics of the claims."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from layerwise.papers.lee2020 import studies
from layerwise.papers.lee2020.dropout import SIGNED, UNSIGNED
from layerwise.papers.panels import panel, side_by_side
from layerwise.studies import StudyResult, blank_axes, sample_complexity
from layerwise.studies.plots.frame import COLOURS, style_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Risk to reach, below the share .25 of the variance that has degree 4.
THRESHOLD = 0.1
#: Exponents that the slides predict for p = 4; order d is the information limit.
PREDICTED = {studies.KERNEL: 4, studies.QUAD_RAW: 3, studies.QUAD_HERMITE: 2, studies.MOMENTS: 1}


def samples_by_rank(result: StudyResult, learner: str) -> pd.DataFrame:
    """Return n* and its interval, with one row per rank."""
    table = sample_complexity(result, THRESHOLD)
    table = table[table["learner"] == learner]
    return table.assign(rank=[int(label.removeprefix("r = ")) for label in table["target"]])


def draw_targets(result: StudyResult) -> Figure:
    """Draw risk against n with one panel per target and one curve per learner, at d = 16 or the largest dimension."""
    labels = [spec.label for spec in result.study.targets]
    dim = studies.DIM if studies.DIM in result.study.dims else max(result.study.dims)
    return side_by_side(*(panel(result, target=label, dim=dim, title=f"{label}, d = {dim}") for label in labels))


def draw_rank(result: StudyResult) -> Figure:
    """Draw n* against the rank."""
    ax, lines = blank_axes(), []
    for learner, colour in zip((studies.F1, studies.F2), COLOURS, strict=False):
        rows = samples_by_rank(result, learner).dropna(subset="n_star")
        ax.vlines(
            rows["rank"], rows["lower"].clip(lower=rows["n_min"]), rows["upper"].clip(upper=rows["n_max"]), color=colour
        )
        lines += ax.plot(rows["rank"], rows["n_star"], marker="o", color=colour, label=learner)
    ax.set_xlabel("rank r of the target")
    ax.set_ylabel(f"samples n* to reach risk {THRESHOLD:g}")
    ax.set_xticks([int(spec.label.removeprefix("r = ")) for spec in result.study.targets])
    ax.set_ylim(bottom=0)
    style_axes(ax, f"quadratic activation, d = {max(result.study.dims)}", lines)
    return cast("Figure", ax.figure)


def draw_dropout(table: pd.DataFrame) -> Figure:
    """Draw the sizes of the Taylor terms of trained networks against the width, without and with random signs."""
    names = {"second": "f⁽²⁾", "first": "f⁽¹⁾", "spread": "f⁽¹⁾ at random signs", "third": "f⁽³⁾"}

    def terms(training: str, ax: Axes) -> None:
        rows, lines = table[table["training"] == training].groupby("width").median(numeric_only=True), []
        for (column, label), colour in zip(names.items(), COLOURS, strict=False):
            lines += ax.plot(rows.index, rows[column], marker="o", color=colour, label=label)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_ylim(0.03, 2)
        ax.set_xlabel("width m")
        ax.set_ylabel("root mean square at fresh points")
        style_axes(ax, training, lines)

    return side_by_side(partial(terms, UNSIGNED), partial(terms, SIGNED))


def draw_expressivity(table: pd.DataFrame) -> Figure:
    """Draw the error of the mean of m random neurons against m, with the error that its variance predicts."""
    ax, lines = blank_axes(), []
    for (q, rows), colour in zip(table.groupby("power"), COLOURS, strict=False):
        lines += ax.plot(rows["neurons"], rows["error"], marker="o", linewidth=0, color=colour, label=f"(x·β)^{q}")
        ax.plot(rows["neurons"], rows["predicted"], linewidth=1, color=colour)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlabel("random neurons m")
    ax.set_ylabel("root mean square error")
    style_axes(ax, "ReLU neurons weighed by h_q(w·β) on the sphere; lines: their variance", lines)
    return cast("Figure", ax.figure)
