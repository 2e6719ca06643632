"""The networks of the papers with every parameter free: what each computes, where it starts, how fast each part moves.

A forward pass is written once, in the operations that NumPy's arrays and PyTorch's tensors share: fed arrays it
predicts, fed tensors it is differentiated. Starts and rates are those of the maximal update parametrisation ("muP")
under Adam, whose step moves each entry of a parameter by about its learning rate: every layer's output then changes by
order 1, whatever the widths. With eta the learning rate and "fan-in" the number of inputs a neuron sums,

    parameter                               starts as               learning rate
    first and hidden matrices               N(0, 1 / fan-in)        eta / fan-in
    output weights, summed over m neurons   N(0, 1 / m^2)           eta / m
    biases, and weights of fan-in one       as the layerwise        eta
    alpha, beta                             0                       eta, eta / d

After a polynomial activation of norm ``|sigma| = sqrt(E sigma(z)^2)`` the next layer's start and rate are divided by
it, so that the units of sigma do not matter. For g of the hierarchical network this reads ``u ~ N(0, 1 / m_1^2)``
("mean-field" size): g starts near 0, at order ``1 / sqrt(m_1)``, and one step of size ``eta / m_1`` on all of u, whose
signs follow the gradient, moves g by order eta.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise.hermite import HermiteSeries

#: Rows of the held-out data pushed through at once.
ROWS = 4096
#: Arrays or tensors, by the letters of the papers.
Weights = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """Where a parameter starts, and its learning rate as a multiple of eta."""

    start: np.ndarray
    rate: float


@dataclass(frozen=True)
class Activation:
    """ReLU where ``monomials`` is None, else the polynomial ``sum_k monomials[k] z^k``; its norm under N(0, 1)."""

    monomials: tuple[float, ...] | None
    norm: float

    @classmethod
    def of(cls, series: HermiteSeries | None) -> Activation:
        """ReLU for None."""
        if series is None:
            return cls(None, np.sqrt(0.5))
        return cls(tuple(series.to_monomials().tolist()), series.norm())

    @property
    def floats(self) -> int:
        """What training keeps of a neuron and row: a few arrays, and the powers of a polynomial."""
        return 4 if self.monomials is None else 3 + len(self.monomials)

    def __call__(self, z):
        """Elementwise."""
        if self.monomials is None:
            return z.clip(0)
        total, power = self.monomials[0], 1
        for coefficient in self.monomials[1:]:
            power = power * z
            if coefficient:
                total = total + coefficient * power
        return total


RELU = Activation.of(None)


@dataclass(frozen=True)
class TwoLayer:
    """``alpha + beta'x + sum_j a_j relu(w_j'x + b_j)`` (Damian et al. 2022)."""

    width: int

    @property
    def floats_a_row(self) -> int:
        """What training keeps of a row between the passes forward and back."""
        return RELU.floats * self.width

    def n_parameters(self, d: int) -> int:
        """How many weights there are for inputs of d columns."""
        return self.width * (d + 2) + d + 1

    def parameters(self, d: int, rng: np.random.RandomState) -> dict[str, Parameter]:
        """The start for inputs of d columns."""
        m = self.width
        return linear_part(d) | {
            "W": Parameter(rng.standard_normal((m, d)) / np.sqrt(d), 1 / d),
            "b": Parameter(rng.standard_normal(m), 1),
            "a": Parameter(rng.standard_normal(m) / m, 1 / m),
        }

    def __call__(self, p: Weights, X):
        """Outputs of shape (rows,)."""
        return p["alpha"] + X @ p["beta"] + RELU(X @ p["W"].T + p["b"]) @ p["a"]


@dataclass(frozen=True)
class ThreeLayer:
    """``alpha + beta'x + sum_i a_i relu(w_i'sigma_2(V x) + b_i)``, 1/m_1 being part of a (Nichani et al. 2023)."""

    width: int
    middle_width: int
    activation: Activation

    @property
    def floats_a_row(self) -> int:
        """What training keeps of a row between the passes forward and back."""
        return RELU.floats * self.width + self.activation.floats * self.middle_width

    def n_parameters(self, d: int) -> int:
        """How many weights there are for inputs of d columns."""
        return self.middle_width * d + self.width * (self.middle_width + 2) + d + 1

    def parameters(self, d: int, rng: np.random.RandomState) -> dict[str, Parameter]:
        """The start for inputs of d columns."""
        m_1, m_2, norm = self.width, self.middle_width, self.activation.norm
        return linear_part(d) | {
            "V": Parameter(rng.standard_normal((m_2, d)) / np.sqrt(d), 1 / d),
            "W": Parameter(rng.standard_normal((m_1, m_2)) / (np.sqrt(m_2) * norm), 1 / (m_2 * norm)),
            "b": Parameter(rng.standard_normal(m_1), 1),
            "a": Parameter(rng.standard_normal(m_1) / m_1, 1 / m_1),
        }

    def __call__(self, p: Weights, X):
        """Outputs of shape (rows,)."""
        hidden = self.activation(X @ p["V"].T)
        return p["alpha"] + X @ p["beta"] + RELU(hidden @ p["W"].T + p["b"]) @ p["a"]


@dataclass(frozen=True)
class Hierarchical:
    """``g(x) + sum_j c_j relu(a_j g(x) + b_j)``, ``g = alpha + u'sigma_1(V x + s)`` (Wang et al. 2023)."""

    width: int
    link_width: int
    activation: Activation
    bias_df: int

    @property
    def floats_a_row(self) -> int:
        """What training keeps of a row between the passes forward and back."""
        return self.activation.floats * self.width + RELU.floats * self.link_width

    def n_parameters(self, d: int) -> int:
        """How many weights there are for inputs of d columns."""
        return self.width * (d + 2) + 3 * self.link_width + 1

    def parameters(self, d: int, rng: np.random.RandomState) -> dict[str, Parameter]:
        """The start for inputs of d columns."""
        m_1, m_2, norm = self.width, self.link_width, self.activation.norm
        return {
            "alpha": Parameter(np.zeros(()), 1),
            "V": Parameter(rng.standard_normal((m_1, d)) / np.sqrt(d), 1 / d),
            "s": Parameter(rng.standard_normal(m_1), 1),
            "u": Parameter(rng.standard_normal(m_1) / (m_1 * norm), 1 / (m_1 * norm)),
            "a": Parameter(rng.choice([-1.0, 1.0], m_2), 1),
            "b": Parameter(rng.standard_t(self.bias_df, m_2), 1),
            "c": Parameter(rng.standard_normal(m_2) / m_2, 1 / m_2),
        }

    def feature(self, p: Weights, X):
        """g, of shape (rows,)."""
        return p["alpha"] + self.activation(X @ p["V"].T + p["s"]) @ p["u"]

    def __call__(self, p: Weights, X):
        """Outputs of shape (rows,)."""
        g = self.feature(p, X)
        return g + RELU(g[:, None] * p["a"] + p["b"]) @ p["c"]


Network = TwoLayer | ThreeLayer | Hierarchical


def linear_part(d: int) -> dict[str, Parameter]:
    """alpha and beta."""
    return {"alpha": Parameter(np.zeros(()), 1), "beta": Parameter(np.zeros(d), 1 / d)}
