"""Tables in the order of the definition, and the figure of risk against n."""

import math
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from throwaway import Mean, Quadratic, small_study

from layerwise.studies import (
    LearnerSpec,
    Outcome,
    SampleComplexityDisplay,
    StudyResult,
    TargetSpec,
    blank_axes,
    run_study,
    save_figure,
    save_figures,
)
from layerwise.studies.plots.figures import file_stems
from layerwise.studies.trials.metrics import METRICS


@pytest.fixture(scope="module")
def result():
    return run_study(small_study())


@pytest.fixture
def partly_failed():
    """Return risks 0, 1, 2, ... in the order of the trials; one trial failed, one has not run."""
    study = small_study()
    outcomes = {trial.key: Outcome(float(i), 0.1) for i, trial in enumerate(study.trials())}
    first, second, *_ = outcomes
    outcomes[first] = Outcome(math.nan, math.nan, "Error: no")
    del outcomes[second]
    return StudyResult(study, dict(reversed(outcomes.items())))


def test_table_is_tidy_and_in_order(partly_failed):
    # catches: rows in the order of completion; a row for a trial that has not run; an error of None turned into NaN
    table = partly_failed.table
    measured = ["risk", "fit_seconds", "peak_bytes"]
    assert list(table.columns) == ["target", "learner", "dim", "n", "seed", *measured, "error", *METRICS]
    assert list(table["risk"].iloc[1:]) == list(range(2, 18))
    assert list(table.iloc[0, :5]) == ["quadratic", "features", 3, 40, 0]
    assert table["error"].iloc[0] == "Error: no"
    assert table["error"].iloc[1] is None
    assert list(table.dtypes[["dim", "n", "seed", "risk"]]) == ["int64", "int64", "int64", "float64"]


def test_summary_against_numpy(result, partly_failed):
    # catches: seeds mixed across cells; failed trials counted as risks
    for _, row in result.summary((0.1, 0.8)).iterrows():
        t = result.table
        cell = t[(t["learner"] == row["learner"]) & (t["dim"] == row["dim"]) & (t["n"] == row["n"])]
        expected = np.quantile(cell["risk"], [0.5, 0.1, 0.8])
        np.testing.assert_allclose(row[["median", "lower", "upper"]].astype(float), expected)
    first = partly_failed.summary().iloc[0]
    assert (first["median"], first["succeeded"], first["failed"]) == (2.0, 1, 1)
    with pytest.raises(ValueError, match="quantiles"):
        result.summary((0.8, 0.1))


def test_summary_of_another_metric():
    # catches: the risk summarised instead of the metric; a metric that does not apply read as zero
    study = small_study()
    outcomes = {
        trial.key: Outcome(0.5, 0.1, metrics={"feature_correlation": i / 20} if learner == "features" else {})
        for i, (_, learner, trial) in enumerate(study.cells())
    }
    result = StudyResult(study, outcomes)
    summary = result.summary((0, 1), metric="feature_correlation")
    assert list(summary.loc[0, ["lower", "median", "upper"]]) == [0.0, 0.05, 0.1]
    assert summary.loc[summary["learner"] == "ridge", "median"].isna().all()
    with pytest.raises(ValueError, match="metric='loss' must be one of 'risk', 'fit_seconds', 'peak_bytes'"):
        result.summary(metric="loss")


def test_csv_keeps_every_digit(result, tmp_path):
    # catches: risks rounded in the file
    result.to_csv(tmp_path / "table.csv")
    again = pd.read_csv(tmp_path / "table.csv", dtype=str)
    assert [float(risk) for risk in again["risk"]] == list(result.table["risk"])


def test_a_study_that_has_not_run_has_an_empty_table():
    # catches: a crash for a store without outcomes
    empty = StudyResult(small_study(), {})
    assert empty.table.empty
    assert empty.summary().empty
    with pytest.raises(ValueError, match="run the study first"):
        SampleComplexityDisplay.from_study(empty, dim=3)


