"""The studies of Nichani, Damian, Lee 2023 with their claims."""

from __future__ import annotations

from functools import partial
from math import inf

import pandas as pd

from layerwise.papers.claim import Claim, Estimate, Test, estimate
from layerwise.papers.nichani2023 import studies
from layerwise.papers.nichani2023.drawings import (
    draw_activation,
    draw_depth_and_dimension,
    draw_depth_separation,
    quadratic_part_alone,
)
from layerwise.papers.nichani2023.studies import H2, RANDOM, RELU, RELU_CENTRED, THREE_LAYERS
from layerwise.papers.panels import draw_by_dimension
from layerwise.papers.paper import PublishedFigure
from layerwise.papers.statistics import Cell, exponent, metric, metric_ratio, risk, risk_difference, risk_ratio, times
from layerwise.studies import StudyResult

correlation = partial(metric, "feature_correlation")


def advantage(result: StudyResult, dim: int = -1) -> pd.Series:
    """Return, by seed, the lowest risk of the two-layer learners at the largest n over that of three layers."""
    labels = [spec.label for spec in result.study.learners if spec.label != THREE_LAYERS]
    cells = [Cell(label, dim=dim)(result) for label in labels]
    return pd.concat(cells, axis=1).min(axis=1) / Cell(THREE_LAYERS, dim=dim)(result)


def gap_closed(result: StudyResult) -> Estimate:
    """Return the share of the gap in correlation between ReLU and h_2 that removing the linear part closes."""
    relu, centred, h2 = (Cell(label)(result, "feature_correlation") for label in (RELU, RELU_CENTRED, H2))
    gap = h2 - relu
    return estimate(((centred - relu) / gap).where(gap > 0.05))


