"""Links of several variables: gradients, roughness, invariance under rotations."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.hermite.quadrature import gaussian_rule
from layerwise.solvers.multivariate_link import GaussianBumps, PolyharmonicSpline, PolynomialSurface, fit_surface

FITS = [partial(PolynomialSurface.fit, degree=4), PolyharmonicSpline.fit, GaussianBumps.fit]
every_family = pytest.mark.parametrize("fit", FITS, ids=["polynomial", "spline", "gaussian"])


def data(n=200, r=2, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, r))
    return Z, np.sin(Z[:, 0]) * Z[:, -1] + 0.1 * rng.standard_normal(n)


@every_family
@pytest.mark.parametrize("r", [1, 2, 3])
def test_gradient_by_finite_differences(fit, r):
    """A factor in phi', or a derivative along the wrong axis."""
    Z, y = data(r=r)
    link, at, step = fit(Z, y), Z[:20] + 0.1, 1e-5
    for s in range(r):
        E = step * np.eye(r)[s]
        difference = (link.basis(at + E) - link.basis(at - E)) @ link.coefficients / (2 * step)
        assert_allclose(link.derivative(at)[:, s], difference, rtol=1e-5, atol=1e-7)


@every_family
def test_affine_functions_are_fitted_exactly(fit):
    """A roughness that penalises them."""
    Z, _ = data()
    y = 2 + Z @ [1.0, -3.0]
    link = fit(Z, y)
    assert link.error < 1e-16
    assert_allclose(link(Z), y, atol=1e-8)
    assert_allclose(link.affine(2.0, 1.0)(Z), 2 * y + 1, atol=1e-7)


def test_gaussian_and_polynomial_fits_are_invariant_under_rotations():
    """Features are identifiable up to rotations only; knots are chosen along the first axis, here among few rows."""
    Z, y = data(100)
    Q = np.linalg.qr(np.random.default_rng(1).standard_normal((2, 2)))[0]
    for fit in FITS:
        assert_allclose(fit(Z, y)(Z), fit(Z @ Q, y)(Z @ Q), rtol=1e-5, atol=1e-5)


def test_energy_of_the_polyharmonic_spline_is_positive():
    """The sign of |t - s|^3, conditionally positive definite of order two in every dimension."""
    for r in (1, 2, 3, 4):
        T = np.random.default_rng(r).standard_normal((30, r))
        N = np.linalg.qr(np.column_stack([np.ones(30), T]), mode="complete")[0][:, r + 1 :]
        E = np.linalg.norm(T[:, None] - T, axis=2) ** 3
        assert np.linalg.eigvalsh(N.T @ E @ N).min() > 0


def test_the_roughness_of_polynomials_is_the_mean_squared_hessian():
    """k (k - 1) by quadrature, for h_2(z_1) h_1(z_2): k = 3."""
    nodes, weights = gaussian_rule(12)
    u, v = np.meshgrid(nodes, nodes)
    w = np.outer(weights, weights)
    hessian_squared = 2 * v**2 + 2 * 2 * u**2  # f = (u^2 - 1) v / sqrt 2
    assert_allclose(np.sum(w.T * hessian_squared), 3 * 2)


def test_the_family_with_the_least_error_is_chosen():
    """max(z_1, z_2) has a kink, for which the polynomial is worse."""
    Z, _ = data(400)
    link = fit_surface(Z, Z.max(axis=1))
    assert isinstance(link, PolyharmonicSpline)
    assert link.error < 0.01
