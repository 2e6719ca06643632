"""Time of the most expensive operations relative to a plain matrix product of the same size in the same process.

A ratio of 1 is the speed of BLAS; syrk computes half of the general product.
Run: python benchmarks/bench_heavy_primitives.py
"""

from time import perf_counter

import numpy as np

from layerwise.kernels import ArcCosineKernel, NeuralTangentKernel
from layerwise.representations.first_step import half_space_moments
from layerwise.solvers import FeatureBlocks, normal_equations, ridge
from layerwise.solvers.gram import feature_block


def best_of(function, repeats=5):
    times = []
    for _ in range(repeats):
        start = perf_counter()
        function()
        times.append(perf_counter() - start)
    return min(times)


def main():
    rng = np.random.default_rng(0)
    n, d, width = 16384, 32, 1024
    print(f"{'operation':<52}{'relative to':<34}{'ratio':>7}")
    for dtype in (np.float64, np.float32):
        X, W = (rng.standard_normal(shape).astype(dtype) for shape in ((n, d), (width, d)))
        y, b = X[:, 0], rng.standard_normal(width).astype(dtype)
        Phi = feature_block(X, W, b)
        blocks = FeatureBlocks(X, lambda rows, W=W, b=b: feature_block(rows, W, b), width)
        size = f"{np.dtype(dtype).name}, n={n}, d={d}, width={width}"
        other = Phi.copy()  # BLAS recognises the same array as symmetric and does half the work
        gemm = best_of(lambda Phi=Phi, other=other: Phi.T @ other)
        layer = best_of(lambda X=X, W=W: X @ W.T)
        rows = (
            ("streamed normal equations", "general product width x n x width", blocks, normal_equations, gemm),
            ("ridge path of 40 penalties, leave-one-out", "general product width x n x width", blocks, ridge, gemm),
        )
        print(f"\n{size}")
        for name, product, features, function, reference in rows:
            ratio = best_of(lambda f=function, features=features, y=y: f(features, y), 3) / reference
            print(f"{name:<52}{product:<34}{ratio:7.2f}")
        ratio = best_of(lambda X=X, W=W, y=y: half_space_moments(X, y, W)) / (2 * layer)
        print(f"{'first gradient step':<52}{'two products n x d x width':<34}{ratio:7.2f}")
        Z = X[:4096]
        other = Z.copy()
        gemm = best_of(lambda Z=Z, other=other: Z @ other.T)
        for kernel in (ArcCosineKernel(1), NeuralTangentKernel(2)):
            ratio = best_of(lambda k=kernel, Z=Z: k(Z), 3) / gemm
            print(f"{f'{type(kernel).__name__} matrix, n = 4096':<52}{'product 4096 x d x 4096':<34}{ratio:7.2f}")


if __name__ == "__main__":
    main()
