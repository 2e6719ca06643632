"""The studies of Lee 2020 and its sources with their claims."""

from __future__ import annotations

from functools import partial
from math import inf

import numpy as np
import pandas as pd

from layerwise.papers.claim import Claim, Estimate, Test, estimate
from layerwise.papers.lee2020 import figures, studies
from layerwise.papers.lee2020.dropout import SIGNED, UNSIGNED, taylor_terms
from layerwise.papers.lee2020.studies import KERNEL, MOMENTS, NTK_RAW, QUAD_HERMITE, QUAD_RAW, QUAD_RAW_GATES, QUARTIC_1
from layerwise.papers.panels import draw_exponents
from layerwise.papers.paper import Measurement, PublishedFigure
from layerwise.papers.statistics import Cell, column, exponent, risk, risk_difference, risk_ratio, select, slope
from layerwise.studies import StudyResult


def best_on_x(result: StudyResult):
    """Return, by seed, the lower risk of the quadratic models on x with and without biases of the gates."""
    return np.minimum(Cell(QUAD_RAW, QUARTIC_1)(result), Cell(QUAD_RAW_GATES, QUARTIC_1)(result))


def risk_gain(table: pd.DataFrame) -> Estimate:
    """Return the difference of risks with and without random signs at the largest width, seed by seed."""
    rows = select(table, width=-1).pivot(index="seed", columns="training", values="risk")
    return estimate(rows[SIGNED] - rows[UNSIGNED])


