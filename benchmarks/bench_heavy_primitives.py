"""The heavy primitives beside the plain matrix product of the same size, in one process.

1 would be the speed of BLAS itself; syrk computes half of the general product. Run:
python benchmarks/bench_heavy_primitives.py
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
    print(f"{'primitive':<52}{'beside':<34}{'ratio':>7}")
    for dtype in (np.float64, np.float32):
        X, W = (rng.standard_normal(shape).astype(dtype) for shape in ((n, d), (width, d)))
        y, b = X[:, 0], rng.standard_normal(width).astype(dtype)
        Phi = feature_block(X, W, b)
        blocks = FeatureBlocks(X, lambda rows, W=W, b=b: feature_block(rows, W, b), width)
        of = f"{np.dtype(dtype).name}, n={n}, d={d}, width={width}"
        other = Phi.copy()  # the same array twice would be recognised as symmetric and cost half
        gemm = best_of(lambda Phi=Phi, other=other: Phi.T @ other)
        layer = best_of(lambda X=X, W=W: X @ W.T)
        rows = (
            ("streamed normal equations", "general product width x n x width", blocks, normal_equations, gemm),
            ("ridge path of 40 penalties, leave-one-out", "general product width x n x width", blocks, ridge, gemm),
        )
        print(f"\n{of}")
        for name, beside, features, function, reference in rows:
            ratio = best_of(lambda f=function, features=features, y=y: f(features, y), 3) / reference
            print(f"{name:<52}{beside:<34}{ratio:7.2f}")
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
