"""Quadrature for the standard Gaussian, for smooth functions and functions with kinks.

    E g(z) = sum_j w_j g(z_j),   z ~ N(0, 1),   sum_j w_j = 1.

Gauss-Hermite with n nodes is exact for polynomials of degree 2n - 1 and converges slowly at a kink.
With kinks the interval [-R, R] is split there, and each piece has n Gauss-Legendre nodes for ``g * density``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_hermitenorm, roots_legendre

from layerwise._validation import as_integer, as_vector


def gaussian_rule(n_nodes: int, kinks: Sequence[float] = ()) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return nodes and weights with ``E g(z) = sum(weights * g(nodes))`` for z ~ N(0, 1).

    Parameters
    ----------
    n_nodes : int
        Number of nodes: in total without kinks, for each piece with kinks; at least 32 is then advisable.
    kinks : sequence of float
        Points where g or a derivative jumps, for example ``(0.0,)`` for ReLU.

    Returns
    -------
    nodes, weights : ndarray
        Sorted nodes, and positive weights that sum to 1.

    Examples
    --------
    >>> nodes, weights = gaussian_rule(64, kinks=(0.0,))
    >>> round(float(weights @ np.maximum(nodes, 0)), 12)  # 1 / sqrt(2 pi)
    0.398942280401
    """
    n_nodes = as_integer(n_nodes, "n_nodes", minimum=1)
    cuts = np.unique(as_vector(kinks, "kinks"))
    if len(cuts) == 0:
        nodes, weights = roots_hermitenorm(n_nodes)
        return nodes, weights / weights.sum()
    # z^(2n) e^{-z^2/2} is concentrated near sqrt(2n), inside [-R, R]; the density at 37 is still a normal number.
    radius = min(4.0 + np.sqrt(2.0 * n_nodes), 37.0)
    edges = np.concatenate([[-radius], cuts[np.abs(cuts) < radius], [radius]])
    unit_nodes, unit_weights = roots_legendre(n_nodes)
    half = np.diff(edges)[:, None] / 2
    nodes = (edges[:-1, None] + half * (1 + unit_nodes)).ravel()
    weights = (half * unit_weights).ravel() * np.exp(-(nodes**2) / 2)
    return nodes, weights / weights.sum()
