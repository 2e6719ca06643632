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

from layerwise.papers.lee2020.dropout import SIGNED, UNSIGNED, size_of, taylor_terms, variance_exponent
from layerwise.papers.lee2020.expressivity import hermite_residual, random_neurons
from layerwise.papers.lee2020.figures import (
    at,
    draw_dropout,
    draw_expressivity,
    draw_rank,
    draw_samples,
    draw_targets,
    error_exponent,
    exponent,
    growth_with_rank,
    least_of_kernels,
    never_reached,
)
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
from layerwise.papers.paper import Claim, Measurement, Paper, PublishedFigure, median

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
                    least_of_kernels,
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
                    "share of dimensions at which the polynomial kernel is above .1 at n = 4 d²",
                    1.0,
                    partial(never_reached, KERNEL),
                    (1.0, 1.0),
                ),
                Claim(
                    "share of dimensions at which the quadratic model on x is above .1 at n = 4 d²",
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
                    "a of Var f⁽¹⁾ ~ mᵃ over signs, movements spread over all neurons, |W|₂,₄ = 1",
                    -0.5,
                    variance_exponent,
                    (-0.6, -0.4),
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
            caption="Random ReLU neurons say (x·β)^q in the mean, with error m^(-1/2); Hermite features exactly",
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
            claims=(
                Claim(
                    "(β·g)², n = 4 d²: quadratic model, Hermite representation, where it is one neuron",
                    0.0,
                    lambda result: median(result, QUAD_HERMITE, target=DEEP, dim=max(result.study.dims)),
                    (0.0, 0.1),
                ),
                Claim(
                    "(β·g)², n = 4 d²: hierarchical learner (E g' = 0: stage 1 does not see β·g)",
                    1.0,
                    lambda result: median(result, TWO_STAGES, target=DEEP, dim=max(result.study.dims)),
                    (0.2, 1.1),
                ),
                Claim(
                    "(β·g)² + v·g, n = 4 d²: hierarchical learner (linear terms show the features)",
                    0.0,
                    lambda result: median(result, TWO_STAGES, target=DEEP_LINEAR, dim=max(result.study.dims)),
                    (0.0, 0.05),
                ),
            ),
        ),
    ),
)
