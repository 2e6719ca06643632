"""Lemmas of Wang, Nichani, Lee 2023, each measured as a table with one row per case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from layerwise.hermite import HermitePolynomial
from layerwise.papers.paper import Size, by_size
from layerwise.targets import Hierarchical, RandomTensor
from layerwise.targets.features import BalancedSum
from layerwise.theory import (
    check_assumptions,
    exact_moment,
    largest_moment,
    moment_bound,
    random_feature_rank,
    stein_alignment,
)

if TYPE_CHECKING:
    import pandas as pd


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)


def stein(size: Size) -> pd.DataFrame:
    """The errors of the approximate Stein lemma for z + .5 h_2 + .5 h_3 of quadratic and cubic balanced sums.

    Columns: k, dim, ``lower`` (norm of the part of lower degree), ``residual`` (``|P_k h - E[g'] p|``), ``cosine`` of
    ``P_k h`` and p.
    """
    rows = []
    for k, dims in ((2, (4, 6, 8, 12, 16)), (3, by_size(size, (4, 6, 8), (4, 6, 8, 10), (4, 6, 8, 10, 12)))):
        for dim in dims:
            feature = {"name": "balanced_sum", "degree": k, "weights": "ones"}
            s = stein_alignment(Hierarchical(dim, feature, [0.0, 1.0, 0.5, 0.5]))
            row = {"lower": s.lower_norm, "residual": s.residual_norm, "cosine": s.cosine}
            rows.append({"k": k, "dim": dim} | row)
    return _frame(rows)


def figure2_facts(size: Size) -> pd.DataFrame:
    """``P_3 h = C_d (3 + 90/d) p`` for the target ``C_d p^3`` of Figure 2: relative errors of norm and cosine."""
    rows = []
    for dim in (8, 16, 24):
        h = Hierarchical(dim, {"name": "balanced_sum", "degree": 3}, "cube", normalize=True)
        size_3 = np.sqrt(h.degree_energies(3)[3])
        rows.append(
            {"dim": dim, "norm": abs(size_3 / (h.scale * (3 + 90 / dim)) - 1), "cosine": 1 - stein_alignment(h).cosine}
        )
    return _frame(rows)


def assumption_4(size: Size) -> pd.DataFrame:
    """Assumption 4 by tensor unfolding on features that satisfy it, and on ones that break one part each.

    Columns: ``case``, ``wrong`` (1 where the verdict is not the expected one).
    """
    d = 12
    e = np.eye(d, dtype=int)
    pairs = HermitePolynomial(e[::2] + e[1::2], np.full(d // 2, (d // 2) ** -0.5))
    unbalanced = HermitePolynomial(2 * e, np.array([20.0, *[1.0] * (d - 1)]) / np.sqrt(400.0 + d - 1))
    lower = HermitePolynomial(np.concatenate([2 * e, e[:1]]), np.full(d + 1, (d + 1) ** -0.5))
    rows = []
    for name, feature, part, expected in (
        ("disjoint products", pairs, "orthogonality", True),
        ("balanced squares", HermitePolynomial(2 * e, np.full(d, d**-0.5)), "L / d", True),
        ("one term", HermitePolynomial(2 * e[:1], np.ones(1)), "L / d", False),
        ("unbalanced", unbalanced, "max", False),
        ("lower degree", lower, "", False),
    ):
        report = check_assumptions(feature, feature, dim=d)
        holds = report.holds("wang2023") if not part or part == "max" else report[part].holds
        rows.append({"case": name, "wrong": float(holds is not expected)})
    return _frame(rows)


def gaussianity(size: Size) -> pd.DataFrame:
    """``E p^4 - 3``, which bounds the distance of p to a Gaussian, by L for balanced sums; and for one product."""
    rows = []
    for k in (2, 3):
        for dim in (4, 8, 16) if k == 2 else (4, 6, 8):
            p = BalancedSum(dim, degree=k).reduced_polynomial
            rows.append({"k": k, "dim": dim, "excess": exact_moment(p, 4) - 3.0})
    return _frame(rows)


def hypercontractivity(size: Size) -> pd.DataFrame:
    """Fourth and sixth moments of random polynomials and the largest one of one variable, relative to the bound."""
    rows = []
    for seed in range(5):
        for k in (1, 2, 3):
            p = RandomTensor(4, degree=k, random_state=seed).reduced_polynomial
            shares = ((q, exact_moment(p, q) / moment_bound(k, q)) for q in (4, 6))
            rows += [{"seed": seed, "k": k, "q": q, "share": share} for q, share in shares]
    table = _frame(rows)
    return table.assign(largest=largest_moment(2, 4)[0])


def ranks(size: Size) -> pd.DataFrame:
    """Rank of m random polynomial features, relative to ``min(m, C(d + k, k))``. Columns: k, m, ``ratio``."""
    from math import comb

    rows = []
    for k, activation in ((1, "identity"), (2, [0.0, 1.0, 1.0]), (3, "cube")):
        D = comb(4 + k, k)
        ratios = ((m, random_feature_rank(4, m, activation, 0) / min(m, D)) for m in (D // 2, D, 2 * D))
        rows += [{"k": k, "m": m, "ratio": ratio} for m, ratio in ratios]
    return _frame(rows)
