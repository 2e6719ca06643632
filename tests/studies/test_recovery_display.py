"""Risk against recovery: one dot per trial, and a path through the medians as n grows."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from throwaway import Features, Mean, Quadratic, Witness, small_study

from layerwise.studies import (
    ExponentDisplay,
    FeatureRecoveryDisplay,
    LearnerSpec,
    Outcome,
    SampleComplexityDisplay,
    StudyResult,
    TargetSpec,
    blank_axes,
    run_study,
    save_figure,
)

LEARNERS = ("finds", "finds late", "kernel")


def made_up(learners=LEARNERS, metric="feature_correlation", dims=(4, 8)):
    """Return a result in which "kernel" has no metric, and one trial failed."""
    study = small_study(
        targets=[TargetSpec(label="t", use=Quadratic)],
        learners=[LearnerSpec(label=label, use=Witness, params={"mark": i}) for i, label in enumerate(learners)],
        dims=list(dims),
        n=[256, 16, 64],
        seeds=3,
    )
    outcomes = {}
    for _, label, trial in study.cells():
        found = 1 - (1 + learners.index(label)) * trial.dim / (trial.n * (1 + 0.1 * trial.seed))
        outcomes[trial.key] = Outcome(1.1 - found, 0.1, metrics={metric: max(0, found)} if "finds" in label else {})
    outcomes[study.trials()[0].key] = Outcome(math.nan, math.nan, "Error: no")
    return StudyResult(study, outcomes)


def test_dots_are_trials_and_paths_are_medians():
    # catches: axes interchanged, medians in the order of the study instead of that of n, trials of another dimension
    result = made_up()
    ax = Figure().add_subplot()
    display = FeatureRecoveryDisplay.from_study(result, dim=8, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(display.lines_) == len(display.dots_) == 2  # the kernel has no metric
    table = result.table[(result.table["dim"] == 8) & result.table["risk"].notna()]
    for label, line, dots in zip(LEARNERS, display.lines_, display.dots_, strict=False):
        trials = table[table["learner"] == label]
        np.testing.assert_array_equal(dots.get_offsets(), trials[["feature_correlation", "risk"]])
        medians = [
            [np.median(trials.loc[trials["n"] == n, name]) for n in (16, 64, 256)]
            for name in ("feature_correlation", "risk")
        ]
        np.testing.assert_allclose(line.get_data(), medians)
        assert line.get_label() == f"{label}  (n = 16 → 256)"
    assert ax.get_xlabel() == "correlation with the true feature"
    assert ax.get_title(loc="left") == "t, d = 8"


def test_one_learner_at_every_dimension():
    # catches: curves of learners instead of dimensions
    display = FeatureRecoveryDisplay.from_study(made_up(), curves="dim", learner="finds", ax=Figure().add_subplot())
    assert [line.get_label()[:5] for line in display.lines_] == ["d = 4", "d = 8"]
    assert set(display.table["learner"]) == {"finds"}
    assert len(display.table) == 17  # without the failed one


def test_the_metric_is_the_one_that_was_measured():
    # catches: the overlap of subspaces labelled as a correlation, an empty figure
    display = FeatureRecoveryDisplay.from_study(made_up(metric="subspace_overlap"), dim=4, ax=Figure().add_subplot())
    assert display.metric == "subspace_overlap"
    assert display.ax_.get_xlabel() == "overlap with the true subspace"
    with pytest.raises(ValueError, match=r"no feature_correlation for target='t', dim=4\. Choose a target with"):
        FeatureRecoveryDisplay.from_study(made_up(metric="subspace_overlap"), dim=4, metric="feature_correlation")
    with pytest.raises(ValueError, match="no feature_correlation or subspace_overlap for target='t', dim=4"):
        FeatureRecoveryDisplay.from_study(made_up(("kernel",)), dim=4)
    with pytest.raises(ValueError, match="metric='risk' must be None or one of 'feature_correlation'"):
        FeatureRecoveryDisplay.from_study(made_up(), dim=4, metric="risk")


def test_ambiguous_or_unknown_selections_are_rejected():
    # catches: several dimensions drawn as one path
    with pytest.raises(ValueError, match=r"dim=None must be one of \[4, 8\]"):
        FeatureRecoveryDisplay.from_study(made_up())
    with pytest.raises(ValueError, match=r"curves='target' must be one of 'learner', 'dim'"):
        FeatureRecoveryDisplay.from_study(made_up(), curves="target")


def test_the_figure_becomes_a_file(tmp_path):
    # catches: a figure that cannot be rendered, dollar signs parsed as mathematics
    result = made_up((r"$\frac{ finds", "finds"))
    display = FeatureRecoveryDisplay.from_study(result, dim=4, ax=blank_axes())
    assert all(file.stat().st_size > 1000 for file in save_figure(display.figure_, tmp_path / "figure"))
    display = FeatureRecoveryDisplay.from_study(result, dim=4)
    assert plt.fignum_exists(display.figure_.number)
    plt.close(display.figure_)


@pytest.mark.parametrize("display", [FeatureRecoveryDisplay, SampleComplexityDisplay, ExponentDisplay])
def test_every_display_rejects_a_value_of_what_its_curves_are(display):
    # catches: a figure of all learners although one was selected
    result = run_study(small_study(learners=[LearnerSpec(label="a", use=Mean), LearnerSpec(label="b", use=Features)]))
    options = {"threshold": 0.5} if display is ExponentDisplay else {"dim": 3}
    with pytest.raises(ValueError, match=r"learner='a' must be None, because curves='learner' draws every learner"):
        display.from_study(result, learner="a", **options)
