"""Activations: elementwise functions of one variable, by name, by Hermite coefficients, or as a callable.

An `Activation` carries what its users need beside its values: the points where it or a derivative jumps, because
quadrature that is split there is exact to rounding and loses ten digits otherwise; its Hermite series where it is a
polynomial, because algebra is then exact; and its derivatives, where a learner differentiates its network.
"""

from layerwise.activations.activation import Activation
from layerwise.activations.conversion import ActivationLike, as_activation, as_polynomial
from layerwise.activations.named import monomial

__all__ = ["Activation", "ActivationLike", "as_activation", "as_polynomial", "monomial"]
