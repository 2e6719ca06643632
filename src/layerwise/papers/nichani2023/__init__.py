"""Nichani, Damian, Lee 2023, *Provable Guarantees for Nonlinear Feature Learning in Three-Layer Networks* (NeurIPS).

Section 4, examples: one step on the middle layer learns the hidden feature of ``g(beta.x)`` and of ``g(x'Ax)``. The
test loss goes to 0 as the learnt feature's correlation with the true one goes to 1, with n of order d and d^2 (first
published with d^2 and d^4).

The activation sigma_2 decides, which the paper leaves to its assumptions: the part of degree 1 that ReLU has and h_2
has not fills the feature with noise, against which n of order d^2 is too little. Taking the linear part of y away
before the step removes most of it.

Section 5, depth separation: ``relu(x'Ax) - c`` on the sphere, where two layers must be very wide as d grows. Whoever
learns the quadratic part alone keeps about a quarter of the variance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import beta

from layerwise.papers.nichani2023.studies import (
    H2,
    RANDOM,
    RELU,
    RELU_CENTRED,
    THREE_LAYERS,
    activation,
    depth_and_dimension,
    depth_separation,
    quadratic_feature,
    single_index,
)
from layerwise.papers.panels import panel, side_by_side, tick_multiples
from layerwise.papers.paper import Claim, Paper, PublishedFigure, median
from layerwise.studies import SampleComplexityDisplay, StudyResult, blank_axes, fit_exponent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEARNT = 0.05  # the risk that counts as having learnt, in depth separation
correlation = partial(median, metric="feature_correlation")


def exponent(result: StudyResult, risk: float) -> float:
    """kappa of ``n ~ d^kappa``, the samples after which the (only) learner's risk is at the level given."""
    return next((fit.exponent for fit in fit_exponent(result, risk)), math.nan)


def kept_in_high_dimension(result: StudyResult, learner: str) -> float:
    """Feature correlation at d = 32 over that at d = 8, each at n = 4 d^2."""
    return correlation(result, learner, 4 * 32**2, dim=32) / correlation(result, learner, 4 * 8**2, dim=8)


def gap_closed(result: StudyResult) -> float:
    """Share of the gap between ReLU and h_2 that removing the linear part closes, at d = 16 and n = 1024."""
    relu, centred, h2 = (correlation(result, learner, 1024, dim=16) for learner in (RELU, RELU_CENTRED, H2))
    return (centred - relu) / (h2 - relu)


def quadratic_part_alone(dim: int) -> float:
    """Risk left by the best quadratic polynomial of ``relu(x'Ax)`` on the sphere, A from `ReLUOfQuadratic`.

    By symmetry ``E relu(q) q = E q^2 / 2``, hence ``1 - (1/4) / (1/2 - (E|q|)^2 / (4 E q^2))``. Here q is a multiple of
    ``t = 2u - 1``, u the share of half of the coordinates in ``|x|^2``, which is Beta(d/4, d/4): ``E t^2 = 2/(d + 2)``,
    ``E|t| = (4/d) / B(1/2, d/4)``.
    """
    mean, second = 4 / dim / beta(0.5, dim / 4), 2 / (dim + 2)
    return float(1 - 0.25 / (0.5 - mean**2 / (4 * second)))


def best_two_layers(result: StudyResult, dim: int, n: int) -> float:
    """Least median risk of the two-layer learners that the study runs there; NaN unless all of them are measured."""
    run = {learner for _, learner, trial in result.study.cells() if (trial.dim, trial.n) == (dim, n)}
    return float(np.min([median(result, learner, n, dim=dim) for learner in run - {THREE_LAYERS}]))


def advantage(result: StudyResult, dim: int, n: int) -> float:
    """`best_two_layers` over the median risk of three layers."""
    return best_two_layers(result, dim, n) / median(result, THREE_LAYERS, n, dim=dim)


def advantage_when_learnt(result: StudyResult) -> float:
    """`advantage` at d = 16 and the n at which the median risk of three layers first falls to .05."""
    sizes = sorted({trial.n for trial in result.study.trials()})
    learnt = [n for n in sizes if median(result, THREE_LAYERS, n, dim=16) <= LEARNT]
    return advantage(result, 16, learnt[0]) if learnt else math.nan


def by_dimension(
    result: StudyResult, metric: str, power: int, learner: str | None = None, title: str | None = None
) -> Callable[[Axes], None]:
    """A panel of a metric against ``n / d^power``, a curve a dimension."""
    return panel(result, metric, curves="dim", learner=learner, per_power=power, title=title)


def draw_loss_and_feature(result: StudyResult, power: int) -> Figure:
    """Risk beside feature correlation."""
    return side_by_side(by_dimension(result, "risk", power), by_dimension(result, "feature_correlation", power))


def draw_activation(result: StudyResult) -> Figure:
    """Feature correlation for each sigma_2."""
    labels = [spec.label for spec in result.study.learners]
    return side_by_side(*(by_dimension(result, "feature_correlation", 2, label, title=label) for label in labels))


def draw_depth_separation(result: StudyResult) -> Figure:
    """Risk against n, with the level of a learner that has the quadratic part only."""
    level = {"quadratic part only": quadratic_part_alone(16)}
    return SampleComplexityDisplay.from_study(result, quantiles=(0, 1), references=level, ax=blank_axes()).figure_


