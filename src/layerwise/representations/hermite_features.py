"""Hermite features: all ``h_alpha(x)`` with |alpha| <= degree, in which every polynomial of that degree is linear.

For even p, the power ``(w.x)^p = (theta . h(x))^2`` is the square of one linear function of the features of degree
p / 2: a quadratic model on this representation has to find theta, a vector of length D = C(d + p/2, p/2).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from layerwise._validation import Flag, Integer, Memory, check_parameters, check_peak
from layerwise.hermite import design_matrix, n_terms
from layerwise.hermite.multivariate import MAX_MEMORY
from layerwise.representations._validation import check_inputs
from layerwise.representations._whitening import WhitenedFeatures


@dataclass(eq=False, repr=False)
class HermiteFeatures(WhitenedFeatures, BaseEstimator):
    """All products ``h_alpha(x) = prod_i h_{alpha_i}(x_i)`` of total degree <= ``degree``, orthonormal for N(0, I).

    Parameters
    ----------
    degree : int, default=2
        At least 1 without the constant.
    whiten : bool, default=False
        Return ``Sigma^{-1/2} g(x)`` instead of the features g(x), with ``Sigma = (1/n) sum_i g(x_i) g(x_i)'`` over the
        training rows. Eigenvalues of Sigma below ``min(D / n, 1)^2`` of their mean are raised to that value, and those
        up to 1e-6 of the largest are dropped. In all other directions the second moment of the training rows is exactly
        one: for Gaussian inputs, in all directions from n = 3 D on.
    constant : bool, default=True
        Whether the first feature is the constant 1; False leaves it out.
    max_memory : int, default=8 * 2**30
        The most bytes that the features of one call, or the four D x D matrices of whitening, may take.

    Attributes
    ----------
    whitening_ : ndarray of shape (D, D), or None
        ``Sigma^{-1/2}``.
    n_features_in_ : int

    Raises
    ------
    ValueError
        If either would take more than ``max_memory``.

    Notes
    -----
    D = C(n_features + degree, degree) columns (one less without the constant), in the order of
    `layerwise.hermite.multi_indices`: n D flops. Whitening: n D^2 + 9 D^3 flops in row blocks to fit, 2 n D^2 to
    transform.

    References
    ----------
    Chen, Bai, Lee, Zhao, Wang, Xiong, Socher 2020; Lee 2020, where the proof uses this representation.
    """

    _constraints: ClassVar = {"constant": Flag(), "max_memory": Memory()}

    degree: int = 2
    _: KW_ONLY
    whiten: bool = False
    constant: bool = True
    max_memory: float = MAX_MEMORY

    def fit(self, X, y=None):
        """Fit the whitening to X (n_samples, n_features); y is ignored."""
        X = check_inputs(self, X, reset=True)
        check_parameters(self, self._constraints)
        Integer(0 if self.constant else 1).check(self.degree, "degree")
        width = n_terms(X.shape[1], self.degree) - (not self.constant)
        if self.whiten:
            check_peak(
                4 * 8 * width**2,
                self.max_memory,
                f"degree={self.degree} with {X.shape[1]} inputs has {width:.3g} features, whose whitening",
                "Lower degree, project the inputs on fewer directions, or use RandomFeatures, whose width is free.",
            )
        self._fit_whitening(X, width)
        return self

    def _features(self, X: np.ndarray) -> np.ndarray:
        return design_matrix(X, self.degree, max_memory=self.max_memory)[:, 0 if self.constant else 1 :]