STUDIES = (
    PublishedFigure(
        name="single_index",
        caption="Section 4.1: the direction of a sine is learnt from n ~ d samples, and the loss falls with it",
        study=studies.single_index,
        draw=partial(draw_by_dimension, power=1),
        claims=(
            Claim(
                name="single-index",
                answers="N1 N3",
                source="Section 4.1",
                statement="The feature tends to β·x, and the loss falls with it.",
                tests=(
                    Test("correlation with β·x, largest d, n = 32 d", correlation(), 1.0, low=0.95),
                    Test("risk there", risk(), 0.0, high=0.1),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="single-index-exponent",
                answers="N4",
                source="Section 4.1, n ~ d",
                statement="The number of samples for risk .2 grows like d.",
                tests=(Test("exponent of n*", exponent(0.2), 1.0, 0.5, 1.5),),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
    PublishedFigure(
        name="quadratic_feature",
        caption="Section 4.2: with σ₂ = h₂ a quadratic feature is learnt from n ~ d² samples",
        study=studies.quadratic_feature,
        draw=partial(draw_by_dimension, power=2),
        claims=(
            Claim(
                name="quadratic-feature",
                answers="N1 N3 N5",
                source="Section 4.2",
                statement="With σ₂ = h₂ the feature tends to xᵀAx, and the loss falls with it.",
                tests=(
                    Test("correlation with xᵀAx, largest d, n = 8 d²", correlation(), 1.0, low=0.88),
                    Test("risk there", risk(), 0.0, high=0.25),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="quadratic-exponent",
                answers="N5",
                source="Section 4.2, n ~ d²",
                statement="The number of samples for risk .3 grows like d².",
                tests=(Test("exponent of n*", exponent(0.3), 2.0, 1.3, 2.5),),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
    PublishedFigure(
        name="activation",
        caption="Choice of σ₂: ReLU learns a quadratic feature from d² samples if the linear part of y is removed",
        study=studies.activation,
        draw=draw_activation,
        claims=(
            Claim(
                name="choice-of-activation",
                answers="N6",
                source="Section 4.2, choice of σ₂",
                statement="n ~ d² suffices for σ₂ = h₂, not for ReLU, whose linear part adds noise.",
                tests=(
                    Test("h₂: correlation at the largest d, n = 4 d²", correlation(H2), 1.0, low=0.85),
                    *(
                        Test(
                            f"{label}: ratio of correlations, largest to smallest d",
                            metric_ratio("feature_correlation", Cell(label), Cell(label, dim=0)),
                            theory,
                            low,
                            high,
                        )
                        for label, theory, low, high in ((H2, 1.0, 0.9, 1.15), (RELU, 0.0, -inf, 0.85))
                    ),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="linear-part-recovers-relu",
                answers="N6",
                source="Algorithm 1, labels centred",
                statement="Removing the linear part of y recovers most of what ReLU loses.",
                tests=(
                    Test("share of the gap from ReLU to h₂, largest d, n = 4 d²", gap_closed, 1.0, 0.4, 1.0),
                    Test("correlation with the linear part removed", correlation(RELU_CENTRED), 1.0, low=0.65),
                ),
                mutation="step before removing the linear part",
            ),
        ),
    ),
    PublishedFigure(
        name="depth_separation",
        caption="Section 5: ReLU(xᵀAx) on the sphere, three layers against two with at least as many parameters",
        study=studies.depth_separation,
        draw=draw_depth_separation,
        claims=(
            Claim(
                name="three-layers-learn",
                answers="N9",
                source="Section 5",
                statement="Three layers learn ReLU(xᵀAx); random features learn its quadratic part.",
                tests=(
                    Test("risk of three layers at the largest n", risk(THREE_LAYERS), 0.0, high=0.08),
                    Test("risk of random features there", risk(RANDOM), quadratic_part_alone(16), 0.1, 0.4),
                    Test("the second over the first", risk_ratio(Cell(RANDOM), Cell(THREE_LAYERS)), inf, low=2.0),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
    PublishedFigure(
        name="depth_and_dimension",
        caption="Section 5: with n ~ d² the risk of three layers does not depend on d, that of two layers grows",
        study=studies.depth_and_dimension,
        draw=draw_depth_and_dimension,
        smallest="default",  # at d <= 16 the two-layer learners are as good
        claims=(
            Claim(
                name="depth-separation",
                answers="N9",
                source="Section 5",
                statement="With n = 8 d² the best two layers are worse than three, the more so the larger d.",
                tests=(
                    Test("risk of three layers, largest d", risk(THREE_LAYERS), 0.0, high=0.1),
                    Test(
                        "risk of the best two layers over it",
                        lambda result: estimate(advantage(result), log=True),
                        inf,
                        low=1.5,
                    ),
                    Test(
                        "that ratio at the largest d over that at the smallest",
                        lambda result: estimate(advantage(result) / advantage(result, 0), log=True),
                        inf,
                        low=1.1,
                    ),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
    PublishedFigure(
        name="stages",
        caption="Widths, sample splitting, a mean and a linear part, and a quadratic form of rank one",
        study=studies.stages,
        claims=(
            Claim(
                name="widths-of-both-layers",
                answers="N1 N7",
                source="Theorem, widths",
                statement="With m₂ = 2000 the feature is that of m₂ = ∞, with 16 it is not.",
                tests=(
                    Test("correlation with m₂ = 2000", correlation(studies.MANY_MIDDLE, studies.TANH), 1.0, low=0.85),
                    Test(
                        "that over m₂ = ∞",
                        metric_ratio(
                            "feature_correlation", Cell(studies.MANY_MIDDLE, studies.TANH), Cell(H2, studies.TANH)
                        ),
                        1.0,
                        0.95,
                        1.02,
                    ),
                    Test("correlation with m₂ = 16", correlation(studies.FEW_MIDDLE, studies.TANH), 0.3, high=0.7),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="sample-splitting",
                answers="N8",
                source="Algorithm 1, D₁ and D₂",
                statement="Sharing all rows between the stages is at least as good as splitting them.",
                tests=(
                    Test("risk with shared rows, n = 8 d²", risk(H2, studies.TANH), 0.0, high=0.2),
                    Test(
                        "risk with half for each stage over it",
                        risk_ratio(Cell(studies.SPLIT, studies.TANH), Cell(H2, studies.TANH)),
                        1.3,
                        low=1.0,
                    ),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="mean-and-linear-part",
                answers="N6",
                source="Algorithm 1, labels centred",
                statement="A mean and a linear part are removed first; kept, they drown the feature.",
                tests=(
                    Test("3 + v·x + tanh(2xᵀAx): correlation", correlation(H2, studies.SHIFTED), 1.0, low=0.8),
                    Test("risk there", risk(H2, studies.SHIFTED), 0.0, high=0.15),
                ),
                mutation="no centring",
            ),
            Claim(
                name="rank-one",
                answers="N10",
                source="Section 4.2, ‖A‖_op = O(d^(−1/2))",
                statement="Where ‖A‖_op is not small, as for h₂(u·x), Kf* is the feature plus a radial part.",
                tests=(
                    Test("risk for tanh(2xᵀAx)", risk(H2, studies.TANH), 0.0, high=0.2),
                    Test(
                        "risk for h₂(u·x) minus it",
                        risk_difference(Cell(H2, studies.RANK_ONE), Cell(H2, studies.TANH)),
                        0.3,
                        low=0.05,
                    ),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
    PublishedFigure(
        name="kernels",
        caption="A cubic of a quadratic feature: three layers against a kernel, which needs d^(2 deg g) samples",
        study=studies.kernels,
        draw=partial(draw_by_dimension, power=2, learner=H2),
        claims=(
            Claim(
                name="kernels-need-more",
                answers="N5",
                source="Section 4.2, kernels",
                statement="With n = 8 d² three layers learn more of z + .7 h₃ than its quadratic part.",
                tests=(
                    Test("risk of three layers, largest d", risk(H2, n=times(8, 2)), 0.0, high=0.25),
                    Test("risk of the kernel over it", risk_ratio(Cell(studies.POLYNOMIAL), Cell(H2)), 4.0, low=1.5),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
)
