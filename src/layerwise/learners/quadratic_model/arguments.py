"""What the arguments of `QuadraticModelRegressor` may be, and the parts that they name."""

from __future__ import annotations

from numbers import Real
from typing import Literal

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from layerwise._validation import as_integer
from layerwise.hermite import n_terms
from layerwise.learners._head import Auto, check_memory, check_number, check_penalty
from layerwise.learners.quadratic_model.signed_sgd import LOSSES
from layerwise.learners.quadratic_model.taylor import ACTIVATIONS, Linearised, Model, Network, Quadratic
from layerwise.representations import HermiteFeatures, RandomFeatures
from layerwise.representations._whitening import WhitenedInputs, check_degree

CHOICES = {
    "representation": ("raw", "neural", "hermite"),
    "model": ("linearised", "quadratic"),
    "dynamics": ("network", "quadratic"),
    "activation": tuple(ACTIVATIONS),
    "loss": tuple(LOSSES),
}


class QuadraticModelArguments:
    """The checks and choices, mixed into the learner that has the arguments."""

    representation: Literal["neural", "raw", "hermite"]
    representation_width: int
    degree: int
    model: Literal["quadratic", "linearised"]
    dynamics: Literal["quadratic", "network"]
    signed_dropout: bool
    activation: Literal["relu-cubed", "quadratic"]
    width: int
    bias: float
    loss: Literal["square", "absolute", "huber"]
    penalty: Auto
    step_size: float
    noise: float
    batch_size: int
    max_epochs: int
    patience: int | None
    validation: float
    max_memory: int

    def _check_choices(self) -> None:
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if not isinstance(value, str) or value not in allowed:
                raise ValueError(f"{name}={value!r} is unknown. Give one of {str(allowed)[1:-1]}.")
        check_degree(self.degree)
        for name in ("width", "representation_width", "batch_size", "max_epochs"):
            as_integer(getattr(self, name), name, 1)
        if self.patience is not None:
            as_integer(self.patience, "patience", 1)
        if self.width % 2:
            raise ValueError(f"width={self.width} must be even: neurons come in pairs of opposite sign.")
        check_penalty(self.penalty)
        check_number(self.step_size, "step_size")
        check_number(self.noise, "noise")
        check_number(self.bias, "bias", zero=True)
        check_memory(self.max_memory)
        if not isinstance(self.validation, Real) or not 0 < self.validation < 1:
            raise ValueError(
                f"validation={self.validation!r} must be the fraction of rows held out, between 0 and 1. Give e.g. 0.2."
            )
        if not isinstance(self.signed_dropout, bool | np.bool_):
            raise ValueError(f"signed_dropout={self.signed_dropout!r} must be True or False. Give True, as the paper.")

    def _make_representation(self, n: int, d: int, seed: int) -> tuple[Pipeline, int]:
        """The transformer and its width D, after the fit's memory is found to be allowed."""
        if self.representation == "raw":
            representation, D = WhitenedInputs(), d
        elif self.representation == "neural":
            D = self.representation_width
            representation = RandomFeatures(D, whiten=True, random_state=seed)
        else:
            representation = HermiteFeatures(self.degree, whiten=True, max_memory=self.max_memory)
            D = n_terms(d, self.degree)
        needed = 32 * D * D + 4 * n * (D + self.width / 2) + 12 * self.width * D
        if self._closed:
            needed = 32 * D * D + 8 * (4 * n * n + n * (D + self.width / 2))
        if needed > self.max_memory:
            cure = "Take loss='huber', which needs no n x n matrix, or fewer rows" if self._closed else "Lower width"
            if needed < 64 * D * D:
                cure = "Lower degree" if self.representation == "hermite" else "Lower representation_width"
            raise ValueError(
                f"n_samples={n}, D={D} and width={self.width} need {needed:.2g} bytes, over "
                f"max_memory={self.max_memory:.2g}. {cure}, or raise max_memory."
            )
        return make_pipeline(StandardScaler(), representation).set_output(transform="default"), D

    def _choose_model(self) -> Model:
        sigma = ACTIVATIONS[self.activation]
        if self.model == "linearised":
            return Linearised(sigma, self.width)
        if self.dynamics == "quadratic":
            return Quadratic(sigma, self.width)
        return Network(sigma, self.width, self._signed)

    @property
    def _closed(self) -> bool:
        return self.model == "linearised" and self.loss == "square"

    @property
    def _signed(self) -> bool:
        return self.model == "quadratic" and self.dynamics == "network" and bool(self.signed_dropout)
