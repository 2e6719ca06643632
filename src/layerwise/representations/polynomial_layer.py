"""A random layer of polynomial neurons, represented in the Hermite basis if it is wider than that basis.

``phi_j(x) = sigma(v_j.x + s_j)`` with |v_j| = 1 and ``sigma = sum_{i <= k} e_i h_i`` is linear in the
D = C(d + k, k) functions h_alpha, |alpha| <= k:

    sigma(z + s) = sum_l c_l(s) h_l(z),              c_l(s) = sum_{i >= l} e_i C(i, l) sqrt(l! / i!) s^(i - l),
    h_l(v.x) = sum_{|alpha| = l} m_alpha v^alpha h_alpha(x),                m_alpha = sqrt(|alpha|! / alpha!),

that is ``Phi = H C`` with ``C_{alpha j} = c_|alpha|(s_j) m_alpha v_j^alpha``. Ridge regression, and gradient descent
from u = 0, keep u in the range of Phi', so that the function they learn depends on the features only through the kernel
``Phi Phi' = H (C C') H'``: the D features ``H L`` with ``L L' = C C'`` give the same function at every step. For
infinitely many neurons, scaled by 1/sqrt(width),

    E[C C']_{alpha beta} = E[c_|alpha|(s) c_|beta|(s)] m_alpha m_beta E v^(alpha + beta),
    E v^gamma = prod_i (gamma_i - 1)!! / (d (d + 2) ... (d + |gamma| - 2))  for even gamma, else 0,

which couples alpha and beta only if they are odd in the same variables: L is block diagonal with small blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from typing import ClassVar

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Integer, check_parameters, check_peak
from layerwise.activations import ActivationLike, as_polynomial
from layerwise.hermite import HermitePolynomial, HermiteSeries, design_matrix, multi_indices, n_terms
from layerwise.hermite.multivariate import MAX_MEMORY, index_ranks
from layerwise.hermite.univariate import sqrt_factorials
from layerwise.representations._validation import check_inputs
from layerwise.solvers.gram import FeatureBlocks, feature_block, normal_equations


@dataclass(eq=False, repr=False)
class PolynomialLayer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Random layer ``sigma(V x + s)``: v_j uniform on the unit sphere, s_j ~ N(0, 1), sigma a polynomial.

    A layer wider than D = C(n_features + degree, degree) is replaced by D features on which ridge regression and
    gradient descent from zero learn the same function as on its ``width`` neurons.

    Parameters
    ----------
    degree : int, default=2
        k.
    width : int, optional
        m, the number of neurons. None stands for infinitely many, with features scaled by 1/sqrt(m): a penalty xi on m
        neurons then corresponds to xi / m, and a step size eta to m eta.
    activation : HermiteSeries, sequence of float, str or Activation, optional
        sigma, a polynomial of degree exactly k, as accepted by `layerwise.activations.as_activation`; None stands for
        ``h_1 + ... + h_k``.
    random_state : int, RandomState or None
        Unused if width is None.

    Attributes
    ----------
    activation_ : HermiteSeries
        sigma.
    weights_, biases_ : ndarrays of shape (width, n_features) and (width,)
        V and s; empty if width is None.
    n_features_in_ : int

    Raises
    ------
    ValueError
        If the activation is not a polynomial of degree k, or the D x D matrices of a wide layer would take over 8 GiB.

    Notes
    -----
    2 n width d flops for a layer of width <= D. Wider layers need width D^2 flops once, then n D for the basis and
    2 n D^2 for its product with L. For infinite width L is sparse: n D (d + 1) flops at most for k <= 3.

    References
    ----------
    Wang, Nichani, Lee 2023, Algorithm 1: the layer sigma_1(V x + s).
    """

    _constraints: ClassVar = {"degree": Integer(1), "width": Integer(1, none=True)}

    degree: int = 2
    width: int | None = None
    activation: ActivationLike | None = None
    random_state: int | np.random.RandomState | None = None

    def fit(self, X, y=None):
        """Draw the layer for inputs with the columns and dtype of X (n_samples, n_features); y is ignored."""
        X = check_inputs(self, X, reset=True)
        check_parameters(self, self._constraints)
        self.activation_ = self._check_activation()
        rng, d, m = check_random_state(self.random_state), X.shape[1], self.width or 0
        self._check_reduction(n_terms(d, self.degree))
        V = rng.standard_normal((m, d))
        V /= np.linalg.norm(V, axis=1, keepdims=True)
        self.weights_, self.biases_ = V.astype(X.dtype), rng.standard_normal(m).astype(X.dtype)
        self._mixing = self._make_mixing(d, X.dtype)
        return self

    def transform(self, X):
        """Compute the features (n_samples, min(width, D)); raises ValueError if the basis takes over 8 GiB."""
        check_is_fitted(self)
        if self._mixing is None:
            return self.neurons(X)
        H = design_matrix(check_inputs(self, X), self.degree)
        return H @ self._mixing if isinstance(self._mixing, np.ndarray) else (self._mixing.T @ H.T).T

    def neurons(self, X):
        """Compute the neurons ``sigma(V x + s)``, of shape (n_samples, width)."""
        check_is_fitted(self)
        return feature_block(check_inputs(self, X), self.weights_, self.biases_, self.activation_)

    @property
    def coefficients_(self) -> np.ndarray | csr_array:
        """C or L, of shape (D, min(width, D)), with ``transform(X) = design_matrix(X, degree) @ coefficients_``.

        Sparse if the width is infinite; computed on each access if width <= D.
        """
        check_is_fitted(self)
        return self._neuron_blocks().toarray().T if self._mixing is None else self._mixing

    def polynomial(self, u) -> HermitePolynomial:
        """Return the polynomial ``transform(x) @ u`` for a head u of shape (min(width, D),)."""
        check_is_fitted(self)
        u = np.asarray(u, dtype=float)
        if u.shape != (self._n_features_out,):
            raise ValueError(f"u has shape {u.shape}; it must be ({self._n_features_out},), one weight per feature.")
        if self._mixing is None:
            dense = np.sum([u[rows] @ block for rows, block in self._neuron_blocks()], axis=0)
        else:
            dense = self._mixing @ u
        return HermitePolynomial.from_dense(self.weights_.shape[1], self.degree, dense)

    @property
    def _n_features_out(self) -> int:
        size = n_terms(self.weights_.shape[1], self.degree)
        return size if self._mixing is not None else self.weights_.shape[0]

    def _check_activation(self) -> HermiteSeries:
        if self.activation is None:
            return HermiteSeries(np.append(0.0, np.ones(self.degree)))
        coefficients = as_polynomial(self.activation).coefficients
        degree = int(np.flatnonzero(coefficients)[-1])
        if degree != self.degree:
            raise ValueError(
                f"activation is a polynomial of degree {degree}; it must have degree={self.degree}. Pass "
                f"degree={degree}, or an activation whose last nonzero coefficient is that of h_{self.degree}."
            )
        return HermiteSeries(coefficients[: degree + 1])

    def _check_reduction(self, size: int) -> None:
        """Raise ValueError if the D x D matrices of a wide layer would take over 8 GiB."""
        if self.width is not None and self.width > size:
            check_peak(
                4 * 8 * size**2,
                MAX_MEMORY,
                f"the reduction of width={self.width} neurons of degree={self.degree} to {size} features",
                "Lower width or degree, or pass width=None, whose matrix is sparse.",
            )

    def _make_mixing(self, d: int, dtype) -> np.ndarray | csr_array | None:
        """Return L, or None if there are at most D neurons."""
        if self.width is None:
            return infinite_mixing(d, self.activation_, dtype)
        if self.width <= n_terms(d, self.degree):
            return None
        return square_root(normal_equations(self._neuron_blocks(), np.zeros(self.width))[0]).astype(dtype)

    def _neuron_blocks(self) -> FeatureBlocks:
        """The transpose of C, one row per neuron, by blocks."""
        d = self.weights_.shape[1]
        neurons = np.column_stack([self.biases_, self.weights_]).astype(float, copy=False)
        return FeatureBlocks(neurons, neuron_expansion(d, self.activation_), n_terms(d, self.degree))


