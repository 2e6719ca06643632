"""Vectorised operations of `HermitePolynomial`: merge, multiply, rotate, evaluate.

A polynomial is a pair (exponents (n_terms, dim), coefficients (n_terms,)); rows need not be unique here.
"""

from __future__ import annotations

from itertools import pairwise
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from layerwise._validation import gigabytes
from layerwise.hermite.multivariate import MAX_MEMORY, index_ranks, multi_indices, n_terms
from layerwise.hermite.univariate import hermite_values, linearisation, sqrt_factorials

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
MAX_PAIRS = 10**8  # pairs of terms: a product of this size takes minutes
CHUNK = 2**25  # entries of the exponent table that a product expands at once
CACHE = 2**20  # bytes of prefix values in one block of an evaluation


def unique_rows(exponents: NDArray[Any]) -> tuple[Ints, Ints]:
    """Return the unique rows in graded colexicographic order, and the position of each row among them.

    The bytes of (degree, alpha_d, ..., alpha_1), big-endian, compare in exactly this order.
    """
    keys = np.empty((len(exponents), exponents.shape[1] + 1), dtype=">u2")
    keys[:, 0] = exponents.sum(axis=1)
    keys[:, 1:] = exponents[:, ::-1]
    packed = keys.view(np.dtype((np.void, keys.shape[1] * 2))).ravel()
    order = np.argsort(packed, kind="stable")
    new = np.ones(len(order), dtype=bool)
    new[1:] = packed[order[1:]] != packed[order[:-1]]
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.cumsum(new) - 1
    return exponents[order[new]].astype(np.int64), places


def merge(exponents: NDArray[Any], coefficients: Floats) -> tuple[Ints, Floats]:
    """Return the canonical form: unique rows in order, equal ones merged, exact zeros dropped."""
    rows, places = unique_rows(exponents)
    sums = np.zeros(len(rows))
    np.add.at(sums, places, coefficients)
    keep = sums != 0
    return rows[keep], sums[keep]


