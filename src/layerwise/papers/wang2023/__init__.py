"""Wang, Nichani, Lee 2023, *Learning Hierarchical Polynomials with Three-Layer Neural Networks* (ICLR 2024).

``h = g(p(x))``, p of degree k. Stage 1 of layerwise training estimates ``P_{<=k} h``, nearly a multiple of p where p is
a balanced sum (Assumption 4), from n of order d^k; stage 2 is a regression on one variable. Kernels need d^(k q)
samples for g of degree q.

The paper's Figure 2 trains all layers together on ``C_d p^3``, p cubic, whose labels are very heavy-tailed. The
layerwise figures have milder links, with which dimensions from 8 to 24 show the rate.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from layerwise.papers.panels import panel, side_by_side
from layerwise.papers.paper import Claim, Paper, PublishedFigure, median
from layerwise.papers.wang2023.studies import (
    JOINT,
    REFINED,
    TWO_FEATURES,
    TWO_STAGES,
    assumptions,
    figure2_cubic,
    figure2_joint,
    figure2_quadratic,
    price,
    samples,
    width,
)
from layerwise.studies import ExponentDisplay, StudyResult, blank_axes, fit_exponent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THRESHOLD = 0.2
correlation = partial(median, metric="feature_correlation")


def draw_by_dimension(degree: int, learner: str, result: StudyResult) -> Figure:
    """Risk and feature correlation against n / d^k, a curve a dimension: they fall on each other if d^k is the rate."""
    metrics = ("risk", "feature_correlation")
    return side_by_side(*(panel(result, metric, curves="dim", learner=learner, per_power=degree) for metric in metrics))


def draw_samples(result: StudyResult) -> Figure:
    """n* at risk .2 against d, with the power laws."""
    return ExponentDisplay.from_study(result, THRESHOLD, predicted={TWO_STAGES: 2}, ax=blank_axes()).figure_


def draw_both(curves: Literal["learner", "target"], result: StudyResult) -> Figure:
    """Risk and feature correlation against n, a curve a learner or a target."""
    return side_by_side(*(panel(result, metric, curves=curves) for metric in ("feature_correlation", "risk")))


def exponent(result: StudyResult) -> float:
    """kappa of n* ~ d^kappa at risk .2, for two stages."""
    return next(fit.exponent for fit in fit_exponent(result, THRESHOLD) if fit.learner == TWO_STAGES)


def never_reached(learner: str, result: StudyResult) -> float:
    """The number of dimensions at which the learner's n* lies beyond its sample sizes."""
    fits = [fit for fit in fit_exponent(result, THRESHOLD) if fit.learner == learner]
    return float(len(fits[0].not_reached)) if fits and fits[0].n_dims else float("nan")


def spread(result: StudyResult, multiple: float, power: int) -> float:
    """Largest over smallest median risk of two stages over the dimensions, at ``n = multiple * d^power``."""
    risks = [median(result, TWO_STAGES, round(multiple * dim**power), dim=dim) for dim in result.study.dims]
    return max(risks) / min(risks) if np.all(np.isfinite(risks)) else float("nan")


