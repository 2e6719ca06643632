"""Wang, Nichani, Lee 2023, *Learning Hierarchical Polynomials with Three-Layer Neural Networks* (ICLR 2024).

``h = g(p(x))`` with p of degree k. Stage 1 of layerwise training estimates ``P_{<=k} h``, which is close to a multiple
of p where p is a balanced sum (Assumption 4), from n of order d^k samples; stage 2 is a regression on one variable.
Kernels need d^(k q) samples for g of degree q.

The paper's Figure 2 trains all layers together on ``C_d p^3``, p cubic, whose labels are very heavy-tailed. The
layerwise figures use links of slower growth, for which dimensions from 8 to 24 show the rate.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from layerwise.papers.panels import draw_by_dimension, draw_exponents, panel, side_by_side
from layerwise.papers.paper import Claim, Paper, PublishedFigure
from layerwise.papers.statistics import correlation, dimensions_not_reached, exponent, median
from layerwise.papers.wang2023 import studies
from layerwise.papers.wang2023.several_features import FIGURES
from layerwise.studies import StudyResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THRESHOLD = 0.2


def draw_curves(curves: Literal["learner", "target"], result: StudyResult) -> Figure:
    """Draw feature correlation and risk against n, with one curve per learner or target."""
    return side_by_side(*(panel(result, metric, curves=curves) for metric in ("feature_correlation", "risk")))


def spread(result: StudyResult, multiple: float, power: int) -> float:
    """Return the ratio of the largest to the smallest median risk of two stages at ``n = multiple * d^power``."""
    risks = [median(result, studies.TWO_STAGES, round(multiple * dim**power), dim=dim) for dim in result.study.dims]
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
            caption="Figure 2 layer by layer, k = 2: against n / d² the curves of all dimensions coincide",
            study=studies.figure2_quadratic,
            draw=partial(draw_by_dimension, power=2, learner=studies.TWO_STAGES),
            claims=(
                Claim(
                    "correlation of stage 1 with p at d = 24, n = 16 d² (theory: that of P₂h)",
                    0.9701,
                    lambda result: correlation(result, studies.TWO_STAGES, 16 * 24**2, dim=24),
                    (0.92, 0.98),
                ),
                Claim(
                    "ratio of the largest to the smallest risk over d = 8 … 24 at n = 8 d² (theory: bounded)",
                    1.0,
                    lambda result: spread(result, 8, 2),
                    (1.0, 2.0),
                ),
            ),
        ),
        PublishedFigure(
            name="layerwise_cubic",
            caption="Figure 2 layer by layer, k = 3: the same against n / d³",
            study=studies.figure2_cubic,
            draw=partial(draw_by_dimension, power=3, learner=studies.TWO_STAGES),
            claims=(
                Claim(
                    "correlation of stage 1 with p at d = 16, n = 2 d³ (theory: that of P_{≤3}h)",
                    0.9363,
                    lambda result: correlation(result, studies.TWO_STAGES, 2 * 16**3, dim=16),
                    (0.82, 0.95),
                ),
                Claim(
                    "ratio of the largest to the smallest risk over d = 8 … 16 at n = d³ (theory: bounded)",
                    1.0,
                    lambda result: spread(result, 1, 3),
                    (1.0, 2.0),
                ),
            ),
        ),
        PublishedFigure(
            name="samples",
            caption="Samples for risk .2, k = 2: order d² for two stages; kernels do not reach it with as many",
            study=studies.samples,
            draw=partial(draw_exponents, threshold=THRESHOLD, predicted={studies.TWO_STAGES: 2}),
            claims=(
                Claim(
                    "exponent of n* for two stages (theory: n of order d² suffices)",
                    2.0,
                    partial(exponent, threshold=THRESHOLD, learner=studies.TWO_STAGES),
                    (1.5, 2.5),
                ),
                Claim(
                    "number of dimensions at which the NTK has risk above .2 at n = 10 d²",
                    4.0,
                    partial(dimensions_not_reached, threshold=THRESHOLD, learner="NTK"),
                    (4.0, 5.0),
                ),
                Claim(
                    "number of dimensions at which random features have risk above .2 at n = 10 d²",
                    4.0,
                    partial(dimensions_not_reached, threshold=THRESHOLD, learner="random features"),
                    (4.0, 5.0),
                ),
            ),
        ),
        PublishedFigure(
            name="figure2",
            caption="Figure 2 as published: all layers together, against n / d³",
            study=studies.figure2_joint,
            draw=partial(draw_by_dimension, power=3, learner=studies.JOINT),
            claims=(
                Claim(
                    "correlation of the bottleneck with p at d = 24, n = d³",
                    1.0,
                    lambda result: correlation(result, studies.JOINT, 24**3, dim=24),
                    (0.9, 1.0),
                ),
            ),
        ),
        PublishedFigure(
            name="price",
            caption="Layerwise training needs more samples than joint training; refinement makes up for it",
            study=studies.layerwise_cost,
            draw=partial(draw_curves, "learner"),
            claims=(
                Claim(
                    "ratio of the risks of two stages and of joint training at n = 8 d²",
                    1.0,
                    lambda result: (
                        median(result, studies.TWO_STAGES, 8 * 16**2) / median(result, studies.JOINT, 8 * 16**2)
                    ),
                    (1.0, math.inf),
                ),
                Claim(
                    "risk of the refined learner at n = 8 d² (theory: 0 for n above the number of parameters)",
                    0.0,
                    lambda result: median(result, studies.REFINED, 8 * 16**2),
                    (0.0, 0.01),
                ),
            ),
        ),
        PublishedFigure(
            name="width",
            caption="Width of stage 1: enough neurons to span the quadratics suffice, fewer do not",
            study=studies.width,
            draw=partial(draw_curves, "learner"),
            claims=(
                Claim(
                    "ratio of the correlations with 2 D neurons and with infinitely many, n = 32 d²",
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
            study=studies.assumptions,
            draw=partial(draw_curves, "target"),
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
                    lambda result: median(result, target=studies.TWO_FEATURES, n=32 * 16**2),
                    (0.45, 0.6),
                ),
            ),
        ),
        *FIGURES,
    ),
)
