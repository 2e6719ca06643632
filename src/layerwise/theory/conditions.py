"""The assumptions of each paper, measured: the rows of `check_assumptions`.

Where a theorem assumes an order of magnitude, as in ``L = Theta(d)``, a single dimension cannot decide it. The
thresholds below are conventions for one dimension; the measured constants, followed over several dimensions, are what
the assumption is about.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from layerwise.inputs import Inputs
from layerwise.targets import Target
from layerwise.theory._subject import KnownFeature, own_link
from layerwise.theory.feature_structure import feature_structure
from layerwise.theory.measurements import (
    STANDARD_ERRORS,
    Measured,
    hessian_eigenvalues,
    input_moments,
    norm_ratio,
    polynomial_degree,
    polynomial_norm_ratio,
    relevant_rank,
    sample_mean,
)
from layerwise.theory.moments import norm_ratio_bound
from layerwise.theory.report import Assumption

MAX_RELEVANT_SHARE = 0.5  # r / d of a low-dimensional target
MAX_OPERATOR_NORM = 2.0  # |A|_op sqrt(d); its least value is 1 / sqrt(2)
MIN_PIECES_SHARE = 0.2  # L / d; disjoint products of degree k have 1 / k
MAX_BALANCE = 3.0  # max |lambda_i|
MIN_SLOPE = 0.1  # |E g'| relative to the standard deviation of g
EXACT = 1e-8

Check = tuple[str, str, Measured, str, bool | None]  # theorem, assumption, constant, condition, verdict


def _rows(paper: str, checks: Iterable[Check]) -> list[Assumption]:
    return [
        Assumption(paper, theorem, text, float(m.value), threshold, None if holds is None else bool(holds), m.error)
        for theorem, text, m, threshold, holds in checks
    ]


def input_conditions(inputs: Inputs) -> list[Assumption]:
    """Rows on the distribution of the inputs, which all papers assume to be N(0, I)."""
    mean, covariance, fourth = input_moments(inputs)
    names = ("max |E x_i|", "|Cov x - I|_op", "max |E x_i^4 - 3|")
    return _rows(
        "all",
        [
            ("x ~ N(0, I)", f"inputs: {name}", m, "0", m.value <= STANDARD_ERRORS * m.error + EXACT)
            for name, m in zip(names, (mean, covariance, fourth), strict=True)
        ],
    )


def damian2022(f: Target) -> list[Assumption]:
    """Rows on targets of few directions, with a Hessian that spans them."""
    r, (eigenvalues, noise) = relevant_rank(f), hessian_eigenvalues(f)
    seen = np.abs(eigenvalues[np.abs(eigenvalues) > noise])
    spans: bool | None = len(seen) >= r
    if not spans and f.degree_energies(2, return_std=True)[1][2] > 0.0:
        spans = None  # the other eigenvalues may be below the noise
    kappa = np.sqrt(f.variance / r) / seen[r - 1] if spans else np.nan
    condition = seen[0] / seen[-1] if len(seen) else np.nan
    degree, exponent = polynomial_degree(f), f.information_exponent
    known = degree is not None or f.variance_error == 0.0
    rank = Measured(len(seen))
    share = Measured(r / f.dim)
    checks: list[Check] = [
        ("Assumption 1", "r / d", share, f"<= {MAX_RELEVANT_SHARE}", share.value <= MAX_RELEVANT_SHARE),
        ("Theorem 1", "degree of the polynomial f", _or_nan(degree), "finite", degree is not None if known else None),
        ("Assumption 2", "rank of H = E Hessian f", rank, f"r = {r}", spans),
        ("Assumption 2", "kappa = |H^+|_op / sqrt(r), for Var f = 1", Measured(kappa), "", None),
        ("Assumption 2", "condition number of H on its range", Measured(condition), "", None),
        ("Theorem 2", "information exponent", _or_nan(exponent), "<= 2", None if exponent is None else exponent <= 2),
    ]
    return _rows("damian2022", checks)


def generative_exponent(f: Target) -> list[Assumption]:
    """The row on the generative exponent, for targets that provide it."""
    exponent = getattr(f, "generative_exponent", None)
    holds = None if exponent is None else exponent <= 2
    return _rows("damian2024", [("label transforms", "generative exponent", _or_nan(exponent), "<= 2", holds)])


def lee2020(f: Target) -> list[Assumption]:
    """Rows on low-rank polynomials, and on their directions where the target declares these."""
    r, degree, ratio = relevant_rank(f), polynomial_degree(f), norm_ratio(f)
    bound = np.nan if degree is None else norm_ratio_bound(degree)
    condition = "" if degree is None else f"<= 3^(p/2) = {bound:.4g}"
    holds = None if degree is None else ratio.value <= bound + STANDARD_ERRORS * ratio.error
    checks: list[Check] = [
        ("low-rank polynomials", "number of directions r", Measured(r), "< d", r < f.dim),
        ("hypercontractivity", "4-norm / 2-norm of f", ratio, condition, holds),
    ]
    weights, W = getattr(f, "weights", None), getattr(f, "directions", None)
    if isinstance(weights, np.ndarray) and isinstance(W, np.ndarray) and len(W) == len(weights):
        largest, s = float(np.abs(weights).max()), np.linalg.svd(W, compute_uv=False)
        smallest = Measured(s[-1] / s[0] if len(W) <= f.dim else 0.0)
        checks += [
            ("low-rank polynomials", "max |a_s|", Measured(largest), "<= 1", largest <= 1.0 + EXACT),
            ("spectral methods", "sigma_min(W) / sigma_max(W)", smallest, "> 0", smallest.value > EXACT),
        ]
    return _rows("lee2020", checks)


def nichani2023_single_index(f: Target) -> list[Assumption]:
    """Rows on functions of one direction."""
    r = relevant_rank(f)
    checks: list[Check] = [("single index", "number of directions", Measured(r), "1", r == 1)]
    if r == 1:
        checks.append(_slope_check("single index", f, None))
    return _rows("nichani2023", checks)


def nichani2023_quadratic(f: Target, p: KnownFeature, label: str = "") -> list[Assumption]:
    """Rows on a quadratic feature x'Ax, whose matrix is half of the Hessian of p."""
    A = p.polynomial.expected_hessian() / 2.0
    trace, variance = abs(float(np.trace(A))), float(2.0 * np.sum(A**2))
    size = float(np.linalg.norm(A, 2)) * np.sqrt(f.dim)
    checks: list[Check] = [
        ("quadratic feature", f"|tr A|{label}", Measured(trace), "0", trace <= EXACT),
        ("quadratic feature", f"2 |A|_F^2{label}", Measured(variance), "1", abs(variance - 1.0) <= EXACT),
        ("quadratic feature", f"|A|_op sqrt(d){label}", Measured(size), f"<= {MAX_OPERATOR_NORM}",
         size <= MAX_OPERATOR_NORM),
        _slope_check("quadratic feature", f, p, label),
    ]  # fmt: skip
    return _rows("nichani2023", checks)


