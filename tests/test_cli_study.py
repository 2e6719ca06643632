"""`layerwise study`: resume, status, merge and export, in this process; progress as lines and as a table."""

import hashlib
import io
import re
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from layerwise import cli
from layerwise.cli import _progress
from layerwise.errors import UserError
from layerwise.studies import LearnerSpec, Outcome, Store, Study, TargetSpec, run_study

RIDGE = LearnerSpec(label="ridge [b]", use="sklearn.linear_model.Ridge")
MEAN = LearnerSpec(label="mean", use="sklearn.dummy.DummyRegressor")
FAILS = LearnerSpec(label="fails", use="sklearn.linear_model.Ridge", params={"alpha": -1.0})


def tiny(*learners, **changes):
    target = TargetSpec(label="He2", use="SingleIndex", params={"link": "he2"})
    options = {"dims": [3], "n": [20], "seeds": 2, "n_test": 50} | changes
    return Study(name=options.pop("name", "tiny"), targets=[target], learners=learners or [RIDGE], **options)


def layerwise(*arguments, group="study"):
    done = CliRunner().invoke(cli.app, [*filter(None, [group]), *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return SimpleNamespace(status=done.exit_code, lines=[" ".join(line.split()) for line in done.output.splitlines()])


def lose_dummy(store, name):
    """Rewrite the definition of a study so that its learner cannot be imported."""
    text = next(row.definition for row in store.studies() if row.name == name).replace("dummy.Dummy", "gone.Dummy")
    key = hashlib.sha256(text.encode()).hexdigest()
    store._database.connection.execute("UPDATE study SET definition = ?, key = ? WHERE name = ?", [text, key, name])


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    return tmp_path / "study.sqlite"


def test_resume_needs_the_store_alone(path):
    # catches: resuming without the TOML file; results that land elsewhere or overwrite each other
    study = tiny(RIDGE, MEAN)
    with Store(path) as store:
        run_study(tiny(RIDGE), store)
        store.keep_study(study)
    done = layerwise("resume", path, "--jobs", "1")
    assert done.status == 0
    assert "tiny: 2 of 4 trials found in the store" in done.lines
    table = pd.read_csv(path.parent / "results.csv")
    assert list(table["learner"]) == ["ridge [b]"] * 2 + ["mean"] * 2
    with Store(path) as store:
        store.keep_study(tiny(MEAN, name="other", seeds=3))
    assert layerwise("resume", path, "--out", "both").status == 0
    assert [len(pd.read_csv(path.parent / "both" / name / "results.csv")) for name in ("tiny-1", "other-2")] == [4, 3]


def test_status_counts_by_learner(path):
    # catches: failures counted as done, markup in a label, a study that cannot be imported hiding the others
    with Store(path) as store:
        run_study(tiny(RIDGE, FAILS), store)
        store.keep_study(tiny(RIDGE, FAILS, MEAN))
        run_study(tiny(MEAN, name="gone", n=[30]), store)
    with Store(path) as store:
        lose_dummy(store, "gone")
    done = layerwise("status", path)
    assert done.status == 1
    lines = done.lines
    assert lines[1] == "learner done failed remaining layerwise"
    for row in ("ridge [b] 2 0 0 0.1.0", "fails 0 2 0 0.1.0", "mean 0 0 2"):
        assert row in lines
    assert "6 trials in all, 2 of them failed" in lines
    assert 'warning: left out: study "gone": learners[0].use: cannot import "sklearn.gone' in " ".join(lines)


def test_a_study_that_cannot_be_imported_does_not_block_the_others(path):
    # catches: a renamed learner that blocks every study of the store; a study left out without a warning
    with Store(path) as store:
        store.keep_study(tiny(MEAN, name="gone"))
        store.keep_study(tiny(RIDGE, name="here"))
        lose_dummy(store, "gone")
    done = layerwise("resume", path, "--jobs", "1")
    assert done.status == 1
    assert 'warning: left out: study "gone": learners[0].use: cannot import "sklearn.gone' in " ".join(done.lines)
    assert "here: 2 trials" in done.lines
    assert len(pd.read_csv(path.parent / "results.csv")) == 2
    done = layerwise("export", path, "-o", "all.csv")
    assert done.status == 1
    assert 'warning: rows without labels: study "gone": learners[0].use: cannot import "sklearn.gone' in " ".join(
        done.lines
    )
    assert len(pd.read_csv(path.parent / "all.csv")) == 2
    done = layerwise("report", path, "-o", "report.html", group=None)
    assert done.status == 1
    assert 'left out: study "gone"' in " ".join(done.lines)
    assert "all 2 trials done" in (path.parent / "report.html").read_text(encoding="utf-8")
    with Store(path) as store:
        store._database.connection.execute("DELETE FROM study WHERE name = 'here'")
    done = layerwise("resume", path)
    assert done.status == 1
    assert "left out" in " ".join(done.lines)


def test_a_second_run_is_refused_before_it_does_anything(path):
    # catches: two runs of one store that each do all the work; a figure or table written by the refused one
    (path.parent / "s.toml").write_text(tiny().to_toml())
    with Store(path) as store, store.writing():
        store.keep_study(tiny())
        for command in (("run", "s.toml", "--store", path), ("resume", path)):
            with pytest.raises(UserError, match=r"is being written by process \d+ on .* since .* UTC\. Wait"):
                layerwise(*command)
        for command in (("status", path), ("export", path, "-o", "x.csv")):
            assert layerwise(*command).status == 0
    assert not (path.parent / "results.csv").exists()
    assert layerwise("resume", path, "--jobs", "1").status == 0


def test_a_store_of_another_schema_is_refused_by_every_command(path):
    # catches: columns of another schema misread, or changed by looking at them
    with Store(path) as store:
        run_study(tiny(), store)
        store._database.connection.execute("PRAGMA user_version = 2")
    (path.parent / "s.toml").write_text(tiny().to_toml())
    before = path.read_bytes()
    for command in (
        *(["status", path], ["resume", path], ["run", "s.toml", "--store", path], ["export", path, "-o", "x.csv"]),
        *(["merge", "into.sqlite", path], ["merge", path, path]),
    ):
        with pytest.raises(UserError, match=r"study\.sqlite was written by another version of layerwise \(schema 2;"):
            layerwise(*command)
    with pytest.raises(UserError, match="schema 2"):
        layerwise("report", path, group=None)
    assert path.read_bytes() == before


def test_the_log_of_a_killed_run_is_named(path):
    # catches: a user who copies study.sqlite alone after a kill, and loses the last trials
    with Store(path) as store:
        run_study(tiny(), store)
        store.add(tiny(seeds=3).trials()[-1], Outcome(0.5, 0.1))  # after the run: in the log
        assert layerwise("status", path).lines[-1] == (
            "the last trials are in study.sqlite-wal: copy it together with study.sqlite"
        )
        path.with_name("copy.sqlite").write_bytes(path.read_bytes())
    assert layerwise("status", path).lines[-1] == "3 trials in all, 0 of them failed"
    for command in (["status", "copy.sqlite"], ["merge", "into.sqlite", "copy.sqlite"]):
        with pytest.warns(UserWarning, match=r"copy\.sqlite was in use.*copy\.sqlite-wal is not beside it"):
            assert layerwise(*command).status == 0


def test_studies_of_one_name_have_different_titles(path):
    # catches: a merged store whose two sections of one name nothing tells apart
    for name, dims in (("a", [3]), ("b", [4])):
        with Store(path.with_name(f"{name}.sqlite")) as store:
            run_study(tiny(dims=dims), store)
    assert layerwise("merge", path, "a.sqlite", "b.sqlite").status == 0
    titles = [line.split(", last run")[0] for line in layerwise("status", path).lines if ", last run" in line]
    assert len({*titles}) == 2
    assert all(re.fullmatch(r"tiny \([0-9a-f]{8}\)", title) for title in titles)
    layerwise("export", path, "-o", "all.csv")
    table = pd.read_csv(path.parent / "all.csv")
    assert list(table.drop_duplicates("study")["study"]) == titles
    layerwise("report", path, "-o", "report.html", group=None)
    page = (path.parent / "report.html").read_text(encoding="utf-8")
    for title in titles:
        assert f">{title}</h2>" in page
        assert f">{title}</a>" in page


def test_merge_joins_and_refuses(path):
    # catches: a conflict that is only a traceback; sources that are changed
    stores = [path.with_name(f"{name}.sqlite") for name in ("a", "b")]
    for place, learner in zip(stores, (RIDGE, MEAN), strict=True):
        with Store(place) as store:
            run_study(tiny(learner), store)
            run_study(tiny(FAILS, name="fails"), store)
    done = layerwise("merge", path, *stores)
    assert "6 trials added, 2 were there already" in done.lines[0]
    assert done.lines[-1].endswith("study.sqlite")
    with Store(stores[0]) as store:
        trial = tiny().trials()[0]
        store.add(trial, Outcome(0.125, 0.1))
    with pytest.raises(UserError, match=r"Ridge on SingleIndex .*risk = .* and 0\.125 in .*a\.sqlite"):
        layerwise("merge", path, stores[0])


@pytest.mark.parametrize(("name", "read"), [("t.csv", pd.read_csv), ("deep/t.parquet", pd.read_parquet)])
def test_export_writes_every_trial(path, name, read):
    # catches: mixed columns that Parquet cannot hold; digits lost in CSV
    with Store(path) as store:
        result = run_study(tiny(RIDGE, FAILS), store)
    assert layerwise("export", path, "-o", name).status == 0
    table = read(path.parent / name)
    assert sorted(table["risk"].dropna()) == sorted(result.table["risk"].dropna())
    assert table["error"].notna().sum() == 2


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("UPDATE trial SET metrics = '{x' WHERE rowid = 2", "row 2 of the table trial has metrics that are not a JSON"),
        (
            "UPDATE trial SET metrics = '[1]' WHERE rowid = 2",
            "row 2 of the table trial has metrics that are not a JSON",
        ),
        ("UPDATE trial SET risk = 'low' WHERE rowid = 2", "row 2 of the table trial has 'low' instead of a number"),
        ("UPDATE trial SET risk = NULL WHERE rowid = 2", "row 2 of the table trial has neither a risk nor an error"),
        (
            "UPDATE trial SET definition = replace(definition, '\"seed\":1', '\"seed\":7')",
            "row 2 of the table trial has a definition that does not match its key",
        ),
        ("UPDATE study SET definition = '{x'", "row 1 of the table study has a definition that does not match its key"),
    ],
)
def test_a_damaged_row_is_named_by_every_command(path, damage, words):
    # catches: a traceback; another trial's value taken for this one's; a wrong cause from closing the file
    with Store(path) as store:
        run_study(tiny(), store)
        store._database.connection.execute(damage)
    (path.parent / "s.toml").write_text(tiny().to_toml())
    before = path.read_bytes()
    for command in (
        *(["status", path], ["resume", path], ["run", "s.toml", "--store", path], ["export", path, "-o", "x.csv"]),
        *(["merge", "into.sqlite", path], ["merge", path, "into.sqlite"]),
    ):
        with pytest.raises(UserError, match=f"study.sqlite is damaged: {words}.*DELETE FROM t?s?.*WHERE rowid = "):
            layerwise(*command)
    with pytest.raises(UserError, match=words):
        layerwise("report", path, group=None)
    assert path.read_bytes() == before
    with Store(path) as store:  # the remedy in the message
        table, rowid = words.split()[5], words.split()[1]
        store._database.connection.execute(f"DELETE FROM {table} WHERE rowid = {rowid}")
    assert layerwise("run", "s.toml", "--store", path, "--jobs", "1").status == 0
    assert layerwise("status", path).lines[-1] == "2 trials in all, 0 of them failed"


