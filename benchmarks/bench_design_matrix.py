"""Time of the Hermite design matrix relative to one elementwise product of two arrays of its size.

    python benchmarks/bench_design_matrix.py

Each case (n, d, degree) has D = C(d + degree, degree) columns. Two comparisons:

- preallocated: ``design_matrix(X, degree, out=H)`` and ``np.multiply(A, B, out=C)``;
- allocating:   ``design_matrix(X, degree)`` and ``A * B``, both with freshly allocated pages.

A, B, C and H have shape (n, D), column-major order and one dtype. The calls alternate after one warm-up each, and
medians of ``REPEATS`` times are reported. The target is a ratio of at most 3 at n = 20000, d = 20, degree 3, float64.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from layerwise.hermite import design_matrix, n_terms

REPEATS = 9
CASES = [
    (20000, 20, 3, np.float64),
    (20000, 20, 3, np.float32),
    (16384, 20, 3, np.float64),
    (20000, 10, 4, np.float64),
    (20000, 40, 2, np.float64),
    (5000, 20, 4, np.float64),
    (2000, 40, 3, np.float64),
    (100000, 5, 3, np.float64),
    (200, 20, 3, np.float64),
]


def medians(*calls: Callable[[], object]) -> list[float]:
    """Return the median time of each call in milliseconds; the calls alternate."""
    times = np.empty((REPEATS + 1, len(calls)))
    for repeat in range(REPEATS + 1):
        for i, call in enumerate(calls):
            start = perf_counter()
            call()
            times[repeat, i] = perf_counter() - start
    return [1e3 * float(t) for t in np.median(times[1:], axis=0)]


def main() -> None:
    print(f"{'':41}|{'preallocated, ms':^27}|{'allocating, ms':^27}")
    print(
        f"{'n':>7}{'d':>4}{'degree':>7}{'D':>7}{'MB':>7}{'dtype':>9}|"
        + f"{'design':>9}{'product':>9}{'ratio':>7}  |" * 2
    )
    for n, d, degree, dtype in CASES:
        X = np.random.default_rng(0).standard_normal((n, d)).astype(dtype)
        size = n_terms(d, degree)
        A, B, C, H = (np.ones((n, size), dtype=dtype, order="F") for _ in range(4))

        def design(X=X, degree=degree, H=H) -> None:
            design_matrix(X, degree, out=H)

        def product(A=A, B=B, C=C) -> None:
            np.multiply(A, B, out=C)

        def design_fresh(X=X, degree=degree) -> None:
            design_matrix(X, degree)

        def product_fresh(A=A, B=B) -> None:
            A * B

        ours, theirs, ours_fresh, theirs_fresh = medians(design, product, design_fresh, product_fresh)
        print(
            f"{n:>7}{d:>4}{degree:>7}{size:>7}{A.nbytes / 1e6:>7.0f}{np.dtype(dtype).name:>9}|"
            f"{ours:>9.2f}{theirs:>9.2f}{ours / theirs:>7.2f}  |"
            f"{ours_fresh:>9.2f}{theirs_fresh:>9.2f}{ours_fresh / theirs_fresh:>7.2f}  |"
        )


if __name__ == "__main__":
    main()
