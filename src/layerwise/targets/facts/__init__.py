"""Facts about targets: exact where there is a closed form, else by quadrature, else by Monte Carlo."""

from layerwise.targets.facts.base import Facts as Facts
from layerwise.targets.facts.base import distinct as distinct
from layerwise.targets.facts.exponential import ExponentialFacts as ExponentialFacts
from layerwise.targets.facts.generative import generative_exponent as generative_exponent
from layerwise.targets.facts.independent_sum import Component as Component
from layerwise.targets.facts.independent_sum import IndependentSumFacts as IndependentSumFacts
from layerwise.targets.facts.monte_carlo import MonteCarloFacts as MonteCarloFacts
from layerwise.targets.facts.polynomial import PolynomialFacts as PolynomialFacts
from layerwise.targets.facts.quadrature import QuadratureFacts as QuadratureFacts
from layerwise.targets.facts.quadrature import facts_about as facts_about
from layerwise.targets.facts.radial import RadialFacts as RadialFacts
from layerwise.targets.facts.ridge import RidgeFacts as RidgeFacts
from layerwise.targets.facts.stated import StatedFacts as StatedFacts
