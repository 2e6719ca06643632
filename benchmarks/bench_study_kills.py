"""Fifty SIGKILLs at random times during a study: no trial is lost or run twice, and all values are unchanged.

Each child process runs the missing trials, in threads or in processes, and is killed: half of them at any time from
their start, half soon after their first row. After every kill the store must open and hold all its earlier rows,
unchanged. In the end its values are compared, bit for bit, with those of an uninterrupted run in one thread. If a study
ends before all kills are done, it is checked, and a study with another seed takes the remaining kills.
Run: python benchmarks/bench_study_kills.py
"""

import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from layerwise.studies import LearnerSpec, Sizes, Store, Study, TargetSpec, run_study

KILLS = 50


def study(random_state):
    """Return a study of 2,400 trials."""
    return Study(
        name="to be killed",
        targets=[TargetSpec(label="He2", use="SingleIndex", params={"link": "he2"})],
        learners=[
            LearnerSpec(label="two layers", use="TwoLayerRegressor", params={"width": 100}),
            LearnerSpec(label="random features", use="RandomFeatureRegressor", params={"width": 100}),
            LearnerSpec(label="ridge", use="sklearn.linear_model.Ridge"),
        ],
        dims=[4, 8],
        n=Sizes(times=[10, 20, 40, 80]),
        seeds=100,
        n_test=4096,
        random_state=random_state,
    )


def rows(path):
    """Rows of a store: bytes of the risk and seconds of the fit, which differ in a second run, by key."""
    if not path.exists() or path.stat().st_size == 0:
        return {}
    with Store(path, read_only=True) as store:
        return {row.key: (struct.pack("d", row.outcome.risk), row.outcome.fit_seconds) for row in store.rows()}


def kill_one(path, random_state, workers, rng, early):
    """Start a child process and kill it; return whether it was still running."""
    before = len(rows(path))
    command = [sys.executable, __file__, path, str(random_state), workers]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    if not early:
        while child.poll() is None and len(rows(path)) == before:
            time.sleep(0.01)
    time.sleep(rng.uniform(0, 3.0 if early else 0.4))
    child.send_signal(signal.SIGKILL)
    return child.wait() == -signal.SIGKILL


def kill_and_check(random_state, most, rng):
    """Kill a study at most `most` times, resume it, compare its values; return the kills by kind of worker."""
    whole = study(random_state)
    trials = whole.trials()
    kills = {"threads": 0, "processes": 0}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.sqlite"
        held = {}
        while sum(kills.values()) < most and len(held) < len(trials):
            workers = rng.choice(list(kills))
            kills[workers] += kill_one(path, random_state, workers, rng, early=rng.random() < 0.5)
            found = rows(path)
            assert found.items() >= held.items(), "a row was lost or run again"
            held = found
        print(f"study {random_state}: {len(trials)} trials; killed {kills['threads']} times in threads, ", end="")
        print(f"{kills['processes']} in processes; {len(held)} trials done by then")
        with Store(path) as store:
            resumed = run_study(whole, store, n_jobs=2)
            assert run_study(whole, store, callback=lambda *_: 1 / 0).outcomes == resumed.outcomes
        final = rows(path)
    assert final.items() >= held.items(), "a row was lost or run again"
    uninterrupted = run_study(whole)
    expected = {key: struct.pack("d", outcome.risk) for key, outcome in uninterrupted.outcomes.items()}
    assert {key: risk for key, (risk, _) in final.items()} == expected
    assert len(expected) == len(trials)
    return kills


def main():
    rng, struck, random_state = random.Random(0), Counter(), 0
    while struck.total() < KILLS:
        struck.update(kill_and_check(random_state, KILLS - struck.total(), rng))
        random_state += 1
    assert struck.total() == KILLS
    print(
        f"{KILLS} kills, {struck['threads']} in threads and {struck['processes']} in processes: no trial lost, none run"
    )
    print("twice, all values equal to an uninterrupted run, bit for bit")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with Store(sys.argv[1]) as store:
            run_study(study(int(sys.argv[2])), store, n_jobs=2, workers=sys.argv[3])
    else:
        main()
