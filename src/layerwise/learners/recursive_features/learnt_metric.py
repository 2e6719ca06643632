"""The part of the last kernel model that `RecursiveFeatureRegressor` keeps: metric, directions and function."""

from __future__ import annotations

from typing import Any

import numpy as np

from layerwise.hermite import HermitePolynomial
from layerwise.learners._representation import Representation, hermite_degree, hermite_polynomials
from layerwise.learners.recursive_features.kernel_model import KernelModel, mapped
from layerwise.learners.recursive_features.recursion import Choice, Plan, next_components


class LearntMetric:
    """The fitted attributes that follow from a kernel model and the choices of the folds."""

    representation: Representation
    n_features_in_: int
    kernel_: Any
    representation_: Any
    features_: list[HermitePolynomial]

    def _learn(self, model: KernelModel, plan: Plan, scales: np.ndarray) -> None:
        """Run the rounds that were chosen on all rows; set the metric and what follows from it."""
        for choice in plan.rounds[:-1]:
            model.set_components(next_components(model, choice))
        W = model.components[: plan.rank or None]
        largest = W[np.arange(len(W)), np.argmax(np.abs(W), axis=1)]
        model.set_components(W * np.where(largest < 0, -1.0, 1.0)[:, None])
        self.n_rounds_, self.rank_ = len(plan.rounds) - 1, len(W) if plan.rank else 0
        Q, R = np.linalg.qr((model.components / scales).T)
        self.directions_ = (Q * np.where(np.diag(R) < 0, -1.0, 1.0)).T[: self.rank_]
        squares = np.sum(W**2, axis=1)
        self.shares_ = squares[: self.rank_] / squares.sum()
        self._set_kernel_model(model, plan.rounds[-1], np.diag(1 / scales))
        degree = hermite_degree(self.representation_) if self.representation == "hermite" else None
        known = degree is not None
        self.features_ = hermite_polynomials(self.directions_, degree, self.n_features_in_) if known else []

    def _set_kernel_model(self, model: KernelModel, choice: Choice, frame: np.ndarray) -> None:
        """Fit alpha, and set W for inputs of which the rows of the frame are the coordinates that the model knows."""
        relative = np.array([choice.penalty])
        (self.dual_coef_,) = model.fit(choice.bandwidth, relative)
        W = model.components / choice.bandwidth
        self.components_ = W @ frame
        self.metric_ = self.components_.T @ self.components_
        self.centres_ = mapped(self.kernel_, model.X if model.centres is None else model.centres, W)
        self._head = {"stage": "head", "penalty": float(model.penalties(relative)[0]), "missed": model.missed}
