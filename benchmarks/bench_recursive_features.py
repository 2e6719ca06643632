"""Cost and accuracy of `RecursiveFeatureRegressor`; beside xRFM where it is installed (``pip install xrfm``).

Prints the time of a fit of six rounds divided by that of six eigendecompositions of an n x n matrix in the same
process, then R^2 on 8000 fresh points for targets of a few directions. One seed of a target takes about a minute.
Run: python benchmarks/bench_recursive_features.py [n_seeds]
"""

import sys
from time import perf_counter

import numpy as np
from scipy.linalg import eigh
from sklearn.metrics import r2_score

from layerwise.kernels import GaussianKernel
from layerwise.learners import RecursiveFeatureRegressor
from layerwise.learners.recursive_features import recursion

try:
    import torch
    from xrfm import xRFM
except ImportError:
    xRFM = None


def network(seed, k):
    """A random network of four neurons of k variables."""
    rng = np.random.default_rng(seed)
    W, b, a = 1.5 * rng.standard_normal((4, k)) / np.sqrt(k), rng.standard_normal(4), rng.standard_normal(4)
    return lambda z: np.tanh(z @ W.T + b) @ a


#: Name: dimension, number of samples, number of directions, link.
TARGETS = {
    "tanh(2 z1) cos(z2)": (25, 1500, 2, lambda z: np.tanh(2 * z[:, 0]) * np.cos(z[:, 1])),
    "max(z1, z2, z3)": (25, 1500, 3, lambda z: z.max(axis=1)),
    "tanh(4 z1)": (40, 1000, 1, lambda z: np.tanh(4 * z[:, 0])),
    "sin(2 z1) + |z2|": (25, 1500, 2, lambda z: np.sin(2 * z[:, 0]) + np.abs(z[:, 1])),
    "z1 / (1 + exp(-3 z2))": (25, 1500, 2, lambda z: z[:, 0] / (1 + np.exp(-3 * z[:, 1]))),
    "sin(1.5 sqrt(1 + |z|^2)), 3": (25, 1500, 3, lambda z: np.sin(1.5 * np.sqrt(1 + np.sum(z**2, axis=1)))),
    "network of 2": (25, 1500, 2, network(11, 2)),
    "network of 3, first": (25, 1500, 3, network(12, 3)),
    "network of 3, second": (25, 1500, 3, network(13, 3)),
    "sum of sin(2 x_i), all 15": (15, 2000, 15, lambda z: np.sin(2 * z).sum(axis=1)),
}


def draw(name, seed, n_new=8000):
    d, n, k, link = TARGETS[name]
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.standard_normal((d, k)))[0].T if k < d else np.eye(d)
    X = rng.standard_normal((n + n_new, d))
    y = link(X @ U.T)
    return X[:n], y[:n], X[n:], y[n:]


def seconds(function):
    start = perf_counter()
    function()
    return perf_counter() - start


def cost(n=2000, d=25, n_rounds=6):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    y = np.tanh(2 * X[:, 0]) * np.cos(X[:, 1])
    K = GaussianKernel()(X)
    decomposition = min(seconds(lambda: eigh(K, driver="evd")) for _ in range(2))
    recursion.PATIENCE = n_rounds  # all rounds, whether they gain or not
    fit = seconds(lambda: RecursiveFeatureRegressor(max_rounds=n_rounds, random_state=0).fit(X, y))
    print(f"n = {n}, d = {d}: {fit / decomposition / n_rounds:.1f} eigendecompositions per round, {n_rounds} rounds")


def accuracy_of_peer(X, y, X_new, y_new):
    if xRFM is None:
        return "-"
    n = len(y) * 4 // 5
    parts = [torch.tensor(a, dtype=torch.float32) for a in (X[:n], y[:n, None], X[n:], y[n:, None])]
    model = xRFM(device="cpu", tuning_metric="mse")
    model.fit(*parts)
    return f"{r2_score(y_new, np.ravel(model.predict(torch.tensor(X_new, dtype=torch.float32)))):.4f}"


def main():
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    cost()
    print(f"{'target':<30}{'seed':>5}{'R^2':>9}{'rank':>6}{'rounds':>8}{'xRFM':>9}")
    for name in TARGETS:
        for seed in range(n_seeds):
            X, y, X_new, y_new = draw(name, seed)
            model = RecursiveFeatureRegressor(random_state=seed).fit(X, y)
            row = f"{r2_score(y_new, model.predict(X_new)):9.4f}{model.rank_:6d}{model.n_rounds_:8d}"
            print(f"{name:<30}{seed:>5}{row}{accuracy_of_peer(X, y, X_new, y_new):>9}", flush=True)


if __name__ == "__main__":
    main()
