"""A fitted quadratic model as a function of x: predictions, Taylor terms, its form and the directions it varies in."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from layerwise.learners.quadratic_model.arguments import QuadraticModelArguments
from layerwise.learners.quadratic_model.taylor import ACTIVATIONS, Start, Terms, moved
from layerwise.representations._validation import check_inputs
from layerwise.solvers import FeatureBlocks

#: Bytes of one block of rows in prediction.
BLOCK_BYTES = 16 * 2**20


class QuadraticModelFunction(QuadraticModelArguments):
    """Mixed into the learner, whose fit sets the attributes below."""

    representation_: Any
    start_weights_: np.ndarray
    start_biases_: np.ndarray
    weights_: np.ndarray
    gates_: np.ndarray
    intercept_: float
    y_mean_: float
    y_scale_: float

    def predict(self, X):
        """Predictions of shape (n_samples,), by row blocks: 2 n D (D + 3 m / 2) flops."""
        check_is_fitted(self)
        X = check_inputs(self, X)
        start, model, W = self._start(X.dtype), self._choose_model(), self.weights_.astype(X.dtype)

        def outputs(rows):
            H = self.representation_.transform(rows)
            return model.outputs(model.table(start.preactivations(H)), moved(H, W)) + self.intercept_

        return self.y_mean_ + self.y_scale_ * np.concatenate([f for _, f in self._blocks(X, outputs)])

    def transform(self, X):
        """The whitened representation h, of shape (n_samples, D)."""
        check_is_fitted(self)
        return self.representation_.transform(check_inputs(self, X))

    def taylor_terms(self, X, signs=None) -> Terms:
        """Taylor terms of the network at the learnt movement under given signs, in units of y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        signs : array-like of shape (width,), optional
            z in {-1, 1}; +1 where None.

        Returns
        -------
        Terms
            ``first``, ``second``, ``third`` and ``network``, ``f_{W_0 + ZW}``, each of shape (n_samples,); their sum
            but for the last needs ``y_mean_ + y_scale_ * intercept_`` to be a prediction.
        """
        check_is_fitted(self)
        X = check_inputs(self, X)
        if signs is not None:
            signs = np.asarray(signs, dtype=X.dtype)
            if signs.shape != (self.width,) or np.any(np.abs(signs) != 1):
                raise ValueError(
                    f"signs has shape {signs.shape}; it must hold {self.width} numbers -1 or 1, one a neuron."
                )
        start, W = self._start(X.dtype), self.weights_.astype(X.dtype)
        blocks = self._blocks(X, lambda rows: start.terms(self.representation_.transform(rows), W, signs))
        parts = [terms for _, terms in blocks]
        return Terms(*(self.y_scale_ * np.concatenate(term) for term in zip(*parts, strict=True)))

    def gradient_outer_product(self, X):
        """``(1/n) sum_i grad f(x_i) grad f(x_i)'`` of shape (n_features, n_features), by central differences.

        Its eigenvectors are the directions along which the learnt function varies, on any representation; a few hundred
        rows X will do: 2 n_features predictions of each, in float64.
        """
        check_is_fitted(self)
        X = check_inputs(self, X).astype(float, copy=False)
        steps = 1e-4 * np.diag(self.representation_[0].scale_)
        gradients = np.stack([(self.predict(X + e) - self.predict(X - e)) / (2 * e.sum()) for e in steps])
        return gradients @ gradients.T / len(X)

    @property
    def quadratic_form_(self) -> np.ndarray:
        """``(1/(2 sqrt m)) sum_r a_r c_r w_r w_r'``, c_r the mean of sigma'' over the rows fitted, of shape (D, D).

        In units of y, on h: what the quadratic term is without its gates, and exactly it for activation="quadratic".
        """
        check_is_fitted(self)
        W = self.weights_.astype(float)
        signed = np.concatenate([self.gates_, -self.gates_])
        return self.y_scale_ / (2 * np.sqrt(self.width)) * (W.T * signed) @ W

    @property
    def _n_features_out(self):
        return self.representation_[-1]._n_features_out

    def _blocks(self, X: np.ndarray, function) -> FeatureBlocks:
        return FeatureBlocks(X, function, 4 * self.width + self._n_features_out, block_bytes=BLOCK_BYTES)

    def _start(self, dtype) -> Start:
        weights, biases = self.start_weights_.astype(dtype), self.start_biases_.astype(dtype)
        return Start(weights, biases, ACTIVATIONS[self.activation])
