"""The command line in this process: options are passed on, paths checked first, errors reported with their status."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from layerwise import cli
from layerwise.studies import LearnerSpec, Study, TargetSpec


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    pd.DataFrame(np.arange(40.0).reshape(20, 2), columns=["a", "target"]).to_csv(path, index=False)
    return path


def called(arguments, capsys, monkeypatch):
    """Run `main` in this process."""
    monkeypatch.setattr("sys.argv", ["layerwise", *arguments])
    monkeypatch.setattr("warnings.showwarning", None)  # set by main; restored afterwards
    with pytest.raises(SystemExit) as stop:
        cli.main()
    said = capsys.readouterr()
    return SimpleNamespace(returncode=stop.value.code or 0, stdout=said.out, stderr=said.err)


def misused(done):
    """Return the usage error of a command that ended with Click's message and status 2."""
    assert done.returncode == 2
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.startswith("Usage: ")
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "table.csv"], "Missing option '--target'"),
        (["fit", "table.csv", "--target", "target", "--random-state", "-1"], "--random-state"),
        (["reproduce", "damian2022", "--jobs", "0"], "must not be 0"),
        (["study", "run", "study.toml", "--jobz", "1"], "No such option"),
    ],
    ids=" ".join,
)
def test_misuse_gets_the_usual_text(capsys, monkeypatch, arguments, message):
    # catches: a traceback of Click's own exceptions, which standalone_mode=False lets through
    assert message in misused(called(arguments, capsys, monkeypatch))


def test_ctrl_c_in_a_fit(monkeypatch, capsys, table):
    # catches: the message of a study, that finished trials are kept, for a fit that keeps none

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("layerwise.tables.fit_table", interrupt)
    done = called(["fit", str(table), "--target", "target"], capsys, monkeypatch)
    assert (done.returncode, done.stderr) == (130, "interrupted.\n")


def test_outputs_are_checked_before_the_work(tmp_path, monkeypatch, capsys, table):
    # catches: a fit of an hour whose model cannot be saved
    monkeypatch.setattr("layerwise.tables.fit_table", lambda *_, **__: pytest.fail("fitted"))
    done = called(["fit", str(table), "--target", "target", "--save", str(tmp_path)], capsys, monkeypatch)
    assert done.returncode == 2
    assert "is a folder" in done.stderr


@pytest.mark.parametrize("error", [OSError(28, "No space left on device", "x.csv"), OSError("disk gone")])
def test_errors_of_the_system_are_one_message(tmp_path, monkeypatch, capsys, table, error):
    def full(*_, **__):
        raise error

    monkeypatch.setattr("layerwise.tables.read_table", full)
    done = called(["fit", str(table), "--target", "target"], capsys, monkeypatch)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(("error: x.csv: No space left on device.", "error: disk gone."))


def test_our_own_bugs_keep_their_traceback(monkeypatch, table):
    # catches: a ValueError raised by a bug in the library and reported as a user error

    def bug(*_, **__):
        raise ValueError("shapes (3,) and (4,) not aligned")

    monkeypatch.setattr("layerwise.tables.fit_table", bug)
    monkeypatch.setattr("sys.argv", ["layerwise", "fit", str(table), "--target", "target"])
    monkeypatch.setattr("warnings.showwarning", None)
    with pytest.raises(ValueError, match="not aligned"):
        cli.main()


def claims_table(verdict):
    """Return the table of one claim, as `verify` returns it."""
    row = dict.fromkeys(("paper", "figure", "claim", "answers", "source", "statement", "quantity", "expected"), "[x]")
    row |= {"theory": 0.0, "low": 0.0, "high": 1.0, "measured": 1.5e-7, "lower": 1e-7, "upper": 2e-7}
    return pd.DataFrame([row | {"test": verdict, "verdict": verdict}])


STATUS = [("supported", 0), ("not resolved", 0), ("contradicted", 1), ("not measured", 1)]


