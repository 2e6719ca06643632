"""Reproduction of a small made-up paper: files, verdicts, resumed runs and reported failures."""

import math

import numpy as np
import pandas as pd
import pytest

from layerwise.errors import UserError
from layerwise.papers import Claim, Measurement, Paper, PublishedFigure, find_paper, reproduce
from layerwise.papers.statistics import median
from layerwise.studies import LearnerSpec, SampleComplexityDisplay, Study, TargetSpec, blank_axes


class Mean:
    """Predicts the mean; its fit raises an exception while `broken` is set."""

    broken = False

    def fit(self, X, y):
        if self.broken:
            raise RuntimeError("no more memory")
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def study(full):
    return Study(
        name="tiny",
        targets=[TargetSpec(label="He2", use="SingleIndex", params={"link": "he2"})],
        learners=[LearnerSpec(label="mean", use=Mean)],
        dims=[3],
        n=[400, 800] if full else [400],
        seeds=2,
        n_test=2000,
    )


def draw(result):
    return SampleComplexityDisplay.from_study(result, ax=blank_axes()).figure_


PAPER = Paper(
    key="nobody1900",
    citation="Nobody (1900).",
    figures=(
        PublishedFigure(
            name="one",
            caption="The mean learns nothing",
            study=study,
            draw=draw,
            claims=(
                Claim("risk of the mean", 1.0, lambda result: median(result, "mean"), (0.8, 1.2)),
                Claim("the mean learns all", 0.0, lambda result: median(result, "mean"), (0.0, 0.1)),
                Claim("risk at n = 800", 1.0, lambda result: median(result, "mean", 800), (0.8, 1.2)),
            ),
        ),
    ),
)


def test_files_and_verdicts(tmp_path):
    # catches: a claim reported as agreeing although it differs or was not measured; a file listed but not written
    done = reproduce(PAPER, tmp_path / "deep" / "out")
    assert list(done.claims["verdict"]) == ["agrees", "differs", "not measured"]
    assert [path.name for path in done.files] == ["one.png", "one.svg", "one.csv", "claims.csv", "nobody1900.sqlite"]
    assert all(path.stat().st_size > 0 for path in done.files)
    assert done.errors == []
    claims = pd.read_csv(done.files[-2])
    assert list(claims.columns) == ["figure", "claim", "theory", "measured", "accepted", "verdict"]
    assert claims["measured"].iloc[0] == pytest.approx(done.claims["measured"].iloc[0], rel=1e-12)
    assert len(pd.read_csv(done.files[2])) == 2


def test_full_adds_to_stored_trials(tmp_path):
    # catches: `full` ignored; trials of the default size run again; `started` called late or not at all
    events = []
    options = {
        "started": lambda figure, found, total: events.append((figure.name, len(found), total)),
        "callback": lambda figure, done, total, trial, outcome: events.append((figure.name, done, total, trial.n)),
    }
    reproduce(PAPER, tmp_path, **options)
    assert events == [("one", 0, 2), ("one", 1, 2, 400), ("one", 2, 2, 400)]
    events.clear()
    done = reproduce(PAPER, tmp_path, full=True, n_jobs=2, **options)
    assert events == [("one", 2, 4), ("one", 3, 4, 800), ("one", 4, 4, 800)]
    assert list(done.claims["verdict"]) == ["agrees", "differs", "agrees"]


def test_failures_are_reported_and_run_again_on_request(tmp_path, monkeypatch):
    # catches: an exception if all trials of a paper failed; failed trials that cannot be run again
    monkeypatch.setattr(Mean, "broken", True)
    done = reproduce(PAPER, tmp_path)
    assert done.errors == ["RuntimeError: no more memory"] * 2
    assert list(done.claims["verdict"]) == ["not measured"] * 3
    assert all(path.exists() for path in done.files)
    monkeypatch.setattr(Mean, "broken", False)
    assert len(reproduce(PAPER, tmp_path).errors) == 2
    fixed = reproduce(PAPER, tmp_path, retry_failed=True)
    assert fixed.errors == []
    assert not math.isnan(fixed.claims["measured"].iloc[0])


def test_an_unknown_paper_is_a_user_error():
    # catches: a traceback for a misspelt key
    with pytest.raises(UserError, match=r"paper='nobody' must be a known key.* damian2022"):
        find_paper("nobody")


def test_the_claims_of_a_measurement_are_evaluated(tmp_path):
    # catches: a measurement missing from the files, the claims or the progress

    def draw_line(table):
        ax = blank_axes()
        ax.plot(table["m"], table["error"])
        return ax.figure

    identity = Measurement(
        name="identity",
        caption="1 / m",
        measure=lambda full: pd.DataFrame({"m": [1, 2, 4] if full else [1, 2], "error": [1, 0.5, 0.25][: 2 + full]}),
        draw=draw_line,
        claims=(Claim("smallest error", 0.0, lambda table: table["error"].min(), (0.0, 0.3)),),
    )
    events = []
    options = {
        "started": lambda figure, *counts: events.append((figure.name, *counts)),
        "callback": lambda figure, *counts: events.append((figure.name, *counts)),
    }
    paper = Paper("nobody1900", "Nobody (1900).", (identity,))
    done = reproduce(paper, tmp_path, **options)
    assert [path.name for path in done.files[:3]] == ["identity.png", "identity.svg", "identity.csv"]
    assert list(done.claims["verdict"]) == ["differs"]
    assert events == [("identity", {}, 1), ("identity", 1, 1, None, None)]
    assert list(reproduce(paper, tmp_path, full=True).claims["measured"]) == [0.25]
    assert len(pd.read_csv(tmp_path / "identity.csv")) == 3
