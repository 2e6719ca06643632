"""What random features can represent: the rank of polynomial ones, and monomials by random ReLU neurons.

**Rank.** For a polynomial sigma of degree exactly k, the functions ``sigma(v_j . x + s_j)`` are polynomials of degree
<= k, a space of C(d + k, k) dimensions, and as many random ones span it.

**Monomials.** With a = ±1 equally likely and b ~ N(0, 1) of density ``density``, for |z| <= 1,

    z^k = E[v_k(a, b) relu(a z + b)],
    v_k(1, b) = 2 k (k - 1) (-b)^(k-2) / density(b)    for |b| <= 1,
    v_k(±1, b) = (c_0 / b ± c_1) / density(b)          for 1 < b <= 2,   c_0 = (-1)^k (1 - k), c_1 = (-1)^(k-1) k,

and 0 elsewhere. This is Taylor's formula ``z^k = c_0 + c_1 z + int_{-1}^{1} k (k - 1) t^(k-2) relu(z - t) dt``, whose
constant and linear part come from neurons that are linear on the interval. As v_k is bounded, the mean over m neurons
has the error ``O(m^(-1/2))``: the head of the network can represent any polynomial of a direction that W contains.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from layerwise._validation import as_integer
from layerwise.activations import ActivationLike, as_polynomial
from layerwise.hermite import gaussian_rule, n_terms
from layerwise.inputs import Array, RandomState, as_generator

MAX_FEATURES = 4000


def random_feature_rank(
    dim: int, width: int, activation: ActivationLike = "cube", random_state: RandomState = None
) -> int:
    """Return the dimension of the span of ``sigma(v_j . x + s_j)``, j = 1..width, with random v_j and s_j.

    It is ``min(width, C(dim + k, k))`` for a polynomial sigma of degree k.

    Parameters
    ----------
    dim, width : int
        d and m.
    activation : str, sequence of float or Activation, default "cube"
        sigma, a polynomial.
    random_state : int, Generator, RandomState or None
        Draws v_j uniform on the sphere and s_j ~ N(0, 1).

    Raises
    ------
    ValueError
        If sigma is not a polynomial, or more than 4000 features or dimensions would be needed.

    References
    ----------
    Wang, Nichani, Lee 2023, the span of the first layer's features.

    Examples
    --------
    >>> [random_feature_rank(4, m, "cube", 0) for m in (20, 35, 60)]  # C(4 + 3, 3) = 35
    [20, 35, 35]
    """
    d, m, sigma = as_integer(dim, "dim", 1), as_integer(width, "width", 1), as_polynomial(activation)
    size = n_terms(d, sigma.degree)
    if max(m, size) > MAX_FEATURES:
        raise ValueError(
            f"{m} features in a space of {size} dimensions are too many; both must be at most {MAX_FEATURES}. "
            "Lower dim or width."
        )
    rng = as_generator(random_state)
    V = rng.standard_normal((m, d))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    X = rng.standard_normal((size + 20, d))  # points that determine a polynomial
    features = np.asarray(sigma(X @ V.T + rng.standard_normal(m)))
    return int(np.linalg.matrix_rank(features / np.linalg.norm(features, axis=0)))


def monomial_weights(power: int, a: Array, b: Array) -> Array:
    """Return the output weights ``v_k(a, b)`` with ``E v_k(a, b) relu(a z + b) = z^k`` for |z| <= 1.

    Parameters
    ----------
    power : int
        k.
    a, b : ndarrays of one shape
        Signs ±1 and biases, drawn from the uniform distribution and N(0, 1).

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, the lemma on monomials as averages of random ReLU neurons.
    """
    k = as_integer(power, "power")
    sign = (-1.0) ** k
    linear = (sign * (1 - k) / np.where(b > 1.0, b, 1.0) - sign * k * a) * ((b > 1.0) & (b <= 2.0))
    curved = 2.0 * k * (k - 1) * (-b) ** max(k - 2, 0) * ((np.abs(b) <= 1.0) & (a > 0.0))
    return (linear + curved) / norm.pdf(np.where(np.abs(b) <= 2.0, b, 0.0))


def monomial_approximation(power: int, width: int, z: Array, random_state: RandomState = None) -> Array:
    """Approximate ``z^k`` by the mean ``(1/m) sum_j v_k(a_j, b_j) relu(a_j z + b_j)`` over random neurons.

    Parameters
    ----------
    power, width : int
        k and m.
    z : ndarray of shape (n,)
        Points in [-1, 1].
    random_state : int, Generator, RandomState or None

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> z = np.linspace(-1, 1, 5)
    >>> error = monomial_approximation(3, 100_000, z, 0) - z**3
    >>> bool(np.abs(error).max() < 6 * monomial_error(3, 100_000, z).max())
    True
    """
    rng, m = as_generator(random_state), as_integer(width, "width", 1)
    a, b = rng.integers(0, 2, m) * 2.0 - 1.0, rng.standard_normal(m)
    v = monomial_weights(power, a, b)
    total = np.zeros(len(z))
    for part in np.array_split(np.flatnonzero(v), max(1, m // 2**16)):
        total += np.maximum(np.multiply.outer(z, a[part]) + b[part], 0.0) @ v[part]
    return total / m


def monomial_error(power: int, width: int, z: Array) -> Array:
    """Return the standard deviation of `monomial_approximation` at each z, exactly: that of one neuron over sqrt(m)."""
    nodes, weights = gaussian_rule(64, kinks=(-2.0, -1.0, 0.0, 1.0, 2.0))
    variance = -(z ** (2 * power))
    for i, point in enumerate(z):
        b, w = gaussian_rule(64, kinks=(-2.0, -1.0, -point, point, 1.0, 2.0)) if abs(point) < 1.0 else (nodes, weights)
        for a in (1.0, -1.0):
            values = monomial_weights(power, np.full(len(b), a), b) * np.maximum(a * point + b, 0.0)
            variance[i] += 0.5 * float(w @ values**2)
    return np.sqrt(np.maximum(variance, 0.0) / as_integer(width, "width", 1))