def draw_depth_and_dimension(result: StudyResult) -> Figure:
    """Median risk of three layers and of the best two layers, and the second as a multiple of the first."""
    three = result.summary()
    three = three[three["learner"] == THREE_LAYERS]
    best = np.array([best_two_layers(result, dim, n) for dim, n in zip(three["dim"], three["n"], strict=True)])

    def derived(values: np.ndarray, title: str, ylabel: str, references: dict[str, float]) -> Callable[[Axes], None]:
        def draw(ax: Axes) -> None:
            rows = three.assign(median=values, lower=math.nan, upper=math.nan)
            tick_multiples(SampleComplexityDisplay(rows, curves="dim", per_power=2, references=references).plot(ax))
            note = "" if np.isfinite(values).any() else ": not measured"
            ax.set_title(title + note, loc="left", fontsize=10.5)
            ax.set(ylim=(0, None), ylabel=ylabel)

        return draw

    figure = side_by_side(
        by_dimension(result, "risk", 2, THREE_LAYERS, title=THREE_LAYERS),
        derived(best, "the best of the two-layer learners", "risk", {}),
        derived(best / three["median"].to_numpy(), "the second over the first", "ratio of risks", {"equal": 1.0}),
    )
    for ax in figure.axes[:2]:
        ax.set_ylim(0, 1.2)
    return figure


NICHANI2023 = Paper(
    key="nichani2023",
    citation=(
        "E. Nichani, A. Damian, J. D. Lee (2023). Provable guarantees for nonlinear feature learning in three-layer "
        "neural networks. NeurIPS."
    ),
    figures=(
        PublishedFigure(
            name="single_index",
            caption="Section 4.1: the direction of a sine is learnt from n ~ d samples, and the loss goes with it",
            study=single_index,
            draw=partial(draw_loss_and_feature, power=1),
            claims=(
                Claim(
                    "correlation of the feature with β·x at d = 32, n = 32 d (theory: goes to 1)",
                    1.0,
                    lambda result: correlation(result, RELU, 32 * 32, dim=32),
                    (0.95, 1.0),
                ),
                Claim(
                    "risk at d = 32, n = 32 d (theory: goes to 0)",
                    0.0,
                    lambda result: median(result, RELU, 32 * 32, dim=32),
                    (0.0, 0.1),
                ),
                Claim(
                    "p, where samples for risk .2 grow like d^p (theory: at most 1 but for logarithms)",
                    1.0,
                    partial(exponent, risk=0.2),
                    (0.5, 1.5),
                ),
            ),
        ),
        PublishedFigure(
            name="quadratic_feature",
            caption="Section 4.2: with σ₂ = h₂ a quadratic feature is learnt from n ~ d² samples",
            study=quadratic_feature,
            draw=partial(draw_loss_and_feature, power=2),
            claims=(
                Claim(
                    "correlation of the feature with xᵀAx at d = 16, n = 2048 (theory: goes to 1)",
                    1.0,
                    lambda result: correlation(result, H2, 2048, dim=16),
                    (0.93, 1.0),
                ),
                Claim(
                    "risk at d = 32, n = 8 d² (theory: goes to 0)",
                    0.0,
                    lambda result: median(result, H2, 8 * 32**2, dim=32),
                    (0.0, 0.2),
                ),
                Claim(
                    "p, where samples for risk .3 grow like d^p (theory: at most 2 but for logarithms)",
                    2.0,
                    partial(exponent, risk=0.3),
                    (1.5, 2.5),
                ),
            ),
        ),
        PublishedFigure(
            name="activation",
            caption="σ₂ decides: what ReLU sees of degree 1 drowns a quadratic feature, unless y is rid of it",
            study=activation,
            draw=draw_activation,
            claims=(
                Claim(
                    "h₂: correlation at d = 32 over that at d = 8, n = 4 d² (theory: d² samples do)",
                    1.0,
                    partial(kept_in_high_dimension, learner=H2),
                    (0.9, 1.1),
                ),
                Claim(
                    "ReLU: the same (theory: d² samples do not)",
                    0.0,
                    partial(kept_in_high_dimension, learner=RELU),
                    (0.0, 0.7),
                ),
                Claim(
                    "share of the gap from ReLU to h₂ closed by removing the linear part, d = 16, n = 1024",
                    1.0,
                    gap_closed,
                    (0.5, 1.0),
                ),
            ),
        ),
        PublishedFigure(
            name="depth_separation",
            caption="Section 5: ReLU(xᵀAx) on the sphere, by three layers and by two with no fewer parameters",
            study=depth_separation,
            draw=draw_depth_separation,
            claims=(
                Claim(
                    "risk of three layers at n = 8192 (theory: goes to 0)",
                    0.0,
                    lambda result: median(result, THREE_LAYERS, 8192),
                    (0.0, LEARNT),
                ),
                Claim(
                    "best two-layer risk over three-layer risk where that is first at most .05",
                    math.inf,
                    advantage_when_learnt,
                    (2.0, math.inf),
                ),
                Claim(
                    "risk of random features at n = 8192 (theory: the quadratic part only)",
                    quadratic_part_alone(16),
                    lambda result: median(result, RANDOM, 8192),
                    (0.2, 0.3),
                ),
            ),
        ),
        PublishedFigure(
            name="depth_and_dimension",
            caption="Section 5: with n ~ d² three layers do as well in every dimension, two do worse as it grows",
            study=depth_and_dimension,
            draw=draw_depth_and_dimension,
            claims=(
                Claim(
                    "best two-layer risk over three-layer risk at d = 32, n = 8 d²",
                    math.inf,
                    partial(advantage, dim=32, n=8 * 32**2),
                    (2.0, math.inf),
                ),
                Claim(
                    "that at d = 32 over that at d = 8 (theory: grows with d)",
                    math.inf,
                    lambda result: advantage(result, 32, 8 * 32**2) / advantage(result, 8, 8 * 8**2),
                    (1.0, math.inf),
                ),
            ),
        ),
    ),
)
