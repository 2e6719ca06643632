"""The two algorithms of F1: nuclear-norm regression for ``sigma(t) = t^2``, conditional gradient for the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layerwise.activations import Activation
from layerwise.solvers import conditional_gradient, nuclear
from layerwise.solvers.neurons import NeuronFit

#: Penalties tried, as multiples of the smallest one at which f is constant. Activations other than ``t^2`` have the
#: shorter path: at smaller penalties their fits take hundreds of neurons and minutes.
RELATIVE_PENALTIES, RELATIVE_PENALTIES_OF_OTHERS = np.logspace(-0.5, -4, 15), np.logspace(-0.5, -2.5, 5)


@dataclass
class TotalVariation:
    """The fit of F1 on inputs Z (n_samples, d) and labels y (n_samples,), in float64.

    ``tol`` is the duality gap at which to stop, as a fraction of the objective; ``rng`` draws the starts of the search.
    """

    sigma: Activation
    tol: float
    max_iter: int
    rng: np.random.RandomState

    def solve(self, Z: np.ndarray, y: np.ndarray, penalty: float, start: NeuronFit | None) -> NeuronFit:
        """Fit the network, from the neurons of ``start`` if given."""
        if self.sigma.is_square:
            M = None if start is None else start.matrix
            return nuclear.nuclear_norm_regression(Z, y, penalty, start=M, tol=self.tol, max_iter=self.max_iter)
        return conditional_gradient.total_variation_regression(
            Z, y, self.sigma, penalty, self.rng, start=start, tol=self.tol, max_iter=self.max_iter
        )

    def path(self, Z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the penalties to try, in decreasing order."""
        if self.sigma.is_square:
            return (nuclear.largest_penalty(Z, y) or 1.0) * RELATIVE_PENALTIES
        largest = conditional_gradient.largest_penalty(Z, y, self.sigma, self.rng)
        return (largest or 1.0) * RELATIVE_PENALTIES_OF_OTHERS


def total_variation_bytes(sigma: Activation, n: int, d: int) -> int:
    """Peak memory in bytes: that of the proximal gradient, or of the neuron search and its temporaries."""
    if sigma.is_square:
        return 8 * (3 * n * d + 10 * d**2)
    arrays = 2 if sigma.is_relu else 4
    return 8 * n * (arrays * conditional_gradient.N_STARTS * conditional_gradient.DRAWN_PER_START + 50 + 3 * d)
