"""Kernel ridge regression without the kernel matrix: time and risk beside the exact solution and Nystroem features.

y = sin(2 x_1) + x_2 x_3 + x_4 / 2 + noise of standard deviation 0.5 in d = 30 dimensions, NTK with bias 1. The risk is
the mean squared error of noiseless predictions over the variance, on 2000 new rows. "exact" factorises the matrix for
the penalty that the iterations choose and its neighbours, a decade away; Nystroem features are ``k(X, C) L^{-T}`` with
``k(C, C) = L L'`` for random rows C, with ridge regression by leave-one-out. Targets: a risk within 1 % of the exact
one, and not above that of Nystroem features in the same time.
Run: python benchmarks/bench_large_kernel.py [n] [largest n of the exact solution] [numbers of rows C, or 0]
"""

import sys
from time import perf_counter, process_time

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from layerwise.kernels import NeuralTangentKernel
from layerwise.learners import KernelRegressor
from layerwise.solvers import FeatureBlocks, ridge
from layerwise.solvers.kernel_iterations import iterations_bytes


def function(X):
    return np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + X[:, 3] / 2


def main(n=5000, largest_exact=10_000, *columns):
    rng = np.random.default_rng(0)
    X, X_new = rng.standard_normal((n, 30)), rng.standard_normal((2000, 30))
    y, f_new = function(X) + 0.5 * rng.standard_normal(n), function(X_new)
    kernel = NeuralTangentKernel(2, bias=1.0)
    print(f"n = {n}, d = 30\n{'fit':<44}{'seconds':>9}{'CPU':>9}{'risk':>11}")

    def report(name, fit):
        start, cpu = perf_counter(), process_time()
        predictions = fit()
        seconds, cpu = perf_counter() - start, process_time() - cpu
        risk = np.mean((predictions - f_new) ** 2) / np.var(f_new)
        print(f"{name:<44}{seconds:9.1f}{cpu:9.1f}{risk:11.5f}", flush=True)

    memory = min(8 * 2**30, 1.01 * iterations_bytes(n, int(10 * np.sqrt(n))))
    model = KernelRegressor(kernel, max_memory=memory, random_state=0)
    report(f"conjugate gradients, {memory / 2**30:.2g} GiB", lambda: model.fit(X, y).predict(X_new))
    penalty = model.history_[0]["penalty"]
    for factor in (1.0, 0.1, 10.0) if n <= largest_exact else ():
        exact = KernelRegressor(kernel, penalty=factor * penalty, max_memory=np.inf)
        report(f"exact, {factor:g} times this penalty", lambda exact=exact: exact.fit(X, y).predict(X_new))

    def nystroem(m):
        C = X[rng.permutation(n)[:m]]
        K = kernel(C)
        K[np.diag_indices(m)] += 1e-10 * np.trace(K) / m
        L = cholesky(K, lower=True)

        def features(rows):
            return solve_triangular(L, kernel(C, rows), lower=True).T

        path = ridge(FeatureBlocks(X, features, m), y - y.mean())
        return features(X_new) @ path.coefficients + y.mean()

    for m in filter(None, columns):
        report(f"Nystroem features of {m} rows", lambda m=m: nystroem(m))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
