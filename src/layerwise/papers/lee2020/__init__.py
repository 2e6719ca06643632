"""Lee 2020 (slides), Bai & Lee 2019, Chen, Bai, Lee et al. 2020: low-rank polynomials by quadratic models.

``f*(x) = sum_{s <= r} a_s (w_s.x)^p``. Kernels, the tangent kernel of any network among them, need n of order d^p. The
second-order Taylor term of a wide network, which signed dropout leaves of it, is a quadratic form ``<M, h h'>`` of the
representation h: on x itself it needs d^(p-1) samples, on a representation that holds polynomials of degree p/2, where
f* is a quadratic form of low rank, d^ceil(p/2). The norms that adapt to rank, nuclear and total variation, are what F_1
has over F_2.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from layerwise.papers.lee2020.dropout import SIGNED, UNSIGNED, size_of, taylor_terms, variance_exponent
from layerwise.papers.lee2020.expressivity import hermite_residual, random_neurons
from layerwise.papers.lee2020.studies import (
    DEEP,
    DEEP_LINEAR,
    F1,
    F2,
    KERNEL,
    MOMENTS,
    NTK_NEURAL,
    NTK_RAW,
    QUAD_HERMITE,
    QUAD_NEURAL,
    QUAD_RAW,
    TWO_STAGES,
    deep,
    rank,
    risk,
    samples,
)
from layerwise.papers.panels import panel, side_by_side
from layerwise.papers.paper import Claim, Measurement, Paper, PublishedFigure, median
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
    return ax.figure


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

    return side_by_side(partial(terms, UNSIGNED), partial(terms, SIGNED))


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
    return ax.figure


def error_exponent(table: pd.DataFrame) -> float:
    """a of ``error ~ m^a``, mean over the powers."""
    slopes = [np.polyfit(np.log(rows["neurons"]), np.log(rows["error"]), 1)[0] for _, rows in table.groupby("power")]
    return float(np.mean(slopes))


LEE2020 = Paper(
    key="lee2020",
    citation=(
        "J. D. Lee (2020). Beyond linearization: representation learning in neural networks (slides); Y. Bai, J. D. Lee "
        "(2019). Beyond linearization: on quadratic and higher-order approximation of wide neural networks. ICLR 2020; "
        "M. Chen, Y. Bai, J. D. Lee et al. (2020). Towards understanding hierarchical learning: benefits of neural "
        "representations. NeurIPS."
    ),
    figures=(
        PublishedFigure(
            name="risk",
            caption="Risk against n, p = 4: quadratic models on a representation, tangent kernels, F₁, F₂, moments",
            study=risk,
            draw=draw_targets,
            claims=(
                Claim(
                    "r = 1, n = 1000: quadratic model, Hermite representation",
                    0.0,
                    lambda result: at(result, QUAD_HERMITE, 1, 1000),
                    (0.0, 0.05),
                ),
                Claim(
                    "r = 3, n = 2000: quadratic model, Hermite representation",
                    0.0,
                    lambda result: at(result, QUAD_HERMITE, 3, 2000),
                    (0.0, 0.05),
                ),
                Claim(
                    "least risk of NTK on x and polynomial kernel there (theory: the quarter of degree 4)",
                    0.25,
                    lambda result: min(at(result, name, r, 1000 * (1 + r // 3)) for name in (NTK_RAW, KERNEL) for r in (1, 3)),
                    (0.25, 0.5),
                ),
                Claim(
                    "r = 1, n = 2000: quadratic model on x over NTK on x",
                    0.0,
                    lambda result: at(result, QUAD_RAW, 1, 2000) / at(result, NTK_RAW, 1, 2000),
                    (0.0, 0.9),
                ),
                Claim(
                    "r = 1, n = 2000: NTK on the neural representation over NTK on x (theory: gains nothing)",
                    1.0,
                    lambda result: at(result, NTK_NEURAL, 1, 2000) / at(result, NTK_RAW, 1, 2000),
                    (0.9, 3.0),
                ),
                Claim(
                    "r = 1, n = 2000: quadratic model, neural representation over x (theory: d² against d³)",
                    0.0,
                    lambda result: at(result, QUAD_NEURAL, 1, 2000) / at(result, QUAD_RAW, 1, 2000),
                    (0.0, 1.0),
                ),
                Claim("r = 1, n = 1000: F₁ over ...", 0.0, lambda result: at(result, F1, 1, 1000), (0.0, 0.25)),
            ),
        ),
        PublishedFigure(
            name="samples",
            caption="Samples for risk .1, p = 4, r = 1, beside the predicted d^p, d^(p-1), d^(p/2), d",
            study=samples,
            draw=draw_samples,
            claims=(
                Claim(
                    "exponent of n*: quadratic model, Hermite representation",
                    2.0,
                    partial(exponent, QUAD_HERMITE),
                    (1.0, 2.5),
                ),
                Claim("exponent of n*: moments", 1.0, partial(exponent, MOMENTS), (0.5, 2.0)),
                Claim(
                    "share of dimensions at which the polynomial kernel is above .1 at n = 8 d²",
                    1.0,
                    partial(never_reached, KERNEL),
                    (1.0, 1.0),
                ),
                Claim(
                    "share of dimensions at which the quadratic model on x is above .1 at n = 8 d²",
                    1.0,
                    partial(never_reached, QUAD_RAW),
                    (0.5, 1.0),
                ),
            ),
        ),
        Measurement(
            name="dropout",
            caption="Signed dropout: the first-order term averages out, the second stays",
            measure=taylor_terms,
            draw=draw_dropout,
            claims=(
                Claim(
                    "with signs: mean of f⁽¹⁾ over f⁽²⁾",
                    0.0,
                    partial(size_of, training=SIGNED, term="first_mean"),
                    (0.0, 0.1),
                ),
                Claim(
                    "without signs: f⁽¹⁾ over f⁽²⁾ (training goes where the tangent kernel goes)",
                    1.0,
                    partial(size_of, training=UNSIGNED, term="first_mean"),
                    (0.3, math.inf),
                ),
                Claim(
                    "a of Var f⁽¹⁾ ~ mᵃ at |W|₂,₄ = 1",
                    -0.5,
                    variance_exponent,
                    (-0.9, -0.2),
                ),
            ),
        ),
        PublishedFigure(
            name="rank",
            caption="Samples for risk .1 against the rank, quadratic activation: F₁ adapts, F₂ does not",
            study=rank,
            draw=draw_rank,
            claims=(
                Claim("n* of F₁ at r = 4 over r = 1", 4.0, partial(growth_with_rank, F1), (1.3, 4.0)),
                Claim("n* of F₂ at r = 4 over r = 1", 1.0, partial(growth_with_rank, F2), (0.8, 1.25)),
            ),
        ),
        Measurement(
            name="expressivity",
            caption="Random ReLU neurons say (x·β)^q in the mean, at the rate m^(-1/2); Hermite features say it exactly",
            measure=random_neurons,
            draw=draw_expressivity,
            claims=(
                Claim("exponent of the error in m", -0.5, error_exponent, (-0.56, -0.44)),
                Claim(
                    "q = 2: largest error of (θ·h)² for (x·β)⁴",
                    0.0,
                    lambda table: hermite_residual(2),
                    (0.0, 1e-10),
                ),
            ),
        ),
        PublishedFigure(
            name="deep",
            caption="Deep low-rank polynomials, with and without linear terms",
            study=deep,
            draw=draw_targets,
            claims=(),
        ),
    ),
)