def test_the_display_draws_the_medians(result):
    # catches: curves of another learner or dimension, means instead of medians, a band that is not the quantiles
    ax = Figure().add_subplot()
    display = SampleComplexityDisplay.from_study(result, dim=5, ax=ax, references={"plateau": 0.5})
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    table = result.table[result.table["dim"] == 5]
    bands = [c for c in ax.collections if isinstance(c, PolyCollection)]
    assert [line.get_label() for line in display.lines_] == ["features", "ridge"]
    for line, band in zip(display.lines_, bands, strict=True):
        risks = table[table["learner"] == line.get_label()].groupby("n")["risk"]
        x, y = line.get_data()
        assert list(x) == list(risks.median().index)
        np.testing.assert_array_equal(y, risks.median())
        heights = {tuple(v) for v in band.get_paths()[0].vertices}
        assert {(n, risks.quantile(q)[n]) for n in x for q in (0.25, 0.75)} <= heights
    legend = {text.get_text() for text in ax.get_legend().get_texts()}
    assert legend == {"features", "ridge", "plateau"}
    assert ax.get_xscale() == "log"


def test_ambiguous_or_unknown_selections_are_rejected(result):
    # catches: several dimensions or targets drawn as one curve
    with pytest.raises(ValueError, match=r"dim=None must be one of \[3, 5\]"):
        SampleComplexityDisplay.from_study(result)
    with pytest.raises(ValueError, match="target='cubic' must be one of"):
        SampleComplexityDisplay.from_study(result, dim=3, target="cubic")
    two = small_study(targets=[TargetSpec(label=label, use=Quadratic) for label in "ab"], dims=[3])
    with pytest.raises(ValueError, match="target=None must be one of"):
        SampleComplexityDisplay.from_study(StudyResult(two, {}))


def test_curves_by_dimension_on_a_scaled_axis(result):
    # catches: a dimension drawn at the n of another one, a band or an axis that does not match its label
    ax = Figure().add_subplot()
    display = SampleComplexityDisplay.from_study(
        result, curves="dim", learner="features", per_power=2, quantiles=(0, 1), ax=ax
    )
    assert [line.get_label() for line in display.lines_] == ["d = 3", "d = 5"]
    assert ax.get_xlabel() == "n / d²"
    assert ax.get_title(loc="left") == "quadratic, features"
    table = result.table[(result.table["learner"] == "features") & (result.table["dim"] == 5)]
    x, y = display.lines_[1].get_data()
    np.testing.assert_allclose(x, [40 / 25, 160 / 25])
    np.testing.assert_array_equal(y, table.groupby("n")["risk"].median())
    assert table["risk"].max() in ax.collections[1].get_paths()[0].vertices
    with pytest.raises(ValueError, match="learner=None must be one of"):
        SampleComplexityDisplay.from_study(result, curves="dim")


def test_the_display_of_a_metric():
    # catches: risks labelled as another metric; an empty figure where a metric does not apply
    study = small_study(learners=[LearnerSpec(label="a", use=Mean)])
    outcomes = {t.key: Outcome(0.5, 0.1, metrics={"subspace_overlap": t.n / 160}) for t in study.trials()}
    result = StudyResult(study, outcomes)
    ax = Figure().add_subplot()
    display = SampleComplexityDisplay.from_study(result, dim=3, metric="subspace_overlap", ax=ax)
    assert list(display.lines_[0].get_ydata()) == [0.25, 1.0]
    assert ax.get_ylabel() == "overlap with the true subspace"
    with pytest.raises(ValueError, match="no feature_correlation for dim=3; run the study first"):
        SampleComplexityDisplay.from_study(result, dim=3, metric="feature_correlation")


