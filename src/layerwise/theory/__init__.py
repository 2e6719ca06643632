"""The theory of the papers, as functions of a target.

`check_assumptions` measures what the theorems assume, `predicted_samples` returns the rates that they give,
`stein_alignment` the errors of the approximate Stein lemma. `QueryOracle` answers correlational queries, with which
lower bounds can be run. The other functions compute the bounds and lemmas of the proofs.
"""

from layerwise.theory.assumptions import check_assumptions as check_assumptions
from layerwise.theory.feature_structure import FeatureStructure as FeatureStructure
from layerwise.theory.feature_structure import feature_structure as feature_structure
from layerwise.theory.gradient import gradient_terms as gradient_terms
from layerwise.theory.leap import leap as leap
from layerwise.theory.leap import target_leap as target_leap
from layerwise.theory.moments import exact_moment as exact_moment
from layerwise.theory.moments import largest_moment as largest_moment
from layerwise.theory.moments import moment_bound as moment_bound
from layerwise.theory.moments import norm_ratio_bound as norm_ratio_bound
from layerwise.theory.queries import QueryOracle as QueryOracle
from layerwise.theory.queries import query_gradient_descent as query_gradient_descent
from layerwise.theory.query_bounds import critical_tolerance as critical_tolerance
from layerwise.theory.query_bounds import excluded_by_query as excluded_by_query
from layerwise.theory.query_bounds import max_excluded as max_excluded
from layerwise.theory.query_bounds import min_queries as min_queries
from layerwise.theory.query_bounds import n_near_orthogonal as n_near_orthogonal
from layerwise.theory.query_bounds import near_orthogonal_directions as near_orthogonal_directions
from layerwise.theory.random_features import monomial_approximation as monomial_approximation
from layerwise.theory.random_features import monomial_error as monomial_error
from layerwise.theory.random_features import monomial_weights as monomial_weights
from layerwise.theory.random_features import random_feature_rank as random_feature_rank
from layerwise.theory.rates import PredictedSamples as PredictedSamples
from layerwise.theory.rates import predicted_samples as predicted_samples
from layerwise.theory.report import Assumption as Assumption
from layerwise.theory.report import AssumptionReport as AssumptionReport
from layerwise.theory.stein import SteinAlignment as SteinAlignment
from layerwise.theory.stein import stein_alignment as stein_alignment
from layerwise.theory.stein import stein_exponent as stein_exponent
