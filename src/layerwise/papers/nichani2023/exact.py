"""The kernels of Nichani, Damian, Lee 2023, against their formulas and against finite networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from layerwise.activations import as_activation
from layerwise.hermite import HermiteSeries
from layerwise.kernels import ArcCosineKernel, NeuralTangentKernel, activation_kernel
from layerwise.papers.paper import Size, by_size
from layerwise.representations import MiddleStep
from layerwise.targets import Quadratic, QuadraticFeature
from layerwise.theory import check_assumptions

if TYPE_CHECKING:
    import pandas as pd

SEEDS = 6


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)


def _sphere(rng: np.random.Generator, n: int, dim: int) -> np.ndarray:
    X = rng.standard_normal((n, dim))
    return X * np.sqrt(dim) / np.linalg.norm(X, axis=1, keepdims=True)


def eigenvalues(size: Size) -> pd.DataFrame:
    """Eigenvalues of K on linear and traceless quadratic functions on the sphere, over their formulas.

    On the sphere of radius sqrt(d), ``K f = lambda_k f`` for harmonics f of degree k, with ``lambda_1 = c_1^2 / d`` and
    ``lambda_2 = 2 c_2^2 / (d + 2)^2`` for sigma of degree 2, and up to O(1/d) for others. K f is an average over 2^14
    points or more. Columns: seed, ``activation``, degree, ``ratio``.
    """
    rows = []
    dim = by_size(size, 16, 32, 32)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        X, Z = _sphere(rng, by_size(size, 2**14, 2**16, 2**18), dim), _sphere(rng, 200, dim)
        quadratic = Quadratic(dim)
        for name, sigma in (("relu", "relu"), ("h_1 + h_2", [0.0, 1.0, 1.0])):
            activation = as_activation(sigma)
            kernel, factor = activation_kernel(activation, dim)
            c = activation.series(2).coefficients
            for degree, f in ((1, lambda X: X[:, 0]), (2, quadratic)):
                image = factor * kernel.dot(Z, X, f(X)) / len(X)
                value = image @ f(Z) / (f(Z) @ f(Z))
                known = c[1] ** 2 / dim if degree == 1 else 2.0 * c[2] ** 2 / (dim + 2) ** 2
                rows.append({"seed": seed, "activation": name, "degree": degree, "ratio": value / known})
    return _frame(rows)


def tangent_kernel(size: Size) -> pd.DataFrame:
    """The neural tangent kernel and the arc-cosine kernel against gradients of finite networks.

    ``f(x) = sqrt(2/m) sum_j a_j relu(w_j.x / sqrt(d))``, w ~ N(0, I), a ~ N(0, 1). The tangent kernel is the inner
    product of the gradients with respect to a and w. Columns: seed, ``ntk`` and ``arc_cosine``, the ratio of the
    network's kernel to the closed form, averaged over pairs of points, each relative to its value at x = z.
    """
    rows = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        dim, width = 8, by_size(size, 2**14, 2**16, 2**18)
        X = _sphere(rng, 6, dim)
        W, a = rng.standard_normal((width, dim)), rng.standard_normal(width)
        hidden = X @ W.T / np.sqrt(dim)
        slopes = (hidden > 0) * a
        outer = 2 / width * np.maximum(hidden, 0) @ np.maximum(hidden, 0).T
        inner = 2 / width * (slopes @ slopes.T) * (X @ X.T) / dim
        closed_ntk, closed_arc = NeuralTangentKernel(2, 0.0)(X), ArcCosineKernel(1, 0.0)(X)
        pairs = np.triu_indices(6)
        rows.append(
            {
                "seed": seed,
                "ntk": float(np.mean((outer + inner)[pairs]) / np.mean(closed_ntk[pairs])),
                "arc_cosine": float(np.mean(outer[pairs]) / np.mean(closed_arc[pairs])),
            }
        )
    return _frame(rows)


def learnt_feature(size: Size) -> pd.DataFrame:
    """The learnt feature phi against K f*, which is a multiple of x'Ax for f* = x'Ax, as n and m_2 grow.

    Columns: seed, n, ``width`` (0 for infinite), ``distance`` of phi and the best multiple of x'Ax, relative to phi.
    """
    rows, dim = [], 8
    for seed in range(SEEDS):
        target = QuadraticFeature(dim, link=HermiteSeries.basis(1))
        Z = np.random.default_rng(seed).standard_normal((4000, dim))
        p = target.feature(Z)
        for n in by_size(size, (256, 4096), (256, 1024, 4096), (256, 4096, 65536)):
            X, y = target.sample(n, random_state=seed)
            for width in (None, 16, 256):
                phi = MiddleStep(width, random_state=seed).fit(X, y).transform(Z)[:, 0]
                phi = phi - phi.mean()
                cosine = abs(phi @ p) / np.linalg.norm(phi) / np.linalg.norm(p)
                distance = np.sqrt(max(0.0, 1 - cosine**2))
                rows.append({"seed": seed, "n": n, "width": width or 0, "distance": distance})
    return _frame(rows)


def quadratic_assumptions(size: Size) -> pd.DataFrame:
    """``tr A = 0``, ``E (x'Ax)^2 = 1`` and ``|A|_op sqrt(d)`` by `check_assumptions`, against hand-computed values.

    Columns: ``case``, ``norm_error`` of ``|A|_op sqrt(d)``, ``wrong`` (1 for a wrong verdict).
    """
    rows = []
    d = 16
    one = np.zeros((d, d))
    one[0, 0], one[1, 1] = 1.0, -1.0
    for name, matrix, norm, holds in (("alternating", "alternating", 2**-0.5, True), ("rank two", one, 2.0, None)):
        report = check_assumptions(QuadraticFeature(d, matrix=matrix, link="relu"))
        row = next(row for row in report.rows if row.paper == "nichani2023" and "op" in row.assumption)
        wrong = holds is not None and row.holds is not holds
        rows.append({"case": name, "norm_error": abs(row.measured / norm - 1), "wrong": float(wrong)})
    return _frame(rows)
