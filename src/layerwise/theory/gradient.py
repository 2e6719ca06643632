"""The population gradient of a ReLU neuron, one Hermite degree of the target at a time.

For ``sigma = relu``, |w| = 1 and the part of degree k of f with its symmetric tensor A (`symmetric_tensor`),
integration by parts gives

    E[P_k f(x) x sigma'(w . x)] = E[grad P_k f(x) sigma'(w . x)] + w E[P_k f(x) sigma''(w . x)]
                                = sqrt(k) c_{k-1}(sigma') A(w, ..., w, .) + c_k(sigma'') A(w, ..., w) w,

where sigma' is the indicator of z >= 0, with ``c_0 = 1/2`` and ``c_j = h_{j-1}(0) / sqrt(2 pi j)``, and sigma'' a unit
mass at 0, with ``c_j = h_j(0) / sqrt(2 pi)``. With ``H = E Hessian f`` the terms are

    k = 0:  E f w / sqrt(2 pi);        k = 1:  E[grad f] / 2;        k = 2:  [H w - w (w'Hw) / 2] / sqrt(2 pi),

and for a random w the term of degree k has a norm of order ``d^(-(k-1)/2)``: the gradient points into the range of H.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from layerwise._validation import as_vector
from layerwise.hermite import HermitePolynomial, hermite_values
from layerwise.inputs import Array
from layerwise.theory.feature_structure import symmetric_tensor


def gradient_terms(f: HermitePolynomial, w: ArrayLike) -> Array:
    """Return ``E[P_k f(x) x 1{w . x >= 0}]`` for each degree k of a polynomial.

    Parameters
    ----------
    f : HermitePolynomial
        In d variables.
    w : array-like of shape (d,)
        A direction; only ``w / |w|`` matters.

    Returns
    -------
    ndarray of shape (degree + 1, d)
        Row k is the term of degree k; their sum is the gradient of ``E f(x) relu(w . x)``.

    Raises
    ------
    ValueError
        If w is 0, or the tensor of a degree would have more than 2^24 entries.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, the population gradient in section 4.

    Examples
    --------
    The terms of ``f = h_2(x_1) + h_4(x_1)`` at a direction with ``w_1 = 1/2``:

    >>> f = HermitePolynomial([[2, 0], [4, 0]], [1.0, 1.0])
    >>> gradient_terms(f, [0.5, 0.75**0.5])[[2, 4], 0].round(4).tolist()
    [0.2468, -0.0331]
    """
    w = as_vector(w, "w", f.dim)
    size = float(np.linalg.norm(w))
    if size == 0.0:
        raise ValueError("w is 0; it must be a direction. Pass a non-zero vector.")
    w = w / size
    at_zero = hermite_values(0.0, f.degree + 1) / np.sqrt(2.0 * np.pi)  # c_j(sigma'')
    terms = np.zeros((f.degree + 1, f.dim))
    terms[0] = f.mean * at_zero[0] * w
    for k in range(1, f.degree + 1):
        part = f.project(k)
        if part.norm() == 0.0:
            continue
        contracted = symmetric_tensor(part)
        for _ in range(k - 1):
            contracted = contracted @ w
        slope = 0.5 if k == 1 else at_zero[k - 2] / np.sqrt(k - 1)  # c_{k-1}(sigma')
        terms[k] = np.sqrt(k) * slope * contracted + at_zero[k] * (contracted @ w) * w
    return terms
