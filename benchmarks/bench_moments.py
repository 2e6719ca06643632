"""CPU time of `MomentRegressor` relative to the two-layer learner on the same table, and of its null distributions.

One thread. y depends on four of d = 50 standard Gaussian inputs; orders 1 to 4, 19 permutations of the labels. The
target is a ratio of 3 at n = 100,000.
Run: python benchmarks/bench_moments.py [n]
"""

import sys
from time import process_time

import numpy as np
from threadpoolctl import threadpool_limits

from layerwise.learners import MomentRegressor, TwoLayerRegressor
from layerwise.solvers.moment_nulls import null_quantile
from layerwise.solvers.moment_tensors import leading


def seconds(function):
    start = process_time()
    function()
    return process_time() - start


def main(n=10_000):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 50))
    y = X[:, 0] ** 2 + X[:, 1] * X[:, 2] + 0.5 * X[:, 3] ** 3 + 0.5 * rng.standard_normal(n)
    centred = y - y.mean()
    print(f"n = {n}, d = 50\n{'':<52}{'seconds':>9}{'ratio':>8}")
    with threadpool_limits(1):
        reference = seconds(lambda: TwoLayerRegressor(random_state=0).fit(X, y))
        print(f"{'TwoLayerRegressor':<52}{reference:9.2f}{1:8.2f}")
        ours = seconds(lambda: MomentRegressor(random_state=0).fit(X, y))
        print(f"{'MomentRegressor':<52}{ours:9.2f}{ours / reference:8.2f}")
        for order in (3, 4):
            one = seconds(lambda order=order: leading(X, centred, order, 1, tolerance=0.01))
            all_of_them = seconds(lambda order=order: null_quantile(X, centred, order, 19, np.random.RandomState(0)))
            print(f"{f'order {order}, one vector of labels':<52}{one:9.2f}{1:8.2f}")
            print(f"{f'order {order}, 19 permutations in one pass':<52}{all_of_them:9.2f}{all_of_them / one:8.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
