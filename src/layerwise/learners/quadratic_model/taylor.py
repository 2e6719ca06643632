"""A network around its start, term by term: ``f_{W_0 + W} - f_{W_0}`` and its Taylor polynomials in W.

    f_{W_0 + W}(x) = (1/sqrt m) sum_r a_r sigma(t_r + p_r),      t_r = w_{0,r}.h(x) + b_r,      p_r = w_r.h(x).

Neurons r and r + m/2 start at the same (w_{0,r}, b_r) with a = 1 and a = -1, so that f_{W_0} = 0. The terms are

    f^(1) = (1/sqrt m) sum_r a_r sigma'(t_r) p_r              what the tangent kernel sees
    f^(2) = (1/(2 sqrt m)) sum_r a_r sigma''(t_r) p_r^2       the quadratic model
    f^(3) = (1/(6 sqrt m)) sum_r a_r sigma'''(t_r) p_r^3

At signs z the movement is ZW, p_r becomes z_r p_r: odd terms have mean 0 over Rademacher z, even terms do not see it,
and since every neuron stands alone the mean of the network is exact, ``(sigma(t + p) + sigma(t - p)) / 2`` in each.

Every model gives its output f and ``df/dp_r``, from which

    grad_{w_r} L = (1/n) sum_i loss'(f(x_i)) (df/dp_r)(x_i) h(x_i):

one product forth and one back, 4 rows D m flops, and a few passes over (rows, m).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

Elementwise = Callable[[np.ndarray], np.ndarray]


class Activation(NamedTuple):
    """sigma and its first three derivatives."""

    value: Elementwise
    first: Elementwise
    second: Elementwise
    third: Elementwise


def _relu(t):
    return np.maximum(t, 0)


def _half_square_relu(t):
    return _half_square(_relu(t))


def _sixth_cube_relu(t):
    positive = _relu(t)
    return positive * positive * positive / 6


def _step(t):
    return (t > 0).astype(t.dtype)


def _half_square(t):
    return t * t / 2


ACTIVATIONS = {
    # sigma'' = relu
    "relu-cubed": Activation(_sixth_cube_relu, _half_square_relu, _relu, _step),
    # sigma'' = 1: f^(2) = h'M h with M = (1/(2 sqrt m)) sum_r a_r w_r w_r'
    "quadratic": Activation(_half_square, np.positive, np.ones_like, np.zeros_like),
}


class Terms(NamedTuple):
    """f^(1), f^(2), f^(3) and ``f_{W_0 + ZW}`` at rows x, each of shape (rows,)."""

    first: np.ndarray
    second: np.ndarray
    third: np.ndarray
    network: np.ndarray


@dataclass(frozen=True)
class Start:
    """W_0 and b of the first m/2 neurons, which the others share: arrays (m/2, D) and (m/2,)."""

    weights: np.ndarray
    biases: np.ndarray
    activation: Activation

    def preactivations(self, H: np.ndarray) -> np.ndarray:
        """t of shape (rows, m/2): rows D m flops."""
        T = H @ self.weights.T
        T += self.biases
        return T

    def terms(self, H: np.ndarray, W: np.ndarray, signs: np.ndarray | None = None) -> Terms:
        """All terms at movements W (m, D) with signs (m,), +1 where None."""
        T, P, sigma = self.preactivations(H), moved(H, W, signs), self.activation
        scale, square = len(W) ** -0.5, P * P
        return Terms(
            scale * paired(sigma.first(T), P),
            scale / 2 * paired(sigma.second(T), square),
            scale / 6 * paired(sigma.third(T), square * P),
            scale * alternating(sigma.value(T[:, None] + P)),
        )


def moved(H: np.ndarray, W: np.ndarray, signs: np.ndarray | None = None) -> np.ndarray:
    """``z_r p_r`` of shape (rows, 2, m/2): the neurons with a = 1, then those with a = -1."""
    P = (H @ W.T).reshape(len(H), 2, -1)
    return P if signs is None else P * signs.reshape(2, -1)


def alternating(values: np.ndarray) -> np.ndarray:
    """``sum_r a_r values_r`` of (rows, 2, m/2)."""
    return values[:, 0].sum(axis=1) - values[:, 1].sum(axis=1)


def paired(T: np.ndarray, values: np.ndarray) -> np.ndarray:
    """``sum_r a_r T_r values_r`` of T (rows, m/2), shared by both halves, and values (rows, 2, m/2)."""
    return np.einsum("ij,ij->i", T, values[:, 0] - values[:, 1])


class Model(Protocol):
    """What is trained: outputs and ``df/dp``, from a table of the start that is made once a row."""

    def table(self, T: np.ndarray) -> np.ndarray:
        """What is kept of the preactivations t, (rows, m/2)."""
        ...

    def outputs(self, table: np.ndarray, P: np.ndarray) -> np.ndarray:
        """f of shape (rows,) as it predicts: for a network under signed dropout its mean over the signs."""
        ...

    def slopes(self, table: np.ndarray, P: np.ndarray, signs: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """f at these signs (rows,), and df/dp (rows, 2, m/2)."""
        ...


class Linearised:
    """f^(1), the tangent model."""

    def __init__(self, sigma: Activation, width: int):
        self.sigma, self.scale = sigma, width**-0.5

    def table(self, T):
        """sigma'(t) / sqrt m."""
        return self.scale * self.sigma.first(T)

    def outputs(self, table, P):
        """f^(1)."""
        return paired(table, P)

    def slopes(self, table, P, signs):
        """f^(1) and ``a sigma'(t) / sqrt m``; the signs are not looked at."""
        return paired(table, P), np.stack([table, -table], axis=1)


class Quadratic:
    """f^(2), the quadratic model: the same at all signs."""

    def __init__(self, sigma: Activation, width: int):
        self.sigma, self.scale = sigma, width**-0.5

    def table(self, T):
        """sigma''(t) / sqrt m."""
        return self.scale * self.sigma.second(T)

    def outputs(self, table, P):
        """f^(2)."""
        return self.slopes(table, P, None)[0]

    def slopes(self, table, P, signs):
        """f^(2) and ``a sigma''(t) p / sqrt m``."""
        S = P * table[:, None]
        S[:, 1] *= -1
        return np.einsum("ijk,ijk->i", S, P) / 2, S


class Network:
    """The network ``f_{W_0 + ZW}`` itself; ``signed``: it predicts by its mean over Z."""

    def __init__(self, sigma: Activation, width: int, signed: bool):
        self.sigma, self.scale, self.signed = sigma, width**-0.5, signed

    def table(self, T):
        """t."""
        return T

    def outputs(self, table, P):
        """``E_Z f_{W_0 + ZW}``, or ``f_{W_0 + W}``."""
        value, T = self.sigma.value, table[:, None]
        if not self.signed:
            return self.scale * alternating(value(T + P))
        return self.scale / 2 * alternating(value(T + P) + value(T - P))

    def slopes(self, table, P, signs):
        """``f_{W_0 + ZW}`` and ``a z sigma'(t + z p) / sqrt m``."""
        z = np.ones(1, P.dtype) if signs is None else signs.reshape(2, -1)
        moved = table[:, None] + z * P
        S = self.sigma.first(moved) * (self.scale * z)
        S[:, 1] *= -1
        return self.scale * alternating(self.sigma.value(moved)), S
