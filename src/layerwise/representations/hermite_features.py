"""Hermite features: all ``h_alpha(x)`` with |alpha| <= degree, in which every polynomial of that degree is linear.

A power ``(w.x)^p`` with p even is the square of one linear function of them, ``(w.x)^p = (theta . h(x))^2`` at degree
p / 2: what a quadratic model on this representation has to find is theta, among D = C(d + p/2, p/2) numbers.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from layerwise.hermite import design_matrix, n_terms
from layerwise.hermite.multivariate import MAX_MEMORY
from layerwise.representations._validation import check_inputs, check_memory
from layerwise.representations._whitening import WhitenedFeatures, check_degree


class HermiteFeatures(WhitenedFeatures, BaseEstimator):
    """All products ``h_alpha(x) = prod_i h_{alpha_i}(x_i)`` of total degree <= ``degree``, orthonormal for N(0, I).

    Parameters
    ----------
    degree : int, default=2
    whiten : bool, default=False
        Give ``Sigma^{-1/2} g(x)``, ``Sigma = (1/n) sum_i g(x_i) g(x_i)'`` over the rows fitted; eigenvalues of Sigma
        below ``min(D / n, 1)^2`` of their mean are raised to it, those up to 1e-6 of the largest dropped. The second
        moment of the rows fitted is exactly one in all other directions: for n >> D in all that the sample sees, and
        for Gaussian inputs from n = 3 D on.
    max_memory : int, default=8 * 2**30
        Bytes that the features of one call, or the four D x D matrices of whitening, may take.

    Attributes
    ----------
    whitening_ : ndarray of shape (D, D), or None
        ``Sigma^{-1/2}``.
    n_features_in_ : int

    Raises
    ------
    ValueError
        Where either would take more than ``max_memory``.

    Notes
    -----
    D = C(n_features + degree, degree) columns, in the order of `layerwise.hermite.multi_indices`: n D flops. Whitening:
    n D^2 + 9 D^3 flops in row blocks to fit, 2 n D^2 to transform.

    References
    ----------
    Chen, Bai, Lee, Zhao, Wang, Xiong, Socher 2020; Lee 2020: the representation of the proof.
    """

    def __init__(self, degree: int = 2, *, whiten: bool = False, max_memory: int = MAX_MEMORY):
        self.degree = degree
        self.whiten = whiten
        self.max_memory = max_memory

    def fit(self, X, y=None):
        """Fit the whitening to X (n_samples, n_features); y is ignored."""
        X = check_inputs(self, X, reset=True)
        check_memory(self.max_memory)
        width = n_terms(X.shape[1], check_degree(self.degree))
        needed = 4 * 8 * width**2
        if self.whiten and needed > self.max_memory:
            raise ValueError(
                f"degree={self.degree} with {X.shape[1]} inputs has {width:.3g} features, whose whitening needs "
                f"{needed:.2g} bytes, over max_memory={self.max_memory:.2g}. Lower degree, project the inputs on fewer "
                "directions first, or use RandomFeatures, whose width is free."
            )
        self._fit_whitening(X, width)
        return self

    def _features(self, X: np.ndarray) -> np.ndarray:
        return design_matrix(X, self.degree, max_memory=self.max_memory)
