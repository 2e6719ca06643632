"""The real command in a process of its own: its files, its output, its exit status."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

pytestmark = pytest.mark.slow  # each test starts processes

STUDY = """
name = "tiny"
dims = [3]
n = [20, 40]
seeds = 2
n_test = 100

[[targets]]
label = "He2 <of> x1 / [bold]"
use = "SingleIndex"
params = { link = "he2" }

[[learners]]
label = "ridge"
use = "sklearn.linear_model.Ridge"
"""


COMMAND = [sys.executable, "-c", "from layerwise.cli import main; main()"]
ENVIRONMENT = os.environ | {"COLUMNS": "200", "MPLBACKEND": "module://gone"}  # a Jupyter kernel's, elsewhere


def layerwise(*arguments, cwd):
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False)


def refused(done):
    """Return the message of a command that ended with one line of error, status 2 and no traceback."""
    assert done.returncode == 2
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture
def diabetes(tmp_path):
    path = tmp_path / "diabetes.csv"
    load_diabetes(as_frame=True).frame.to_csv(path, index=False)
    return path


def test_papers_lists_what_can_be_reproduced(tmp_path):
    done = layerwise("papers", cwd=tmp_path)
    assert done.returncode == 0
    assert "damian2022" in done.stdout
    assert "kernel_gap" in done.stdout


def test_fit_prints_saves_and_predicts(tmp_path, diabetes):
    # catches: a saved model that cannot be loaded, or whose predictions differ; files that are not listed
    outputs = ("--save", "m/model.skops", "--predictions", "p.csv", "--report", "r.html")
    done = layerwise("fit", diabetes, "--target", "target", "--learner", "two-layer", *outputs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in (
        "two-layer",
        "ridge",
        "kernel ridge",
        "boosting",
        "mean",
        "442 rows, 10 inputs",
        "direction with",
        " ± ",
    ):
        assert word in done.stdout
    assert done.stdout.split()[-3:] == ["m/model.skops", "p.csv", "r.html"]
    predictions = pd.read_csv(tmp_path / "p.csv")
    table = pd.read_csv(diabetes)
    np.testing.assert_allclose(table["target"].loc[predictions["row"]], predictions["observed"])
    done = layerwise("predict", "m/model.skops", diabetes, "-o", "new.csv", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "columns that the model does not use: target" in done.stdout
    again = pd.read_csv(tmp_path / "new.csv")
    assert np.corrcoef(again["target predicted"], table["target"])[0, 1] > 0.7
    table.drop(columns=["bmi", "s5"]).to_csv(tmp_path / "lacking.csv", index=False)
    message = refused(layerwise("predict", "m/model.skops", "lacking.csv", "-o", "new.csv", cwd=tmp_path))
    assert 'lacks 2 of the 10 columns of the model: "bmi", "s5"' in message


def test_fit_on_the_asian_straddle(tmp_path):
    from layerwise.targets import make_target

    X, y = make_target("asian_straddle").sample(2000, random_state=0)
    pd.DataFrame(X).add_prefix("x").assign(price=y).to_parquet(tmp_path / "straddle.parquet")
    done = layerwise("fit", "straddle.parquet", "--target", "price", "--learner", "two-layer", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    r2 = {line.split()[0]: float(line.split()[-3]) for line in done.stdout.splitlines() if " ± " in line}
    assert r2["two-layer"] > 0.8
    assert r2["ridge"] < 0.2


def test_study_runs_resumes_and_writes(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)
    done = layerwise("study", "run", "study.toml", "--out", "results", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "He2 <of> x1 / [bold]" in done.stdout
    assert "tiny: 4 trials\n" in done.stdout
    written = {path.name for path in (tmp_path / "results").iterdir()}
    assert {"study.sqlite", "results.csv", "risk-He2-of-x1-bold-d3.png", "risk-He2-of-x1-bold-d3.svg"} <= written
    first = pd.read_csv(tmp_path / "results" / "results.csv")
    assert len(first) == 4
    assert (tmp_path / "results" / "risk-He2-of-x1-bold-d3.png").read_bytes()[:4] == b"\x89PNG"
    (tmp_path / "study.toml").write_text(STUDY.replace("seeds = 2", "seeds = 3"))
    with sqlite3.connect(tmp_path / "results" / "study.sqlite") as connection:
        connection.execute("UPDATE trial SET version = '0.0.1'")
    connection.close()
    again = layerwise("study", "run", "study.toml", "--out", "results", cwd=tmp_path)
    assert "tiny: 4 of 6 trials found in the store\n" in again.stdout
    assert again.stderr.startswith("warning: ")
    assert "made by layerwise 0.0.1" in again.stderr
    second = pd.read_csv(tmp_path / "results" / "results.csv")
    assert len(second) == 6
    kept = second[second["seed"] < 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, first)  # fit_seconds too: not run again


def test_a_users_own_target_beside_the_study(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from layerwise.targets import SingleIndex\ndef bump(dim):\n    return SingleIndex(dim, link='he2')\n"
    )
    (tmp_path / "study.toml").write_text(
        STUDY.replace('"SingleIndex"', '"mine.bump"').replace('{ link = "he2" }', "{}")
    )
    done = layerwise("study", "run", "study.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "study" / "results.csv").exists()


def test_failed_trials_are_reported(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY.replace('Ridge"', 'Ridge"\nparams = { alpha = -1.0 }'))
    done = layerwise("study", "run", "study.toml", cwd=tmp_path)
    assert done.returncode == 1, done.stderr  # all of them
    assert "4 trials failed, the first with InvalidParameterError: The 'alpha'" in done.stdout
    assert "--retry-failed" in done.stdout
    assert "alpha" in pd.read_csv(tmp_path / "out" / "study" / "results.csv")["error"].iloc[0]


def test_every_command_imports_from_the_current_folder(tmp_path):
    # catches: an export, beside a status that works, whose rows have no study and no labels
    (tmp_path / "mine.py").write_text("from sklearn.linear_model import Ridge\nclass Mine(Ridge):\n    pass\n")
    (tmp_path / "study.toml").write_text(STUDY.replace("sklearn.linear_model.Ridge", "mine.Mine"))
    assert layerwise("study", "run", "study.toml", "--out", ".", "--jobs", "1", cwd=tmp_path).returncode == 0
    for command in (
        *(("study", "status", "study.sqlite"), ("study", "export", "study.sqlite", "-o", "all.csv")),
        *(("study", "resume", "study.sqlite", "--jobs", "1"), ("report", "study.sqlite")),
    ):
        done = layerwise(*command, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), command
    table = pd.read_csv(tmp_path / "all.csv")
    assert set(table["learner_label"]) == {"ridge"}
    assert set(table["study"]) == {"tiny"}
    (tmp_path / "else").mkdir()
    for command in (("status", "../study.sqlite"), ("export", "../study.sqlite", "-o", "all.csv")):
        done = layerwise("study", *command, cwd=tmp_path / "else")
        assert done.returncode == 1, command
        assert done.stderr.startswith("warning: "), command
        assert 'study "tiny": learners[0].use: cannot import "mine.Mine"' in done.stderr, command


def test_output_that_the_terminal_cannot_encode(tmp_path):
    # catches: a UnicodeEncodeError after the work is done
    (tmp_path / "study.toml").write_text(STUDY.replace('"ridge"', '"Größe λ 漢"'), encoding="utf-8")
    environment = ENVIRONMENT | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    for command, status in (
        (["study", "run", "study.toml", "--out", "Größe 漢", "--jobs", "1"], 0),
        (["study", "status", "Größe 漢/study.sqlite"], 0),
        (["study", "status", "漢"], 2),
    ):
        done = subprocess.run([*COMMAND, *command], cwd=tmp_path, env=environment, capture_output=True, check=False)
        assert done.returncode == status, done.stderr
        assert b"Traceback" not in done.stderr
        assert r"\u6f22" in (done.stdout + done.stderr).decode("ascii")


def test_a_run_goes_on_when_its_output_is_cut_off(tmp_path):
    # catches: `study run ... | head` that stops at the next line of output, its trials unfinished
    (tmp_path / "study.toml").write_text(STUDY)
    command = [*COMMAND, "study", "run", "study.toml", "--out", ".", "--jobs", "1"]
    reader, writer = os.pipe()
    os.close(reader)  # every write raises BrokenPipeError
    try:
        done = subprocess.run(
            command, cwd=tmp_path, env=ENVIRONMENT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(pd.read_csv(tmp_path / "results.csv")) == 4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds = 2", "seeds = 2\nseedz = 3", "Did you mean 'seeds'"),
        ('"SingleIndex"', '"SingleIndx"', "Did you mean 'SingleIndex'"),
        ("link", "lnk", "Did you mean 'link'"),
        ("n = [20, 40]", "n = []", "n"),
        ("name =", "name ==", "is not valid TOML"),
    ],
)
def test_an_invalid_study_is_refused_with_a_message(tmp_path, old, new, message):
    (tmp_path / "study.toml").write_text(STUDY.replace(old, new))
    error = refused(layerwise("study", "run", "study.toml", cwd=tmp_path))
    assert "study.toml" in error
    assert message in error


def test_a_file_that_is_not_a_store_is_refused_and_left_unchanged(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)
    foreign = tmp_path / "notes.txt"
    foreign.write_text("these are my notes, not a store\n" * 40)
    before = foreign.read_bytes()
    assert "notes.txt" in refused(layerwise("study", "run", "study.toml", "--store", foreign, cwd=tmp_path))
    assert foreign.read_bytes() == before


def test_another_programs_database_is_refused(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    with sqlite3.connect(folder / "damian2022.sqlite") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    assert "damian2022.sqlite" in refused(layerwise("reproduce", "damian2022", "--out", folder, cwd=tmp_path))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["reproduce", "damien2022"],
            "paper='damien2022' must be a known key, a Python file or an import path. Did you mean 'damian2022'?",
        ),
        (["study", "run", "missing.toml"], "missing.toml"),
        (["fit", "diabetes.csv", "--target", "price"], 'no column "price"'),
        (["fit", "diabetes.csv", "--target", "target", "--learner", "boost"], "learner='boost' is unknown"),
        (["fit", "diabetes.csv", "--target", "target", "--save", "diabetes.csv"], "would overwrite diabetes.csv"),
        (["fit", "diabetes.csv", "--target", "target", "--predictions", "."], "is a folder"),
        (
            ["fit", "diabetes.csv", "--target", "target", "--save", "a", "--predictions", "../" + "DIR/a"],
            "would overwrite --save",
        ),
        (["fit", "diabetes.csv", "--target", "target", "--save", "diabetes.csv/x/model.skops"], "diabetes.csv"),
        (["reproduce", "damian2022", "--out", "diabetes.csv"], "diabetes.csv"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_invalid_arguments_are_refused_with_a_message(tmp_path, diabetes, arguments, message):
    before = diabetes.read_bytes()
    arguments = [argument.replace("DIR", tmp_path.name) for argument in arguments]
    assert message in refused(layerwise(*arguments, cwd=tmp_path))
    assert diabetes.read_bytes() == before


def test_a_table_that_is_not_of_a_study_is_not_overwritten(tmp_path):
    # catches: a foreign results.csv overwritten; our own not overwritten by the next run
    (tmp_path / "study.toml").write_text(STUDY)
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "results.csv").write_text("n,risk\n1,2\n")
    done = layerwise("study", "run", "study.toml", "--out", "o", "--store", "s.sqlite", cwd=tmp_path)
    assert "results.csv is not a table of a study, and would be overwritten" in refused(done)
    assert (tmp_path / "o" / "results.csv").read_text() == "n,risk\n1,2\n"
    for _ in range(2):
        assert layerwise("study", "run", "study.toml", "--out", "p", cwd=tmp_path).returncode == 0


def test_a_store_that_the_results_would_overwrite(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)
    done = layerwise("study", "run", "study.toml", "--out", "o", "--store", "o/results.csv", cwd=tmp_path)
    assert "would overwrite --store" in refused(done)


PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
SLEEPER = """
import time
from sklearn.linear_model import Ridge
class Sleeper(Ridge):
    def fit(self, X, y):
        time.sleep(0.1 if len(X) > 20 else 600)
        return super().fit(X, y)
