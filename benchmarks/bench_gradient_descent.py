"""Closed forms of 1000 gradient descent steps compared with the literal loop, on 4096 x 2048 features.

Prints the time of each closed form divided by the loop's time in the same process, and the weights' relative error.
Run: python benchmarks/bench_gradient_descent.py
"""

from time import perf_counter

import numpy as np

from layerwise.solvers import chebyshev, largest_stable_step, literal, spectral


def timed(function, *args):
    start = perf_counter()
    result = function(*args)
    return perf_counter() - start, result


def main():
    n, width, n_steps, penalty = 4096, 2048, 1000, 1e-3
    rng = np.random.default_rng(0)
    Phi = np.maximum(rng.standard_normal((n, 32)) @ rng.standard_normal((32, width)) / np.sqrt(32), 0)
    y = rng.standard_normal(n)
    step = largest_stable_step(Phi, penalty) / 2
    literal(Phi, y, 20, step, penalty)  # warm-up
    loop_time, loop = timed(literal, Phi, y, n_steps, step, penalty)
    print(f"{'T = 1000, ' + str((n, width)):<28}{'time/loop':>12}{'speed-up':>10}{'rel. error':>12}")
    for name, method, arguments in (
        ("literal loop", literal, (penalty,)),
        ("Chebyshev expansion", chebyshev, (penalty,)),
        ("eigendecomposition", spectral, (penalty,)),
        ("eigendecomposition, 20 decays", spectral, (np.logspace(-6, 0, 20),)),
    ):
        seconds, u = timed(method, Phi, y, n_steps, step, *arguments)
        error = f"{np.linalg.norm(u - loop) / np.linalg.norm(loop):12.1e}" if u.ndim == 1 else f"{'-':>12}"
        print(f"{name:<30}{seconds / loop_time:10.3f}{loop_time / seconds:10.1f}{error}")


if __name__ == "__main__":
    main()
