"""Time of the refined hierarchical learner as a multiple of the time of its two stages, in one process.

Median, least and largest ratio over random targets of `bench_refinement_guard`, and the ratio and processor time for
2000 x 15 tables without hierarchical structure (degree not given). The BLAS should use one thread.

Run: OPENBLAS_NUM_THREADS=1 python benchmarks/bench_refinement_cost.py [targets [batch]]
"""

import sys
from time import process_time

import numpy as np

from bench_refinement_guard import random_problem
from layerwise.hermite import n_terms
from layerwise.learners import HierarchicalRegressor

SETTINGS = ((2, (8, 12, 16), 2), (2, (8, 12, 16), 4), (2, (8, 12, 16), 8), (3, (8, 12), 4), (3, (8, 12), 8))


def seconds(X, y, degree="auto"):
    """Processor time of two stages and of the refined learner."""
    times = []
    for refine in (False, True):
        start = process_time()
        HierarchicalRegressor(degree, refine=refine, random_state=0).fit(X, y)
        times.append(process_time() - start)
    return np.array(times)


def without_structure(rng, n=2000, d=15):
    """X and three labels: an additive function, Friedman's function, and noise."""
    X = rng.standard_normal((n, d))
    u, noise = 1 / (1 + np.exp(-1.7 * X[:, :5].T)), rng.standard_normal(n)
    friedman = 10 * np.sin(np.pi * u[0] * u[1]) + 20 * (u[2] - 0.5) ** 2 + 10 * u[3] + 5 * u[4]
    return X, {"additive": np.sin(X).sum(axis=1) + 0.2 * noise, "Friedman": friedman + noise, "noise": noise}


def main(targets=5, batch=1):
    print("degree  dims            n / D   refined / two stages: median (least to largest)", flush=True)
    seconds(*random_problem(2, 8, 90, np.random.default_rng(0))[:2], 2)
    medians = []
    for k, dims, ratio in SETTINGS:
        factors = []
        for seed in range(int(targets)):
            rng = np.random.default_rng([int(batch), k, seed])
            d = int(rng.choice(dims))
            X, y, *_ = random_problem(k, d, ratio * n_terms(d, k), rng, n_fresh=2000)
            plain, refined = seconds(X, y, k)
            factors.append(refined / plain)
        medians.append(np.median(factors))
        print(
            f"{k:<7} {dims!s:<15} {ratio:<7} {medians[-1]:.1f} ({min(factors):.1f} to {max(factors):.1f})", flush=True
        )
    print(f"median of the settings: {np.median(medians):.1f}")
    X, labels = without_structure(np.random.default_rng([int(batch), 0]))
    for name, y in labels.items():
        plain, refined = seconds(X, y)
        print(f"2000 x 15, {name}: {refined:.1f} s, {refined / plain:.1f} times two stages", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
