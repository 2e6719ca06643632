"""Lemmas and formulas of Damian, Lee, Soltanolkotabi 2022, each measured as a table with one row per seed or case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq

from layerwise.hermite import HermitePolynomial, HermiteSeries
from layerwise.papers.paper import Size, by_size
from layerwise.representations.first_step import half_space_moments
from layerwise.solvers import ridge
from layerwise.targets import HermiteSingleIndex, SingleIndex
from layerwise.theory import (
    QueryOracle,
    check_assumptions,
    critical_tolerance,
    excluded_by_query,
    gradient_terms,
    max_excluded,
    monomial_approximation,
    monomial_error,
    n_near_orthogonal,
    near_orthogonal_directions,
    query_gradient_descent,
)

if TYPE_CHECKING:
    import pandas as pd

SEEDS = 6


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)


def gradient(size: Size) -> pd.DataFrame:
    """The gradient of a neuron on h_1 + h_2 + h_4 of one direction, by formula, by sampling and by degree.

    Columns: ``seed``, ``dim``, ``n``; ``term_2`` and ``term_4``, norms of the terms of degree 2 and 4; ``error_2``, the
    relative error of ``[Hw - w (w'Hw)/2] / sqrt(2 pi)`` for the term of degree 2; ``error``, the relative error of the
    sum of all terms against an average over 2^18 samples; ``noise``, the norm of the error with n samples.
    """
    rows = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        for dim in by_size(size, (8, 16, 32), (8, 16, 32, 64), (8, 16, 32, 64, 128)):
            u, w = np.linalg.qr(rng.standard_normal((dim, 2)))[0].T
            w = u / np.sqrt(dim) + w * np.sqrt(1 - 1 / dim)  # the overlap of a typical random direction
            link = HermiteSeries(np.array([0.0, 1.0, 1.0, 0.0, 1.0]))
            plane = HermitePolynomial(
                np.arange(5)[:, None] * [1, 0], link.coefficients
            )  # along u, in the plane of u, w
            basis = np.stack([u, (w - u * (u @ w)) / np.sqrt(1 - (u @ w) ** 2)])
            terms = gradient_terms(plane, basis @ w) @ basis
            Hw = np.sqrt(2) * u * (u @ w)
            formula = (Hw - w * (w @ Hw) / 2) / np.sqrt(2 * np.pi)
            for n in by_size(size, (1024, 4096), (1024, 4096, 16384), (1024, 4096, 16384, 65536)):
                X = rng.standard_normal((n, dim))
                sampled = half_space_moments(X, link(X @ u), w[None, :])[0]
                row = {"term_2": np.linalg.norm(terms[2]), "term_4": np.linalg.norm(terms[4])}
                row["error_2"] = np.linalg.norm(terms[2] - formula) / np.linalg.norm(formula)
                row["noise"] = np.linalg.norm(sampled - terms.sum(axis=0))
                rows.append({"seed": seed, "dim": dim, "n": n} | row)
    table = _frame(rows)
    large = np.random.default_rng(99).standard_normal((2**18, 4))
    w = np.array([0.6, 0.8, 0.0, 0.0])
    plane = HermitePolynomial(np.arange(5)[:, None] * [1, 0, 0, 0], np.array([0.0, 1.0, 1.0, 0.0, 1.0]))
    sampled = half_space_moments(large, plane(large), w[None, :])[0]
    exact = gradient_terms(plane, w).sum(axis=0)
    return table.assign(error=np.linalg.norm(sampled - exact) / np.linalg.norm(exact))


def queries(size: Size) -> pd.DataFrame:
    """Gradient steps by correlational queries with the tolerance 1/d: overlap with the direction of two targets.

    Columns: ``seed``, ``dim``, ``mixed`` (overlap for h_2 + h_4), ``pure`` (for h_4), ``informative`` (the share of
    queries about h_4 that exceed the tolerance).
    """
    rows = []
    for seed in range(SEEDS):
        for dim in by_size(size, (48,), (48, 96), (48, 96, 192)):
            row: dict[str, Any] = {"seed": seed, "dim": dim}
            for name, link in (("mixed", [0, 0, 1.0, 0, 1.0]), ("pure", [0, 0, 0, 0, 1.0])):
                target = SingleIndex(dim, link=link, direction="random", random_state=seed)
                oracle = QueryOracle(target, tolerance=1 / dim)
                w = query_gradient_descent(oracle, max_queries=20 * dim, random_state=100 + seed)
                row[name] = abs(float(w @ target.direction))
            rows.append(row | {"informative": oracle.n_informative / oracle.n_queries})
    return _frame(rows)


def packing(size: Size) -> pd.DataFrame:
    """Nearly orthogonal directions and the number of functions that one query excludes, against their bounds.

    Columns: ``seed``; ``found`` over ``bound`` directions; ``largest_overlap`` over the allowed one; ``excluded`` over
    ``allowed`` functions h_4(u.x), the query being the sum of eight of them.
    """
    rows = []
    for seed in range(SEEDS):
        dim, overlap, tolerance = 64, 0.4, 0.3
        U = near_orthogonal_directions(dim, overlap, by_size(size, 1000, 4000, 16000), random_state=seed)
        gram = np.abs(U @ U.T) - np.eye(len(U))
        excluded = excluded_by_query(U, 4, (np.arange(len(U)) < 8) * 1.0, tolerance)  # the sum of 8 functions
        row = {"found": len(U) / n_near_orthogonal(dim, overlap), "largest_overlap": gram.max() / overlap}
        rows.append({"seed": seed} | row | {"excluded": excluded / max_excluded(tolerance, overlap**4)})
    return _frame(rows)


def tolerances(size: Size) -> pd.DataFrame:
    """The critical tolerance ``(log(q d) / d)^(p/4)`` by d and p, with q = d^2 queries. Columns: p, dim, tolerance."""
    return _frame(
        [
            {"p": p, "dim": dim, "tolerance": critical_tolerance(dim, p, dim**2) / np.log(dim**3) ** (p / 4)}
            for p in (2, 4, 6)
            for dim in (64, 256, 1024)
        ]
    )


def monomials(size: Size) -> pd.DataFrame:
    """``z^k`` as the mean of m random ReLU neurons. Columns: seed, k, m, ``error`` and ``ratio`` to the exact one."""
    z, rows = np.linspace(-1, 1, 21), []
    for seed in range(SEEDS):
        for k in (2, 3, 4):
            for m in by_size(size, (2**8, 2**12), (2**8, 2**12, 2**16), (2**8, 2**12, 2**16, 2**20)):
                draws = [monomial_approximation(k, m, z, 1000 * seed + i) for i in range(16)]
                error = np.sqrt(np.mean((np.array(draws) - z**k) ** 2))
                exact = np.sqrt(np.mean(monomial_error(k, m, z) ** 2))
                rows.append({"seed": seed, "k": k, "m": m, "error": error, "ratio": error / exact})
    return _frame(rows)


def heads(size: Size) -> pd.DataFrame:
    """Ridge regression with penalty lambda, and least squares with the norm |a| that it gives, by a secular equation.

    The constrained problem ``min |Fa - y|^2, |a| <= B`` is solved through its Lagrange multiplier in the singular basis
    of F. Columns: ``seed``, ``penalty``, ``difference`` (relative, between the two heads), ``norm``.
    """
    rows = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((200, 5))
        F = np.maximum(X @ rng.standard_normal((5, 40)) + rng.standard_normal(40), 0)
        y = X[:, 0] ** 2 - 1 + 0.1 * rng.standard_normal(200)
        U, s, V = np.linalg.svd(F, full_matrices=False)
        for penalty in (1e-3, 1e-2, 1e-1, 1.0):
            head = ridge_head(F, y, penalty)
            radius = np.linalg.norm(head)

            def excess(t: float, weights=s * (U.T @ y), s=s, radius=radius) -> float:
                return float(np.linalg.norm(weights / (s**2 + np.exp(t))) - radius)

            multiplier = np.exp(float(brentq(excess, -20, 20, xtol=1e-13)))  # pyright: ignore[reportArgumentType]
            constrained = V.T @ (s * (U.T @ y) / (s**2 + multiplier))
            difference = np.linalg.norm(constrained - head) / radius
            rows.append({"seed": seed, "penalty": penalty, "difference": difference, "norm": radius})
    return _frame(rows)


def ridge_head(features: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """Return the head that `layerwise.solvers.ridge` fits to features (n, m) and y (n,)."""
    return ridge(features, y, penalty).coefficients


def assumption_checks(size: Size) -> pd.DataFrame:
    """Assumption 2 by `check_assumptions`: rank of H and condition number against hand-computed ones.

    Columns: ``case``, ``rank_error`` and ``condition_error`` (relative), ``verdict_wrong`` (0 or 1).
    """
    from layerwise.targets import MultiIndex

    rows = []
    unequal = {"exponents": [[2, 0], [0, 2]], "coefficients": [1.0, 0.25]}
    cases: list[tuple[str, Any, int, float, bool]] = [
        ("h_2", SingleIndex(12, link="h2"), 1, 1.0, True),
        ("two directions", MultiIndex(12, unequal), 2, 4.0, True),
        ("h_4", HermiteSingleIndex(12, degree=4), 0, np.nan, False),
    ]
    for name, target, rank, condition, holds in cases:
        report = check_assumptions(target)
        measured = report["condition number"].measured
        error = 0.0 if np.isnan(condition) and np.isnan(measured) else abs(measured / condition - 1)
        row = {"case": name, "rank_error": abs(report["rank of H"].measured - rank), "condition_error": error}
        rows.append(row | {"verdict_wrong": float(report["rank of H"].holds is not holds)})
    return _frame(rows)
