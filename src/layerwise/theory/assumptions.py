"""Whether a target satisfies the assumptions of the theorems, each with the constant that was measured."""

from __future__ import annotations

from layerwise.inputs import Inputs, make_inputs
from layerwise.targets import Target
from layerwise.theory import conditions
from layerwise.theory._subject import FeatureLike, TargetLike, as_feature, as_target, own_features
from layerwise.theory.report import PAPERS, AssumptionReport


def check_assumptions(
    target: TargetLike,
    feature: FeatureLike | None = None,
    *,
    dim: int | None = None,
    inputs: Inputs | str | None = None,
) -> AssumptionReport:
    """Measure every assumption of the theorems on a target.

    Parameters
    ----------
    target : Target or callable
        f. A function from points (n, dim) to n values is checked numerically.
    feature : Target, HermitePolynomial or callable, optional
        The feature polynomial p of ``f = g(p)``, for targets that do not declare one. A callable must be a polynomial
        of degree at most 4; its coefficients are found from its values. The structure of p (Assumption 4 of Wang et
        al.) follows from its coefficient tensor, never from the class that built it.
    dim : int, optional
        Number of inputs; required for a function.
    inputs : Inputs or str, optional
        Distribution of x. Default: standard Gaussian, as all theorems assume.

    Returns
    -------
    AssumptionReport
        ``report.table()`` is a DataFrame, ``str(report)`` a text.

    Raises
    ------
    TypeError, ValueError
        If the target or the feature is none of these, or the feature is not a polynomial.

    Notes
    -----
    Constants of f and p are those under standard Gaussian inputs. Where a theorem assumes an order of magnitude, the
    threshold is a convention for one dimension (`layerwise.theory.conditions`).

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, Assumptions 1 and 2, Theorems 1 to 3. Nichani, Damian, Lee 2023, the single-index
    and the quadratic-feature setting. Wang, Nichani, Lee 2023, the assumptions on g and p. Lee 2020 and Chen et al.
    2020, low-rank polynomials.

    Examples
    --------
    >>> from layerwise.targets import Hierarchical, SingleIndex
    >>> report = check_assumptions(SingleIndex(10, link="h4"))
    >>> report["rank of H"].holds, report["information exponent"].measured, report.holds("damian2022")
    (False, 4.0, False)
    >>> report = check_assumptions(Hierarchical(20, {"name": "balanced_sum", "degree": 2}))
    >>> report.holds("wang2023"), report["L / d"].measured
    (True, 1.0)

    Your own function, with its feature:

    >>> p = lambda X: (X[:, 0] * X[:, 1] - X[:, 2] * X[:, 3]) / 2**0.5
    >>> report = check_assumptions(lambda X: p(X) + p(X) ** 3, p, dim=4)
    >>> report["orthogonality"].holds, report["degree k"].measured
    (True, 2.0)
    """
    f = as_target(target, dim)
    rows = [
        *conditions.input_conditions(make_inputs(inputs, f.dim)),
        *conditions.damian2022(f),
        *conditions.generative_exponent(f),
        *conditions.lee2020(f),
    ]
    features = own_features(f) if feature is None else [as_feature(feature, f.dim)]
    for j, p in enumerate(features):
        label = f" (feature {j + 1})" if len(features) > 1 else ""
        if p.polynomial.degree == 2:
            rows += conditions.nichani2023_quadratic(f, p, label)
        rows += conditions.wang2023(f, p, label)
    if not features:
        rows += conditions.nichani2023_single_index(f)
    name = repr(target) if isinstance(target, Target) else getattr(target, "__name__", repr(target))
    return AssumptionReport(name, tuple(sorted(rows, key=lambda row: list(PAPERS).index(row.paper))))