def neuron_expansion(dim: int, activation: HermiteSeries) -> Callable[[np.ndarray], np.ndarray]:
    """Return the map from neurons (s_j, v_j), one per row, to coefficients ``c_|alpha|(s_j) m_alpha v_j^alpha``."""
    alphas = multi_indices(dim, activation.degree)
    degrees = alphas.sum(axis=1)
    last = dim - 1 - np.argmax(alphas[:, ::-1] > 0, axis=1)  # v^alpha = v^parent * v_last
    parents = alphas.copy()
    parents[np.arange(1, len(alphas)), last[1:]] -= 1
    parents, multinomials = index_ranks(parents), multinomial_roots(alphas)
    table = shift_table(activation)

    def expand(neurons: np.ndarray) -> np.ndarray:
        s, V = neurons[:, :1], neurons[:, 1:]
        C = np.empty((len(V), len(alphas)))
        C[:, 0] = 1
        for degree in range(1, activation.degree + 1):
            level = np.flatnonzero(degrees == degree)
            C[:, level] = C[:, parents[level]] * V[:, last[level]]
        C *= multinomials
        C *= (s ** np.arange(activation.degree + 1) @ table.T)[:, degrees]
        return C

    return expand


def infinite_mixing(dim: int, activation: HermiteSeries, dtype=np.float64) -> csr_array:
    """Return L with ``L L' = E[C C']``: the square roots of its blocks, all blocks of one size at once."""
    degree = activation.degree
    alphas = multi_indices(dim, degree)
    degrees, multinomials, table = alphas.sum(axis=1), multinomial_roots(alphas), shift_table(activation)
    odd_factorials = np.cumprod(np.append(1.0, np.arange(1.0, 2 * degree, 2)))  # (2t - 1)!! for t = 0..degree
    over_sphere = 1 / np.cumprod(np.append(1.0, dim + 2 * np.arange(degree)))  # 1 / (d (d + 2) ... (d + 2t - 2))
    p = np.add.outer(np.arange(degree + 1), np.arange(degree + 1))
    bias_moments = table @ np.where(p % 2, 0, odd_factorials[p // 2]) @ table.T  # E c_l(s) c_l'(s)

    parity = index_ranks(alphas % 2)  # one number for each set of odd variables
    by_parity = np.argsort(parity, kind="stable")
    _, starts, sizes = np.unique(parity[by_parity], return_index=True, return_counts=True)
    values, rows, columns = [], [], []
    for size in np.unique(sizes):
        members = by_parity[starts[sizes == size, None] + np.arange(size)]  # (blocks of this size, size)
        a, b = members[:, :, None], members[:, None, :]
        moments = multinomials[a] * multinomials[b] * bias_moments[degrees[a], degrees[b]]
        moments *= over_sphere[(degrees[a] + degrees[b]) // 2]
        for i in range(dim):
            moments *= odd_factorials[(alphas[a, i] + alphas[b, i]) // 2]
        values.append(square_root(moments).ravel())
        rows.append(np.broadcast_to(a, moments.shape).ravel())
        columns.append(np.broadcast_to(b, moments.shape).ravel())
    places = np.concatenate(rows), np.concatenate(columns)
    return csr_array((np.concatenate(values).astype(dtype), places), shape=(len(alphas), len(alphas)))


def shift_table(activation: HermiteSeries) -> np.ndarray:
    """Return ``T[j, p]`` in ``c_j(s) = sum_p T[j, p] s^p``, the coefficients of sigma(z + s)."""
    degree, roots = activation.degree, sqrt_factorials(activation.degree)
    table = np.zeros((degree + 1, degree + 1))
    for i, e in enumerate(activation.coefficients):
        for j in range(i + 1):
            table[j, i - j] = e * comb(i, j) * roots[j] / roots[i]
    return table


def multinomial_roots(alphas: np.ndarray) -> np.ndarray:
    """Return ``m_alpha = sqrt(|alpha|! / alpha!)``."""
    degrees = alphas.sum(axis=1)
    roots = sqrt_factorials(int(degrees.max()))
    return roots[degrees] / np.prod(roots[alphas], axis=1)


def square_root(moments: np.ndarray) -> np.ndarray:
    """Return the symmetric L with ``L L' = moments``, for one positive semidefinite matrix or a stack of them."""
    s, Q = np.linalg.eigh(moments)
    return (Q * np.sqrt(np.maximum(s, 0))[..., None, :]) @ np.swapaxes(Q, -1, -2)
