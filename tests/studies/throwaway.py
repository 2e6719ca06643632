"""Targets, inputs and learners for tests; studies import them by path."""

from __future__ import annotations

import os
import signal
import struct
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.studies import LearnerSpec, Study, TargetSpec

CALLS: list[tuple[str, Any]] = []  # calls of `Witness`: (method and mark, its data and seed)


class Inputs:
    def __init__(self, dim, scale=1.0):
        self.dim, self.scale = dim, scale

    def sample(self, n, random_state=None):
        return self.scale * np.random.default_rng(random_state).standard_normal((n, self.dim))


class Quadratic:
    """slope * z + z^2 with z = x'u for a random direction u."""

    def __init__(self, dim, slope=1.0, random_state=None):
        self.dim, self.slope = dim, slope
        u = np.random.default_rng(random_state).standard_normal(dim)
        self.direction = u / np.linalg.norm(u)
        self.variance = slope**2 + 2.0

    def __call__(self, X):
        z = X @ self.direction
        return self.slope * z + z**2

    def sample(self, n, noise=0.0, random_state=None, *, inputs=None, noise_distribution="gaussian"):
        rng = np.random.default_rng(random_state)
        X = inputs.sample(n, random_state=int(rng.integers(2**31)))
        noises = {"gaussian": rng.standard_normal(n), "rademacher": rng.choice([-1.0, 1.0], n)}
        return X, self(X) + noise * noises[noise_distribution]


class Mean:
    """The cheapest learner."""

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Witness(Mean):
    """Records the data and the seed it was given in `CALLS`."""

    def __init__(self, mark=0, random_state=None):
        self.mark, self.random_state = mark, random_state

    def fit(self, X, y):
        CALLS.append((f"fit {self.mark}", (X.tobytes(), y.tobytes(), self.random_state)))
        return super().fit(X, y)

    def predict(self, X):
        CALLS.append((f"predict {self.mark}", X.tobytes()))
        return super().predict(X)


class Features:
    """Random features: enough linear algebra for BLAS threads to matter, and a random state."""

    def __init__(self, width=64, pause=0.0, random_state=None):
        self.width, self.pause, self.random_state = width, pause, random_state

    def memory_bytes(self, n_samples, n_features):
        return 8 * self.width * (n_samples + self.width)

    def fit(self, X, y):
        time.sleep(self.pause)
        rng = np.random.default_rng(self.random_state)
        self.W_ = rng.standard_normal((X.shape[1], self.width))
        Z = self._features(X)
        self.head_ = np.linalg.solve(Z.T @ Z + 1e-3 * np.eye(self.width), Z.T @ y)
        return self

    def _features(self, X):
        return np.maximum(X @ self.W_, 0.0)

    def predict(self, X):
        return self._features(X) @ self.head_


class Gated(Features):
    """Waits until the file `gate` exists, ten minutes at most, so that a study cannot end before a test has acted."""

    def __init__(self, gate, width=8, random_state=None):
        super().__init__(width, random_state=random_state)
        self.gate = gate

    def fit(self, X, y):
        end = time.monotonic() + 600
        while not Path(self.gate).exists() and time.monotonic() < end:
            time.sleep(0.02)
        return super().fit(X, y)


class Fails(Mean):
    """Raises if `broken` and n is at least `above`."""

    broken = True

    def __init__(self, above=0):
        self.above = above

    def fit(self, X, y):
        if self.broken and len(X) >= self.above:
            raise RuntimeError(f"cannot learn from {len(X)} rows")
        return super().fit(X, y)


class Interrupts(Mean):
    def fit(self, X, y):
        raise KeyboardInterrupt


class Dies(Mean):
    """Kills its process, every time or until the file `mark` exists.

    If `ready` names a file, waits first until that was modified within half a second, for at most three minutes.
    """

    def __init__(self, mark=None, ready=None):
        self.mark, self.ready = mark, ready

    def fit(self, X, y):
        began = time.monotonic()
        while self.ready is not None and time.time() - Path(self.ready).stat().st_mtime > 0.5:
            if time.monotonic() - began > 180:
                raise TimeoutError("not all workers started")
            time.sleep(0.05)
        if self.mark is None or not Path(self.mark).exists():
            if self.mark is not None:
                Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


class Holds(Mean):
    """Holds `width` MiB during its fit, and counts how many fits run at once."""

    held = 0
    most = 0
    lock = threading.Lock()

    def __init__(self, width=1):
        self.width = width

    def fit(self, X, y):
        block = np.ones((self.width, 2**17))
        with self.lock:
            Holds.held += 1
            Holds.most = max(Holds.most, Holds.held)
        time.sleep(0.02)
        with self.lock:
            Holds.held -= 1
        return super().fit(X, y * block[0, 0])


class PredictsNaN(Mean):
    def predict(self, X):
        return np.full(len(X), np.nan)


def small_study(**changes: Any) -> Study:
    """Two learners, two dimensions, two sizes and three seeds: 18 trials of a few milliseconds in all."""
    definition = {
        "name": "small",
        "targets": [TargetSpec(label="quadratic", use=Quadratic)],
        "learners": [
            LearnerSpec(label="features", use=Features, params={"width": 32}),
            LearnerSpec(label="ridge", use="sklearn.linear_model.Ridge", n=[40]),
        ],
        "inputs": Inputs,
        "dims": [3, 5],
        "n": [40, 160],
        "seeds": 3,
        "noise": 0.5,
        "n_test": 500,
    }
    return Study(**(definition | changes))


def bits(result):
    """Rows of the result, each risk as its eight bytes."""
    rows = result.table[["target", "learner", "dim", "n", "seed", "risk"]].itertuples(index=False)
    return [(*row[:5], struct.pack("d", row[5])) for row in rows]


if __name__ == "__main__":  # run in a child process, which tests kill
    import sys

    from layerwise.studies import Store, run_study

    with Store(sys.argv[1]) as store:
        run_study(Study.from_toml(sys.argv[2]), store, n_jobs=2, workers=sys.argv[3])
