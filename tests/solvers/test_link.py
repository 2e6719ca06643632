"""Links against finite differences, explicit leave-one-out, and the functions that generated the data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.solvers import link as link_module
from layerwise.solvers.link import Link, PolynomialLink, ReluLink, SplineLink, fit_link, penalised_least_squares

FAMILIES = [PolynomialLink, SplineLink]


def sample(n=300, noise=0.1, g=np.sin, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(n)
    return z, g(z) + noise * rng.standard_normal(n)


@pytest.mark.parametrize("family", FAMILIES)
class TestEveryFamily:
    def test_derivative_against_differences(self, family):
        """A wrong factor sqrt(k), a wrong order of the derivative, or a wrong extrapolation."""
        link = family.fit(*sample())
        z = np.linspace(-4, 4, 101) + 0.0123
        assert_allclose(link.derivative(z), (link(z + 1e-6) - link(z - 1e-6)) / 2e-6, atol=1e-6)

    def test_straight_lines_are_not_penalised(self, family):
        """A roughness that penalises straight lines."""
        z, _ = sample()
        link = family.fit(z, 2 - 3 * z)
        assert_allclose(link(z), 2 - 3 * z, atol=1e-6)
        assert link.error < 1e-12

    def test_equivariant_to_the_scale_of_y(self, family):
        z, y = sample()
        link, scaled = family.fit(z, y), family.fit(z, 1e3 * y + 7)
        for other in (scaled, link.affine(1e3, 7)):
            assert_allclose(other(z), 1e3 * link(z) + 7, rtol=1e-6, atol=1e-5)
            assert_allclose(other.error, 1e6 * link.error, rtol=1e-6)
            assert_allclose(other.bounds, np.array(link.bounds) * 1e3 + 7)

    def test_error_estimates_the_error_on_new_points(self, family):
        """The in-sample residual reported as the error: with 40 rows it is far too small."""
        ratios = []
        for seed in range(40):
            link = family.fit(*sample(40, 0.5, seed=seed))
            z, y = sample(2000, 0.5, seed=seed + 1000)
            ratios.append(link.error / np.mean((y - link(z)) ** 2))
        assert 0.75 < np.median(ratios) < 1.15

    @pytest.mark.parametrize("n", [2, 3, 5])
    def test_few_rows_and_ties(self, family, n):
        z = np.arange(n) - (n - 1) / 2
        for points, labels in ((z, z**2), (np.zeros(n), z), (z, np.ones(n))):
            link = family.fit(points, labels)
            assert np.all(np.isfinite(link(np.linspace(-3, 3, 7))))

    def test_bounded_far_from_the_data(self, family):
        z, y = sample()
        values = family.fit(z, y)(np.array([-1e3, 1e3]))
        assert np.all(np.abs(values) < 3 * np.ptp(y))


@pytest.mark.parametrize("n", [12, 60])
def test_leave_one_out_formula_against_refits(n, monkeypatch):
    """A wrong leverage: n refits with the same penalty, also with more coefficients than rows."""
    z, y = sample(n)
    B = np.vander(z, 15) / 3.0 ** np.arange(15)[::-1]
    D = np.diff(np.eye(15), 2, axis=0)
    monkeypatch.setattr(link_module, "RELATIVE_PENALTIES", np.array([1e-2]))
    c, penalty, error = penalised_least_squares(B, y, D.T @ D)

    def solve(rows):
        return np.linalg.solve(B[rows].T @ B[rows] + n * penalty * D.T @ D, B[rows].T @ y[rows])

    left_out = [y[i] - B[i] @ solve(np.arange(n) != i) for i in range(n)]
    assert_allclose(B @ c, B @ solve(np.arange(n) >= 0), atol=1e-6)
    assert_allclose(error, np.mean(np.square(left_out)), rtol=1e-6)


def test_gcv_against_its_formula(monkeypatch):
    z, y = sample(50)
    B, P = np.vander(z, 5), np.diag([1.0, 1, 1, 0, 0])
    monkeypatch.setattr(link_module, "RELATIVE_PENALTIES", np.array([0.1]))
    c, penalty, error = penalised_least_squares(B, y, P, "gcv")
    df = np.trace(np.linalg.solve(B.T @ B + 50 * penalty * P, B.T @ B))
    assert_allclose(error, np.mean((y - B @ c) ** 2) / (1 - df / 50) ** 2, rtol=1e-6)


def test_more_data_are_smoothed_less():
    """A penalty that does not depend on the data."""
    wiggly = [SplineLink.fit(*sample(n, 0.5, lambda z: np.sin(3 * z))) for n in (60, 20_000)]
    z = np.linspace(-2, 2, 50)
    risks = [np.mean((link(z) - np.sin(3 * z)) ** 2) for link in wiggly]
    assert risks[1] < 0.1 * risks[0]
    assert risks[1] < 2e-3


def test_splines_extrapolate_linearly():
    link = SplineLink.fit(*sample())
    left, right = link.low - np.arange(1, 4) / 10, link.high + np.arange(1, 4) / 10
    for z in (left, right):
        assert_allclose(np.diff(link(z), 2), 0, atol=1e-12)
    assert_allclose(SplineLink(np.ones(16), low=-1, high=2)(np.linspace(-5, 5, 9)), 1)


def test_the_family_of_the_data_is_chosen():
    cubic = fit_link(*sample(400, 0.05, lambda z: z + z**3 / 3 - z**2))
    clipped = fit_link(*sample(400, 0.05, lambda z: np.clip(z, 0, 1)))
    assert isinstance(cubic, PolynomialLink)
    assert isinstance(clipped, SplineLink)


def test_relu_link_is_its_formula():
    """A term or a sign of the affine map omitted; a float64 constant that promotes the result."""
    rng = np.random.default_rng(0)
    signs, biases, c = rng.choice([-1.0, 1.0], 7), rng.standard_normal(7), rng.standard_normal(7)
    z = np.linspace(-2, 2, 11)
    link = ReluLink(0.3, 1.5, signs, biases, c)
    expected = 0.3 + 1.5 * z + np.maximum(z[:, None] * signs + biases, 0) @ c
    assert isinstance(link, Link)
    assert_allclose(link(z), expected, rtol=1e-12)
    assert_allclose(link.affine(-2.0, 0.7)(z), 0.7 - 2 * expected, rtol=1e-12)
    single = ReluLink(0.3, 1.5, *(a.astype(np.float32) for a in (signs, biases, c)))
    assert single(z.astype(np.float32)).dtype == np.float32
