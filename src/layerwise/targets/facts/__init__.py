"""How targets know themselves: exact algebra where there is any, quadrature, and Monte Carlo as the last resort."""

from layerwise.targets.facts.base import Facts, distinct
from layerwise.targets.facts.exponential import ExponentialFacts
from layerwise.targets.facts.independent_sum import Component, IndependentSumFacts
from layerwise.targets.facts.monte_carlo import MonteCarloFacts
from layerwise.targets.facts.polynomial import PolynomialFacts
from layerwise.targets.facts.quadrature import QuadratureFacts, facts_about
from layerwise.targets.facts.radial import RadialFacts
from layerwise.targets.facts.ridge import RidgeFacts

__all__ = [
    "Component",
    "ExponentialFacts",
    "Facts",
    "IndependentSumFacts",
    "MonteCarloFacts",
    "PolynomialFacts",
    "QuadratureFacts",
    "RadialFacts",
    "RidgeFacts",
    "distinct",
    "facts_about",
]
