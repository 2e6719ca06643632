"""Drawings of the figures of Nichani, Damian, Lee 2023."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import beta

from layerwise.papers.nichani2023 import studies
from layerwise.papers.panels import panel, side_by_side, tick_multiples
from layerwise.papers.statistics import Cell
from layerwise.studies import SampleComplexityDisplay, StudyResult, blank_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    cells = (Cell(learner, dim=dim, n=n)(result) for learner in run - {studies.THREE_LAYERS})
    return float(np.min([cell.median() for cell in cells]))


def draw_activation(result: StudyResult) -> Figure:
    """Draw the feature correlation for each sigma_2, with one curve per dimension."""
    options = {"metric": "feature_correlation", "curves": "dim", "per_power": 2}
    labels = [spec.label for spec in result.study.learners]
    return side_by_side(*(panel(result, learner=label, title=label, **options) for label in labels))


def draw_depth_separation(result: StudyResult) -> Figure:
    """Draw risk against n, with the risk of the quadratic part alone as a reference."""
    level = {"quadratic part only": quadratic_part_alone(max(result.study.dims))}
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
