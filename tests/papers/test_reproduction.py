"""Reproduction and verification of a small made-up paper: files, verdicts, resumed runs and reported failures."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from layerwise.errors import UserError
from layerwise.papers import (
    Claim,
    Measurement,
    Paper,
    PublishedFigure,
    Test,
    find_paper,
    reproduce,
    verify,
    write_claims,
)
from layerwise.papers.statistics import risk
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


def study(size):
    return Study(
        name="tiny",
        targets=[TargetSpec(label="He2", use="SingleIndex", params={"link": "he2"})],
        learners=[LearnerSpec(label="mean", use=Mean)],
        dims=[3],
        n=[400, 800] if size == "full" else [400],
        seeds=5,
        n_test=2000,
    )


def draw(result):
    return SampleComplexityDisplay.from_study(result, ax=blank_axes()).figure_


def claim(name, n, low, high):
    tests = (Test(f"risk at n = {n}", risk("mean", n=n), 1.0, low, high),)
    return Claim(name=name, source="p. 1", statement=f"{name} <of> it", tests=tests)


FIGURE = PublishedFigure(
    name="one",
    caption="The mean learns nothing",
    study=study,
    draw=draw,
    claims=(claim("right", 400, 0.7, 1.3), claim("wrong", 400, 0.0, 0.1), claim("larger", 800, 0.7, 1.3)),
)
MEASURED = []


def measure(size):
    MEASURED.append(size)
    return pd.DataFrame(
        {"m": [1, 2, 4] if size == "full" else [1, 2], "error": [1, 0.5, 1 / 3][: 2 + (size == "full")]}
    )


IDENTITY = Measurement(
    name="identity",
    caption="1 / m",
    measure=measure,
    claims=(
        Claim(name="small", statement="1 / m", tests=(Test("", lambda t: float(t["error"].min()), 0.0, 0.0, 0.4),)),
    ),
)
PAPER = Paper("nobody1900", "Nobody (1900).", (FIGURE, IDENTITY))


@pytest.fixture(autouse=True)
def _nothing_measured():
    MEASURED.clear()


def verdicts(claims):
    return dict(zip(claims["claim"], claims["verdict"], strict=True))


def test_files_and_verdicts(tmp_path):
    # catches: a claim supported although its interval lies outside; a file listed but not written
    done = reproduce(PAPER, tmp_path / "deep" / "out")
    expected = {"right": "supported", "wrong": "contradicted", "larger": "not measured", "small": "contradicted"}
    assert verdicts(done.claims) == expected
    names = ["one.png", "one.svg", "one.csv", "identity.csv", "claims.csv", "nobody1900.sqlite"]
    assert [path.name for path in done.files] == names
    assert all(path.stat().st_size > 0 for path in done.files)
    assert done.errors == []
    claims = pd.read_csv(done.files[-2])
    assert claims["measured"].iloc[0] == pytest.approx(done.claims["measured"].iloc[0], rel=1e-12)
    assert len(pd.read_csv(done.files[2])) == 5


def test_verify_and_reproduce_measure_nothing_twice(tmp_path):
    # catches: a store of its own for each command, a measurement repeated, verdicts that differ between the two
    events = []
    options = {"callback": lambda figure, done, total, trial, outcome: events.append((figure.name, done, total))}
    claims = verify(PAPER, tmp_path, **options)
    assert events == [*(("one", i + 1, 5) for i in range(5)), ("identity", 1, 1)]
    assert MEASURED == ["default"]
    events.clear()
    done = reproduce(PAPER, tmp_path, **options)
    assert events == [("identity", 1, 1)]
    assert MEASURED == ["default"]
    pd.testing.assert_frame_equal(claims, done.claims)


def test_full_adds_to_stored_trials(tmp_path):
    # catches: `size` ignored; trials of the default size run again; `started` called late or not at all
    verify(PAPER, tmp_path)
    events = []
    started = lambda figure, found, total: events.append((figure.name, len(found), total))  # noqa: E731
    done = verify(PAPER, tmp_path, size="full", n_jobs=2, started=started)
    assert events == [("one", 5, 10), ("identity", 0, 1)]
    assert MEASURED == ["default", "full"]
    expected = {"right": "supported", "wrong": "contradicted", "larger": "supported", "small": "supported"}
    assert verdicts(done) == expected


def test_another_random_state_runs_other_trials(tmp_path):
    # catches: an option that no study receives
    verify(PAPER, tmp_path, name="one")
    events = []
    verify(PAPER, tmp_path, name="one", random_state=1, started=lambda figure, found, total: events.append(len(found)))
    assert events == [0]


@pytest.mark.parametrize(("name", "expected"), [("one", 3), ("wrong", 1), ("small", 1)])
def test_one_claim_or_one_figure(tmp_path, name, expected):
    # catches: studies of other claims run
    claims = verify(PAPER, tmp_path, name=name)
    assert len(claims) == expected
    assert (["default"] if name == "small" else []) == MEASURED


def test_an_unknown_claim_is_a_user_error(tmp_path):
    with pytest.raises(
        UserError, match=r"claim='wring' must be a claim or a figure of nobody1900. Did you mean 'wrong'"
    ):
        verify(PAPER, tmp_path, name="wring")


def test_failures_are_reported_and_run_again_on_request(tmp_path, monkeypatch):
    # catches: an exception if all trials of a paper failed; failed trials that cannot be run again
    monkeypatch.setattr(Mean, "broken", True)
    done = reproduce(PAPER, tmp_path)
    assert done.errors == ["RuntimeError: no more memory"] * 5
    assert list(done.claims["verdict"])[:3] == ["not measured"] * 3
    assert all(path.exists() for path in done.files)
    monkeypatch.setattr(Mean, "broken", False)
    assert len(reproduce(PAPER, tmp_path).errors) == 5
    fixed = reproduce(PAPER, tmp_path, retry_failed=True)
    assert fixed.errors == []
    assert not math.isnan(fixed.claims["measured"].iloc[0])


def test_written_claims(tmp_path):
    # catches: numbers that JSON cannot hold, text that is not escaped, a claim missing from either file
    claims = verify(PAPER, tmp_path)
    files = write_claims(claims, tmp_path, "default")
    about = json.loads(files[0].read_text(encoding="utf-8"), parse_constant=lambda text: pytest.fail(text))
    assert (about["size"], len(about["claims"])) == ("default", 4)
    assert about["claims"][2]["measured"] is None
    assert about["claims"][0]["verdict"] == "supported"
    page = files[1].read_text(encoding="utf-8")
    assert "right &lt;of&gt; it" in page
    assert page.count("<tr>") == 5
    assert "4 claims: 2 contradicted, 1 supported, 1 not measured" in page


def test_the_mean_predictor_and_the_trivial_table(tmp_path):
    # catches: a negative control that is not the mean predictor
    assert set(FIGURE.trivial("default").table["risk"]) == {1.0}
    table = Measurement(name="i", caption="", measure=measure, trivial_values={"error": 9.0}).trivial("default")
    assert list(table["error"]) == [9.0, 9.0]


def test_an_unknown_paper_is_a_user_error():
    # catches: a traceback for a misspelt key
    with pytest.raises(UserError, match=r"paper='damian' must be a known key, .* Did you mean 'damian2022'"):
        find_paper("damian")


OWN = """
from layerwise.papers import Paper
import numpy
{}
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "defines 0 Paper objects; it must define exactly one"),
        ("a, b = Paper('a', '', ()), Paper('b', '', ())", "defines 2 Paper objects"),
        ("1 / 0", "cannot be imported \\(ZeroDivisionError: division by zero\\)"),
    ],
)
def test_a_module_without_one_paper_is_a_user_error(tmp_path, text, message):
    path = tmp_path / f"own_{abs(hash(text))}.py"
    path.write_text(OWN.format(text))
    with pytest.raises(UserError, match=message):
        find_paper(str(path))


def test_a_missing_file_is_a_user_error():
    with pytest.raises(UserError, match=r"paper='missing.py' must be an existing file"):
        find_paper("missing.py")


def test_a_paper_of_ones_own_by_file_and_by_import_path(tmp_path, monkeypatch):
    # catches: a file whose classes studies cannot import; a dotted path taken for a key
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    (tmp_path / "own_paper.py").write_text(OWN.format("MINE = Paper('mine', 'me', ())\nalias = MINE"))
    assert find_paper(str(tmp_path / "own_paper.py")).key == "mine"
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "own.py").write_text(OWN.format("MINE = Paper('other', 'me', ())"))
    assert find_paper("package.own").key == "other"
