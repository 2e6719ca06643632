"""Drawings of the figures, and the statistics of the claims."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np

from layerwise.papers.lee2020 import studies
from layerwise.papers.lee2020.dropout import SIGNED, UNSIGNED
from layerwise.papers.panels import panel, side_by_side
from layerwise.papers.statistics import dimensions_not_reached, median
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


def at(result: StudyResult, learner: str, rank: int, n: int) -> float:
    """Return the median risk in a cell of the study `risk`, at d = 16."""
    return median(result, learner, n, target=f"p = 4, r = {rank}", dim=studies.DIM)


def deep_risk(result: StudyResult, learner: str, target: str) -> float:
    """Return the median risk in a cell of the study `deep`, at d = 16 and n = 4 d^2."""
    return median(result, learner, 4 * studies.DIM**2, target=target, dim=studies.DIM)


def least_of_kernels(result: StudyResult) -> float:
    """Return the lowest risk of NTK on x and the polynomial kernel at (r, n) = (1, 1000), (3, 2000), or NaN."""
    cells = [(learner, r, n) for learner in (studies.NTK_RAW, studies.KERNEL) for r, n in ((1, 1000), (3, 2000))]
    return float(np.min([at(result, *cell) for cell in cells]))


def neural_over_raw(result: StudyResult) -> float:
    """Return the risk ratio of the quadratic models on the neural representation and on x with the better gates."""
    raw = np.min([at(result, learner, 1, 2000) for learner in (studies.QUAD_RAW, studies.QUAD_RAW_GATES)])
    return at(result, studies.QUAD_NEURAL, 1, 2000) / float(raw)


def share_not_reached(result: StudyResult, learner: str) -> float:
    """Return the share of the dimensions at which a learner does not reach the threshold at any sample size."""
    return dimensions_not_reached(result, THRESHOLD, learner) / len(result.study.dims)


def samples_by_rank(result: StudyResult, learner: str) -> pd.DataFrame:
    """Return n* and its interval, with one row per rank."""
    table = sample_complexity(result, THRESHOLD)
    table = table[table["learner"] == learner]
    return table.assign(rank=[int(label.removeprefix("r = ")) for label in table["target"]])


def growth_with_rank(result: StudyResult, learner: str) -> float:
    """Return the ratio of n* at r = 4 to n* at r = 1."""
    n_star = samples_by_rank(result, learner).set_index("rank")["n_star"]
    return float(n_star.get(4, math.nan) / n_star.get(1, math.nan))


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


def error_exponent(table: pd.DataFrame) -> float:
    """Return a of ``error ~ m^a``, the mean over the powers q."""
    slopes = [np.polyfit(np.log(rows["neurons"]), np.log(rows["error"]), 1)[0] for _, rows in table.groupby("power")]
    return float(np.mean(slopes))
