"""The studies of Wang, Nichani, Lee 2023 with their drawings and claims."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from layerwise.papers.claim import Claim, Test
from layerwise.papers.panels import draw_by_dimension, draw_exponents, panel, side_by_side
from layerwise.papers.paper import PublishedFigure
from layerwise.papers.statistics import (
    Cell,
    exponent,
    metric,
    metric_ratio,
    risk,
    risk_difference,
    risk_ratio,
    times,
)
from layerwise.papers.wang2023 import studies
from layerwise.papers.wang2023.studies import JOINT, REFINED, TWO_STAGES
from layerwise.studies import StudyResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THRESHOLD = 0.2
correlation = partial(metric, "feature_correlation")


def draw_curves(curves: Literal["learner", "target"], result: StudyResult) -> Figure:
    """Draw feature correlation and risk against n, with one curve per learner or target."""
    return side_by_side(*(panel(result, metric, curves=curves) for metric in ("feature_correlation", "risk")))


STUDIES = (
    PublishedFigure(
        name="layerwise_quadratic",
        caption="Figure 2 layer by layer, k = 2: against n / d² the curves of all dimensions coincide",
        study=studies.figure2_quadratic,
        draw=partial(draw_by_dimension, power=2, learner=TWO_STAGES),
        claims=(
            Claim(
                name="stage-1-finds-p",
                answers="W1 W3",
                source="Theorem, stage 1",
                statement="Stage 1 converges to P₂h, whose correlation with p is .97: it approaches it as n grows.",
                tests=(
                    Test("correlation with p, largest d, n = 16 d²", correlation(), 0.9701, 0.88, 0.98),
                    Test(
                        "that over the correlation at n = d²",
                        metric_ratio("feature_correlation", Cell(), Cell(n=0)),
                        2.0,
                        low=1.3,
                    ),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="quadratic-rate",
                answers="W4 W12",
                source="Theorem, k = 2",
                statement="With n ~ d² the risk does not grow with d (kernels need d⁴).",
                tests=(
                    Test("risk at the largest d, n = 8 d²", risk(n=times(8, 2)), 0.0, high=0.7),
                    Test(
                        "risk at the largest over the smallest d, n = 8 d²",
                        risk_ratio(Cell(n=times(8, 2)), Cell(dim=0, n=times(8, 2))),
                        1.0,
                        high=1.2,
                    ),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
    PublishedFigure(
        name="layerwise_cubic",
        caption="Figure 2 layer by layer, k = 3: the same against n / d³",
        study=studies.figure2_cubic,
        draw=partial(draw_by_dimension, power=3, learner=TWO_STAGES),
        claims=(
            Claim(
                name="cubic-rate",
                answers="W1 W4 W6",
                source="Theorem, k = 3",
                statement="With n ~ d³ stage 1 finds a cubic feature, and the risk does not grow with d.",
                tests=(
                    Test("correlation with p, largest d, n = 2 d³", correlation(), 0.9363, 0.5, 0.95),
                    Test("risk there", risk(), 0.0, high=0.9),
                    Test(
                        "risk at the largest over the smallest d, n = 2 d³",
                        risk_ratio(Cell(), Cell(dim=0)),
                        1.0,
                        high=1.6,
                    ),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
    PublishedFigure(
        name="samples",
        caption="Samples for risk .2, k = 2: order d² for two stages; kernels do not reach it with as many",
        study=studies.samples,
        draw=partial(draw_exponents, threshold=THRESHOLD, predicted={TWO_STAGES: 2}),
        claims=(
            Claim(
                name="exponent-two",
                answers="W6 W12",
                source="Theorem, k = 2",
                statement="The number of samples for risk .2 grows like d².",
                tests=(Test("exponent of n*", exponent(THRESHOLD, TWO_STAGES), 2.0, 1.2, 2.6),),
                mutation="sigma_1 of the wrong degree",
            ),
            *(
                Claim(
                    name=f"{name}-need-more",
                    answers="W4 W12",
                    source="Theorem, kernels",
                    statement=f"At 10 d² samples, {label} learn the quadratic part at best.",
                    tests=(
                        Test(
                            "risk minus that of two stages with 8 d² at the largest d",
                            lambda result, label=label: risk_difference(Cell(label), Cell(TWO_STAGES, n=times(8, 2)))(
                                result
                            ),
                            0.1,
                            low=0.01,
                        ),
                        Test("risk of two stages there, n = 8 d²", risk(TWO_STAGES, n=times(8, 2)), 0.0, high=0.35),
                    ),
                    mutation="sigma_1 of the wrong degree",
                )
                for name, label in (("ntk", "NTK"), ("random-features", "random features"))
            ),
        ),
    ),
    PublishedFigure(
        name="figure2",
        caption="Figure 2 as published: all layers together, against n / d³",
        study=studies.figure2_joint,
        draw=partial(draw_by_dimension, power=3, learner=JOINT),
        claims=(
            Claim(
                name="joint-training-finds-p",
                answers="W22 W26",
                source="Figure 2",
                statement="Trained together, the bottleneck finds p from n ~ d³ samples.",
                tests=(Test("correlation of the bottleneck with p at the largest n", correlation(), 1.0, low=0.5),),
                mutation="gradient sign",
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
                name="layerwise-against-joint",
                answers="W23 W26",
                source="Discussion",
                statement="Layerwise training needs more samples than joint training.",
                tests=(
                    Test("risk of joint training, n = 8 d²", risk(JOINT, n=times(8, 2)), 0.0, high=0.35),
                    Test(
                        "risk of two stages over it",
                        risk_ratio(Cell(TWO_STAGES, n=times(8, 2)), Cell(JOINT, n=times(8, 2))),
                        1.0,
                        low=1.5,
                    ),
                ),
                mutation="gradient sign",
            ),
            Claim(
                name="refinement",
                answers="W23",
                source="beyond the paper",
                statement="Joint refinement of feature and link after both stages reaches the number of parameters.",
                tests=(
                    Test(
                        "risk of the refined learner, n = 8 d²", risk(REFINED, n=times(8, 2), log=False), 0.0, high=0.25
                    ),
                ),
                mutation="sigma_1 of the wrong degree",
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
                name="width-above-d",
                answers="W3 W7 W21",
                source="Theorem, width; failure signatures",
                statement="D = C(d+2, 2) neurons are as good as infinitely many; with D/4 the feature plateaus.",
                tests=(
                    Test("correlation with 2D neurons, n = 32 d²", correlation("m₁ = 2D"), 0.94, low=0.85),
                    Test(
                        "that over the correlation with infinitely many",
                        metric_ratio("feature_correlation", Cell("m₁ = 2D"), Cell("m₁ = ∞")),
                        1.0,
                        0.95,
                        1.05,
                    ),
                    Test("correlation with D/4 neurons", correlation("m₁ = D/4"), 0.5, high=0.65),
                ),
                mutation="sigma_1 of the wrong degree",
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
                name="few-terms",
                answers="W13 W27",
                source="Assumption 4",
                statement="Two terms instead of d cost little at this size; P₂h stays close to p.",
                tests=(Test("L = 2: correlation, n = 32 d²", correlation(target="L = 2"), 0.94, 0.85, 0.96),),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="two-features-are-not-learnt",
                answers="W21 W25",
                source="Open questions",
                statement="With two features, stage 1 converges, but half of the variance is never learnt.",
                tests=(Test("risk, n = 32 d²", risk(target=studies.TWO_FEATURES), 0.5, 0.45, 0.65),),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="inputs-uniform",
                answers="W27",
                source="Open questions",
                statement="Uniform instead of Gaussian inputs do not matter.",
                tests=(Test("correlation, n = 32 d²", correlation(target="random tensor, cube"), 0.95, low=0.8),),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="inputs-heavy-tailed",
                answers="W27",
                source="Open questions",
                statement="Student-t inputs (8 degrees of freedom) do: moments of degree 2 are estimated poorly.",
                tests=(
                    Test("risk for uniform inputs, n = 32 d²", risk(target="random tensor, cube"), 0.0, high=0.5),
                    Test(
                        "risk for Student-t inputs over it",
                        risk_ratio(Cell(target="random tensor, Student-t"), Cell(target="random tensor, cube")),
                        4.0,
                        low=1.5,
                    ),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
)
