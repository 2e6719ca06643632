"""Constants of targets about which the theorems make assumptions, each with its error.

Exact where the target's facts are, otherwise Monte Carlo with a standard error: every function returns
``(value, error)``, with error 0 for values that are exact to rounding.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from layerwise.activations import Activation
from layerwise.hermite import HermitePolynomial
from layerwise.inputs import Array, Gaussian, Inputs
from layerwise.targets import Hierarchical, SingleIndex, Target
from layerwise.targets.facts import PolynomialFacts

SEED = 314159
SAMPLES = 2**17  # number of samples of Monte Carlo estimates
MAX_PRODUCTS = 10**6  # terms of a square that is multiplied out
MAX_GRADIENTS = 2**22  # numbers in the points of the finite differences
STANDARD_ERRORS = 6.0  # a Monte Carlo value differs from another one beyond this many standard errors


class Measured(NamedTuple):
    """A constant and its error."""

    value: float
    error: float = 0.0


def relevant_rank(target: Target) -> int:
    """Return r, the number of directions that f depends on.

    The rank of the target's frame; where that is all inputs, as for a function about which nothing is known, the rank
    of its gradients at random points, by finite differences (relative tolerance 1e-5).
    """
    r = len(target.relevant_subspace)
    n_points = 2 * r + 16
    if r < target.dim or r == 1 or 2 * n_points * r**2 > MAX_GRADIENTS:
        return r
    rng, step = np.random.default_rng(SEED), 1e-4
    X = rng.standard_normal((n_points, target.dim))
    shift = step * np.eye(target.dim)
    forward = target((X[:, None, :] + shift).reshape(-1, target.dim))
    backward = target((X[:, None, :] - shift).reshape(-1, target.dim))
    s = np.linalg.svd(((forward - backward) / (2.0 * step)).reshape(n_points, -1), compute_uv=False)
    return int(np.sum(s > 1e-5 * s[0]))


def hessian_eigenvalues(target: Target) -> tuple[Array, float]:
    """Return the eigenvalues of E Hessian f, largest in absolute value first, and the size below which they are noise.

    Where the Hessian is a Monte Carlo estimate, ``|H|_F^2`` exceeds ``2 |P_2 f|^2``, of which the facts hold an
    unbiased estimate, by the expected squared Frobenius norm of its error, which bounds the error of each eigenvalue.
    """
    eigenvalues = np.linalg.eigvalsh(target.expected_hessian())
    eigenvalues = eigenvalues[np.argsort(-np.abs(eigenvalues))]
    energies, errors = target.degree_energies(2, return_std=True)
    rounding = 1e-9 * max(float(np.abs(eigenvalues[0])), float(np.sqrt(target.variance)))
    if errors[2] == 0.0:
        return eigenvalues, rounding
    noise = max(float(np.sum(eigenvalues**2) - 2.0 * energies[2]), 0.0)
    return eigenvalues, max(rounding, float(np.sqrt(noise)))


def polynomial_degree(target: Target) -> int | None:
    """Return the degree of f if it is a polynomial whose facts are exact, else None."""
    energies, errors = target.degree_energies(target.facts.top_degree, return_std=True)
    if np.any(errors > 0.0) or target.variance_error > 0.0 or target.variance == 0.0:
        return None
    missing = target.variance - np.cumsum(np.append(0.0, energies[1:]))
    inside = np.flatnonzero(missing <= 1e-9 * target.variance)
    return int(inside[0]) if len(inside) else None


def norm_ratio(target: Target) -> Measured:
    """Return ``(E (f - E f)^4)^(1/4) / (Var f)^(1/2)``, the ratio of the 4-norm to the 2-norm."""
    fourth = central_fourth_moment(target)
    value = fourth.value**0.25 / np.sqrt(target.variance)
    relative = 0.25 * fourth.error / fourth.value + 0.5 * target.variance_error / target.variance
    return Measured(float(value), float(value * relative))


def central_fourth_moment(target: Target) -> Measured:
    """Return ``E (f - E f)^4``: by Hermite algebra or quadrature where possible, else by Monte Carlo."""
    mean = target.mean
    link = target.link if isinstance(target, Hierarchical | SingleIndex) else None
    if isinstance(target, SingleIndex) and link is not None:
        return Measured((link + -mean).expectation(4))
    if isinstance(target, Hierarchical) and link is not None:
        fourth = Hierarchical(target.dim, target.feature, power(link + -mean, 4))
        if fourth.variance_error == 0.0 or isinstance(fourth.facts, PolynomialFacts):
            return Measured(fourth.mean)
    if isinstance(target.facts, PolynomialFacts):
        f = target.facts.polynomial - mean
        if len(f.coefficients) ** 2 <= MAX_PRODUCTS:
            return Measured((f * f).norm() ** 2)
    return sample_mean(lambda X: (target(X) - mean) ** 4, target.dim)


def power(link: Activation, exponent: int) -> Activation:
    """Return the link ``z -> g(z)^exponent``, with its kinks; a polynomial stays one."""
    if link.polynomial is not None:
        result = link.polynomial
        for _ in range(exponent - 1):
            result = result * link.polynomial
        return Activation(result)
    return Activation(lambda z: link(z) ** exponent, kinks=link.kinks)


def sample_mean(function, dim: int, n: int = SAMPLES) -> Measured:
    """Return the mean of a function of standard Gaussian x over n points, in blocks, and its standard error."""
    rng, rows = np.random.default_rng(SEED), max(1, 2**21 // dim)
    values = np.concatenate([function(rng.standard_normal((min(rows, n - i), dim))) for i in range(0, n, rows)])
    return Measured(float(values.mean()), float(values.std(ddof=1) / np.sqrt(n)))


def polynomial_norm_ratio(p: HermitePolynomial) -> Measured:
    """The same as `norm_ratio` for a polynomial: by algebra if its square has few terms, else by Monte Carlo."""
    p = p - p.mean
    if len(p.coefficients) ** 2 <= MAX_PRODUCTS:
        fourth = Measured((p * p).norm() ** 2)
    else:
        fourth = sample_mean(lambda X: p(X) ** 4, p.dim)
    value = fourth.value**0.25 / p.norm()
    return Measured(value, 0.25 * value * fourth.error / fourth.value)


def input_moments(inputs: Inputs) -> tuple[Measured, Measured, Measured]:
    """Return how far inputs are from N(0, I): ``max |E x_i|``, ``|Cov x - I|_op``, and ``max |E x_i^4 - 3|``.

    The covariance is exact. The others are Monte Carlo estimates, 0 without error for `Gaussian` inputs of unit
    variance; a maximum of d estimates has the error of the entry that attains it.
    """
    covariance = Measured(float(np.abs(np.linalg.eigvalsh(inputs.covariance - np.eye(inputs.dim))).max()))
    if type(inputs) is Gaussian and covariance.value == 0.0:
        return Measured(0.0), covariance, Measured(0.0)
    n = max(1000, min(SAMPLES, 2**22 // inputs.dim))
    X = inputs.sample(n, SEED)
    means, fourth = X.mean(axis=0), X**4
    i, j = int(np.argmax(np.abs(means))), int(np.argmax(np.abs(fourth.mean(axis=0) - 3.0)))
    return (
        Measured(float(abs(means[i])), float(X[:, i].std() / np.sqrt(n))),
        covariance,
        Measured(float(abs(fourth[:, j].mean() - 3.0)), float(fourth[:, j].std() / np.sqrt(n))),
    )
