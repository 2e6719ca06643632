"""How often learners find structure in labels that were permuted, by kind of table.

Counts of `MomentRegressor` (a direction), `RecursiveFeatureRegressor` (a learnt metric) and
`HierarchicalRegressor(n_features="auto")` (several features), each on tables of its own size. At most 5 of 100 are
aimed at for each kind. The BLAS should use one thread.

Run: OPENBLAS_NUM_THREADS=1 python benchmarks/bench_permuted_labels.py [learner [first seed [tables [kinds]]]],
e.g. with moments 1000 100 gaussian/link,t3/counts
"""

import sys
from time import process_time

import numpy as np

from layerwise.learners import HierarchicalRegressor, MomentRegressor, RecursiveFeatureRegressor

INPUTS = {
    "gaussian": lambda rng, n, d: rng.standard_normal((n, d)),
    "t3": lambda rng, n, d: rng.standard_t(3, (n, d)),
    "lognormal": lambda rng, n, d: np.exp(rng.standard_normal((n, d))),
    "binary": lambda rng, n, d: (rng.random((n, d)) < 0.15).astype(float),
    "correlated": lambda rng, n, d: rng.standard_normal((n, d)) @ (np.eye(d) + 1.5 / d),
    "uniform": lambda rng, n, d: rng.random((n, d)),
}
LABELS = {
    "link": lambda rng, X: np.tanh(2 * X[:, 0]) * np.cos(X[:, 1]) + 0.1 * rng.standard_normal(len(X)),
    "cubic": lambda rng, X: (X[:, 0] + X[:, 1]) ** 3 + rng.standard_normal(len(X)),
    "t2": lambda rng, X: rng.standard_t(2, len(X)),
    "counts": lambda rng, X: rng.poisson(0.3, len(X)).astype(float),
    "exponential": lambda rng, X: np.exp(2 * rng.standard_normal(len(X))),
    "product": lambda rng, X: X[:, 0] * X[:, 1] * (1 + X[:, 2] * X[:, 3]),
}
KINDS = "gaussian/link,t3/counts,lognormal/link,binary/cubic,correlated/cubic,uniform/counts,gaussian/exponential"

#: The learner for a seed, whether it found structure, and the size of its tables.
LEARNERS = {
    "moments": (lambda seed: MomentRegressor(random_state=seed), lambda model: model.rank_ > 0, 200, 6),
    "recursive": (lambda seed: RecursiveFeatureRegressor(random_state=seed), lambda model: model.rank_ > 0, 150, 6),
    "several": (
        lambda seed: HierarchicalRegressor(2, link_width=30, n_features="auto", random_state=seed),
        lambda model: model.several_ is not None,
        90,
        4,
    ),
}


def permuted(kind, seed, n, d):
    """X and labels that do not depend on it."""
    inputs, labels = kind.split("/")
    rng = np.random.default_rng([seed, list(INPUTS).index(inputs), list(LABELS).index(labels)])
    X = INPUTS[inputs](rng, n, d)
    return X, rng.permutation(LABELS[labels](rng, X))


def main(learner="moments", first="0", tables="100", kinds=KINDS):
    make, found, n, d = LEARNERS[learner]
    print(f"{learner}, n = {n}, d = {d}, seeds {first} to {int(first) + int(tables) - 1}: tables with structure")
    for kind in kinds.split(","):
        start = process_time()
        seeds = range(int(first), int(first) + int(tables))
        hits = [seed for seed in seeds if found(make(seed).fit(*permuted(kind, seed, n, d)))]
        print(f"{kind:<22} {len(hits):>3} of {tables} ({process_time() - start:.0f} s)  {hits}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
