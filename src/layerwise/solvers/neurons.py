"""What the convex fits of two-layer networks share: the network that they return, and the dual bound on its objective.

All minimise ``P = (1/n) |b - A(mu)|^2 + penalty |mu|`` over measures mu on neurons, with b the centred labels and
``A(mu)_i = int sigma(w'x_i) dmu(w)``, centred. For any theta with ``|sum_i theta_i sigma(w'x_i)| <= penalty`` at every
neuron w, ``D(theta) = b'theta - (n/4) |theta|^2 <= min P``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layerwise.activations import Activation


@dataclass(frozen=True, eq=False)
class NeuronFit:
    """A network ``f(x) = intercept + sum_j coefficients_j sigma(neurons_j'x)`` with a bound on its suboptimality.

    The neurons (n_neurons, d) have unit length. ``gap`` bounds the distance of the objective P from its minimum, and
    ``converged`` says whether it is within the tolerance. The history has "iteration", "objective", "gap" and "neurons"
    (their number) for each time the gap was computed.
    """

    coefficients: np.ndarray
    neurons: np.ndarray
    intercept: float
    objective: float
    gap: float
    converged: bool
    history: list[dict]

    @property
    def matrix(self) -> np.ndarray:
        """``sum_j coefficients_j w_j w_j'``, of shape (d, d)."""
        return (self.neurons.T * self.coefficients) @ self.neurons

    def predict(self, X: np.ndarray, activation: Activation) -> np.ndarray:
        """Evaluate f, of shape (n_samples,)."""
        return activation(X @ self.neurons.T) @ self.coefficients + self.intercept


def dual_value(b: np.ndarray, r: np.ndarray, excess: float) -> float:
    """Return ``max D(s (2/n) r)`` over the feasible s >= 0, for residuals r.

    ``excess`` is ``max_w |sum_i (2/n) r_i sigma(w'x_i)| / penalty``: s is feasible up to its inverse.
    """
    n, square, product = len(b), float(r @ r), float(b @ r)
    best = product / square if square > 0 else 0.0
    s = min(max(best, 0.0), 1 / excess if excess > 0 else np.inf)
    return (2 * s * product - s**2 * square) / n
