"""Generative exponents: closed forms, and quadrature over the level sets of links."""

import numpy as np
import pytest
from numpy.polynomial import Polynomial
from scipy.stats import norm

from layerwise.hermite import HermiteSeries
from layerwise.targets import (
    BalancedSum,
    HermiteSingleIndex,
    Hierarchical,
    MultiIndex,
    SingleIndex,
    TwoLayerTeacher,
)


@pytest.mark.parametrize("degree", range(1, 9))
def test_hermite_polynomials(degree):
    """The information exponent is the degree; the generative one 1 or 2, by parity."""
    target = HermiteSingleIndex(7, degree, rotate=True, random_state=0)
    assert target.information_exponent == degree
    assert target.generative_exponent == (2 if degree % 2 == 0 else 1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("degree", [3, 4])
def test_polynomials_against_their_level_sets(degree, seed):
    """``E[z | y] P(dy)`` from all real roots of g(z) = y: 0 for all y if and only if g is even."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(degree + 1)
    even = degree == 4 and seed % 2 == 0
    if even:
        a[1::2] = 0
    g = Polynomial(a)
    size = 0.0
    for y in g(np.linspace(-3, 3, 41)):
        roots = (g - y).roots()
        z = roots[np.abs(roots.imag) < 1e-9].real
        slopes = np.abs(g.deriv()(z))
        if np.all(slopes > 1e-3):
            size = max(size, abs(np.sum(z * norm.pdf(z) / slopes)))
    target = SingleIndex(3, HermiteSeries.from_monomials(a).coefficients)
    assert (size > 1e-6) == (target.generative_exponent == 1)
    assert target.generative_exponent == (2 if even else 1)


@pytest.mark.parametrize(
    ("link", "exponent"),
    [
        ("relu", 1),
        ("abs", 2),
        ("sin", 1),
        ("tanh", 1),
        (np.sign, 1),
        (np.cos, 2),
        (lambda z: np.abs(z) > 1, 2),
        (lambda z: z**2 * np.exp(-(z**2)), 4),  # of Damian, Pillaud-Vivien, Lee & Bruna 2024
        (lambda z: z**4 - 6 * z**2 + z, 1),
        (lambda z: 0 * z + 1, None),
    ],
    ids=["relu", "abs", "sin", "tanh", "sign", "cos", "step of |z|", "z^2 exp(-z^2)", "not even", "constant"],
)
def test_links_that_are_no_polynomials(link, exponent):
    """For ``z^2 exp(-z^2)`` the ends of a level set a < b have ``a phi(a) = b phi(b)``, so that F_2 = 0."""
    assert SingleIndex(4, link, rotate=True, random_state=0).generative_exponent == exponent


def test_parity_of_a_polynomial_is_exact():
    """A floor on energies where coefficients are exact: an odd part of 1e-7, which the grid does not resolve."""
    assert SingleIndex(4, [0, 1e-7, 1.0]).generative_exponent == 1
    assert SingleIndex(4, [3.0, 1e-13, 1.0]).generative_exponent == 2
    assert SingleIndex(4, [3.0]).generative_exponent is None


@pytest.mark.parametrize(
    ("target", "exponent"),
    [
        (MultiIndex(6, lambda Z: np.sign(Z[:, 0] * Z[:, 1]), rank=2), 2),
        (MultiIndex(6, lambda Z: np.sign(Z.prod(axis=1)), rank=3), 3),
        (MultiIndex(6, "product", rank=3, rotate=True, random_state=0), 2),
        (MultiIndex(6, "max", rank=3), 1),
        (TwoLayerTeacher(6, 3, [0, 0, 0, 0, 1.0]), 2),
        (Hierarchical(6, BalancedSum(6, 2), [0, 1, 0.5]), 2),
        (MultiIndex(6, lambda Z: Z[:, 0] ** 2 + Z[:, 1] ** 3, rank=2), 1),
    ],
    ids=["sign z1 z2", "sign z1 z2 z3", "z1 z2 z3", "max", "sum of h4", "quadratic feature", "cubic"],
)
def test_several_directions(target, exponent):
    """By symmetry: flips of signs that leave y as it is annihilate moments given y, as for both parities."""
    assert target.generative_exponent == exponent


def test_it_is_at_most_the_information_exponent():
    for link in ("h3", "h5", [0, 0, 0.5, 0.5], "sigmoid"):
        target = SingleIndex(3, link)
        assert target.generative_exponent <= target.information_exponent
