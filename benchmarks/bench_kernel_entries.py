"""Time per entry of kernels on one core, and relative to the plain NumPy expression of the two-layer NTK.

"matrix" is a Gram matrix of n rows, of which half is computed; "product" is ``kernel.dot``, which computes all entries.
The targets are 15 ns and a ratio of 4 for arc-cosine kernels and the NTK of two layers.
Run: python benchmarks/bench_kernel_entries.py
"""

from time import process_time

import numpy as np
from threadpoolctl import threadpool_limits

from layerwise.kernels import ArcCosineKernel, GaussianKernel, NeuralTangentKernel, NNGPKernel, PolynomialKernel

N, DIM, REPEATS = 2000, 10, 7
KERNELS = (
    ArcCosineKernel(0),
    ArcCosineKernel(1, bias=1.0),
    ArcCosineKernel(2),
    NeuralTangentKernel(2, bias=1.0),
    NeuralTangentKernel(3),
    NeuralTangentKernel(3, bias=1.0),
    NNGPKernel(2, activation="erf"),
    GaussianKernel(),
    PolynomialKernel(3),
)


def nanoseconds(*functions):
    """Least CPU time of each function per entry of an (N, N) matrix; the calls alternate."""
    times = np.full((REPEATS, len(functions)), np.inf)
    for repeat in range(REPEATS):
        for i, function in enumerate(functions):
            start = process_time()
            function()
            times[repeat, i] = process_time() - start
    return times.min(axis=0) / N**2 * 1e9


def plain(X, Z, bias=1.0):
    d = X.shape[1]
    s = X @ Z.T / d + bias
    lengths = np.sqrt(np.sum(X**2, axis=1)[:, None] / d + bias) * np.sqrt(np.sum(Z**2, axis=1) / d + bias)
    cosine = np.clip(s / lengths, -1, 1)
    t = np.arccos(cosine)
    return s * (np.pi - t) / np.pi + lengths * (np.sin(t) + (np.pi - t) * cosine) / np.pi + bias


def main():
    print(f"n = {N}, d = {DIM}\n{'':<62}{'ns per entry':^18}{'plain NTK / ours':^20}")
    print(f"{'kernel':<62}{'matrix':>9}{'product':>9}{'matrix':>10}{'product':>10}")
    with threadpool_limits(1):
        for dtype in (np.float64, np.float32):
            X = np.random.default_rng(0).standard_normal((N, DIM)).astype(dtype)
            alpha = X[:, 0].copy()
            for kernel in KERNELS:
                reference, matrix, product = nanoseconds(
                    lambda X=X: plain(X, X),
                    lambda X=X, kernel=kernel: kernel(X),
                    lambda X=X, kernel=kernel, alpha=alpha: kernel.dot(X, X, alpha),
                )
                name = f"{np.dtype(dtype).name} {kernel!r}".replace(", activation='relu', weight_variance=2.0", "")
                ratios = f"{reference / matrix:10.1f}{reference / product:10.1f}"
                print(f"{name:<62}{matrix:9.1f}{product:9.1f}{ratios}")


if __name__ == "__main__":
    main()
