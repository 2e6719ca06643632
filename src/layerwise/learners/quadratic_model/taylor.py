"""The Taylor expansion of a network around its start: ``f_{W_0 + W} - f_{W_0}`` by powers of W.

    f_{W_0 + W}(x) = (1/sqrt m) sum_r a_r sigma(t_r + p_r),      t_r = w_{0,r}.h(x) + b_r,      p_r = w_r.h(x).

Neurons r and r + m/2 start at the same (w_{0,r}, b_r) with a = 1 and a = -1, so that f_{W_0} = 0. The terms are

    f^(1) = (1/sqrt m) sum_r a_r sigma'(t_r) p_r              the tangent model
    f^(2) = (1/(2 sqrt m)) sum_r a_r sigma''(t_r) p_r^2       the quadratic model
    f^(3) = (1/(6 sqrt m)) sum_r a_r sigma'''(t_r) p_r^3

With signs z the movement is ZW and p_r becomes z_r p_r. Over Rademacher z odd terms have mean 0, and even terms do not
depend on z. As the network is a sum over neurons, its mean over z is exact: ``(sigma(t + p) + sigma(t - p)) / 2`` each.

Every model computes its output f and ``df/dp_r``, from which

    grad_{w_r} L = (1/n) sum_i loss'(f(x_i)) (df/dp_r)(x_i) h(x_i):

one product forward and one backward, 4 rows D m flops, and a few passes over (rows, m).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from layerwise.activations import Activation
from layerwise.solvers import FeatureBlocks


class Terms(NamedTuple):
    """f^(1), f^(2), f^(3) and ``f_{W_0 + ZW}``, each of shape (rows,)."""

    first: np.ndarray
    second: np.ndarray
    third: np.ndarray
    network: np.ndarray


@dataclass(frozen=True)
class Start:
    """W_0 (m/2, D) and b (m/2,) of the first m/2 neurons, shared by the others, and sigma with three derivatives."""

    weights: np.ndarray
    biases: np.ndarray
    activation: Activation

    def preactivations(self, H: np.ndarray) -> np.ndarray:
        """Compute t, of shape (rows, m/2): rows D m flops."""
        T = H @ self.weights.T
        T += self.biases
        return T

    def mean_gates(self, H: np.ndarray) -> np.ndarray:
        """Compute the mean of ``sigma''(t)`` over the rows, of shape (m/2,)."""
        gates = FeatureBlocks(
            H, lambda rows: self.activation.derivative(self.preactivations(rows), 2), len(self.weights)
        )
        return np.sum([block.sum(axis=0, dtype=float) for _, block in gates], axis=0) / len(H)

    def terms(self, H: np.ndarray, W: np.ndarray, signs: np.ndarray | None = None) -> Terms:
        """Compute all terms for movements W (m, D) with signs (m,), by default +1."""
        T, P, sigma = self.preactivations(H), moved(H, W, signs), self.activation
        scale, square = len(W) ** -0.5, P * P
        return Terms(
            scale * paired(sigma.derivative(T), P),
            scale / 2 * paired(sigma.derivative(T, 2), square),
            scale / 6 * paired(sigma.derivative(T, 3), square * P),
            scale * alternating(sigma(T[:, None] + P)),
        )


def draw_start(D: int, half: int, bias: float, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Draw w_{0,r} ~ N(0, I/D) and b_r ~ N(0, bias^2) for r < m/2, scaled so that t_r has variance 1 for |h|^2 = D."""
    scale = 1 / np.hypot(1, bias)
    weights = scale / np.sqrt(D) * rng.standard_normal((half, D))
    return weights, scale * bias * rng.standard_normal(half)


def moved(H: np.ndarray, W: np.ndarray, signs: np.ndarray | None = None) -> np.ndarray:
    """Compute ``z_r p_r``, of shape (rows, 2, m/2): the neurons with a = 1, then those with a = -1."""
    P = (H @ W.T).reshape(len(H), 2, -1)
    return P if signs is None else P * signs.reshape(2, -1)


def alternating(values: np.ndarray) -> np.ndarray:
    """Compute ``sum_r a_r values_r`` for values (rows, 2, m/2)."""
    return values[:, 0].sum(axis=1) - values[:, 1].sum(axis=1)


def paired(T: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Compute ``sum_r a_r T_r values_r`` for T (rows, m/2), shared by both halves, and values (rows, 2, m/2)."""
    return np.einsum("ij,ij->i", T, values[:, 0] - values[:, 1])


class Model(ABC):
    """A model to train: outputs and ``df/dp``, from a table of the start that is computed once for each row."""

    def __init__(self, sigma: Activation, width: int):
        self.sigma, self.scale = sigma, width**-0.5

    @abstractmethod
    def table(self, T: np.ndarray) -> np.ndarray:
        """Compute the table, of shape (rows, m/2), from the preactivations t."""

    @abstractmethod
    def outputs(self, table: np.ndarray, P: np.ndarray) -> np.ndarray:
        """Compute the predictions, of shape (rows,): for signed dropout the mean of f over the signs."""

    @abstractmethod
    def slopes(self, table: np.ndarray, P: np.ndarray, signs: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Compute f (rows,) and df/dp (rows, 2, m/2) at the given signs."""


class Linearised(Model):
    """f^(1), the tangent model."""

    def table(self, T):
        """sigma'(t) / sqrt m."""
        return self.scale * self.sigma.derivative(T)

    def outputs(self, table, P):
        """f^(1)."""
        return paired(table, P)

    def slopes(self, table, P, signs):
        """f^(1) and ``a sigma'(t) / sqrt m``, for any signs."""
        return paired(table, P), np.stack([table, -table], axis=1)


class Quadratic(Model):
    """f^(2), the quadratic model, which does not depend on the signs."""

    def table(self, T):
        """sigma''(t) / sqrt m."""
        return self.scale * self.sigma.derivative(T, 2)

    def outputs(self, table, P):
        """f^(2)."""
        return self.slopes(table, P, None)[0]

    def slopes(self, table, P, signs):
        """f^(2) and ``a sigma''(t) p / sqrt m``."""
        S = P * table[:, None]
        S[:, 1] *= -1
        return np.einsum("ijk,ijk->i", S, P) / 2, S


class Network(Model):
    """The network ``f_{W_0 + ZW}``; if ``signed``, predictions are its mean over Z."""

    def __init__(self, sigma: Activation, width: int, signed: bool):
        super().__init__(sigma, width)
        self.signed = signed

    def table(self, T):
        """t."""
        return T

    def outputs(self, table, P):
        """``E_Z f_{W_0 + ZW}``, or ``f_{W_0 + W}``."""
        sigma, T = self.sigma, table[:, None]
        if not self.signed:
            return self.scale * alternating(sigma(T + P))
        return self.scale / 2 * alternating(sigma(T + P) + sigma(T - P))

    def slopes(self, table, P, signs):
        """``f_{W_0 + ZW}`` and ``a z sigma'(t + z p) / sqrt m``."""
        z = np.ones(1, P.dtype) if signs is None else signs.reshape(2, -1)
        moved = table[:, None] + z * P
        S = self.sigma.derivative(moved) * (self.scale * z)
        S[:, 1] *= -1
        return self.scale * alternating(self.sigma(moved)), S
