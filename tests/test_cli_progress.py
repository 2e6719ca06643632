"""The progress of a study: the time that remains, and large grids."""

import io
import math

import pytest
from rich.console import Console

from layerwise.cli import _progress
from layerwise.studies import LearnerSpec, Outcome, Study, TargetSpec


def study_of(**changes):
    definition = {
        "name": "tiny",
        "targets": [TargetSpec(label="t", use="SingleIndex")],
        "learners": [LearnerSpec(label="ridge", use="sklearn.linear_model.Ridge")],
        "dims": [3],
        "n": [20],
        "seeds": 16,
        "n_test": 50,
    }
    return Study(**(definition | changes))


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])
    return now


def test_time_left_counts_whole_trials(clock):
    # catches: only the fit measured, where the target takes longer; failed trials, or several workers, ignored
    slow = LearnerSpec(label="slow fit", use="sklearn.linear_model.Ridge", params={"alpha": 2.0})
    study = study_of(learners=[slow, LearnerSpec(label="mean", use="sklearn.dummy.DummyRegressor")])
    progress = _progress.StudyProgress(study)
    ridge, mean = ([t for t in study.trials() if ("Ridge" in t.learner) == kind] for kind in (True, False))
    for done, trial in enumerate(ridge[:8], 1):  # each takes 1 s, .06 s of it for the fit; two run at once
        clock[0] = done / 2
        progress.advance(done, 32, trial, Outcome(0.5, 0.06, seconds=1.0))
    assert progress.time_left() == "about 12 s left"
    for done, trial in enumerate(mean[:8], 9):
        clock[0] = done / 2
        progress.advance(done, 32, trial, Outcome(math.nan, math.nan, "E: no", seconds=1.0))
    assert progress.time_left() == "about 8 s left"


def test_each_learner_has_a_rate_of_its_own(clock):
    # catches: the rate of the slow learner, which runs first, expected of the fast one
    slow = LearnerSpec(label="slow", use="sklearn.linear_model.Ridge")
    study = study_of(learners=[slow, LearnerSpec(label="fast", use="sklearn.dummy.DummyRegressor")], seeds=10)
    progress = _progress.StudyProgress(study)
    trials = study.trials()
    for trial, seconds in [*((trial, 10.0) for trial in trials[:10]), (trials[10], 1.0)]:
        clock[0] += seconds
        progress.advance(0, 20, trial, Outcome(0.5, 0.1, seconds=seconds))
    assert progress.time_left() == "about 9 s left"


def test_a_large_grid_is_announced(monkeypatch):
    # catches: a minute of silence while trials are listed
    output = io.StringIO()
    monkeypatch.setattr(_progress, "console", Console(file=output, width=100))
    monkeypatch.setattr(_progress, "LONG_LIST", 1000)
    _progress.StudyProgress(study_of(seeds=1001))
    assert output.getvalue() == "tiny: listing 1,001 trials\n"
    _progress.StudyProgress(study_of())
    assert output.getvalue().count("\n") == 1