def test_the_display_of_memory(result):
    # catches: "run the study first" for a study that was run in threads, where memory is not measured
    with pytest.raises(ValueError, match=r"no peak_bytes: memory is measured only for .* .--workers processes"):
        SampleComplexityDisplay.from_study(result, dim=3, metric="peak_bytes")
    with pytest.raises(ValueError, match="no peak_bytes for dim=3; run the study first"):
        SampleComplexityDisplay.from_study(StudyResult(result.study, {}), dim=3, metric="peak_bytes")
    outcomes = {key: Outcome(0.5, 0.1, peak_bytes=2**20) for key in result.outcomes}
    ax = Figure().add_subplot()
    display = SampleComplexityDisplay.from_study(StudyResult(result.study, outcomes), dim=3, metric="peak_bytes", ax=ax)
    assert set(display.lines_[0].get_ydata()) == {2**20}
    assert ax.get_ylabel() == "peak memory of the process, bytes"


def test_the_display_counts_failed_trials(partly_failed):
    # catches: failures that the figure does not mention
    ax = Figure().add_subplot()
    SampleComplexityDisplay.from_study(partly_failed, dim=3, ax=ax)
    assert ax.get_title(loc="right") == "1 failed trial left out"


def test_without_axes_a_figure_is_made(result, tmp_path):
    # catches: a display that needs axes, or that cannot be rendered
    display = SampleComplexityDisplay.from_study(result, dim=3)
    display.figure_.savefig(tmp_path / "figure.png")
    display.figure_.savefig(tmp_path / "figure.svg")
    plt.close(display.figure_)


def test_labels_are_not_parsed_as_mathematics(tmp_path):
    # catches: an error of mathtext for "cost $" or "$\\frac" in a label, after all trials have run
    label = r"$\frac{ costs $"
    study = small_study(targets=[TargetSpec(label=label, use=Quadratic)], learners=[LearnerSpec(label=label, use=Mean)])
    result = StudyResult(study, {trial.key: Outcome(0.5, 0.1) for trial in study.trials()})
    files = save_figures(result, tmp_path)
    assert [file.name for file in files] == [f"risk-frac-costs-d{d}.{kind}" for d in (3, 5) for kind in ("png", "svg")]
    assert all(file.stat().st_size > 1000 for file in files)


def test_saved_figures_are_not_registered_with_pyplot(tmp_path, monkeypatch):
    # catches: the warning of pyplot for more than 20 open figures
    study = small_study(targets=[TargetSpec(label=str(i), use=Quadratic) for i in range(12)], seeds=1)
    result = StudyResult(study, {trial.key: Outcome(0.5, 0.1) for trial in study.trials()})
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, path, **_: path.touch())
    assert len(save_figures(result, tmp_path)) == len(list(tmp_path.iterdir())) == 48
    assert plt.get_fignums() == []


def test_the_same_figure_is_the_same_bytes(result, tmp_path):
    # catches: a date or random ids in the SVG; a dot in the name interpreted as a suffix
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        display = SampleComplexityDisplay.from_study(result, dim=3, ax=blank_axes())
        files = save_figure(display.figure_, tmp_path / folder / "v1.5")
        assert [file.name for file in files] == ["v1.5.png", "v1.5.svg"]
    for file in files:
        assert file.read_bytes() == (tmp_path / "one" / file.name).read_bytes()


def test_file_names_are_distinct():
    # catches: figures that overwrite one another, also on case-insensitive file systems; names that are too long
    labels = ["He2", "He2 /", "he2", "α", "β", "He₂(x₁)", "/", "..", "a" * 300, "a" * 299, "漢" * 300, "He2 2"]
    stems = file_stems(labels)
    assert list(stems) == labels
    assert list(stems.values())[:8] == ["He2", "He2-2", "he2-3", "α", "β", "He2-x1", "target", "target-2"]
    assert len({stem.casefold() for stem in stems.values()}) == len(labels)
    assert max(len(stem.encode()) for stem in stems.values()) < 200


def test_importing_studies_is_light():
    # catches: pandas, matplotlib or other packages imported before they are needed
    heavy = "{'pandas', 'matplotlib', 'sklearn', 'sqlite3', 'layerwise.learners', 'layerwise.targets'}"
    code = f"import sys, layerwise.studies; sys.exit(', '.join({heavy} & set(sys.modules)) or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
