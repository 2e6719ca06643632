"""The phase diagram draws every cell at its place, and the contour at n*."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from throwaway import Quadratic, Witness, small_study

from layerwise.studies import (
    LearnerSpec,
    Outcome,
    PhaseDiagramDisplay,
    Sizes,
    StudyResult,
    TargetSpec,
    blank_axes,
    sample_complexity,
    save_figure,
)
from layerwise.studies.plots.phase_display import edges

DIMS = (4, 8, 16)
POWERS = Sizes(power=[1, 1.5, 2, 2.5, 3])


def made_up(n=POWERS, law=lambda d, n: min(1.5, 0.5 * d**2 / n), dims=DIMS, seeds=2, labels=("a",)):
    """Return a result with risks by d and n; the default law has n* = d^2."""
    study = small_study(
        targets=[TargetSpec(label="t", use=Quadratic)],
        learners=[LearnerSpec(label=label, use=Witness, params={"mark": i}) for i, label in enumerate(labels)],
        dims=list(dims),
        n=n,
        seeds=seeds,
    )
    outcomes = {}
    for trial in study.trials():
        risk = law(trial.dim, trial.n)
        outcomes[trial.key] = Outcome(math.nan, math.nan, "Error: no") if risk is None else Outcome(risk, 0.1)
    return StudyResult(study, outcomes)


def boxes(display):
    """Return the left, right, lower and upper end of each cell."""
    corners = np.array([path.vertices[:4] for path in display.cells_.get_paths()])
    return np.column_stack([corners.min(axis=1), corners.max(axis=1)])[:, [0, 2, 1, 3]]


def test_each_cell_contains_its_point():
    # catches: axes interchanged, risks of a neighbouring cell, different logarithms in log n / log d
    result = made_up()
    ax = Figure().add_subplot()
    display = PhaseDiagramDisplay.from_study(result, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    summary = result.summary()
    ends, risks = boxes(display), np.asarray(display.cells_.get_array())
    assert len(ends) == len(risks) == 15
    for row in summary.itertuples():
        a = math.log(row.n) / math.log(row.dim)
        left, right, low, high = ends.T
        (inside,) = np.flatnonzero((left < row.dim) & (row.dim < right) & (low < a) & (a < high))
        assert risks[inside] == row.median
    assert display.cells_.get_clim() == (0, 1)
    assert (ax.get_xscale(), ax.get_ylabel()) == ("log", "log n / log d")


def test_cells_tile_the_axes():
    # catches: gaps and overlaps between columns and between the sizes of a column
    ends = boxes(PhaseDiagramDisplay.from_study(made_up(n=[8, 32, 256, 4096]), ax=Figure().add_subplot()))
    columns = np.unique(np.round(ends[:, :2], 9), axis=0)
    np.testing.assert_allclose(columns[1:, 0], columns[:-1, 1])
    for left, _ in columns:
        column = ends[np.isclose(ends[:, 0], left)]
        column = column[np.argsort(column[:, 2])]
        np.testing.assert_allclose(column[1:, 2], column[:-1, 3])


def test_the_line_is_n_star():
    # catches: n* at another threshold, n* instead of its exponent
    display = PhaseDiagramDisplay.from_study(made_up(), 0.5, ax=Figure().add_subplot())
    np.testing.assert_allclose(display.line_.get_xdata(), DIMS)
    np.testing.assert_allclose(display.line_.get_ydata(), 2, atol=1e-6)


@pytest.mark.parametrize(("threshold", "marker", "exponent"), [(1e-6, "^", 3), (1.4, "v", 1)])
def test_a_threshold_beyond_the_grid(threshold, marker, exponent):
    # catches: censored dimensions dropped, triangles in the wrong direction
    result = made_up(law=lambda d, n: 0.9 * (d / n) ** 0.1)
    ax = Figure().add_subplot()
    display = PhaseDiagramDisplay.from_study(result, threshold, ax=ax)
    assert np.isnan(display.line_.get_ydata()).all()
    (triangles,) = [line for line in ax.lines if line.get_marker() == marker and len(line.get_xdata())]
    np.testing.assert_allclose(triangles.get_ydata(), exponent, atol=0.02)  # n is rounded
    assert len(ax.get_legend().get_texts()) == 2


def test_cells_that_failed_or_have_not_run_are_blank():
    # catches: NaN coloured as a risk, a missing row that shifts all others
    result = made_up(law=lambda d, n: None if (d, n) == (4, 16) else 0.5)
    assert len(boxes(PhaseDiagramDisplay.from_study(result, ax=Figure().add_subplot()))) == 14
    some = StudyResult(result.study, dict(list(result.outcomes.items())[-4:]))
    display = PhaseDiagramDisplay.from_study(some, ax=Figure().add_subplot())
    assert len(boxes(display)) == 2
    assert boxes(display)[:, 0].max() < 16 < boxes(display)[:, 1].min()


def test_one_learner_of_several():
    # catches: the cells of another learner; one of several learners selected silently
    result = made_up(labels=("a", "b"))
    with pytest.raises(ValueError, match=r"learner=None must be one of \['a', 'b'\]"):
        PhaseDiagramDisplay.from_study(result)
    display = PhaseDiagramDisplay.from_study(result, learner="b", ax=Figure().add_subplot())
    assert set(display.table["learner"]) == set(display.crossings["learner"]) == {"b"}
    assert display.ax_.get_title(loc="left") == "b"
    with pytest.raises(ValueError, match="no risk for target='t', learner='a'; run the study first"):
        PhaseDiagramDisplay.from_study(StudyResult(made_up().study, {}))
    with pytest.raises(ValueError, match="threshold=0 must be a finite number > 0"):
        PhaseDiagramDisplay.from_study(result, 0, learner="a")


def test_one_dimension_one_size_and_d_of_one(tmp_path):
    # catches: division by log 1, cells of width zero
    display = PhaseDiagramDisplay.from_study(made_up(n=[8], dims=(1,)), ax=blank_axes())
    assert np.all(np.diff(boxes(display))[:, [0, 2]] > 0)
    assert all(file.stat().st_size > 1000 for file in save_figure(display.figure_, tmp_path / "figure"))


def test_the_crossings_are_those_of_sample_complexity():
    # catches: crossings at another threshold, or of other columns
    result = made_up()
    display = PhaseDiagramDisplay.from_study(result, 0.3)
    assert display.crossings.equals(sample_complexity(result, 0.3))
    plt.close(display.figure_)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8, unique_by=lambda x: round(x, 3)))
def test_edges_enclose_their_centres(centres):
    # catches: an edge beyond the next centre
    centres = np.sort(centres)
    ends = edges(centres)
    assert len(ends) == len(centres) + 1
    assert np.all(ends[:-1] < centres)
    assert np.all(centres < ends[1:])


def test_a_dimension_where_all_trials_failed_is_marked():
    # catches: a missing column without a mark
    ax = Figure().add_subplot()
    PhaseDiagramDisplay.from_study(made_up(law=lambda d, n: None if d == 8 else 0.5 * d**2 / n), ax=ax)
    (cross,) = [line for line in ax.lines if line.get_marker() == "x"]
    assert list(cross.get_xdata()) == [8]
    assert "all trials failed" in [text.get_text() for text in ax.get_legend().get_texts()]
    ax = Figure().add_subplot()
    PhaseDiagramDisplay.from_study(made_up(), ax=ax)
    assert "all trials failed" not in [text.get_text() for text in ax.get_legend().get_texts()]
