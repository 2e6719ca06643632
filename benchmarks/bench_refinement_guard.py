"""How often refinement comes out below what it started from, on random targets, by samples per unknown.

Random features (balanced sums and random tensors of degree k) and links (polynomials, kinks, saturation), label noise
0 or .2 standard deviations; R^2 on 20,000 fresh points. "Below" is by more than .01. Of `HierarchicalRegressor`: the
refined learner against the two-stage one and against its stage 1; of `refine`: against its own first two stages.

Run: python benchmarks/bench_refinement_guard.py [k [seeds [dims [ratios]]]], as in: 2 40 8,12,16 1,2,4,8
"""

import sys
from time import perf_counter

import numpy as np

from layerwise.hermite import n_terms
from layerwise.learners import HierarchicalRegressor
from layerwise.learners.hierarchical import basis_blocks
from layerwise.learners.refinement import descend, refine
from layerwise.solvers.link import PolynomialLink, SplineLink
from layerwise.targets import Hierarchical

LINKS = ([0, 1, 0.7, 0.7], "tanh", "relu", "abs", "clip", {"name": "clip", "low": -1, "high": 1}, "sigmoid", "fatigue")


def random_problem(k, d, n, rng, n_fresh=20_000):
    """X, y, X_fresh, y_fresh."""
    feature = {"name": ("balanced_sum", "random_tensor")[rng.integers(2)], "degree": k}
    i = rng.integers(len(LINKS) + 2)
    link = LINKS[i] if i < len(LINKS) else rng.standard_normal(4) * [0, 1, 0.7, 0.5]
    target = Hierarchical(d, feature, link, random_state=rng)
    X = rng.standard_normal((n + n_fresh, d))
    y = target(X)
    noise = 0.2 * rng.integers(2) * y[n:].std()
    return X[:n], y[:n] + noise * rng.standard_normal(n), X[n:], y[n:]


def scores(k, X, y, fresh, y_fresh):
    """R^2 of the refined learner, the two-stage one, its stage 1; of `refine`, its first stages; what it was; time."""

    def r2(prediction):
        return 1 - np.mean((y_fresh - prediction) ** 2) / y_fresh.var()

    plain = HierarchicalRegressor(k, random_state=0).fit(X, y)
    start = perf_counter()
    refined = HierarchicalRegressor(k, refine=True, random_state=0).fit(X, y)
    seconds = perf_counter() - start
    H, H_fresh = basis_blocks(X, k), basis_blocks(fresh, k)
    result, (mean, scale) = refine(H, y), (y.mean(), y.std())
    first, _ = descend(H, (y - mean) / scale, (PolynomialLink, SplineLink), 0, 0, 0.0)
    return {
        "learner": r2(refined.predict(fresh)),
        "two-stage": r2(plain.predict(fresh)),
        "stage 1": r2(plain.feature_polynomial_(fresh)),
        "refine": r2(result.predict(H_fresh)),
        "own": max(r2(mean + scale * stage.predict(H_fresh)) for stage in first),
        "used": refined.refinement_ is not None,
        "seconds": seconds,
    }


def main(k=2, seeds=40, dims="8,12,16", ratios="1,2,4,8"):
    k, dims = int(k), [int(d) for d in dims.split(",")]
    print(f"degree {k}, dims {dims}: out of {seeds}, below by more than .01 (largest deficit)")
    print("n / D  two-stage      stage 1        own stages     refined  R2 two-stage  learner  refine  seconds")
    for ratio in (float(r) for r in ratios.split(",")):
        rows = []
        for seed in range(int(seeds)):
            rng = np.random.default_rng([2026, k, seed])
            d = int(rng.choice(dims))
            rows.append(scores(k, *random_problem(k, d, int(ratio * n_terms(d, k)), rng)))
        column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        cells = []
        for ours, theirs in (("learner", "two-stage"), ("learner", "stage 1"), ("refine", "own")):
            deficit = column[theirs] - column[ours]
            cells.append(f"{np.sum(deficit > 0.01):3d} ({max(deficit.max(), 0):.3f})")
        means = [f"{np.maximum(column[name], -1).mean():.3f}" for name in ("two-stage", "learner", "refine")]
        line = [f"{ratio:<6g}", *(f"{cell:<14}" for cell in cells), f"{column['used'].sum():3d}    "]
        print(*line, f"{means[0]:>12}{means[1]:>10}{means[2]:>8}{np.median(column['seconds']):9.2f}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
