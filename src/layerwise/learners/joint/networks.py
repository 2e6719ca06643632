"""The networks of the papers with all parameters trainable: forward pass, initialisation and learning rates.

The forward passes use only operations shared by NumPy arrays and PyTorch tensors: on arrays they predict, on tensors
they are differentiated. Initialisation and learning rates, in a table at `layerwise.learners.JointRegressor`, follow
the maximal update parametrisation ("muP") for Adam, whose step changes each entry of a parameter by about its learning
rate: the output of every layer then changes by order 1 at any width. Weights of a sum over k inputs have rates
proportional to 1/k. After an activation of norm ``|sigma| = sqrt(E sigma(z)^2)`` the next layer's initial value and
rate are divided by it, so that the scale of sigma does not matter. For g of the hierarchical network this means
"mean-field" scaling: g starts near 0, at order ``1 / sqrt(m_1)``, and one step changes it by order eta.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise.activations import Activation, as_activation
from layerwise.solvers.link import BIAS_DF

#: Rows of the held-out data that are evaluated at once.
HELD_OUT_ROWS = 4096
#: Arrays or tensors by their letters in the papers.
Weights = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """The initial value of a parameter, and its learning rate as a multiple of eta."""

    start: np.ndarray
    rate: float


RELU = as_activation("relu")


def evaluate(sigma: Activation, z: Any) -> Any:
    """Evaluate ReLU or a polynomial on an array or a tensor, the polynomial by powers of z."""
    if sigma.is_relu:
        return z.clip(0)
    constant, *coefficients = sigma.monomials.tolist()
    total, power = constant, 1
    for coefficient in coefficients:
        power = power * z
        if coefficient:
            total = total + coefficient * power
    return total


def norm(sigma: Activation) -> float:
    """Return ``sqrt(E sigma(z)^2)`` for ReLU or a polynomial, z standard Gaussian."""
    return sigma.polynomial.norm() if sigma.polynomial is not None else np.sqrt(0.5)


def floats_per_neuron(sigma: Activation) -> int:
    """Numbers that training keeps for each neuron and row: a few arrays, and the powers of a polynomial."""
    return 4 if sigma.is_relu else 3 + len(sigma.monomials)


@dataclass(frozen=True)
class TwoLayer:
    """``alpha + beta'x + sum_j a_j relu(w_j'x + b_j)`` (Damian et al. 2022)."""

    width: int

    @property
    def floats_per_row(self) -> int:
        """Numbers that training keeps for each row between the forward and the backward pass."""
        return floats_per_neuron(RELU) * self.width

    def n_parameters(self, d: int) -> int:
        """Number of weights for inputs with d columns."""
        return self.width * (d + 2) + d + 1

    def parameters(self, d: int, rng: np.random.RandomState) -> dict[str, Parameter]:
        """Draw the initial parameters for inputs with d columns."""
        m = self.width
        return linear_part(d) | {
            "W": Parameter(rng.standard_normal((m, d)) / np.sqrt(d), 1 / d),
            "b": Parameter(rng.standard_normal(m), 1),
            "a": Parameter(rng.standard_normal(m) / m, 1 / m),
        }

    def __call__(self, p: Weights, X):
        """Compute the outputs, of shape (rows,)."""
        return p["alpha"] + X @ p["beta"] + evaluate(RELU, X @ p["W"].T + p["b"]) @ p["a"]


@dataclass(frozen=True)
class ThreeLayer:
    """``alpha + beta'x + sum_i a_i relu(w_i'sigma_2(V x) + b_i)``, with 1/m_1 in a (Nichani et al. 2023)."""

    width: int
    middle_width: int
    activation: Activation

    @property
    def floats_per_row(self) -> int:
        """Numbers that training keeps for each row between the forward and the backward pass."""
        return floats_per_neuron(RELU) * self.width + floats_per_neuron(self.activation) * self.middle_width

    def n_parameters(self, d: int) -> int:
        """Number of weights for inputs with d columns."""
        return self.middle_width * d + self.width * (self.middle_width + 2) + d + 1

    def parameters(self, d: int, rng: np.random.RandomState) -> dict[str, Parameter]:
        """Draw the initial parameters for inputs with d columns."""
        m_1, m_2, scale = self.width, self.middle_width, norm(self.activation)
        return linear_part(d) | {
            "V": Parameter(rng.standard_normal((m_2, d)) / np.sqrt(d), 1 / d),
            "W": Parameter(rng.standard_normal((m_1, m_2)) / (np.sqrt(m_2) * scale), 1 / (m_2 * scale)),
            "b": Parameter(rng.standard_normal(m_1), 1),
            "a": Parameter(rng.standard_normal(m_1) / m_1, 1 / m_1),
        }

    def __call__(self, p: Weights, X):
        """Compute the outputs, of shape (rows,)."""
        hidden = evaluate(self.activation, X @ p["V"].T)
        return p["alpha"] + X @ p["beta"] + evaluate(RELU, hidden @ p["W"].T + p["b"]) @ p["a"]


@dataclass(frozen=True)
class Hierarchical:
    """``g(x) + sum_j c_j relu(a_j g(x) + b_j)``, ``g = alpha + u'sigma_1(V x + s)`` (Wang et al. 2023)."""

    width: int
    link_width: int
    activation: Activation

    @property
    def floats_per_row(self) -> int:
        """Numbers that training keeps for each row between the forward and the backward pass."""
        return floats_per_neuron(self.activation) * self.width + floats_per_neuron(RELU) * self.link_width

    def n_parameters(self, d: int) -> int:
        """Number of weights for inputs with d columns."""
        return self.width * (d + 2) + 3 * self.link_width + 1

    def parameters(self, d: int, rng: np.random.RandomState) -> dict[str, Parameter]:
        """Draw the initial parameters for inputs with d columns."""
        m_1, m_2, scale = self.width, self.link_width, norm(self.activation)
        return {
            "alpha": Parameter(np.zeros(()), 1),
            "V": Parameter(rng.standard_normal((m_1, d)) / np.sqrt(d), 1 / d),
            "s": Parameter(rng.standard_normal(m_1), 1),
            "u": Parameter(rng.standard_normal(m_1) / (m_1 * scale), 1 / (m_1 * scale)),
            "a": Parameter(rng.choice([-1.0, 1.0], m_2), 1),
            "b": Parameter(rng.standard_t(BIAS_DF, m_2), 1),
            "c": Parameter(rng.standard_normal(m_2) / m_2, 1 / m_2),
        }

    def feature(self, p: Weights, X):
        """Compute g, of shape (rows,)."""
        return p["alpha"] + evaluate(self.activation, X @ p["V"].T + p["s"]) @ p["u"]

    def __call__(self, p: Weights, X):
        """Compute the outputs, of shape (rows,)."""
        g = self.feature(p, X)
        return g + evaluate(RELU, g[:, None] * p["a"] + p["b"]) @ p["c"]


Network = TwoLayer | ThreeLayer | Hierarchical


def linear_part(d: int) -> dict[str, Parameter]:
    """Return the initial alpha and beta."""
    return {"alpha": Parameter(np.zeros(()), 1), "beta": Parameter(np.zeros(d), 1 / d)}
