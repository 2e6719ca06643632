"""How often refinement makes the learner worse than its two stages, on random targets, by samples per coefficient.

Random features (balanced sums and random tensors of degree k) and links (polynomials, kinks, saturation), with label
noise of 0 or .2 standard deviations; R^2 on 20,000 fresh points of `HierarchicalRegressor` refined, with two stages,
and of stage 1 alone. "Below" means by more than .01. The batch is part of the seed of the targets.

Run: python benchmarks/bench_refinement_guard.py [k [targets [dims [ratios [batch]]]]], e.g. with 3 10 8,12,16 4,8 1
"""

import sys
from time import perf_counter

import numpy as np

from layerwise.hermite import n_terms
from layerwise.learners import HierarchicalRegressor
from layerwise.targets import Hierarchical

LINKS = ([0, 1, 0.7, 0.7], "tanh", "relu", "abs", "clip", {"name": "clip", "low": -1, "high": 1}, "sigmoid", "fatigue")


def random_problem(k, d, n, rng, n_fresh=20_000):
    """Draw X, y, X_fresh and y_fresh."""
    feature = {"name": ("balanced_sum", "random_tensor")[rng.integers(2)], "degree": k}
    i = rng.integers(len(LINKS) + 2)
    link = LINKS[i] if i < len(LINKS) else rng.standard_normal(4) * [0, 1, 0.7, 0.5]
    target = Hierarchical(d, feature, link, random_state=rng)
    X = rng.standard_normal((n + n_fresh, d))
    y = target(X)
    noise = 0.2 * rng.integers(2) * y[n:].std()
    return X[:n], y[:n] + noise * rng.standard_normal(n), X[n:], y[n:]


def scores(k, X, y, fresh, y_fresh):
    """R^2 of the refined learner, two stages and stage 1; whether it is not averaged; its relative time."""

    def r2(prediction):
        return 1 - np.mean((y_fresh - prediction) ** 2) / y_fresh.var()

    start = perf_counter()
    plain = HierarchicalRegressor(k, random_state=0).fit(X, y)
    middle = perf_counter()
    refined = HierarchicalRegressor(k, refine=True, random_state=0).fit(X, y)
    return {
        "refined": r2(refined.predict(fresh)),
        "two-stage": r2(plain.predict(fresh)),
        "stage 1": r2(plain.feature_polynomial_(fresh)),
        "alone": refined.refinement_ is not None and not refined.refinement_.stack,
        "factor": (perf_counter() - middle) / (middle - start),
    }


def table(k, targets, dims, ratios, batch):
    print(
        f"degree {k}, dims {dims}, batch {batch}: number of {targets} targets below by more than .01 (largest deficit)"
    )
    print("n / D   two-stage       stage 1       alone   R2 two-stage  refined   time / two-stage   seeds below")
    for ratio in ratios:
        rows = []
        for seed in range(targets):
            rng = np.random.default_rng([batch, k, seed])
            d = int(rng.choice(dims))
            rows.append(scores(k, *random_problem(k, d, int(ratio * n_terms(d, k)), rng)))
        column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        deficits = [column[name] - column["refined"] for name in ("two-stage", "stage 1")]
        cells = [f"{np.sum(deficit > 0.01):3d} ({max(deficit.max(), 0):.3f})" for deficit in deficits]
        means = [np.maximum(column[name], -1).mean() for name in ("two-stage", "refined")]
        print(
            f"{ratio:<6g}  {cells[0]:<14}  {cells[1]:<12}  {column['alone'].sum():3d}{means[0]:17.3f}{means[1]:9.3f}"
            f"{np.median(column['factor']):14.1f}         {np.flatnonzero(np.max(deficits, axis=0) > 0.01).tolist()}",
            flush=True,
        )


def main(k="2,3", targets=10, dims="8,12", ratios="4", batch=1):
    dims, ratios = [int(d) for d in dims.split(",")], [float(r) for r in ratios.split(",")]
    for degree in k.split(","):
        table(int(degree), int(targets), dims, ratios, int(batch))


if __name__ == "__main__":
    main(*sys.argv[1:])
