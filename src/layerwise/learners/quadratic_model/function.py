"""A fitted quadratic model as a function of x: predictions, Taylor terms, its quadratic form and its directions."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from layerwise.activations import Activation, ActivationLike, as_activation
from layerwise.hermite import HermitePolynomial
from layerwise.learners._base import Learner
from layerwise.learners._describe import MIN_SHARE, column_names, describe_directions, describe_polynomial
from layerwise.learners.quadratic_model.representation import Representation
from layerwise.learners.quadratic_model.taylor import Linearised, Model, Network, Quadratic, Start, Terms, moved
from layerwise.solvers import FeatureBlocks

#: Bytes of one block of rows during prediction.
BLOCK_BYTES = 16 * 2**20


class QuadraticModelFunction(Learner):
    """The methods of a fitted `QuadraticModelRegressor`, which declares the parameters and attributes below."""

    representation: Representation
    degree: int
    model: Literal["quadratic", "linearised"]
    dynamics: Literal["quadratic", "network"]
    signed_dropout: bool
    activation: ActivationLike
    width: int
    representation_: Any
    start_weights_: np.ndarray
    start_biases_: np.ndarray
    weights_: np.ndarray
    gates_: np.ndarray
    intercept_: float
    y_mean_: float
    y_scale_: float

    def predict(self, X):
        """Predict y, of shape (n_samples,), by row blocks: 2 n D (D + 3 m / 2) flops."""
        return self._predict(self._check_inputs(X))

    def _predict(self, X: np.ndarray) -> np.ndarray:
        start, model, W = self._start(X.dtype), self._choose_model(), self.weights_.astype(X.dtype)

        def outputs(rows):
            H = self.representation_.transform(rows)
            return model.outputs(model.table(start.preactivations(H)), moved(H, W)) + self.intercept_

        return self.y_mean_ + self.y_scale_ * np.concatenate([f for _, f in self._blocks(X, outputs)])

    def transform(self, X):
        """Compute the whitened representation h, of shape (n_samples, D)."""
        return self.representation_.transform(self._check_inputs(X))

    def taylor_terms(self, X, signs=None) -> Terms:
        """Compute the Taylor terms of the network at the learnt movement with given signs, in units of y.

        ``signs`` z (width,) must be -1 or 1, by default 1 (raises ValueError). Returns ``first``, ``second``, ``third``
        and ``network``, ``f_{W_0 + ZW}``, each of shape (n_samples,). Add ``y_mean_ + y_scale_ * intercept_`` to turn
        them into predictions.
        """
        X = self._check_inputs(X)
        if signs is not None:
            signs = np.asarray(signs, dtype=X.dtype)
            if signs.shape != (self.width,) or np.any(np.abs(signs) != 1):
                raise ValueError(
                    f"signs has shape {signs.shape}; it must hold {self.width} numbers -1 or 1. Pass one per neuron."
                )
        start, W = self._start(X.dtype), self.weights_.astype(X.dtype)
        blocks = self._blocks(X, lambda rows: start.terms(self.representation_.transform(rows), W, signs))
        parts = [terms for _, terms in blocks]
        return Terms(*(self.y_scale_ * np.concatenate(term) for term in zip(*parts, strict=True)))

    def gradient_outer_product(self, X):
        """Compute ``(1/n) sum_i grad f(x_i) grad f(x_i)'``, of shape (n_features, n_features), by central differences.

        The eigenvectors of this matrix are the directions along which the learnt function varies, for any
        representation. A few hundred rows of X suffice; each takes 2 n_features predictions, in float64.
        """
        X = self._check_inputs(X).astype(float, copy=False)
        steps = 1e-4 * np.eye(X.shape[1])
        gradients = np.stack([(self._predict(X + e) - self._predict(X - e)) / 2e-4 for e in steps])
        return gradients @ gradients.T / len(X)

    @property
    def quadratic_form_(self) -> np.ndarray:
        """``(1/(2 sqrt m)) sum_r a_r c_r w_r w_r'``, of shape (D, D), c_r being the mean of sigma'' over training rows.

        In units of y and on h: the quadratic term with each gate replaced by its mean, exact for "half-square".
        """
        check_is_fitted(self)
        W = self.weights_.astype(float)
        signed = np.concatenate([self.gates_, -self.gates_])
        return self.y_scale_ / (2 * np.sqrt(self.width)) * (W.T * signed) @ W

    def describe(self, columns=None):
        """Sentences about the quadratic form in the standardised inputs; see `Learner.describe`.

        The form has directions for representation="raw" and, for "hermite", a leading feature that is a polynomial; the
        list is empty for other representations and for the linearised model.
        """
        check_is_fitted(self)
        names = column_names(self, columns)
        if self.model == "linearised" or self.representation == "neural":
            return []
        whitening = self.representation_.whitening_
        values, vectors = np.linalg.eigh(whitening @ self.quadratic_form_ @ whitening)
        order = np.argsort(-np.abs(values))
        weights, vectors = np.abs(values[order]), vectors.T[order]
        if self.representation == "raw":
            return describe_directions(vectors, weights, "of the quadratic form", names)
        share = weights[0] / (weights.sum() or 1.0)
        if share < MIN_SHARE:
            return []
        feature = HermitePolynomial.from_dense(len(names), self.degree, vectors[0])
        lines = describe_polynomial(feature, names)
        return [f"square, with {share:.0%} of the quadratic form, of a {line}" for line in lines]

    @property
    def _n_features_out(self):
        return self.representation_._n_features_out

    def _blocks(self, X: np.ndarray, function) -> FeatureBlocks:
        return FeatureBlocks(X, function, 4 * self.width + self._n_features_out, block_bytes=BLOCK_BYTES)

    def _represent(self, X: np.ndarray, dtype) -> np.ndarray:
        """Compute h for all rows, in the given precision."""
        H = np.empty((len(X), self._n_features_out), dtype=dtype)
        for rows, block in FeatureBlocks(X, self.representation_.transform, H.shape[1]):
            H[rows] = block
        return H

    def _start(self, dtype) -> Start:
        weights, biases = self.start_weights_.astype(dtype), self.start_biases_.astype(dtype)
        return Start(weights, biases, self._sigma())

    def _sigma(self) -> Activation:
        """Return sigma; raises ValueError if one of its first three derivatives is not known."""
        sigma = as_activation(self.activation, constant=False)
        sigma.require_derivatives(3)
        return sigma

    def _choose_model(self) -> Model:
        sigma = self._sigma()
        if self.model == "linearised":
            return Linearised(sigma, self.width)
        if self.dynamics == "quadratic":
            return Quadratic(sigma, self.width)
        return Network(sigma, self.width, self._signed)

    @property
    def _signed(self) -> bool:
        return self.model == "quadratic" and self.dynamics == "network" and bool(self.signed_dropout)
