"""R^2 of `HierarchicalRegressor(n_features=...)` on 8,000 fresh points, from the data alone, one row for each fit.

Quadratic features p_r on disjoint parts of d rotated inputs, without noise; D = d (d + 1) / 2 is the number of
coefficients of a homogeneous quadratic form. The number of features is given, or chosen ("auto"). The processor time of
a fit is printed; the BLAS should use one thread.

Run: OPENBLAS_NUM_THREADS=1 python benchmarks/bench_several_features.py [seeds [given,auto [rows]]],
e.g. with 101,102 given 0,1
"""

import sys
from time import process_time

import numpy as np

from layerwise.learners import HierarchicalRegressor
from layerwise.targets import MultiFeature


def sum_and_product(Z):
    return (Z[:, 0] + Z[:, 0] * Z[:, 1]) / np.sqrt(2)


def maximum(Z):
    return np.maximum(Z[:, 0], Z[:, 1])


def wave(Z):
    return np.sin(2 * Z[:, 0]) * np.exp(-(Z[:, 1] ** 2) / 2)


def product_and_feature(Z):
    return Z[:, 0] * Z[:, 1] + Z[:, 2]


#: Name, link, d, R, n / D, and the R^2 that is aimed at as a median over seeds.
ROWS = (
    ("(p1 + p1 p2) / sqrt 2", sum_and_product, 16, 2, 8, 0.99),
    ("(p1 + p1 p2) / sqrt 2", sum_and_product, 16, 2, 5, 0.90),
    ("max(p1, p2)", maximum, 16, 2, 8, 0.95),
    ("sin(2 p1) exp(-p2^2 / 2)", wave, 16, 2, 8, 0.90),
    ("p1 p2 + p3", product_and_feature, 18, 3, 12, 0.95),
)


def score(link, d, R, ratio, seed, n_features):
    """R^2, the number of features found, and the processor time of the fit."""
    target = MultiFeature(d, "quadratic", R, link, True, seed)
    n = ratio * d * (d + 1) // 2
    X = np.random.default_rng(seed).standard_normal((n + 8000, d))
    y = target(X)
    start = process_time()
    model = HierarchicalRegressor(n_features=n_features, random_state=seed).fit(X[:n], y[:n])
    seconds = process_time() - start
    return 1 - np.mean((y[n:] - model.predict(X[n:])) ** 2) / y[n:].var(), model.n_features_, seconds


def main(seeds="101,102,103,104", modes="given,auto", rows="0,1,2,3,4"):
    print("n_features  seed  target                       d  n / D     R^2  features  seconds", flush=True)
    found = {}
    for mode in modes.split(","):
        for seed in map(int, seeds.split(",")):
            for i in map(int, rows.split(",")):
                name, link, d, R, ratio, _ = ROWS[i]
                r2, number, seconds = score(link, d, R, ratio, seed, R if mode == "given" else mode)
                found.setdefault((mode, i), []).append(r2)
                print(
                    f"{mode:<10}  {seed:<4}  {name:<25}  {d:>4}  {ratio:>5}  {r2:.4f}  {number:>8}  {seconds:>7.0f}",
                    flush=True,
                )
    for (mode, i), values in found.items():
        name, _, d, _, ratio, aim = ROWS[i]
        print(f"median, {mode}, {name}, d = {d}, n = {ratio} D: {np.median(values):.4f} (aim {aim})")


if __name__ == "__main__":
    main(*sys.argv[1:])
