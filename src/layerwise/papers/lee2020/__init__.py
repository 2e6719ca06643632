"""Lee 2020 (slides), Bai & Lee 2019, Chen, Bai, Lee et al. 2020: low-rank polynomials by quadratic models.

``f*(x) = sum_{s <= r} a_s (w_s.x)^p``. Kernels, such as the tangent kernel of any network, need n of order d^p. The
second-order Taylor term of a wide network, which dominates under signed dropout, is a quadratic form ``<M, h h'>`` of
the representation h. On x itself it needs d^(p-1) samples; on a representation that contains the polynomials of degree
p/2, where f* is a quadratic form of low rank, d^ceil(p/2). The norms of F_1, nuclear and total variation, adapt to the
rank; those of F_2 do not.
"""

from __future__ import annotations

import math
from functools import partial

from layerwise.papers.lee2020 import figures, studies
from layerwise.papers.lee2020.dropout import SIGNED, UNSIGNED, first_over_second, taylor_terms, variance_exponent
from layerwise.papers.lee2020.expressivity import hermite_residual, random_neurons
from layerwise.papers.panels import draw_exponents
from layerwise.papers.paper import Claim, Measurement, Paper, PublishedFigure
from layerwise.papers.statistics import exponent, median

LEE2020 = Paper(
    key="lee2020",
    citation=(
        "J. D. Lee (2020), slides; Y. Bai, J. D. Lee (2019). Beyond linearization: on quadratic and higher-order "
        "approximation of wide neural networks. ICLR 2020; M. Chen, Y. Bai, J. D. Lee, T. Zhao, H. Wang, C. Xiong, "
        "R. Socher (2020). Towards understanding hierarchical learning: benefits of neural representations. NeurIPS."
    ),
    figures=(
        PublishedFigure(
            name="risk",
            caption="Risk against n, p = 4: quadratic models on a representation, tangent kernels, F₁, F₂, moments",
            study=studies.risk,
            draw=figures.draw_targets,
            claims=(
                Claim(
                    "r = 1, n = 1000: risk of the quadratic model, Hermite representation",
                    0.0,
                    lambda result: figures.at(result, studies.QUAD_HERMITE, 1, 1000),
                    (0.0, 0.05),
                ),
                Claim(
                    "r = 3, n = 2000: risk of the quadratic model, Hermite representation",
                    0.0,
                    lambda result: figures.at(result, studies.QUAD_HERMITE, 3, 2000),
                    (0.0, 0.05),
                ),
                Claim(
                    "least risk of NTK on x and polynomial kernel in these cells (theory: the quarter of degree 4)",
                    0.25,
                    figures.least_of_kernels,
                    (0.25, 0.5),
                ),
                Claim(
                    "r = 1, n = 2000: risk ratio, quadratic model on x to NTK on x (theory: below 1)",
                    1.0,
                    lambda result: (
                        figures.at(result, studies.QUAD_RAW, 1, 2000) / figures.at(result, studies.NTK_RAW, 1, 2000)
                    ),
                    (0.0, 0.95),
                ),
                Claim(
                    "r = 1, n = 2000: risk ratio, NTK on neural to NTK on x (theory: not below 1)",
                    1.0,
                    lambda result: (
                        figures.at(result, studies.NTK_NEURAL, 1, 2000) / figures.at(result, studies.NTK_RAW, 1, 2000)
                    ),
                    (0.9, math.inf),
                ),
                Claim(
                    "r = 1, n = 2000: risk ratio, quadratic model on neural to the better on x (theory: below 1)",
                    1.0,
                    figures.neural_over_raw,
                    (0.0, 0.95),
                ),
            ),
        ),
        PublishedFigure(
            name="samples",
            caption="Samples for risk .1, p = 4, r = 1, with the predicted d^p, d^(p-1), d^(p/2), and d",
            study=studies.samples,
            draw=partial(draw_exponents, threshold=figures.THRESHOLD, predicted=figures.PREDICTED),
            claims=(
                Claim(
                    "exponent of n*: quadratic model, Hermite representation",
                    2.0,
                    partial(exponent, threshold=figures.THRESHOLD, learner=studies.QUAD_HERMITE),
                    (1.5, 2.5),
                ),
                Claim(
                    "exponent of n*: moments, polished (theory: from 1, the information limit, to p/2, unfolding)",
                    2.0,
                    partial(exponent, threshold=figures.THRESHOLD, learner=studies.MOMENTS),
                    (0.8, 2.2),
                ),
                Claim(
                    "d = 22, n = 1448: risk of the polynomial kernel (theory: the quarter of degree 4)",
                    0.25,
                    lambda result: median(result, studies.KERNEL, 1448, dim=22),
                    (0.2, 0.5),
                ),
                Claim(
                    "share of dimensions at which the quadratic model on x has risk above .1 at the largest n",
                    1.0,
                    partial(figures.share_not_reached, learner=studies.QUAD_RAW),
                    (0.99, 1.01),
                ),
            ),
        ),
        Measurement(
            name="dropout",
            caption="Signed dropout: the second-order term learns; without random signs, the first-order term does",
            measure=taylor_terms,
            draw=figures.draw_dropout,
            claims=(
                Claim(
                    "with random signs, m = 1024: ratio of f⁽¹⁾ to f⁽²⁾ (theory: below 1)",
                    0.0,
                    partial(first_over_second, training=SIGNED),
                    (0.0, 0.7),
                ),
                Claim(
                    "without signs, m = 1024: ratio of f⁽¹⁾ to f⁽²⁾ (theory: above 1, the tangent kernel regime)",
                    math.inf,
                    partial(first_over_second, training=UNSIGNED),
                    (1.4, math.inf),
                ),
                Claim(
                    "a of Var f⁽¹⁾ / |W|²₂,₄ ~ mᵃ over random signs, networks trained with them (theory: at most -1/2)",
                    -0.5,
                    variance_exponent,
                    (-1.0, -0.4),
                ),
            ),
        ),
        PublishedFigure(
            name="rank",
            caption="Samples for risk .1 against the rank, quadratic activation: F₁ adapts, F₂ does not",
            study=studies.rank,
            draw=figures.draw_rank,
            claims=(
                Claim(
                    "ratio of n* of F₁ at r = 4 to r = 1 (theory: a power of r)",
                    4.0,
                    partial(figures.growth_with_rank, learner=studies.F1),
                    (1.5, 6.0),
                ),
                Claim(
                    "ratio of n* of F₂ at r = 4 to r = 1",
                    1.0,
                    partial(figures.growth_with_rank, learner=studies.F2),
                    (0.87, 1.15),
                ),
            ),
        ),
        Measurement(
            name="expressivity",
            caption="Random ReLU neurons represent (x·β)^q on average, with error m^(-1/2); Hermite features exactly",
            measure=random_neurons,
            draw=figures.draw_expressivity,
            claims=(
                Claim("exponent of the error in m", -0.5, figures.error_exponent, (-0.56, -0.44)),
                Claim(
                    "q = 2: largest error of (θ·h)² for (x·β)⁴", 0.0, lambda table: hermite_residual(2), (0.0, 1e-10)
                ),
            ),
        ),
        PublishedFigure(
            name="deep",
            caption="Deep low-rank polynomials, with and without linear terms",
            study=studies.deep,
            draw=figures.draw_targets,
            claims=(
                Claim(
                    "(β·g)², n = 4 d²: risk of the quadratic model, Hermite representation, where it is one neuron",
                    0.0,
                    partial(figures.deep_risk, learner=studies.QUAD_HERMITE, target=studies.DEEP),
                    (0.0, 0.1),
                ),
                Claim(
                    "(β·g)², n = 4 d²: risk of the hierarchical learner (theory: only degree 2 is learnt: E g' = 0)",
                    0.5,
                    partial(figures.deep_risk, learner=studies.TWO_STAGES, target=studies.DEEP),
                    (0.4, 0.65),
                ),
                Claim(
                    "(β·g)² + v·g, n = 4 d²: risk of the hierarchical learner (linear terms reveal the features)",
                    0.0,
                    partial(figures.deep_risk, learner=studies.TWO_STAGES, target=studies.DEEP_LINEAR),
                    (0.0, 0.05),
                ),
            ),
        ),
    ),
)