"""


def interrupted(child, by=signal.SIGINT, status=130):
    """Send a signal to the process group, as a terminal or a batch system does; return what the command printed."""
    os.killpg(child.pid, by)
    errors = child.communicate(timeout=180)[1]
    assert child.returncode == status
    assert "Traceback" not in errors
    return errors


@pytest.mark.parametrize(
    ("by", "status", "workers"),
    [(signal.SIGINT, 130, "threads"), (signal.SIGTERM, 143, "threads"), (signal.SIGTERM, 143, "processes")],
)
def test_an_interrupt_in_a_study(tmp_path, by, status, workers):
    # catches: KeyboardInterrupt swallowed by Typer; a message that finished trials are kept where they are not; a batch
    # job that dies of SIGTERM silently and leaves its lock; workers that die of it first
    (tmp_path / "mine.py").write_text(SLEEPER)
    (tmp_path / "study.toml").write_text(STUDY.replace("sklearn.linear_model.Ridge", "mine.Sleeper"))
    command = [*COMMAND, "study", "run", "study.toml", "--out", ".", "--jobs", "1", "--workers", workers]
    child = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, start_new_session=True, **PIPES)
    deadline = time.monotonic() + 180
    while rows_in(tmp_path / "study.sqlite") < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    said = interrupted(child, by, status)
    assert said == "interrupted; finished trials are kept, the same command goes on from there.\n"
    assert rows_in(tmp_path / "study.sqlite") == 2
    assert not (tmp_path / "study.sqlite-writer").exists()
    assert not (tmp_path / "study.sqlite-wal").exists()


def rows_in(path):
    if not path.exists():
        return 0
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT count(*) FROM trial").fetchone()[0]
    except sqlite3.Error:  # not laid out yet
        return 0
    finally:
        connection.close()


OWN_PAPER = """
import numpy as np

