"""Norms, definitions and limits of Lee 2020 and its sources, each measured as a table."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize

from layerwise.papers.paper import Size, by_size
from layerwise.targets import LowRankPolynomial, SingleIndex, TwoLayerTeacher
from layerwise.theory import QueryOracle, check_assumptions, predicted_samples, query_gradient_descent

if TYPE_CHECKING:
    import pandas as pd

SEEDS = 6


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)


def relu_norm(size: Size) -> pd.DataFrame:
    """The F_2 norm of the part of degree k of one neuron on the sphere.

    The kernel ``E_w[sigma(w.x) sigma(w.z)]`` has the eigenvalue ``b_k^2 / N_k`` on the N_k harmonics of degree k, where
    b_k^2 is the share of degree k in E sigma^2. That part of a neuron has the square ``b_k^2``, and so the norm
    ``N_k^(1/2)``. Columns: k, dim, ``norm``.
    """
    rows = []
    for k in (2, 4, 8):
        rows += [{"k": k, "dim": dim, "norm": n_harmonics(dim, k) ** 0.5} for dim in (32, 64, 128, 256)]
    return _frame(rows)


def n_harmonics(dim: int, k: int) -> int:
    """Return the dimension of the spherical harmonics of degree k."""
    return comb(dim + k - 1, k) - (comb(dim + k - 3, k - 2) if k > 1 else 0)


def balanced_norms(size: Size) -> pd.DataFrame:
    """``min sum_r |w_r|^4`` over quadratic neurons that represent M, against the nuclear norm; and weight decay.

    With ``f = sum_r a_r (w_r.x)^2`` and a_r = ±1 in equal numbers m/2, M = M_+ - M_-, the least ``sum_r |w_r|^4`` at
    fixed M is ``(2/m) ((tr M_+)^2 + (tr M_-)^2)``. With weights ``a_r`` free, the least ``sum_r (a_r^2 + |w_r|^4) / 2``
    is the nuclear norm: the F_1 norm by weight decay. Columns: seed, ``four`` and ``decay``, the minimum found by
    descent over the formula.
    """
    rows, dim, m = [], 4, 12
    signs = np.repeat([1.0, -1.0], m // 2)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        A = rng.standard_normal((dim, dim))
        values, vectors = np.linalg.eigh((A + A.T) / 2)
        M = (vectors * values) @ vectors.T
        plus, minus = values.clip(0).sum(), (-values).clip(0).sum()
        start = 0.5 * rng.standard_normal((m, dim))

        def four(w: np.ndarray, M=M) -> tuple[float, np.ndarray]:
            W = w.reshape(m, dim)
            gap, sizes = (W.T * signs) @ W - M, np.sum(W**2, axis=1)
            value = np.sum(sizes**2) + 1e4 * np.sum(gap**2)
            return float(value), (4 * sizes[:, None] * W + 4e4 * signs[:, None] * (W @ gap)).ravel()

        def decay(z: np.ndarray, M=M) -> tuple[float, np.ndarray]:
            a, W = z[:m], z[m:].reshape(m, dim)
            gap, sizes = (W.T * a) @ W - M, np.sum(W**2, axis=1)
            value = np.sum(a**2 + sizes**2) / 2 + 1e4 * np.sum(gap**2)
            grad_a = a + 2e4 * np.einsum("ri,ij,rj->r", W, gap, W)
            grad_W = 2 * sizes[:, None] * W + 4e4 * a[:, None] * (W @ gap)
            return float(value), np.concatenate([grad_a, grad_W.ravel()])

        options = {"maxiter": 20000, "maxfun": 40000, "ftol": 1e-15, "gtol": 1e-9}
        found = minimize(four, start.ravel(), jac=True, method="L-BFGS-B", options=options)
        both = minimize(decay, np.concatenate([signs, start.ravel()]), jac=True, method="L-BFGS-B", options=options)
        formula = 2 / m * (plus**2 + minus**2)
        rows.append({"seed": seed, "four": found.fun / formula, "decay": both.fun / np.abs(values).sum()})
    return _frame(rows)


def definitions(size: Size) -> pd.DataFrame:
    """The normalisations of low-rank polynomials, by `check_assumptions`, and the teachers that are such.

    Columns: ``case``, ``wrong`` (1 where the verdict is not the expected one).
    """
    rows = []
    for name, target, expected in (
        ("low-rank polynomial", LowRankPolynomial(12, rank=2, degree=4), True),
        ("polynomial teacher", TwoLayerTeacher(12, width=2, link=[0.0, 0.0, 1.0]), True),
        ("all directions", TwoLayerTeacher(12, width=12, link=[0.0, 0.0, 1.0]), False),
    ):
        holds = check_assumptions(target)["r / d"].holds
        rows.append({"case": name, "wrong": float(holds is not expected)})
    return _frame(rows)


def predictions(size: Size) -> pd.DataFrame:
    """Predicted exponents by learner on a low-rank polynomial of degree 4. Columns: ``learner``, ``error``."""
    from layerwise.learners import ConvexNeuralRegressor, KernelRegressor, MomentRegressor, QuadraticModelRegressor

    target = TwoLayerTeacher(20, width=1, link=[0.0, 0.0, 0.75**0.5, 0.0, 0.5])
    rows = []
    for name, learner, known in (
        ("kernel", KernelRegressor(), 4.0),
        ("quadratic, raw", QuadraticModelRegressor("raw"), 3.0),
        ("quadratic, Hermite", QuadraticModelRegressor("hermite"), 2.0),
        ("moments", MomentRegressor(), 1.0),
        ("F1", ConvexNeuralRegressor(space="F1"), 1.0),
    ):
        exponent = predicted_samples(target, learner).exponent
        rows.append({"learner": name, "error": abs((exponent if exponent is not None else np.inf) - known)})
    return _frame(rows)


def relu_queries(size: Size) -> pd.DataFrame:
    """Correlational queries on ReLU teachers, whose linear and quadratic parts reveal their directions.

    Columns: seed, r, ``overlap`` of the direction found with the span of the teacher's.
    """
    rows, dim = [], by_size(size, 16, 32, 64)
    for seed in range(SEEDS):
        for r in (1, 2):
            W = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, r)))[0].T
            teacher = SingleIndex(dim, link="relu", direction=W[0]) if r == 1 else TwoLayerTeacher(dim, 2, directions=W)
            w = query_gradient_descent(QueryOracle(teacher, 1 / dim), max_queries=20 * dim, random_state=seed)
            rows.append({"seed": seed, "r": r, "overlap": float(np.linalg.norm(W @ w))})
    return _frame(rows)