STUDIES = (
    PublishedFigure(
        name="risk",
        caption="Risk against n, p = 4: quadratic models on a representation, tangent kernels, F₁, F₂, moments",
        study=studies.risk,
        draw=figures.draw_targets,
        claims=(
            Claim(
                name="representation-learns",
                answers="L8 L9",
                source="Chen et al. 2020, main theorem",
                statement="The quadratic model on a representation of degree p/2 learns the target; on x it does not.",
                tests=(
                    Test(
                        "r = 1, largest n: risk, Hermite representation", risk(QUAD_HERMITE, QUARTIC_1), 0.0, high=0.06
                    ),
                    Test(
                        "that over the lower risk on x",
                        lambda result: estimate(Cell(QUAD_HERMITE, QUARTIC_1)(result) / best_on_x(result), log=True),
                        0.0,
                        high=0.5,
                    ),
                ),
                mutation="representation of degree 1",
            ),
            Claim(
                name="kernels-keep-degree-4",
                answers="L1 L8",
                source="Slides, kernels need d^p",
                statement="The polynomial kernel and the tangent kernel on x do not learn the quarter of degree 4.",
                tests=tuple(
                    Test(f"{label}, largest n: risk", risk(label, QUARTIC_1), 0.25, 0.1, 0.6)
                    for label in (KERNEL, NTK_RAW)
                ),
                mutation="linear kernel",
            ),
            Claim(
                name="quadratic-against-linear-model",
                answers="L8",
                source="Bai & Lee 2019",
                statement="On x the quadratic model needs d^(p−1) samples, the linearised one d^p.",
                tests=(
                    Test("quadratic model, gates w₀·x: risk", risk(QUAD_RAW_GATES, QUARTIC_1), 0.0, high=0.4),
                    Test(
                        "that over the risk of the linearised model",
                        risk_ratio(Cell(QUAD_RAW_GATES, QUARTIC_1), Cell(NTK_RAW, QUARTIC_1)),
                        0.5,
                        high=0.95,
                    ),
                ),
                mutation="features without a nonlinearity",
            ),
            Claim(
                name="moments-reach-the-limit",
                answers="L1 L2 L17",
                source="Slides, spectral methods",
                statement="Directions from moments reach the order of the information limit d r.",
                tests=(Test("r = 1, largest n: risk, polished moments", risk(MOMENTS, QUARTIC_1), 0.0, high=0.02),),
                mutation="moments without the labels",
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
                name="exponent-with-representation",
                answers="L8 L17",
                source="Chen et al. 2020, d^⌈p/2⌉",
                statement="With the Hermite representation the number of samples grows like d^(p/2).",
                tests=(Test("exponent of n*", exponent(figures.THRESHOLD, QUAD_HERMITE), 2.0, 1.2, 2.8),),
                mutation="representation of degree 1",
            ),
            Claim(
                name="moments-exponent",
                answers="L2 L17",
                source="Slides, d^(p/2) as a limit",
                statement="Polished moments need between d (information) and d^(p/2) (tensor unfolding) samples.",
                tests=(Test("exponent of n*", exponent(figures.THRESHOLD, MOMENTS), 2.0, 0.5, 2.3),),
                mutation="moments without the labels",
            ),
            Claim(
                name="not-without-representation",
                answers="L1 L8 L9",
                source="Chen et al. 2020",
                statement="At an n that suffices with the representation, the kernel and the model on x still fail.",
                tests=(
                    Test("risk with the representation, largest d and n", risk(QUAD_HERMITE), 0.0, high=0.1),
                    *(
                        Test(
                            f"risk of {label}, largest n, minus it",
                            risk_difference(Cell(label), Cell(QUAD_HERMITE)),
                            0.25,
                            low=0.1,
                        )
                        for label in (KERNEL, QUAD_RAW)
                    ),
                ),
                mutation="representation of degree 1",
            ),
        ),
    ),
    Measurement(
        name="dropout",
        caption="Signed dropout: the second-order term learns; without random signs, the first-order term does",
        measure=taylor_terms,
        draw=figures.draw_dropout,
        trivial_values={"risk": 1.0, "ratio": 1.0, "variance": 1.0},
        claims=(
            Claim(
                name="signed-dropout",
                answers="L11 L12",
                source="Bai & Lee 2019, signed dropout",
                statement="With random signs the second-order term learns; without, the first-order term grows.",
                tests=(
                    Test("f⁽¹⁾/f⁽²⁾ with signs, largest m", column("ratio", training=SIGNED, width=-1), 0.0, high=0.6),
                    Test(
                        "f⁽¹⁾/f⁽²⁾ without signs, largest m", column("ratio", training=UNSIGNED, width=-1), inf, low=0.8
                    ),
                    Test(
                        "risk with signs, largest m",
                        column("risk", log=True, training=SIGNED, width=-1),
                        0.0,
                        high=0.25,
                    ),
                ),
                mutation="all dropout signs +1",
            ),
            Claim(
                name="first-order-variance",
                answers="L11",
                source="Bai & Lee 2019",
                statement="Var f⁽¹⁾/‖W‖²₂,₄ over signs falls like m^(−1/2).",
                tests=(Test("exponent in m", slope("variance", "width", training=SIGNED), -0.5, high=-0.4),),
                mutation="all dropout signs +1",
            ),
            Claim(
                name="risk-of-signed-dropout",
                answers="L12",
                source="Slides",
                statement="Signed dropout generalises better than training without it.",
                tests=(
                    Test(
                        "risk with signs, largest m",
                        column("risk", log=True, training=SIGNED, width=-1),
                        0.0,
                        high=0.25,
                    ),
                    Test("risk with signs minus without, largest m", risk_gain, -0.1, high=-0.01),
                ),
                mutation="all dropout signs +1",
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
                name="f1-adapts-to-rank",
                answers="L3 L4",
                source="Slides, F₁ and F₂",
                statement="At equal n the risk of F₁ grows with the rank of the target, that of F₂ does not.",
                tests=(
                    Test("F₁: risk at r = 1, largest n", risk(studies.F1, "r = 1"), 0.0, high=0.15),
                    Test(
                        "F₁: risk at r = 4 over r = 1, largest n",
                        risk_ratio(Cell(studies.F1, "r = 4"), Cell(studies.F1, "r = 1")),
                        4.0,
                        low=1.5,
                    ),
                    Test(
                        "F₂: risk at r = 4 over r = 1, largest n",
                        risk_ratio(Cell(studies.F2, "r = 4"), Cell(studies.F2, "r = 1")),
                        1.0,
                        0.7,
                        1.4,
                    ),
                ),
                mutation="loop variable closure in teachers",
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
                name="deep-teachers",
                answers="L18 W14",
                source="Slides, open question",
                statement="(β·g)² is one quadratic neuron; hierarchical training needs linear terms v·g to find g.",
                tests=(
                    Test("(β·g)²: risk, Hermite representation", risk(QUAD_HERMITE, studies.DEEP), 0.0, high=0.12),
                    Test("(β·g)²: risk of two stages", risk(studies.TWO_STAGES, studies.DEEP), 0.5, 0.35, 0.75),
                    Test(
                        "(β·g)² + v·g: risk of two stages", risk(studies.TWO_STAGES, studies.DEEP_LINEAR), 0.0, high=0.1
                    ),
                ),
                mutation="representation of degree 1",
            ),
        ),
    ),
    PublishedFigure(
        name="sigma_min",
        caption="Moments of teachers with two directions, and on other inputs",
        study=studies.sigma_min,
        claims=(
            Claim(
                name="sigma-min",
                answers="L2",
                source="Slides, spectral methods",
                statement="Moments recover a teacher with σ_min(W) > 0, and less so as σ_min → 0.",
                tests=(
                    Test("orthogonal directions: risk", risk(MOMENTS, studies.ORTHOGONAL), 0.0, high=0.05),
                    Test(
                        "cosine .9998: risk minus it",
                        risk_difference(Cell(MOMENTS, studies.NEARLY_PARALLEL), Cell(MOMENTS, studies.ORTHOGONAL)),
                        1.0,
                        low=0.05,
                    ),
                ),
                mutation="loop variable closure in teachers",
            ),
            Claim(
                name="inputs-on-the-sphere",
                answers="L19",
                source="Slides, inputs",
                statement="Spherical and elliptical inputs are allowed.",
                tests=(
                    Test("sphere: risk", risk(MOMENTS, studies.ON_SPHERE), 0.0, high=0.1),
                    Test(
                        "elliptical (Student-t, 20 degrees of freedom): risk",
                        risk(MOMENTS, studies.ELLIPTICAL),
                        0.0,
                        high=0.1,
                    ),
                ),
                mutation="moments without the labels",
            ),
        ),
    ),
)