def multiply(a: Ints, a_coefs: Floats, b: Ints, b_coefs: Floats) -> tuple[Ints, Floats]:
    """Multiply two polynomials, by linearisation in each variable that a pair of terms shares."""
    pairs = len(a) * len(b)
    if pairs > MAX_PAIRS:
        raise ValueError(
            f"a product of {len(a)} by {len(b)} terms forms {pairs:.2g} pairs, more than {MAX_PAIRS:.0e}. "
            "Truncate the factors first, or multiply values at points instead of polynomials."
        )
    if pairs == 0:
        return a[:0], a_coefs[:0]
    if len(a) > len(b):
        a, a_coefs, b, b_coefs = b, b_coefs, a, a_coefs
    table = linearisation(int(a.max(initial=0)), int(b.max(initial=0)))
    small_a, small_b = a.astype(np.int16), b.astype(np.int16)
    step = max(1, CHUNK // (len(b) * a.shape[1]))
    parts = [
        merge(*_expand(small_a[i : i + step], a_coefs[i : i + step], small_b, b_coefs, table))
        for i in range(0, len(a), step)
    ]
    return merge(np.concatenate([rows for rows, _ in parts]), np.concatenate([c for _, c in parts]))


def _expand(
    a: NDArray[np.int16], a_coefs: Floats, b: NDArray[np.int16], b_coefs: Floats, table: Floats
) -> tuple[NDArray[np.int16], Floats]:
    """Return all terms of the product, unmerged: a pair is expanded at each variable that both terms contain."""
    left, right = np.divmod(np.arange(len(a) * len(b)), len(b))
    rows = a[left] + b[right]
    coefs = a_coefs[left] * b_coefs[right]
    for i in np.flatnonzero(a.any(axis=0) & b.any(axis=0)):
        m, n = a[left, i], b[right, i]
        shared = np.minimum(m, n)
        if not shared.any():
            continue
        source = np.repeat(np.arange(len(rows)), shared + 1)
        ends = np.cumsum(shared + 1, dtype=np.int64)
        j = np.arange(ends[-1]) - (ends - shared - 1)[source]
        left, right, rows = left[source], right[source], rows[source]
        rows[:, i] -= (2 * j).astype(np.int16)
        coefs = coefs[source] * table[m[source], n[source], j]
    return rows, coefs


def last_variable(exponents: NDArray[Any]) -> Ints:
    """Return the index of the last variable with a nonzero exponent, for each (non-constant) row."""
    return exponents.shape[1] - 1 - np.argmax(exponents[:, ::-1] != 0, axis=1)


def rotate(exponents: Ints, coefs: Floats, U: Floats) -> tuple[Ints, Floats]:
    """Return the terms of ``x -> f(U x)`` for U (r, d) with orthonormal rows.

    By Wick's theorem, for orthonormal u_i, the coefficients of ``prod_i He_{a_i}(u_i.x)`` in the He_beta(x) are those
    of the monomial ``prod_i (u_i.x)^{a_i}`` in the x^beta. Hence monomials are substituted, one linear form per step:
    ``state[row of y-powers, x^gamma]`` replaces the last y of each row by ``sum_j U[last, j] x_j``.
    """
    r, d = U.shape
    if (np.count_nonzero(U, axis=1) == 1).all():  # signed permutation or embedding: terms map to terms
        column = np.argmax(U != 0, axis=1)
        moved = np.zeros((len(exponents), d), dtype=np.int64)
        moved[:, column] = exponents
        return moved, coefs * np.prod(np.sign(U[np.arange(r), column]) ** exponents, axis=1)
    active = np.flatnonzero(U.any(axis=0))
    U, n_active = U[:, active], len(active)
    degrees = exponents.sum(axis=1)
    top = int(degrees.max(initial=0))
    needed = sum(
        8
        * comb(n_active + degree - step - 1, degree - step)
        * (d + min(int((degrees == degree).sum()), comb(r + step - 1, step)))
        for degree in range(top + 1)
        for step in range(degree + 1)
        if (degrees == degree).any()
    )
    if needed > MAX_MEMORY:
        raise ValueError(
            f"rotating a polynomial of degree {top} into {n_active} variables needs {gigabytes(needed)}, "
            f"more than {gigabytes(MAX_MEMORY)}. Truncate it first, or rotate the points instead: f(X @ U.T)."
        )
    indices = multi_indices(n_active, top)
    roots = sqrt_factorials(top)
    start = [n_terms(n_active, degree - 1) if degree else 0 for degree in range(top + 2)]
    rows_out: list[Ints] = [np.zeros((0, d), dtype=np.int64)]
    coefs_out: list[Floats] = [np.zeros(0)]
    for degree in np.unique(degrees):
        powers = exponents[degrees == degree]
        state = (coefs[degrees == degree] / np.prod(roots[powers], axis=1))[:, None]
        for step in range(degree):
            last = last_variable(powers)
            lowered = powers.copy()
            lowered[np.arange(len(powers)), last] -= 1
            powers, places = unique_rows(lowered)
            next_state = np.zeros((len(powers), start[step + 2] - start[step + 1]))
            for j in range(n_active):
                raised = indices[start[step] : start[step + 1]].copy()
                raised[:, j] += 1
                gather = csr_array((U[last, j], (places, np.arange(len(places)))), shape=(len(powers), len(places)))
                next_state[:, index_ranks(raised) - start[step + 1]] += gather @ state
            state = next_state
        found = indices[start[degree] : start[degree + 1]]
        rows = np.zeros((len(found), d), dtype=np.int64)
        rows[:, active] = found
        rows_out.append(rows)
        coefs_out.append(state[0] * np.prod(roots[found], axis=1))
    return np.concatenate(rows_out), np.concatenate(coefs_out)


class Evaluator:
    """Evaluates one polynomial at many points, with one multiplication and addition per term and point.

    A term is its prefix (the term without its last variable) times h_e(x_i). Terms with the same last factor are
    summed: ``f = c_0 + sum_{(e,i)} h_e(x_i) (C V)_{(e,i)}``, where V holds the values of the prefixes, each computed
    as its own prefix times one factor, and C is sparse with one entry per term.
    """

    def __init__(self, exponents: Ints, coefs: Floats) -> None:
        self.dim = exponents.shape[1]
        self.degree = int(exponents.max(initial=0))
        varying = exponents.any(axis=1)
        self.constant = float(coefs[~varying].sum())
        exponents = exponents[varying]
        prefixes, factors = self._split(exponents)
        closure = [prefixes]
        while closure[-1].any():
            proper = unique_rows(closure[-1])[0]
            closure.append(self._split(proper[proper.any(axis=1)])[0])
        nodes = unique_rows(np.concatenate(closure))[0]
        nodes = nodes[np.argsort((nodes != 0).sum(axis=1), kind="stable")]  # prefixes first
        sizes = (nodes != 0).sum(axis=1)
        bounds = np.searchsorted(sizes, np.arange(1, sizes.max(initial=0) + 2)).tolist()
        self.levels = [slice(*pair) for pair in pairwise(bounds)]
        node_prefixes, self.factors = self._split(nodes)
        places = unique_rows(np.concatenate([nodes, node_prefixes, prefixes]))[1]
        row_of_place = np.empty(len(nodes), dtype=np.int64)
        row_of_place[places[: len(nodes)]] = np.arange(len(nodes))
        rows = row_of_place[places[len(nodes) :]]
        self.parents = rows[: len(nodes)]
        self.groups, group = np.unique(factors, return_inverse=True)
        self.n_nodes = len(nodes)
        entries = (coefs[varying], (group.ravel(), rows[len(nodes) :]))
        self.mixing = csr_array(entries, shape=(len(self.groups), len(nodes)))

    def _split(self, exponents: Ints) -> tuple[Ints, Ints]:
        """Return the prefixes, and the last factors encoded as e * dim + i."""
        prefixes = exponents.copy()
        rows, last = np.arange(len(exponents)), last_variable(exponents)
        powers = exponents[rows, last]
        prefixes[rows, last] = 0
        return prefixes, powers * self.dim + last

    def __call__(self, X: NDArray[Any]) -> NDArray[Any]:
        values = np.full(len(X), self.constant, dtype=X.dtype)
        if self.mixing.nnz == 0:
            return values
        mixing = self.mixing.astype(X.dtype)
        block = int(np.clip(CACHE // (X.itemsize * (len(self.groups) + self.n_nodes)), 64, 4096))
        for start in range(0, len(X), block):
            chunk = slice(start, start + block)
            table = hermite_values(np.ascontiguousarray(X[chunk].T), self.degree)
            table = table.reshape(-1, table.shape[-1])
            prefixes = np.empty((self.n_nodes, table.shape[1]), dtype=X.dtype)
            prefixes[0] = 1
            for level in self.levels:
                np.take(prefixes, self.parents[level], axis=0, out=prefixes[level], mode="clip")
                prefixes[level] *= table[self.factors[level]]
            values[chunk] += np.einsum("gb,gb->b", table[self.groups], mixing @ prefixes)
        return values
