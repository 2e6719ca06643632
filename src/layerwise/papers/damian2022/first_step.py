"""Studies of the first gradient step of Damian, Lee, Soltanolkotabi 2022: directions, widths, assumptions."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING

from layerwise.papers.claim import Claim, Test
from layerwise.papers.damian2022 import studies
from layerwise.papers.damian2022.studies import H2_H6, H6, NO_LINEAR, ONE, ONE_STEP, RESAMPLED, SHIFTED, THREE, UNEQUAL
from layerwise.papers.panels import panel, side_by_side
from layerwise.papers.paper import PublishedFigure
from layerwise.papers.statistics import Cell, metric, rate, risk, risk_ratio, times
from layerwise.studies import SampleComplexityDisplay, StudyResult, blank_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

overlap = partial(metric, "subspace_overlap")
FEW, MANY = "m = 32", "m = 256"


def draw_overlaps(result: StudyResult) -> Figure:
    """Draw the overlap of learnt and relevant directions against n/d², one panel per dimension."""
    options = {"metric": "subspace_overlap", "curves": "target", "per_power": 2}
    return side_by_side(*(panel(result, dim=dim, title=f"d = {dim}", **options) for dim in result.study.dims))


FIRST_STEP = (
    PublishedFigure(
        name="subspace",
        caption="One gradient step finds the directions with curvature, from n ~ d² samples",
        study=studies.subspace,
        draw=draw_overlaps,
        claims=(
            Claim(
                name="weights-span-the-subspace",
                answers="D1",
                source="Theorem 1, lemma on the first step",
                statement="After one step the weights span the relevant directions.",
                tests=(
                    Test("overlap, r = 1, n = 16 d²", overlap(ONE_STEP, ONE), 1.0, low=0.95),
                    Test("overlap, r = 3, n = 16 d²", overlap(ONE_STEP, THREE), 1.0, low=0.95),
                ),
                mutation="gradient without the indicator",
            ),
            Claim(
                name="more-directions-more-samples",
                answers="D5",
                source="Theorem 1",
                statement="More directions need more samples at a fixed dimension.",
                tests=(
                    Test("risk for r = 3, n = 16 d²", risk(ONE_STEP, THREE), 0.0, high=0.1),
                    Test(
                        "risk for r = 3 over that for r = 1, n = d²",
                        risk_ratio(Cell(ONE_STEP, THREE, n=times(1, 2)), Cell(ONE_STEP, ONE, n=times(1, 2))),
                        3.0,
                        low=1.3,
                    ),
                ),
                mutation="gradient without the indicator",
            ),
            Claim(
                name="condition-number",
                answers="D6",
                source="Theorem 1",
                statement="A direction of small curvature needs more samples.",
                tests=(
                    Test("overlap for curvatures 1 and 1/4, n = 16 d²", overlap(ONE_STEP, UNEQUAL), 1.0, low=0.85),
                    Test(
                        "overlap for equal minus that for unequal curvatures, n = 16 d²",
                        lambda result: (
                            Cell(ONE_STEP, THREE)(result, "subspace_overlap")
                            - Cell(ONE_STEP, UNEQUAL)(result, "subspace_overlap")
                        ),
                        0.05,
                        low=0.01,
                    ),
                ),
                mutation="gradient without the indicator",
            ),
        ),
    ),
    PublishedFigure(
        name="necessity",
        caption="Assumption 2 and the linear part: what the first step needs",
        study=studies.necessity,
        claims=(
            Claim(
                name="curvature-is-needed",
                answers="D10 D12",
                source="Theorem 2",
                statement="With a part of degree 2 the direction of h₆ is found from n ~ d² samples, without it not.",
                tests=(
                    Test("overlap for (h₂ + h₆)/√2, n = 2 d²", overlap(ONE_STEP, H2_H6, n=times(2, 2)), 1.0, low=0.8),
                    Test(
                        "that minus the overlap for h₆",
                        lambda result: (
                            Cell(ONE_STEP, H2_H6, n=times(2, 2))(result, "subspace_overlap")
                            - Cell(ONE_STEP, H6, n=times(2, 2))(result, "subspace_overlap")
                        ),
                        1.0,
                        low=0.25,
                    ),
                ),
                mutation="gradient without the indicator",
            ),
            Claim(
                name="linear-part-first",
                answers="D24",
                source="Algorithm 1, line 1",
                statement="With a mean and a linear part, the step finds the other direction only after their removal.",
                tests=(
                    Test("risk on 3 + v·x + (h₂ + h₄)(u·x)/√2", risk(ONE_STEP, SHIFTED), 0.0, high=0.2),
                    Test(
                        "risk with the linear part kept over it",
                        risk_ratio(Cell(NO_LINEAR, SHIFTED), Cell(ONE_STEP, SHIFTED)),
                        inf,
                        low=2.0,
                    ),
                ),
                mutation="step before removing the linear part",
            ),
        ),
    ),
    PublishedFigure(
        name="widths",
        caption="Small networks suffice once the first layer is trained; fresh samples for the head",
        study=studies.widths,
        draw=lambda result: SampleComplexityDisplay.from_study(result, ax=blank_axes()).figure_,
        claims=(
            Claim(
                name="few-neurons",
                answers="D7",
                source="Theorem 1",
                statement="Tens of neurons go beyond the quadratic half; the risk falls with the width.",
                tests=(
                    Test("risk of 32 neurons, n = 8192", risk(FEW, n=8192), 0.0, high=0.35),
                    Test(
                        "risk of 256 neurons over it", risk_ratio(Cell(MANY, n=8192), Cell(FEW, n=8192)), 0.1, high=0.5
                    ),
                ),
                mutation="biases kept",
            ),
            Claim(
                name="rate-in-n",
                answers="D4",
                source="Theorem 1",
                statement="The excess error falls at least as fast as n^(−1/4), the slowest term of the bound.",
                tests=(
                    Test("risk at n = 8192", risk(MANY, n=8192), 0.0, high=0.1),
                    Test("β of risk ~ n^(−β), 256 neurons", rate(MANY), 1.0, low=0.25),
                ),
                mutation="biases kept",
            ),
            Claim(
                name="fresh-samples-for-the-head",
                answers="D17",
                source="Remark on sample splitting",
                statement="The head needs no new samples: with all rows in both stages the risk is no larger.",
                tests=(
                    Test("risk with all rows, n = 8192", risk(MANY, n=8192), 0.0, high=0.1),
                    Test(
                        "risk with half of the rows for each stage over it",
                        risk_ratio(Cell(RESAMPLED, n=8192), Cell(MANY, n=8192)),
                        1.5,
                        1.0,
                        4.0,
                    ),
                ),
                mutation="biases kept",
            ),
        ),
    ),
)
