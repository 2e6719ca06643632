"""Studies of Wang, Nichani, Lee 2023 about the parts of the algorithm: sigma_1, steps, rows, and the rates in d."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from layerwise.papers.claim import Claim, Test
from layerwise.papers.panels import draw_by_dimension, panel, side_by_side
from layerwise.papers.paper import PublishedFigure
from layerwise.papers.statistics import Cell, dim_slope, metric, metric_ratio, risk, risk_ratio
from layerwise.papers.wang2023 import studies
from layerwise.papers.wang2023.studies import QUADRATIC, TWO_STAGES
from layerwise.studies import StudyResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

correlation = partial(metric, "feature_correlation")


def draw_variants(result: StudyResult) -> Figure:
    """Draw feature correlation and risk for the link z + .7 h₂ + .7 h₃, with one curve per learner."""
    metrics = ("feature_correlation", "risk")
    return side_by_side(*(panel(result, metric, target=QUADRATIC) for metric in metrics))


VARIANTS = (
    PublishedFigure(
        name="variants",
        caption="What stage 1 needs: degree of σ₁, steps, E g′ ≠ 0, rows of its own",
        study=studies.variants,
        draw=draw_variants,
        claims=(
            Claim(
                name="degree-of-activation",
                answers="W15",
                source="Algorithm 1, σ₁",
                statement="σ₁ of degree below k finds nothing; of degree above k it costs samples.",
                tests=(
                    Test("correlation with degree 2", correlation(TWO_STAGES, QUADRATIC), 0.95, low=0.8),
                    Test("correlation with degree 1", correlation(studies.LINEAR_STAGE, QUADRATIC), 0.0, high=0.3),
                    Test(
                        "correlation with degree 3 over that with 2",
                        metric_ratio(
                            "feature_correlation", Cell(studies.CUBIC_STAGE, QUADRATIC), Cell(TWO_STAGES, QUADRATIC)
                        ),
                        0.8,
                        high=0.99,
                    ),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="even-links",
                answers="W14",
                source="Assumption on g",
                statement="Where E g′ = 0, stage 1 has nothing to find.",
                tests=(
                    Test("correlation for z + .7 h₂ + .7 h₃", correlation(TWO_STAGES, QUADRATIC), 0.95, low=0.8),
                    Test("correlation for h₂", correlation(TWO_STAGES, studies.EVEN), 0.0, high=0.5),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="steps-of-stage-1",
                answers="W1 W8 W21",
                source="Algorithm 1, T₁",
                statement="Stage 1 converges in its number of steps; too few leave a poor feature.",
                tests=(
                    Test("correlation after 1000 steps", correlation(studies.MANY_STEPS, QUADRATIC), 0.95, low=0.7),
                    Test(
                        "that over the correlation after 3 steps",
                        metric_ratio(
                            "feature_correlation",
                            Cell(studies.MANY_STEPS, QUADRATIC),
                            Cell(studies.FEW_STEPS, QUADRATIC),
                        ),
                        1.2,
                        low=1.01,
                    ),
                ),
                mutation="gradient sign",
            ),
            Claim(
                name="sample-splitting",
                answers="W10",
                source="Algorithm 1, D₁ and D₂",
                statement="All rows in both stages (out of sample in stage 2) are at least as good as half for each.",
                tests=(
                    Test("risk with all rows", risk(TWO_STAGES, QUADRATIC), 0.0, high=0.8),
                    Test(
                        "risk with half for each stage over it",
                        risk_ratio(Cell(studies.SPLIT, QUADRATIC), Cell(TWO_STAGES, QUADRATIC)),
                        1.3,
                        low=0.95,
                    ),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
            Claim(
                name="constants-are-removed",
                answers="W1",
                source="Algorithm 1",
                statement="A constant added to the target does not change what is learnt.",
                tests=(
                    Test("correlation with p", correlation(TWO_STAGES, studies.SHIFTED), 0.95, low=0.8),
                    Test("risk", risk(TWO_STAGES, studies.SHIFTED), 0.0, high=0.8),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
    PublishedFigure(
        name="scalings",
        caption="n = 2 d^(k + 3α), α = 1/3, k = 2: the risk falls at least like d^(−α)",
        study=studies.scalings,
        draw=partial(draw_by_dimension, power=3, learner=TWO_STAGES),
        claims=(
            Claim(
                name="risk-falls-with-d",
                answers="W11",
                source="Theorem, n ≥ d^(k+3α)",
                statement="With n = d^(k+3α) the risk falls like d^(−α) or faster.",
                tests=(
                    Test("risk at the largest d", risk(), 0.0, high=0.45),
                    Test("exponent of the risk in d, α = 1/3", dim_slope(), -1 / 3, high=-0.25),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
    PublishedFigure(
        name="link_samples",
        caption="Stage 2 alone: samples for the link do not grow with d",
        study=studies.link_samples,
        claims=(
            Claim(
                name="stage-2-independent-of-d",
                answers="W5",
                source="Theorem, stage 2",
                statement="The samples that stage 2 needs do not depend on d.",
                tests=(
                    Test("risk of 256 samples, largest d", risk(n=256), 0.0, high=0.5),
                    Test("over that at the smallest d", risk_ratio(Cell(n=256), Cell(dim=0, n=256)), 1.0, high=1.3),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
)
