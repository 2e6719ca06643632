"""The theory of the papers, as functions of a target.

`check_assumptions` measures what the theorems assume, `predicted_samples` returns the rates that they give,
`stein_alignment` the errors of the approximate Stein lemma. `QueryOracle` answers correlational queries, with which
lower bounds can be run. The other functions compute the bounds and lemmas of the proofs.
"""

from layerwise.theory.assumptions import check_assumptions
from layerwise.theory.feature_structure import FeatureStructure, feature_structure
from layerwise.theory.gradient import gradient_terms
from layerwise.theory.leap import leap, target_leap
from layerwise.theory.moments import exact_moment, largest_moment, moment_bound, norm_ratio_bound
from layerwise.theory.queries import QueryOracle, query_gradient_descent
from layerwise.theory.query_bounds import (
    critical_tolerance,
    excluded_by_query,
    max_excluded,
    min_queries,
    n_near_orthogonal,
    near_orthogonal_directions,
)
from layerwise.theory.random_features import (
    monomial_approximation,
    monomial_error,
    monomial_weights,
    random_feature_rank,
)
from layerwise.theory.rates import PredictedSamples, predicted_samples
from layerwise.theory.report import Assumption, AssumptionReport
from layerwise.theory.stein import SteinAlignment, stein_alignment, stein_exponent

__all__ = [
    "Assumption",
    "AssumptionReport",
    "FeatureStructure",
    "PredictedSamples",
    "QueryOracle",
    "SteinAlignment",
    "check_assumptions",
    "critical_tolerance",
    "exact_moment",
    "excluded_by_query",
    "feature_structure",
    "gradient_terms",
    "largest_moment",
    "leap",
    "max_excluded",
    "min_queries",
    "moment_bound",
    "monomial_approximation",
    "monomial_error",
    "monomial_weights",
    "n_near_orthogonal",
    "near_orthogonal_directions",
    "norm_ratio_bound",
    "predicted_samples",
    "query_gradient_descent",
    "random_feature_rank",
    "stein_alignment",
    "stein_exponent",
    "target_leap",
]
