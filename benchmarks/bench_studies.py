"""The overhead of a study per trial, and the speed-up from a second core.

The overhead is measured on 5,000 trials whose learner does nothing, with data, a durable row and progress included. It
should be at most 2 ms per trial. The time of a durable row alone is printed for comparison, and that of the trial
without runner and store: drawing data and measuring the risk is a small part with 1,000 test points, and most of the
time with the default of 32,768. The second core is measured on 64 trials of n = 1000, d = 32 and 256 neurons, with each
kind of worker and with one thread in turn; the throughput should be 1.6 times as high on a quiet machine. The printed
speed-up of plain matrix products on two threads shows whether it is: it should be about 2.
Run: python benchmarks/bench_studies.py
"""

import sqlite3
import tempfile
from multiprocessing.pool import ThreadPool
from pathlib import Path
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from layerwise.studies import LearnerSpec, Store, Study, TargetSpec, run, run_study

TARGET = TargetSpec(label="target", use="SingleIndex", params={"link": "he2"})
ROUNDS = 3


class Mean:
    """A learner that does nothing but predict the mean."""

    def fit(self, X, y):
        """Store the mean."""
        self.mean_ = float(y.mean())
        return self

    def predict(self, X):
        """Return the mean."""
        return np.full(len(X), self.mean_)


def seconds(study, **options):
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "study.sqlite") as store:
        start = perf_counter()
        result = run_study(study, store, **options)
        took = perf_counter() - start
    assert result.table["error"].isna().all()
    return took


def durable_row():
    """Seconds to write a row of a trial's size in its own transaction."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "rows.sqlite", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE row (key TEXT PRIMARY KEY, definition TEXT)")
        start = perf_counter()
        for i in range(500):
            connection.execute("INSERT INTO row VALUES (?, ?)", (f"{i:064}", "x" * 300))
        took = perf_counter() - start
        connection.close()
    return took / 500


def alone(trials):
    """Seconds per trial without runner and store."""
    start = perf_counter()
    for trial in trials:
        run(trial)
    return (perf_counter() - start) / len(trials)


def products(n_threads):
    """Seconds for 200 matrix products by `n_threads` threads, with one BLAS thread each."""
    A = np.ones((600, 600))
    work = [None] * 200
    with threadpool_limits(1), ThreadPool(n_threads) as pool:
        start = perf_counter()
        pool.map(lambda _: A @ A, work, chunksize=1)
        return perf_counter() - start


def main():
    learners = [LearnerSpec(label="mean", use=Mean)]
    for n_test, seeds in ((1000, 1000), (2**15, 200)):
        grid = {"dims": [5], "n": [20, 30, 40, 50, 60], "seeds": seeds, "n_test": n_test}
        name = f"{5 * seeds:,} trials without work, {n_test:,} test points"
        tiny = Study(name=name, targets=[TARGET], learners=learners, **grid)
        trials = tiny.trials()
        print(f"{tiny.name}, ms per trial (at most 2 more than the trial alone)")
        for n_jobs in (1, 2):
            row, itself = durable_row(), alone(trials[:200])
            took = seconds(tiny, n_jobs=n_jobs) / len(trials)
            parts = f"a durable row alone {1e3 * row:.2f}, the trial alone {1e3 * itself:.2f}"
            print(f"  {n_jobs} thread{'s' * (n_jobs > 1)}: {1e3 * took:.2f}; {parts}")
        print()

    learners = [LearnerSpec(label="two layers", use="TwoLayerRegressor", params={"width": 256})]
    large = Study(name="64 trials, n = 1000, d = 32, m = 256", targets=[TARGET], learners=learners, dims=[32],
                  n=[1000], seeds=64)  # fmt: skip
    kinds = {
        "1 thread": {"n_jobs": 1, "workers": "threads"},
        "2 threads": {"n_jobs": 2, "workers": "threads"},
        "2 processes": {"n_jobs": 2, "workers": "processes"},
    }
    times = {name: [] for name in kinds}
    quiet = []
    for _ in range(ROUNDS):
        quiet.append(products(1) / products(2))
        for name, options in kinds.items():
            times[name].append(seconds(large, **options))
    print(f"{large.name}: throughput relative to one thread (at least 1.6 on two quiet cores), by round")
    print(f"  {'products':<12} {' '.join(f'{ratio:.2f}' for ratio in quiet)}  (two threads relative to one)")
    for name in kinds:
        ratios = " ".join(f"{one / its:.2f}" for one, its in zip(times["1 thread"], times[name], strict=True))
        print(f"  {name:<12} {ratios}")


if __name__ == "__main__":
    main()