WANG2023 = Paper(
    key="wang2023",
    citation=(
        "Z. Wang, E. Nichani, J. D. Lee (2023). Learning hierarchical polynomials with three-layer neural networks. "
        "ICLR 2024."
    ),
    figures=(
        PublishedFigure(
            name="layerwise_quadratic",
            caption="Figure 2 layer by layer, k = 2: against n / d² the dimensions fall on one curve",
            study=figure2_quadratic,
            draw=partial(draw_by_dimension, 2, TWO_STAGES),
            claims=(
                Claim(
                    "correlation of stage 1 with p at d = 24, n = 16 d² (theory: that of P₂h)",
                    0.9701,
                    lambda result: correlation(result, TWO_STAGES, 16 * 24**2, dim=24),
                    (0.92, 0.98),
                ),
                Claim(
                    "largest over smallest risk of d = 8 … 24 at n = 8 d² (theory: the same up to constants)",
                    1.0,
                    lambda result: spread(result, 8, 2),
                    (1.0, 2.0),
                ),
            ),
        ),
        PublishedFigure(
            name="layerwise_cubic",
            caption="Figure 2 layer by layer, k = 3: against n / d³ likewise",
            study=figure2_cubic,
            draw=partial(draw_by_dimension, 3, TWO_STAGES),
            claims=(
                Claim(
                    "correlation of stage 1 with p at d = 16, n = 2 d³ (theory: that of P_{≤3}h)",
                    0.9363,
                    lambda result: correlation(result, TWO_STAGES, 2 * 16**3, dim=16),
                    (0.82, 0.95),
                ),
                Claim(
                    "largest over smallest risk of d = 8 … 16 at n = d³ (theory: the same up to constants)",
                    1.0,
                    lambda result: spread(result, 1, 3),
                    (1.0, 2.0),
                ),
            ),
        ),
        PublishedFigure(
            name="samples",
            caption="Samples for risk .2, k = 2: d² for two stages, with which kernels do not get there",
            study=samples,
            draw=draw_samples,
            claims=(
                Claim("exponent of n* for two stages (theory: n of order d² suffices)", 2.0, exponent, (1.5, 2.5)),
                Claim(
                    "dimensions at which the NTK is above .2 at n = 10 d²",
                    4.0,
                    partial(never_reached, "NTK"),
                    (4.0, 5.0),
                ),
                Claim(
                    "dimensions at which random features are above .2 at n = 10 d²",
                    4.0,
                    partial(never_reached, "random features"),
                    (4.0, 5.0),
                ),
            ),
        ),
        PublishedFigure(
            name="figure2",
            caption="Figure 2 as published: all layers together, against n / d³",
            study=figure2_joint,
            draw=partial(draw_by_dimension, 3, JOINT),
            claims=(
                Claim(
                    "correlation of the bottleneck with p at d = 24, n = d³",
                    1.0,
                    lambda result: correlation(result, JOINT, 24**3, dim=24),
                    (0.9, 1.0),
                ),
            ),
        ),
        PublishedFigure(
            name="price",
            caption="The price of training layer by layer, and what refinement gives back",
            study=price,
            draw=partial(draw_both, "learner"),
            claims=(
                Claim(
                    "risk of two stages over that of joint training at n = 8 d² (layerwise pays)",
                    1.0,
                    lambda result: median(result, TWO_STAGES, 8 * 16**2) / median(result, JOINT, 8 * 16**2),
                    (1.0, math.inf),
                ),
                Claim(
                    "risk of the refined learner at n = 8 d² (theory: 0 past the number of parameters)",
                    0.0,
                    lambda result: median(result, REFINED, 8 * 16**2),
                    (0.0, 0.01),
                ),
            ),
        ),
        PublishedFigure(
            name="width",
            caption="Neurons of stage 1: as many as there are quadratics do, fewer do not",
            study=width,
            draw=partial(draw_both, "learner"),
            claims=(
                Claim(
                    "correlation with 2 D neurons over that with infinitely many, n = 32 d²",
                    1.0,
                    lambda result: (
                        correlation(result, "m₁ = 306", 32 * 16**2) / correlation(result, "m₁ = ∞", 32 * 16**2)
                    ),
                    (0.97, 1.03),
                ),
            ),
        ),
        PublishedFigure(
            name="assumptions",
            caption="Where the theorem's assumptions do not hold",
            study=assumptions,
            draw=partial(draw_both, "target"),
            claims=(
                Claim(
                    "L = 2: correlation of stage 1 with p at n = 32 d² (theory: that of P₂h)",
                    0.9395,
                    lambda result: correlation(result, target="L = 2", n=32 * 16**2),
                    (0.88, 0.96),
                ),
                Claim(
                    "two features, risk at n = 32 d² (one feature explains half of the variance)",
                    0.5,
                    lambda result: median(result, target=TWO_FEATURES, n=32 * 16**2),
                    (0.45, 0.6),
                ),
            ),
        ),
    ),
)
