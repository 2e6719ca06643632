"""What the figures of lee2020 draw, and the statistics that decide its claims."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np

from layerwise.papers.lee2020.dropout import SIGNED, SPREAD, UNSIGNED
from layerwise.papers.lee2020.studies import F1, F2, KERNEL, MOMENTS, NTK_RAW, QUAD_HERMITE, QUAD_RAW
from layerwise.papers.panels import panel, side_by_side
from layerwise.papers.paper import median
from layerwise.studies import ExponentDisplay, StudyResult, blank_axes, fit_exponent, sample_complexity

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Risk at which samples are counted: below the .25 that is of degree 4.
THRESHOLD, RANK_THRESHOLD = 0.1, 0.1
#: What the slides predict for p = 4.
PREDICTED = {KERNEL: 4, QUAD_RAW: 3, QUAD_HERMITE: 2, MOMENTS: 1}


def at(result: StudyResult, learner: str, rank: int, n: int) -> float:
    """Median risk in a cell of `risk`, in its largest dimension."""
    return median(result, learner, n, target=f"p = 4, r = {rank}", dim=max(result.study.dims))


def least_of_kernels(result: StudyResult) -> float:
    """Least median risk of NTK on x and polynomial kernel at (r, n) = (1, 1000) and (3, 2000)."""
    return min(at(result, learner, r, n) for learner in (NTK_RAW, KERNEL) for r, n in ((1, 1000), (3, 2000)))


def exponent(learner: str, result: StudyResult) -> float:
    """kappa of n* ~ d^kappa."""
    return next((fit.exponent for fit in fit_exponent(result, THRESHOLD) if fit.learner == learner), math.nan)


def never_reached(learner: str, result: StudyResult) -> float:
    """Share of the dimensions at which the learner's n* lies beyond its sample sizes."""
    fits = [fit for fit in fit_exponent(result, THRESHOLD) if fit.learner == learner]
    return len(fits[0].not_reached) / len(result.study.dims) if fits else math.nan


def samples_by_rank(result: StudyResult, learner: str) -> pd.DataFrame:
    """n* and its interval, a row a rank."""
    table = sample_complexity(result, RANK_THRESHOLD)
    table = table[table["learner"] == learner]
    return table.assign(rank=[int(label.removeprefix("r = ")) for label in table["target"]])


def growth_with_rank(learner: str, result: StudyResult) -> float:
    """n* at r = 4 over n* at r = 1."""
    n_star = samples_by_rank(result, learner).set_index("rank")["n_star"]
    return float(n_star.get(4, math.nan) / n_star.get(1, math.nan))


def draw_targets(result: StudyResult) -> Figure:
    """Risk against n, a panel a target, a curve a learner, in the largest dimension."""
    labels = [spec.label for spec in result.study.targets]
    dim = max(result.study.dims)
    return side_by_side(*(panel(result, target=label, dim=dim, title=f"{label}, d = {dim}") for label in labels))


def draw_samples(result: StudyResult) -> Figure:
    """n* against d, with the power laws."""
    return ExponentDisplay.from_study(result, THRESHOLD, predicted=PREDICTED, ax=blank_axes()).figure_


def draw_rank(result: StudyResult) -> Figure:
    """n* against the rank."""
    ax = blank_axes()
    for learner in (F1, F2):
        rows = samples_by_rank(result, learner).dropna(subset="n_star")
        lower = rows["n_star"] - rows["lower"].clip(lower=rows["n_min"])
        upper = rows["upper"].clip(upper=rows["n_max"]) - rows["n_star"]
        ax.errorbar(rows["rank"], rows["n_star"], [lower, upper], marker="o", capsize=3, label=learner)
    ax.set_xlabel("rank r of the target")
    ax.set_ylabel(f"samples n* for risk {RANK_THRESHOLD:g}")
    ax.set_xticks([int(spec.label.removeprefix("r = ")) for spec in result.study.targets])
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    return cast("Figure", ax.figure)


def draw_dropout(table: pd.DataFrame) -> Figure:
    """Sizes of the Taylor terms against the width, with and without signs."""
    names = {
        "second": "f⁽²⁾",
        "first": "f⁽¹⁾ at random signs",
        "first_mean": "mean of f⁽¹⁾ over 50 signs; f⁽¹⁾",
        "third": "f⁽³⁾",
    }

    def terms(training: str, ax: Axes) -> None:
        rows = table[table["training"] == training].groupby("width").median(numeric_only=True)
        for column, label in names.items():
            ax.plot(rows.index, rows[column].where(rows[column] > 0), marker="o", label=label)
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_ylim(3e-3, 3)
        ax.set_xlabel("width m")
        ax.set_ylabel("root mean square")
        ax.set_title(training, loc="left", fontsize=10.5)
        ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))

    return side_by_side(*(partial(terms, training) for training in (UNSIGNED, SPREAD, SIGNED)))


def draw_expressivity(table: pd.DataFrame) -> Figure:
    """Error of the mean of m random neurons against m, with what its variance says."""
    ax = blank_axes()
    for q, rows in table.groupby("power"):
        (line,) = ax.plot(rows["neurons"], rows["error"], marker="o", linewidth=0, label=f"(x·β)^{q}")
        ax.plot(rows["neurons"], rows["predicted"], color=line.get_color(), linewidth=1)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlabel("random neurons m")
    ax.set_ylabel("root mean square error on the sphere")
    ax.legend(frameon=False)
    return cast("Figure", ax.figure)


def error_exponent(table: pd.DataFrame) -> float:
    """a of ``error ~ m^a``, mean over the powers."""
    slopes = [np.polyfit(np.log(rows["neurons"]), np.log(rows["error"]), 1)[0] for _, rows in table.groupby("power")]
    return float(np.mean(slopes))
