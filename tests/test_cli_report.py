"""`layerwise report` and `layerwise watch`: the real command in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

pytestmark = pytest.mark.slow  # each test starts processes

STUDY = """
name = "tiny & <b>bold</b>"
dims = [3, 5]
n = [20, 40]
seeds = 2
n_test = 100

[[targets]]
label = "He2"
use = "SingleIndex"
params = { link = "he2" }

[[learners]]
label = "ridge = [red]"
use = "sklearn.linear_model.Ridge"
"""
COMMAND = [sys.executable, "-c", "from layerwise.cli import main; main()"]
ENVIRONMENT = os.environ | {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"}


def layerwise(*arguments, cwd):
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder in which the study has run."""
    folder = tmp_path_factory.mktemp("studies")
    (folder / "tiny.toml").write_text(STUDY)
    done = layerwise("study", "run", "tiny.toml", "-j", 1, "--store", "tiny.sqlite", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "copy.sqlite").write_bytes((folder / "tiny.sqlite").read_bytes())
    return folder


def test_report(folder):
    # catches: studies of the store that the command ignores, labels interpreted as markup
    done = layerwise("report", "tiny.sqlite", "-o", "page/report.html", "--predicted", "ridge = [red]=2", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "page/report.html"
    text = (folder / "page" / "report.html").read_text(encoding="utf-8")
    assert "tiny &amp; &lt;b&gt;bold&lt;/b&gt;</h1>" in text
    assert "all 8 trials done" in text
    assert "8 trials run by layerwise" in text


def test_report_of_a_file(folder):
    # catches: --study that has no effect
    (folder / "other.toml").write_text(STUDY.replace("tiny &", "other &").replace("dims = [3, 5]", "dims = [3, 7]"))
    done = layerwise("report", "tiny.sqlite", "--study", "other.toml", "--threshold", "0.9", cwd=folder)
    assert done.returncode == 0
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "4 of 8 trials done" in text
    assert ">0.9</output>" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("report", "gone.sqlite"), "gone.sqlite does not exist"),
        (("report", "tiny.toml"), "is not an SQLite file"),
        (("report", "tiny.sqlite", "-o", "tiny.sqlite"), "--output would overwrite tiny.sqlite"),
        (("report", "tiny.sqlite", "-o", "copy.sqlite"), "copy.sqlite is an SQLite file, perhaps the store of a study"),
        (("report", "tiny.sqlite", "--study", "tiny.toml", "-o", "tiny.toml"), "--output would overwrite tiny.toml"),
        (("report", "tiny.sqlite", "--threshold", "0"), "threshold=0.0 must be a finite number > 0"),
        (("report", "tiny.sqlite", "--predicted", "ridge"), "must be LEARNER=EXPONENT with a number, such as"),
        (("report", "tiny.sqlite", "--predicted", "other=2"), "predicted has the key 'other'; it must be a learner"),
        (("watch", "gone.sqlite"), "gone.sqlite does not exist"),
        (("watch", "tiny.sqlite", "--host", "no-such-host.invalid"), "is not available"),
    ],
)
def test_mistakes_are_one_message(folder, arguments, message):
    # catches: a traceback for an error of the user's
    done = layerwise(*arguments, cwd=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_watch(folder):
    # catches: a wrong address, a Ctrl-C that ends in a traceback, a log line for every request
    command = [*COMMAND, "watch", "tiny.sqlite", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        url = re.match(r"http://127\.0\.0\.1:\d+/", process.stdout.readline()).group()
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(url, timeout=180) as answer:
            assert "all 8 trials done" in answer.read().decode()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=180)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out.strip(), err) == (0, "stopped.", "")
