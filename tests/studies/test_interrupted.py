"""Interrupted writes: whatever page a crash or a full disk stopped at, every committed trial is found."""

import itertools
import shutil
import sqlite3
import sys
from pathlib import Path

import pandas as pd
import pytest
from throwaway import small_study
from typer.testing import CliRunner

from layerwise import cli
from layerwise.studies import LearnerSpec, Outcome, Store, Study, TargetSpec

PAGE = 4096
STUDY = Study(
    name="tiny",
    targets=[TargetSpec(label="He2", use="SingleIndex", params={"link": "he2"})],
    learners=[LearnerSpec(label="ridge", use="sklearn.linear_model.Ridge")],
    dims=[3],
    n=[20],
    seeds=24,
    n_test=50,
)
TRIALS = STUDY.trials()


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    """The file and log of a killed writer, and the file as a checkpoint would have left it."""
    folder = tmp_path_factory.mktemp("crashed")
    path = folder / "study.sqlite"
    with Store(path) as store:
        store.keep_study(STUDY)
        store.add_all([(trial, Outcome(0.5, 0.1)) for trial in TRIALS[:6]])
    with Store(path) as store:
        for trial in TRIALS[6:-1]:
            store.add(trial, Outcome(0.25, 0.1))
        for name in ("study.sqlite", "study.sqlite-wal"):
            shutil.copy(folder / name, folder / f"killed-{name}")
    file, log = ((folder / f"killed-{name}").read_bytes() for name in ("study.sqlite", "study.sqlite-wal"))
    whole = path.with_name("whole.sqlite")
    whole.write_bytes(file)
    whole.with_name("whole.sqlite-wal").write_bytes(log)
    connection = sqlite3.connect(whole)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    after = whole.read_bytes()  # still marked as in use
    connection.close()
    assert len(after) > len(file) > 2 * PAGE
    return file, log, after


def states(file, after):
    """Name and bytes of the file after a checkpoint that stopped in between."""
    for page in range(len(after) // PAGE + 1):  # pages are written in order
        yield f"up to page {page}", after[: page * PAGE] + file[page * PAGE :]
    for page in range(len(after) // PAGE):  # or in any order, as the disk likes
        old = file.ljust(page * PAGE, b"\0")
        yield (
            f"page {page + 1} alone",
            old[: page * PAGE] + after[page * PAGE : (page + 1) * PAGE] + old[(page + 1) * PAGE :],
        )
    for name, page in (
        ("zeroed", bytes(PAGE)),
        ("half", bytes(512) + file[512:PAGE]),
        ("torn", after[:512] + bytes(PAGE - 512)),
    ):
        yield f"page 1 {name}", page + file[PAGE:]


def run(*arguments):
    done = CliRunner().invoke(cli.app, [*map(str, arguments)], catch_exceptions=False)
    return done.exit_code, " ".join(done.output.split())


def test_every_committed_trial_is_found_after_an_interrupted_checkpoint(crashed, tmp_path, monkeypatch):
    # catches: a header read without the log, so that an intact store "is not an SQLite file"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    file, log, after = crashed
    for i, (state, content) in enumerate(states(file, after)):
        folder = Path(str(i))
        folder.mkdir()
        store = folder / "study.sqlite"
        store.write_bytes(content)
        store.with_name("study.sqlite-wal").write_bytes(log)
        status, said = run("study", "status", store)
        assert (status, "23 trials in all" in said) == (0, True), state
        assert run("study", "export", store, "-o", folder / "t.csv")[0] == 0, state
        assert sorted(pd.read_csv(folder / "t.csv")["risk"]) == [0.25] * 17 + [0.5] * 6, state
        assert store.read_bytes() == content, state
        with Store(store) as opened:  # what `resume` opens
            assert len(opened.outcomes(trial.key for trial in TRIALS)) == 23, state
        assert list(folder.glob("study.sqlite-*")) == [], state
        with Store(store, read_only=True) as opened:
            assert len(list(opened.rows())) == 23, state


def test_resume_runs_only_what_is_missing_after_an_interrupted_checkpoint(crashed, tmp_path, monkeypatch):
    # catches: a store that opens and takes its trials for lost
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    file, log, after = crashed
    store = tmp_path / "study.sqlite"
    store.write_bytes(after[:PAGE] + file[PAGE:])  # as in the report of the fault
    store.with_name("study.sqlite-wal").write_bytes(log)
    status, said = run("study", "resume", store, "--jobs", "1")
    assert status == 0
    assert "tiny: 23 of 24 trials found in the store" in said
    risks = pd.read_csv(tmp_path / "results.csv")["risk"]
    assert (risks == 0.25).sum() == 17
    assert (risks == 0.5).sum() == 6


@pytest.mark.parametrize("grown", [False, True])
def test_an_interrupted_transaction_without_a_log_is_rolled_back(tmp_path, grown):
    # catches: a writer killed while it switched the log on, whose store no reader can open afterwards
    path = tmp_path / "study.sqlite"
    trials = small_study().trials()
    with Store(path) as store:
        store.add_all([(trial, Outcome(0.5, 0.1)) for trial in trials])
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")  # spills pages into the file before the commit
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE trial SET risk = 7.0")
    if grown:
        connection.execute("CREATE TABLE filler (x)")
        connection.executemany("INSERT INTO filler VALUES (?)", [("x" * 3000,)] * 20)
    copy = tmp_path / "killed.sqlite"
    for suffix in ("", "-journal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    connection.execute("ROLLBACK")
    connection.close()
    assert copy.read_bytes() != path.read_bytes()
    with Store(copy, read_only=True) as store:
        assert [row.outcome.risk for row in store.rows()] == [0.5] * len(trials)


def test_what_the_states_are(crashed):
    # catches: states that are all the same, so that the test above cannot fail
    file, _, after = crashed
    contents = [content for _, content in states(file, after)]
    assert contents[0] == file
    assert len({*contents}) > len(after) // PAGE
    assert sum(one != other for one, other in itertools.pairwise(contents)) > len(after) // PAGE
