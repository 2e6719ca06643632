"""The studies of Damian, Lee, Soltanolkotabi 2022 with their drawings and claims."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from layerwise.papers.claim import Claim, Test
from layerwise.papers.damian2022 import studies
from layerwise.papers.damian2022.studies import (
    H6,
    ONE_STEP,
    RANDOM,
    TRANSFORMS,
    source_label,
)
from layerwise.papers.panels import panel, side_by_side
from layerwise.papers.paper import PublishedFigure
from layerwise.papers.statistics import Cell, risk, risk_difference, risk_ratio
from layerwise.studies import SampleComplexityDisplay, StudyResult, blank_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_kernel_gap(result: StudyResult) -> Figure:
    """Draw risk against n, with the risk of the quadratic half alone as a reference."""
    references = {"quadratic part only": 0.5}
    return SampleComplexityDisplay.from_study(result, references=references, ax=blank_axes()).figure_


def draw_staircase(result: StudyResult) -> Figure:
    """Draw risk against n, one panel per dimension."""
    return side_by_side(*(panel(result, dim=dim, title=f"d = {dim}") for dim in result.study.dims))


def draw_transfer(result: StudyResult) -> Figure:
    """Draw the risk on the target task against N at the smallest dimension."""
    display = SampleComplexityDisplay.from_study(result, dim=min(result.study.dims), ax=blank_axes())
    display.ax_.set_xlabel("target samples N (head only)")
    return display.figure_


def draw_transforms(result: StudyResult) -> Figure:
    """Draw risk against n/d, one panel per target."""
    labels = [spec.label for spec in result.study.targets]
    return side_by_side(*(panel(result, target=label, per_power=1, title=label) for label in labels))


PRE_TRAINED, NOT_PRE_TRAINED = source_label(16384), source_label(0)

STUDIES = (
    PublishedFigure(
        name="kernel_gap",
        caption="Section 6.1: kernels learn half of the variance; one gradient step makes the rest learnable",
        study=studies.kernel_gap,
        draw=draw_kernel_gap,
        claims=(
            Claim(
                name="one-step-learns",
                answers="D4 D23",
                source="Section 6.1",
                statement="One gradient step learns both halves of He₂/2 + He₄/(4√3), of which kernels learn one.",
                tests=(
                    Test("risk at the largest n", risk(ONE_STEP), 0.0, high=0.25),
                    Test("risk of random features over it", risk_ratio(Cell(RANDOM), Cell(ONE_STEP)), inf, low=2.0),
                ),
                mutation="biases kept",
            ),
            Claim(
                name="random-features-keep-half",
                answers="D8",
                source="Section 6.1",
                statement="Random features learn the quadratic half only.",
                tests=(Test("risk at the largest n", risk(RANDOM), 0.5, 0.3, 0.8),),
                mutation="features without a nonlinearity",
            ),
            Claim(
                name="ntk-keeps-half",
                answers="D8",
                source="Section 6.1",
                statement="The neural tangent kernel learns the quadratic half only.",
                tests=(Test("risk at the kernel's largest n", risk(studies.NTK), 0.5, 0.35, 0.9),),
                mutation="linear kernel",
            ),
        ),
    ),
    PublishedFigure(
        name="staircase",
        caption="Kernels learn nothing for n = d, half for d² ≪ n ≪ d⁴, everything beyond",
        study=studies.staircase,
        draw=draw_staircase,
        claims=(
            Claim(
                name="kernel-staircase",
                answers="D8",
                source="Section 1",
                statement="The risk of a polynomial kernel is 1 at n ~ d, ½ between d² and d⁴, and 0 beyond d⁴.",
                tests=tuple(
                    Test(f"risk at n {where}, the {which} d", risk(dim=dim, n=n), theory, low, high)
                    for which, dim in (("smaller", 0), ("larger", -1))
                    for where, n, theory, low, high in (
                        ("~ d", 0, 1.0, 0.7, 1.8),
                        ("between d² and d⁴", -2, 0.5, 0.2, 0.9),
                        ("beyond d⁴", -1, 0.0, -inf, 0.2),
                    )
                ),
                mutation="kernel of degree 2",
            ),
        ),
    ),
    PublishedFigure(
        name="transfer",
        caption="Section 6.2: with a first layer pre-trained on one task, the head learns another from few samples",
        study=studies.transfer,
        draw=draw_transfer,
        claims=(
            Claim(
                name="transfer-gains",
                answers="D15 D16",
                source="Theorem 3, section 6.2",
                statement="Pre-training makes h₄, which one step cannot learn, learnable from N = 256 samples.",
                tests=(
                    Test("risk with pre-training", risk(PRE_TRAINED, dim=0, n=256), 0.0, high=0.55),
                    Test(
                        "decrease of risk by pre-training",
                        risk_difference(Cell(NOT_PRE_TRAINED, dim=0, n=256), Cell(PRE_TRAINED, dim=0, n=256)),
                        1.0,
                        low=0.3,
                    ),
                ),
                mutation="biases kept",
            ),
            Claim(
                name="transfer-independent-of-d",
                answers="D15",
                source="Theorem 3",
                statement="The number of target samples does not grow with d.",
                tests=(
                    Test("risk at N = 256 and the larger d", risk(PRE_TRAINED, n=256), 0.0, high=0.55),
                    Test(
                        "difference of risks, larger minus smaller d",
                        risk_difference(Cell(PRE_TRAINED, n=256), Cell(PRE_TRAINED, dim=0, n=256)),
                        0.0,
                        -0.3,
                        0.3,
                    ),
                ),
                mutation="biases kept",
            ),
        ),
    ),
    PublishedFigure(
        name="transforms",
        caption="Theorem 2: from n of order d, transforms of the label find what it forbids to one gradient step",
        study=studies.transforms,
        draw=draw_transforms,
        claims=(
            Claim(
                name="label-transforms",
                answers="D25",
                source="Damian, Pillaud-Vivien, Lee, Bruna 2024",
                statement="Transforms of the label learn h₆(u·x) from n of order d, one gradient step does not.",
                tests=(
                    Test("risk with transforms, n = 32 d", risk(TRANSFORMS, H6), 0.0, high=0.05),
                    Test(
                        "that over the risk of one gradient step",
                        risk_ratio(Cell(TRANSFORMS, H6), Cell(ONE_STEP, H6)),
                        0.0,
                        high=0.1,
                    ),
                ),
                mutation="moments without the labels",
            ),
        ),
    ),
)