@pytest.mark.parametrize("command", [["status"], ["resume"], ["export", "-o", "x.csv"], ["merge", "into.sqlite"]])
def test_a_store_that_is_missing_is_not_made(path, command):
    # catches: an empty store created at a mistyped path, and "0 trials" reported for it
    with pytest.raises(UserError, match=r"study\.sqlite does not exist"):
        layerwise(*command, path)
    assert not path.exists()


def test_what_cannot_be_written_or_resumed_is_refused(path):
    # catches: a store overwritten by its own export; an empty store resumed to nothing
    Store(path).close()
    with pytest.raises(UserError, match=r"x\.xlsx must end in \.csv or \.parquet"):
        layerwise("export", path, "-o", "x.xlsx")
    path.rename(path.with_name("store.csv"))
    Store(path).close()
    with pytest.raises(UserError, match=r"store\.csv is an SQLite file, perhaps the store of a study"):
        layerwise("export", path, "-o", "store.csv")
    with pytest.raises(UserError, match="would overwrite"):
        layerwise("export", path.with_name("store.csv"), "-o", "store.csv")
    with pytest.raises(UserError, match="holds no study"):
        layerwise("resume", path.with_name("store.csv"))


def test_a_scheduler_reaches_the_runner(path, monkeypatch):
    # catches: --scheduler and --workers parsed and then ignored
    seen = {}

    class Client:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            seen["closed"] = True

    monkeypatch.setattr(
        "layerwise.studies.execution.dask_workers.connect", lambda address: seen.update(address=address) or Client()
    )
    monkeypatch.setattr("layerwise.studies.run_study", lambda study, store, **options: seen.update(options) or 1 / 0)
    (path.parent / "s.toml").write_text(tiny().to_toml())
    with pytest.raises(ZeroDivisionError):
        layerwise("run", "s.toml", "--scheduler", "tcp://1.2.3.4:8786", "--workers", "processes", "--rerun-changed")
    assert (seen["address"], seen["workers"], seen["closed"]) == ("tcp://1.2.3.4:8786", "processes", True)
    assert isinstance(seen["client"], Client)
    assert (seen["rerun_changed"], seen["retry_failed"]) == (True, False)