@pytest.mark.parametrize(("verdict", "status"), STATUS)
def test_options_of_reproduce_are_passed_on(tmp_path, monkeypatch, verdict, status):
    # catches: an option that is parsed and then ignored; a claim that is contradicted and exit status 0
    seen = {}

    def run(paper, folder, **options):
        options.pop("started")(paper.figures[0], dict.fromkeys(range(12)), 105)
        options.pop("callback")(paper.figures[0], 13, 105, None, None)
        seen.update(options, paper=paper.key, folder=folder)
        return SimpleNamespace(claims=claims_table(verdict), errors=["E: no [b]\nmore"], files=[Path("x.csv")])

    monkeypatch.setattr("layerwise.papers.reproduce", run)
    options = ["--out", str(tmp_path), "--jobs", "3", "--full", "--retry-failed"]
    done = CliRunner().invoke(cli.app, ["reproduce", "damian2022", *options])
    assert done.exit_code == status, done.output
    assert seen == {"paper": "damian2022", "folder": tmp_path, "n_jobs": 3, "size": "full", "retry_failed": True}
    assert "kernel_gap: 12 of 105 trials found in the store" in done.output
    assert "1.5e-07" in done.output
    assert "1 trial failed, the first with E: no [b] more" in done.output
    CliRunner().invoke(cli.app, ["reproduce", "damian2022", "--out", str(tmp_path)])
    assert (seen["n_jobs"], seen["size"], seen["retry_failed"]) == (-1, "default", False)


@pytest.mark.parametrize(("verdict", "status"), STATUS)
def test_options_of_verify_are_passed_on(tmp_path, monkeypatch, verdict, status):
    # catches: an option that is parsed and then ignored; a claim that is contradicted and exit status 0
    seen = []

    def run(paper, folder, **options):
        options.pop("started")(paper.figures[0], {}, 105)
        options.pop("callback")(paper.figures[0], 13, 105, None, None)
        seen.append(options | {"paper": paper.key, "folder": folder})
        return claims_table(verdict)

    monkeypatch.setattr("layerwise.papers.verify", run)
    options = ["--out", str(tmp_path), "--jobs", "3", "--size", "small", "--retry-failed", "--random-state", "7"]
    done = CliRunner().invoke(cli.app, ["verify", "damian2022/adversary", *options])
    assert done.exit_code == status, done.output
    expected = {"paper": "damian2022", "folder": tmp_path / "damian2022", "name": "adversary", "size": "small"}
    assert seen == [expected | {"n_jobs": 3, "retry_failed": True, "random_state": 7}]
    assert (tmp_path / "claims.html").exists()
    assert (tmp_path / "claims.json").exists()
    seen.clear()
    CliRunner().invoke(cli.app, ["verify", "--out", str(tmp_path)])
    assert [(one["paper"], one["name"]) for one in seen] == [
        ("damian2022", None),
        ("nichani2023", None),
        ("wang2023", None),
        ("lee2020", None),
    ]
    assert seen[0]["size"] == "default"


def test_papers_lists_the_claims_of_one_paper():
    done = CliRunner().invoke(cli.app, ["papers", "damian2022"])
    assert done.exit_code == 0
    assert "adversary" in done.output


def test_options_of_study_run_are_passed_on(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr("layerwise.studies.run_study", lambda study, store, **options: seen.update(options) or 1 / 0)
    spec = TargetSpec(label="it", use="SingleIndex", params={"link": "he2"})
    learner = LearnerSpec(label="r", use="sklearn.linear_model.Ridge")
    study = Study(name="tiny", targets=[spec], learners=[learner], dims=[3], n=[20], seeds=1)
    (tmp_path / "study.toml").write_text(study.to_toml())
    arguments = ["study", "run", str(tmp_path / "study.toml"), "--out", str(tmp_path), "-j", "2", "--retry-failed"]
    done = CliRunner().invoke(cli.app, arguments)
    assert isinstance(done.exception, ZeroDivisionError)
    assert (seen["n_jobs"], seen["retry_failed"]) == (2, True)


def test_options_of_fit_are_passed_on(monkeypatch, table):
    seen = {}
    monkeypatch.setattr(
        "layerwise.tables.fit_table",
        lambda read, learner, **options: seen.update(options, learner=learner, inputs=list(read.inputs)) or 1 / 0,
    )
    options = ["--target", "target", "--learner", "kernel", "--random-state", "7", "--budget", "3"]
    pd.read_csv(table).assign(b=1, c=2).to_csv(table, index=False)
    CliRunner().invoke(cli.app, ["fit", str(table), *options, "--drop", "b", "--id", "c"])
    assert seen.pop("inputs") == ["a"]
    assert seen == {"learner": "kernel", "random_state": 7, "budget": 3.0}
    for budget in ("slow", "-1", "nan"):
        done = CliRunner().invoke(cli.app, ["fit", str(table), "--target", "target", "--budget", budget])
        assert done.exit_code == 2
