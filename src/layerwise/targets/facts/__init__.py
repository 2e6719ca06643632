"""Facts about targets: exact where there is a closed form, else by quadrature, else by Monte Carlo."""

from layerwise.targets.facts.base import Facts, distinct
from layerwise.targets.facts.exponential import ExponentialFacts
from layerwise.targets.facts.generative import generative_exponent
from layerwise.targets.facts.independent_sum import Component, IndependentSumFacts
from layerwise.targets.facts.monte_carlo import MonteCarloFacts
from layerwise.targets.facts.polynomial import PolynomialFacts
from layerwise.targets.facts.quadrature import QuadratureFacts, facts_about
from layerwise.targets.facts.radial import RadialFacts
from layerwise.targets.facts.ridge import RidgeFacts
from layerwise.targets.facts.stated import StatedFacts

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
    "StatedFacts",
    "distinct",
    "facts_about",
    "generative_exponent",
]