def wang2023(f: Target, p: KnownFeature, label: str = "") -> list[Assumption]:
    """Rows on the feature of a hierarchical polynomial and on its link."""
    s, ratio = feature_structure(p.polynomial), polynomial_norm_ratio(p.polynomial)
    bound, share = norm_ratio_bound(s.degree), s.n_pieces / f.dim
    within = ratio.value <= bound + STANDARD_ERRORS * ratio.error
    structure: list[tuple[str, float, str, bool]] = [
        ("degree k of p", s.degree, ">= 2", s.degree >= 2),
        ("E p", s.mean, "0", abs(s.mean) <= EXACT),
        ("Var p", s.variance, "1", abs(s.variance - 1.0) <= EXACT),
        ("share of Var p in degree k", s.pure_share, "1", s.pure_share >= 1.0 - EXACT),
        ("orthogonality: share of P_k p in orthogonal pieces of <= k directions", s.orthogonal_share, "1",
         s.orthogonal_share >= 1.0 - EXACT),
        ("L / d, L pieces", share, f">= {MIN_PIECES_SHARE}", share >= MIN_PIECES_SHARE),
        ("balance max |lambda_i|", s.balance, f"<= {MAX_BALANCE}", s.balance <= MAX_BALANCE),
    ]  # fmt: skip
    checks: list[Check] = [
        ("Assumption 4", name + label, Measured(value), condition, holds) for name, value, condition, holds in structure
    ]
    checks += [
        ("hypercontractivity", f"4-norm / 2-norm of p{label}", ratio, f"<= 3^(k/2) = {bound:.4g}", within),
        _slope_check("approximate Stein lemma", f, p, label),
    ]
    return _rows("wang2023", checks)


def _slope_check(theorem: str, f: Target, p: KnownFeature | None, label: str = "") -> Check:
    slope = _slope(f, p)
    resolved = abs(slope.value - MIN_SLOPE) > STANDARD_ERRORS * slope.error
    return theorem, f"|E g'| / sd(g){label}", slope, f">= {MIN_SLOPE}", slope.value >= MIN_SLOPE if resolved else None


def _slope(f: Target, p: KnownFeature | None) -> Measured:
    """``|E g'|`` over the standard deviation of g: from the link, else from the correlation of f with its feature."""
    link = own_link(f)
    if link is not None:
        c = link.series(1).coefficients
        spread = (link + -float(c[0])).expectation(2) ** 0.5
        return Measured(abs(float(c[1])) / spread if len(c) > 1 and spread else 0.0)
    if p is not None:
        m = sample_mean(lambda X: p.values(X) * (f(X) - f.mean), f.dim)
        scale = float(np.sqrt(f.variance * p.polynomial.variance))
        return Measured(abs(m.value) / scale, m.error / scale)
    energies, errors = f.degree_energies(1, return_std=True)  # E f'(u . x) is the norm of E f(x) x
    value = float(np.sqrt(energies[1] / f.variance))
    return Measured(value, float(errors[1] / (2.0 * f.variance * value)) if value else float(errors[1] ** 0.5))


def _or_nan(value: int | None) -> Measured:
    return Measured(np.nan if value is None else value)
