"""What convex fits of two-layer networks share: activations, the network found, and the dual that certifies it.

All minimise ``P = (1/n) |b - A(mu)|^2 + penalty |mu|`` over measures mu on neurons, with b the centred labels and
``A(mu)_i = int sigma(w'x_i) dmu(w)``, centred. For any theta with ``|sum_i theta_i sigma(w'x_i)| <= penalty`` at every
neuron w, ``D(theta) = b'theta - (n/4) |theta|^2 <= min P``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval


class Activation(Protocol):
    """An elementwise function and its derivative."""

    def values(self, t: np.ndarray) -> np.ndarray:
        """``sigma(t)``."""
        ...

    def slopes(self, t: np.ndarray) -> np.ndarray:
        """``sigma'(t)``."""
        ...


class ReLU:
    """``max(t, 0)``."""

    def values(self, t):  # noqa: D102
        return np.maximum(t, 0)

    def slopes(self, t):  # noqa: D102
        return (t > 0).astype(t.dtype)


class Polynomial:
    """``sum_k monomials[k] t^k``."""

    def __init__(self, monomials: Sequence[float] | np.ndarray):
        self.monomials = np.asarray(monomials, dtype=float)
        self._derivative = polyder(self.monomials)

    def values(self, t):  # noqa: D102
        return polyval(t, self.monomials.astype(t.dtype))

    def slopes(self, t):  # noqa: D102
        return polyval(t, self._derivative.astype(t.dtype))


class Square:
    """``t^2``."""

    def values(self, t):  # noqa: D102
        return np.square(t)

    def slopes(self, t):  # noqa: D102
        return 2 * t


@dataclass(frozen=True, eq=False)
class NeuronFit:
    """A network ``f(x) = intercept + sum_j coefficients_j sigma(neurons_j'x)`` and how near it is to the best one.

    Attributes
    ----------
    coefficients : ndarray of shape (n_neurons,)
    neurons : ndarray of shape (n_neurons, d)
        Rows of unit length.
    intercept : float
    objective, gap : float
        P, and a bound on how far it is from the minimum.
    converged : bool
        Whether the gap is within the tolerance.
    history : list of dict
        "iteration", "objective", "gap" and "neurons" (how many), each time the gap was looked at.
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
        """f, of shape (n_samples,)."""
        return activation.values(X @ self.neurons.T) @ self.coefficients + self.intercept


def dual_value(b: np.ndarray, r: np.ndarray, excess: float) -> float:
    """``max D(s (2/n) r)`` over the feasible s >= 0, for residuals r.

    ``excess`` is ``max_w |sum_i (2/n) r_i sigma(w'x_i)| / penalty``, so that s is feasible up to its inverse.
    """
    n, square, product = len(b), float(r @ r), float(b @ r)
    best = product / square if square > 0 else 0.0
    s = min(max(best, 0.0), 1 / excess if excess > 0 else np.inf)
    return (2 * s * product - s**2 * square) / n
