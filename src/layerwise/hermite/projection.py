"""Projection of a function of few variables on Hermite polynomials, by tensor Gauss-Hermite quadrature.

    P_{<=k} f = sum_{|alpha| <= k} c_alpha h_alpha,    c_alpha = E f(x) h_alpha(x),

contracting one axis of the grid at a time: n_nodes^dim (degree + 1) products for the first, fewer for the others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layerwise._validation import as_floats, as_integer, gigabytes
from layerwise.hermite.multivariate import multi_indices
from layerwise.hermite.polynomial import HermitePolynomial
from layerwise.hermite.quadrature import gaussian_rule
from layerwise.hermite.univariate import ROUNDING, hermite_values

MAX_NODES = 2**24  # largest grid, whose values take 128 MiB


def project(
    f: Callable[[NDArray[np.float64]], ArrayLike], dim: int, degree: int, n_nodes: int | None = None
) -> HermitePolynomial:
    """Compute ``P_{<=degree} f`` for a function f of few variables by quadrature, ``c_alpha = E f(x) h_alpha(x)``.

    Parameters
    ----------
    f : callable
        Maps points (n, dim) to values (n,).
    dim, degree : int
    n_nodes : int, optional
        Gauss-Hermite nodes along each axis, ``n_nodes**dim`` in total. The default ``2 * degree + 2`` is exact for
        polynomials f of degree at most ``3 * degree + 3``; pass more for other functions.

    Notes
    -----
    Coefficients below 64 machine epsilons of ``sqrt(E f^2)`` are rounding errors and dropped.
    """
    dim, degree = as_integer(dim, "dim", minimum=1), as_integer(degree, "degree")
    n_nodes = 2 * degree + 2 if n_nodes is None else as_integer(n_nodes, "n_nodes", minimum=1)
    size = n_nodes**dim
    if size > MAX_NODES:
        raise ValueError(
            f"n_nodes={n_nodes} in {dim} variables is a grid of {size:.2g} nodes ({gigabytes(8.0 * size)} of "
            f"values), more than {MAX_NODES:.2g}. Lower n_nodes, or project f on its few relevant directions and "
            "rotate the result; for samples, use degree_spectrum."
        )
    nodes, weights = gaussian_rule(n_nodes)
    values = np.empty(size)
    for start in range(0, size, 2**16):
        flat = np.arange(start, min(start + 2**16, size))
        X = nodes[np.stack(np.unravel_index(flat, (n_nodes,) * dim), axis=1)]
        found = as_floats(f(X), "f(X)")
        if found.shape != flat.shape or not np.isfinite(found).all():
            raise ValueError(
                f"f(X) has shape {found.shape} for {len(X)} points, or is not finite; it must be ({len(X)},) "
                "and finite. Return one number per row."
            )
        values[flat] = found
    analysis = hermite_values(nodes, degree) * weights
    tensor = values.reshape((n_nodes,) * dim)
    energy = tensor**2
    for _ in range(dim):  # contract the leading axis, append its degree as the last
        tensor = np.tensordot(tensor, analysis, axes=(0, 1))
        energy = np.tensordot(energy, weights, axes=(0, 0))
    alphas = multi_indices(dim, degree)
    coefficients = tensor[tuple(alphas.T)]
    coefficients[np.abs(coefficients) <= ROUNDING * np.sqrt(energy)] = 0
    return HermitePolynomial(alphas, coefficients)
