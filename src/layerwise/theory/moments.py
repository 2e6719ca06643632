"""Hypercontractive bounds on the moments of polynomials, and the exact moments that they bound.

For a polynomial f of degree k in standard Gaussian variables and q >= 2,

    E |f|^q <= (q - 1)^(k q / 2) (E f^2)^(q / 2).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from layerwise._validation import as_integer
from layerwise.hermite import HermitePolynomial, HermiteSeries


def moment_bound(degree: int, order: float) -> float:
    """Return the hypercontractive bound ``(q - 1)^(k q / 2)`` on E |f|^q for E f^2 = 1.

    Parameters
    ----------
    degree : int
        k, the degree of the polynomial f.
    order : float
        q >= 2.

    Examples
    --------
    >>> moment_bound(2, 4)
    81.0
    """
    if not order >= 2:
        raise ValueError(f"order={order} must be >= 2. For 1 <= q < 2 the moment is at most 1, by Jensen's inequality.")
    return float((order - 1.0) ** (as_integer(degree, "degree") * order / 2.0))


def norm_ratio_bound(degree: int, order: float = 4) -> float:
    """Return the bound ``(q - 1)^(k / 2)`` on the ratio of the q-norm to the 2-norm."""
    return moment_bound(degree, order) ** (1.0 / order)


def exact_moment(f: HermitePolynomial | HermiteSeries, order: int) -> float:
    """Return ``E f(x)^q`` for a polynomial, by Hermite algebra.

    ``E f^(2m) = |f^m|^2`` and ``E f^(2m+1) = <f^m, f^(m+1)>``.

    Parameters
    ----------
    f : HermitePolynomial or HermiteSeries
    order : int
        q >= 1.

    Examples
    --------
    >>> round(exact_moment(HermiteSeries.basis(2), 4), 9)  # E h_2^4 = 15
    15.0
    """
    q = as_integer(order, "order", 1)
    if isinstance(f, HermiteSeries):
        f = HermitePolynomial(np.arange(f.degree + 1)[:, None], f.coefficients)
    power = f
    for _ in range(q // 2 - 1):
        power = power * f
    if q == 1:
        return f.mean
    return power.inner(power if q % 2 == 0 else power * f)


def largest_moment(
    degree: int, order: int, *, n_starts: int = 20, random_state: int = 0
) -> tuple[float, HermiteSeries]:
    """Find the largest ``E f(z)^q`` over polynomials of one variable with degree <= k and ``E f^2 = 1``.

    How far the hypercontractive bound is from what polynomials attain. The maximum over one variable is a lower bound
    of that over several.

    Parameters
    ----------
    degree : int
        k.
    order : int
        q, even.
    n_starts : int, default 20
        Random starts of the ascent; the best local maximum is returned.
    random_state : int, default 0

    Returns
    -------
    moment : float
    f : HermiteSeries
        A polynomial that attains it.

    Examples
    --------
    >>> moment, f = largest_moment(1, 4)
    >>> round(moment, 6)  # a Gaussian: 3
    3.0
    """
    k, q = as_integer(degree, "degree", 1), as_integer(order, "order", 2)
    if q % 2:
        raise ValueError(f"order={q} must be even, so that the moment is that of |f|. Pass an even order.")
    nodes, weights = np.polynomial.hermite_e.hermegauss(k * q // 2 + 1)
    weights = weights / weights.sum()
    basis = np.stack([HermiteSeries.basis(j)(nodes) for j in range(k + 1)])

    def loss(c: np.ndarray) -> tuple[float, np.ndarray]:
        """``-E f^q / (E f^2)^(q/2)`` and its gradient."""
        values, size = c @ basis, float(c @ c)
        moment = float(weights @ values**q)
        gradient = q * (basis @ (weights * values ** (q - 1))) / size ** (q / 2) - q * moment * c / size ** (q / 2 + 1)
        return -moment / size ** (q / 2), -gradient

    rng = np.random.default_rng(random_state)
    found = [minimize(loss, rng.standard_normal(k + 1), jac=True, tol=1e-14) for _ in range(n_starts)]
    best = min(found, key=lambda result: float(result.fun))
    return -float(best.fun), HermiteSeries(best.x / np.linalg.norm(best.x))
