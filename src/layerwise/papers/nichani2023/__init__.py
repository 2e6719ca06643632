"""Nichani, Damian, Lee 2023, *Provable Guarantees for Nonlinear Feature Learning in Three-Layer Networks* (NeurIPS).

Section 4, examples: one gradient step on the middle layer learns the hidden feature of ``g(beta.x)`` and of
``g(x'Ax)``. As the correlation of the learnt feature with the true one tends to 1, the test loss tends to 0, with n of
order d and d^2 (d^2 and d^4 in the first version of the paper).

The paper does not fix the activation sigma_2, which is decisive. ReLU has a component of degree 1, which h_2 has not;
it adds noise to the feature, so that n of order d^2 does not suffice. Removing the linear part of y before the step
removes most of that noise.

Section 5, depth separation: ``relu(x'Ax) - c`` on the sphere, for which two layers must be very wide as d grows. A
learner of the quadratic part alone leaves about a quarter of the variance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import beta

from layerwise.papers.nichani2023 import studies
from layerwise.papers.panels import draw_by_dimension, panel, side_by_side, tick_multiples
from layerwise.papers.paper import Claim, Paper, PublishedFigure
from layerwise.papers.statistics import correlation, exponent, median
from layerwise.studies import SampleComplexityDisplay, StudyResult, blank_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEARNT_RISK = 0.05  # the median risk up to which a target counts as learnt


def kept_in_high_dimension(result: StudyResult, learner: str) -> float:
    """Return the ratio of feature correlations at d = 32 and d = 8, each at n = 4 d^2."""
    return correlation(result, learner, 4 * 32**2, dim=32) / correlation(result, learner, 4 * 8**2, dim=8)


def gap_closed(result: StudyResult) -> float:
    """Return the share of the gap between ReLU and h_2 closed by removing the linear part, at d = 16, n = 1024."""
    relu, centred, h2 = (
        correlation(result, learner, 1024, dim=16) for learner in (studies.RELU, studies.RELU_CENTRED, studies.H2)
    )
    return (centred - relu) / (h2 - relu)


def quadratic_part_alone(dim: int) -> float:
    """Return the risk of the best quadratic approximation of ``relu(x'Ax)`` on the sphere, A from `ReLUOfQuadratic`.

    By symmetry ``E relu(q) q = E q^2 / 2``, hence ``1 - (1/4) / (1/2 - (E|q|)^2 / (4 E q^2))``. Here q is a multiple of
    ``t = 2u - 1``, where u, the squared norm of half of the coordinates divided by that of all, has the distribution
    Beta(d/4, d/4): ``E t^2 = 2/(d + 2)``, ``E|t| = (4/d) / B(1/2, d/4)``.
    """
    mean, second = 4 / dim / beta(0.5, dim / 4), 2 / (dim + 2)
    return float(1 - 0.25 / (0.5 - mean**2 / (4 * second)))


def best_two_layers(result: StudyResult, dim: int, n: int) -> float:
    """Return the lowest median risk of the two-layer learners of that cell; NaN unless all of them were measured."""
    run = {learner for _, learner, trial in result.study.cells() if (trial.dim, trial.n) == (dim, n)}
    return float(np.min([median(result, learner, n, dim=dim) for learner in run - {studies.THREE_LAYERS}]))


def advantage(result: StudyResult, dim: int, n: int) -> float:
    """Return the ratio of `best_two_layers` to the median risk of three layers."""
    return best_two_layers(result, dim, n) / median(result, studies.THREE_LAYERS, n, dim=dim)


def advantage_when_learnt(result: StudyResult) -> float:
    """Return `advantage` at d = 16 and the smallest n at which the median risk of three layers is at most .05."""
    sizes = sorted({trial.n for trial in result.study.trials()})
    learnt = [n for n in sizes if median(result, studies.THREE_LAYERS, n, dim=16) <= LEARNT_RISK]
    return advantage(result, 16, learnt[0]) if learnt else math.nan


def draw_activation(result: StudyResult) -> Figure:
    """Draw the feature correlation for each sigma_2, with one curve per dimension."""
    options = {"metric": "feature_correlation", "curves": "dim", "per_power": 2}
    labels = [spec.label for spec in result.study.learners]
    return side_by_side(*(panel(result, learner=label, title=label, **options) for label in labels))


def draw_depth_separation(result: StudyResult) -> Figure:
    """Draw risk against n, with the risk of the quadratic part alone as a reference."""
    level = {"quadratic part only": quadratic_part_alone(16)}
    return SampleComplexityDisplay.from_study(result, quantiles=(0, 1), references=level, ax=blank_axes()).figure_


def draw_depth_and_dimension(result: StudyResult) -> Figure:
    """Draw the median risk of three layers, that of the best two layers, and the ratio of the second to the first."""
    three = result.summary()
    three = three[three["learner"] == studies.THREE_LAYERS]
    best = np.array([best_two_layers(result, dim, n) for dim, n in zip(three["dim"], three["n"], strict=True)])

    def derived(values: np.ndarray, title: str, ylabel: str, references: Mapping[str, float]) -> Callable[[Axes], None]:
        def draw(ax: Axes) -> None:
            rows = three.assign(median=values, lower=math.nan, upper=math.nan)
            tick_multiples(SampleComplexityDisplay(rows, curves="dim", per_power=2, references=references).plot(ax))
            note = "" if np.isfinite(values).any() else ": not measured"
            ax.set_title(title + note, loc="left", fontsize=10.5)
            ax.set(ylim=(0, None), ylabel=ylabel)

        return draw

    figure = side_by_side(
        panel(result, curves="dim", learner=studies.THREE_LAYERS, per_power=2, title=studies.THREE_LAYERS),
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
            caption="Section 4.1: the direction of a sine is learnt from n ~ d samples, and the loss falls with it",
            study=studies.single_index,
            draw=partial(draw_by_dimension, power=1),
            claims=(
                Claim(
                    "correlation of the feature with β·x at d = 32, n = 32 d (theory: tends to 1)",
                    1.0,
                    lambda result: correlation(result, studies.RELU, 32 * 32, dim=32),
                    (0.95, 1.0),
                ),
                Claim(
                    "risk at d = 32, n = 32 d (theory: tends to 0)",
                    0.0,
                    lambda result: median(result, studies.RELU, 32 * 32, dim=32),
                    (0.0, 0.1),
                ),
                Claim(
                    "p, where samples for risk .2 grow like d^p (theory: at most 1 up to logarithms)",
                    1.0,
                    partial(exponent, threshold=0.2),
                    (0.5, 1.5),
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
                    "correlation of the feature with xᵀAx at d = 16, n = 2048 (theory: tends to 1)",
                    1.0,
                    lambda result: correlation(result, studies.H2, 2048, dim=16),
                    (0.93, 1.0),
                ),
                Claim(
                    "risk at d = 32, n = 8 d² (theory: tends to 0)",
                    0.0,
                    lambda result: median(result, studies.H2, 8 * 32**2, dim=32),
                    (0.0, 0.2),
                ),
                Claim(
                    "p, where samples for risk .3 grow like d^p (theory: at most 2 up to logarithms)",
                    2.0,
                    partial(exponent, threshold=0.3),
                    (1.5, 2.5),
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
                    "h₂: ratio of the correlations at d = 32 and d = 8, n = 4 d² (theory: d² samples suffice)",
                    1.0,
                    partial(kept_in_high_dimension, learner=studies.H2),
                    (0.9, 1.1),
                ),
                Claim(
                    "ReLU: the same ratio (theory: d² samples do not suffice)",
                    0.0,
                    partial(kept_in_high_dimension, learner=studies.RELU),
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
            caption="Section 5: ReLU(xᵀAx) on the sphere, three layers against two with at least as many parameters",
            study=studies.depth_separation,
            draw=draw_depth_separation,
            claims=(
                Claim(
                    "risk of three layers at n = 8192 (theory: tends to 0)",
                    0.0,
                    lambda result: median(result, studies.THREE_LAYERS, 8192),
                    (0.0, LEARNT_RISK),
                ),
                Claim(
                    "ratio of best two-layer to three-layer risk at the first n where the latter is at most .05",
                    math.inf,
                    advantage_when_learnt,
                    (2.0, math.inf),
                ),
                Claim(
                    "risk of random features at n = 8192 (theory: the quadratic part alone is learnt)",
                    quadratic_part_alone(16),
                    lambda result: median(result, studies.RANDOM, 8192),
                    (0.2, 0.3),
                ),
            ),
        ),
        PublishedFigure(
            name="depth_and_dimension",
            caption="Section 5: with n ~ d² the risk of three layers does not depend on d, that of two layers grows",
            study=studies.depth_and_dimension,
            draw=draw_depth_and_dimension,
            claims=(
                Claim(
                    "ratio of best two-layer to three-layer risk at d = 32, n = 8 d²",
                    math.inf,
                    partial(advantage, dim=32, n=8 * 32**2),
                    (2.0, math.inf),
                ),
                Claim(
                    "that ratio at d = 32 divided by the one at d = 8 (theory: grows with d)",
                    math.inf,
                    lambda result: advantage(result, 32, 8 * 32**2) / advantage(result, 8, 8 * 8**2),
                    (1.0, math.inf),
                ),
            ),
        ),
    ),
)