def shown(monkeypatch, terminal):
    output = io.StringIO()
    monkeypatch.setattr(_progress, "console", Console(file=output, force_terminal=terminal, width=100))
    return output


def test_progress_in_lines(monkeypatch):
    # catches: a log file without a line all night, or with one line per trial
    output = shown(monkeypatch, False)
    monkeypatch.setattr(_progress, "LINE_SECONDS", -1.0)
    study = tiny(RIDGE, FAILS)
    with _progress.study_progress(study) as progress:
        run_study(study, started=progress.started, callback=progress.advance)
    lines = output.getvalue().splitlines()
    assert lines[0] == "tiny: 4 trials"
    assert len(lines) == 5
    assert lines[-1].startswith("tiny: 4 of 4 trials, 2 failed, about 0 s left")


def test_progress_as_a_table(monkeypatch):
    # catches: found trials that count twice, a label read as markup, a learner without a risk
    output = shown(monkeypatch, True)
    study = tiny(RIDGE, FAILS, MEAN, name="a [b]")
    found = {study.trials()[0].key: Outcome(0.5, 0.1)}
    with _progress.study_progress(study) as progress:
        progress.started(found, 6)
        for trial in study.trials()[1:4]:
            outcome = (
                Outcome(1.5, 0.1, seconds=0.1)
                if trial.learner_params == {}
                else Outcome(float("nan"), float("nan"), "E")
            )
            progress.advance(0, 6, trial, outcome)
        table = progress.__rich__()
    assert [list(column.cells) for column in table.columns] == [
        [r"ridge \[b]", "fails", "mean"],
        ["2", "0", "0"],
        ["0", "2", "0"],
        ["0", "0", "2"],
        ["1", "", ""],
    ]
    assert "a [b]: about" in output.getvalue()


def test_time_left_goes_by_the_work(monkeypatch):
    # catches: small trials expected to take as long as the largest, which run first
    now = [0.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])
    study = tiny(RIDGE, n=[20, 10**6], seeds=1)
    progress = _progress.StudyProgress(study)
    assert progress.time_left() == "time left unknown"
    now[0] = 10.0
    progress.advance(1, 2, study.trials()[1], Outcome(0.5, 10.0, seconds=10.0))
    assert progress.time_left() == "about 0 s left"
    now[0] = 0.0
    progress = _progress.StudyProgress(study)
    progress.started({study.trials()[1].key: Outcome(0.5, 10.0)}, 2)  # the large one need not run
    now[0] = 10.0
    progress.advance(2, 2, study.trials()[0], Outcome(0.5, 1.0, seconds=1.0))
    assert progress.time_left() == "about 0 s left"


@pytest.mark.parametrize(("seconds", "text"), [(59, "59 s"), (90, "1.5 min"), (7200, "2.0 h"), (129600, "1.5 d")])
def test_durations(seconds, text):
    assert _progress._duration(seconds) == text