from layerwise.papers import Claim, Paper, PublishedFigure, Test
from layerwise.papers.statistics import risk
from layerwise.studies import LearnerSpec, SampleComplexityDisplay, Study, TargetSpec


class Mean:
    def fit(self, X, y):
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def study(size):
    return Study(
        name="mean",
        targets=[TargetSpec(label="he2", use="SingleIndex", params={"link": "he2"})],
        learners=[LearnerSpec(label="mean", use=Mean)],
        dims=[3],
        n=[400],
        seeds=5,
        n_test=2000,
    )


claims = tuple(
    Claim(name=name, statement=name, tests=(Test("risk", risk(), 1.0, low, high),))
    for name, low, high in (("learns-nothing", 0.7, 1.3), ("learns-all", 0.0, 0.1))
)
draw = lambda result: SampleComplexityDisplay.from_study(result).figure_
PAPER = Paper("mine2026", "Me.", (PublishedFigure(name="one", caption="c", study=study, draw=draw, claims=claims),))
"""


def test_verify_and_reproduce_a_paper_of_ones_own(tmp_path):
    # catches: a file whose classes the trials cannot import; exit status 0 although a claim is contradicted
    (tmp_path / "mypaper.py").write_text(OWN_PAPER)
    done = layerwise("verify", "mypaper.py", "--size", "small", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "2 claims: 1 supported, 1 contradicted" in done.stdout
    assert json.loads((tmp_path / "out" / "claims.json").read_text())["size"] == "small"
    assert "learns-nothing" in (tmp_path / "out" / "claims.html").read_text()
    done = layerwise("verify", "mypaper/learns-nothing", "--size", "small", cwd=tmp_path)
    assert done.returncode == 2, "a bare module name is not an import path"
    done = layerwise("verify", "mypaper.py/learns-nothing", "--size", "small", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "5 of 5 trials found in the store" in done.stdout
    done = layerwise("reproduce", "mypaper.py", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "5 of 5 trials found in the store" in done.stdout  # the sizes of this paper are equal
    assert (tmp_path / "out" / "mine2026" / "one.png").exists()


@pytest.mark.slow
def test_verify_some_claims_of_the_library(tmp_path):
    """Lemmas of a paper at the small size, by figure: all supported."""
    for name in ("damian2022/gradient", "wang2023/stein", "lee2020/relu_norm", "nichani2023/tangent_kernel"):
        done = layerwise("verify", name, "--size", "small", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr


def test_importing_layerwise_is_light():
    # catches: an extra, matplotlib or pandas imported at the top of a module that everyone imports
    heavy = "('torch', 'dask', 'matplotlib', 'pandas', 'sklearn')"
    code = f"import layerwise, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
