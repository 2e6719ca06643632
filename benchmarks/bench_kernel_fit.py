"""CPU time of kernel ridge regression relative to one fit of scikit-learn's `KernelRidge` with an RBF kernel.

One thread, d = 10, float64, the NTK of two layers, kernel matrix included. Targets at n = 8000: 1.5 for one penalty, 4
for leave-one-out over 20 penalties.
Run: python benchmarks/bench_kernel_fit.py [n]
"""

import sys
from time import process_time

import numpy as np
from scipy.linalg import eigh
from sklearn.kernel_ridge import KernelRidge
from threadpoolctl import threadpool_limits

from layerwise.kernels import NeuralTangentKernel
from layerwise.solvers import kernel_ridge

PENALTIES = np.logspace(0, -8, 20)


def main(n=2000):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 10))
    y = np.sin(X[:, 0]) + 0.3 * rng.standard_normal(n)
    kernel, held_out = NeuralTangentKernel(2, bias=1.0), np.arange(n) % 5 == 0
    fits = {
        "KernelRidge(kernel='rbf'), one penalty": lambda: KernelRidge(kernel="rbf", alpha=1.0).fit(X, y),
        "one penalty": lambda: kernel_ridge(kernel(X), y, 0.01),
        "20 penalties, leave-one-out": lambda: kernel_ridge(kernel(X), y, PENALTIES),
        "20 penalties, a fifth held out": lambda: kernel_ridge(kernel(X), y, PENALTIES, held_out=held_out),
        "the kernel matrix alone": lambda: kernel(X),
        "eigendecomposition alone (LAPACK syevd)": lambda: eigh(kernel(X), driver="evd"),
    }
    print(f"n = {n}\n{'fit':<44}{'seconds':>9}{'ratio':>8}")
    reference = None
    with threadpool_limits(1):
        for name, fit in fits.items():
            times = []
            for _ in range(2 if n <= 4000 else 1):
                start = process_time()
                fit()
                times.append(process_time() - start)
            reference = reference or min(times)
            print(f"{name:<44}{min(times):9.2f}{min(times) / reference:8.2f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
