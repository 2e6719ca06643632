"""Expressivity of the representations without training: powers of a linear function.

Random neurons, with ``b_q = E[relu(z) h_q(z)]`` and w ~ N(0, I), for |x| = |beta| = 1 and q even or <= 1:

    E_w[relu(w.x) h_q(w.beta) / b_q] = (x.beta)^q,

because ``relu = sum_k b_k h_k`` and ``E[h_k(w.x) h_q(w.beta)]`` is ``(x.beta)^q`` for k = q and 0 otherwise. The mean
over m neurons has the variance ``(E[relu(w.x)^2 h_q(w.beta)^2] / b_q^2 - (x.beta)^(2q)) / m``.

Hermite features h of degree q represent the power exactly, ``(x.beta)^q = theta.h(x)``. Hence ``(x.beta)^(2q) =
(theta.h(x))^2`` is a single quadratic neuron on them, which a quadratic model can find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from layerwise.hermite import HermitePolynomial, HermiteSeries, design_matrix
from layerwise.papers.paper import Size, by_size

if TYPE_CHECKING:
    import pandas as pd

DIM, POINTS, DRAWS, NEURONS_AT_ONCE = 10, 200, 5, 4096
POWERS = (0, 1, 2, 4)


def random_neurons(size: Size) -> pd.DataFrame:
    """Measure the error of the mean over m neurons at points uniform on the sphere.

    The columns are ``seed``, ``power``, ``neurons``, ``error`` (root mean square over points), ``predicted`` (the same
    from the variance of a neuron), ``ratio`` of both, and ``residual``, that of `hermite_residual`.
    """
    import pandas as pd

    rng = np.random.default_rng(0)
    X = rng.standard_normal((POINTS, DIM))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    beta = np.eye(DIM)[0]
    rows = []
    for q in POWERS:
        for m in [2**k for k in range(6, by_size(size, 13, 17, 21), 2)]:
            predicted = np.sqrt(np.mean(neuron_variance(X @ beta, q)) / m)
            for seed in range(DRAWS):
                error = np.sqrt(np.mean((mean_of_neurons(X, beta, q, m, rng) - (X @ beta) ** q) ** 2))
                rows.append({"seed": seed, "power": q, "neurons": m, "error": error, "predicted": predicted})
    table = pd.DataFrame(rows)
    return table.assign(ratio=table["error"] / table["predicted"], residual=hermite_residual(2))


def mean_of_neurons(X: np.ndarray, beta: np.ndarray, q: int, m: int, rng: np.random.Generator) -> np.ndarray:
    """Return ``(1/m) sum_j relu(w_j.x) h_q(w_j.beta) / b_q`` of shape (n,), for X (n, d) and beta (d,) of norm 1."""
    total, h = np.zeros(len(X)), HermiteSeries.basis(q)
    for start in range(0, m, NEURONS_AT_ONCE):
        W = rng.standard_normal((min(NEURONS_AT_ONCE, m - start), X.shape[1]))
        total += np.maximum(X @ W.T, 0) @ h(W @ beta)
    return total / (m * HermiteSeries.relu(q).coefficients[q])


def neuron_variance(rho: np.ndarray, q: int) -> np.ndarray:
    """Return the variance of ``relu(w.x) h_q(w.beta) / b_q`` at ``rho = x.beta``, of shape (n,).

    With ``w.x = z`` and ``w.beta = rho z + sqrt(1 - rho^2) t``, z and t independent standard normal, the square is a
    polynomial for z > 0. By the symmetry (z, t) -> (-z, -t) the second moment is half of this polynomial's mean.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(q + 3)
    weights = weights / np.sqrt(2 * np.pi)
    z, t = nodes[:, None], nodes[None, :]
    r = rho[:, None, None]
    squares = (z * HermiteSeries.basis(q)(r * z + np.sqrt(1 - r**2) * t)) ** 2 / 2
    second = np.einsum("nij,i,j->n", squares, weights, weights)
    return second / HermiteSeries.relu(q).coefficients[q] ** 2 - rho ** (2 * q)


def hermite_residual(q: int) -> float:
    """Return the largest ``|(theta.h(x))^2 - (x.beta)^(2q)|`` at Gaussian points, theta from the Hermite expansion."""
    rng = np.random.default_rng(0)
    X, beta = rng.standard_normal((POINTS, DIM)), rng.standard_normal(DIM)
    beta /= np.linalg.norm(beta)
    theta = HermitePolynomial.ridge(beta, HermiteSeries.from_monomials(np.eye(q + 1)[q])).to_dense(q)
    return float(np.max(np.abs((design_matrix(X, q) @ theta) ** 2 - (X @ beta) ** (2 * q))))
