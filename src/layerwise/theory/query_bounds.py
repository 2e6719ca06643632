"""Lower bounds for correlational queries: near-orthogonal families, the counting argument, and the critical tolerance.

The functions ``f_u(x) = h_p(u . x)`` have ``E f_u f_v = (u . v)^p``. There are ``exp(c eps^2 d)`` unit vectors with
``|u . v| <= eps`` (random vectors are such, with c = 1/4), hence as many functions with correlations of at most eps^p.
One query phi, ``E phi^2 = 1``, can exceed the tolerance tau for few of them: if ``s_j E f_j phi > tau`` for signs s_j
and all j in a set J, then by Cauchy–Schwarz

    |J| tau < E[phi sum_J s_j f_j] <= |sum_J s_j f_j| <= sqrt(|J| + |J|^2 eps^p),   hence   |J| < 1 / (tau^2 - eps^p).

An adversary who answers 0 whenever it may is therefore consistent with some f_u until ``q >= |F| (tau^2 - eps^p) / 2``
queries; the choice ``eps^2 ~ log(q d) / d`` gives the critical tolerance ``(log(q d) / d)^(p/4)`` of Theorem 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from layerwise._validation import Fraction, as_integer, as_points, as_vector
from layerwise.inputs import Array, RandomState, as_generator


def n_near_orthogonal(dim: int, overlap: float) -> float:
    """Return ``exp(eps^2 d / 4)``, a number of unit vectors that exist with pairwise overlaps of at most eps.

    A union bound: ``P(|u . v| > eps) <= 2 exp(-eps^2 d / 2)`` for independent random unit vectors.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, the packing lemma in the proof of Theorem 2.
    """
    Fraction().check(overlap, "overlap")
    return float(np.exp(overlap**2 * as_integer(dim, "dim", 1) / 4.0))


def near_orthogonal_directions(
    dim: int, overlap: float, n_draws: int = 2000, random_state: RandomState = None
) -> Array:
    """Return unit vectors with pairwise overlaps ``|u . v| <= overlap``, kept greedily from random draws.

    Parameters
    ----------
    dim : int
    overlap : float
        eps, between 0 and 1.
    n_draws : int, default 2000
        Number of random unit vectors to choose from.
    random_state : int, Generator, RandomState or None

    Returns
    -------
    ndarray of shape (n, dim)

    Examples
    --------
    >>> U = near_orthogonal_directions(64, 0.4, random_state=0)
    >>> len(U) > n_near_orthogonal(64, 0.4)
    True
    """
    Fraction().check(overlap, "overlap")
    draws = as_generator(random_state).standard_normal((as_integer(n_draws, "n_draws", 1), as_integer(dim, "dim", 1)))
    draws /= np.linalg.norm(draws, axis=1, keepdims=True)
    kept = np.empty_like(draws)
    n = 0
    for u in draws:
        if np.all(np.abs(kept[:n] @ u) <= overlap):
            kept[n], n = u, n + 1
    return kept[:n].copy()


def excluded_by_query(directions: ArrayLike, degree: int, weights: ArrayLike, tolerance: float) -> int:
    """Return how many functions h_p(u_i . x) of a family the answer 0 to one query excludes.

    The query is ``phi = sum_j c_j h_p(u_j . x)``, divided by its 2-norm; f_i is excluded if ``|E f_i phi|`` exceeds the
    tolerance. Queries outside of the span of the family exclude no more.

    Parameters
    ----------
    directions : array-like of shape (n, dim)
        u_j, unit vectors.
    degree : int
        p.
    weights : array-like of shape (n,)
        c_j.
    tolerance : float
        tau.
    """
    U = as_points(directions, name="directions")
    G, c = (U @ U.T) ** as_integer(degree, "degree", 1), as_vector(weights, "weights", len(U))
    return int(np.sum(np.abs(G @ c) > tolerance * np.sqrt(c @ G @ c)))


def max_excluded(tolerance: float, correlation: float) -> float:
    """Return ``1 / (tau^2 - eps)``: no query excludes more functions with pairwise correlations of at most eps.

    Infinite if ``tau^2 <= eps``.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, the counting lemma in the proof of Theorem 2.
    """
    return 1.0 / (tolerance**2 - correlation) if tolerance**2 > correlation else np.inf


def min_queries(n_functions: float, tolerance: float, correlation: float) -> float:
    """Return ``|F| (tau^2 - eps) / 2``, the number of queries below which half of a family is never excluded.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, the counting lemma in the proof of Theorem 2.

    Examples
    --------
    >>> round(min_queries(1000, 0.1, 0.001), 9)
    4.5
    """
    return n_functions / (2.0 * max_excluded(tolerance, correlation))


def critical_tolerance(dim: int, degree: int, n_queries: int) -> float:
    """Return ``(log(q d) / d)^(p/4)``, up to a constant the tolerance above which q queries do not learn h_p(u . x).

    As an answer from n samples has a tolerance of ``n^(-1/2)``, this is ``n ~ (d / log(q d))^(p/2)`` samples.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, Theorem 2 and its corollary.

    Examples
    --------
    >>> round(critical_tolerance(64, 4, 10_000), 3)
    0.209
    """
    q, d = as_integer(n_queries, "n_queries", 1), as_integer(dim, "dim", 1)
    return float((np.log(q * d) / d) ** (as_integer(degree, "degree", 1) / 4.0))
