"""Simulators against independent computations, and the shares of variance stated in their docstrings."""

import numpy as np
import pytest
from scipy.integrate import quad, solve_bvp
from scipy.stats import norm

from layerwise.hermite import degree_spectrum
from layerwise.targets import AsianStraddle, ExcessOfLoss, Fatigue, LognormalPDE, make_target
from layerwise.targets.simulators import exponential_modes


def shares(target, degree=6):
    energies, std = target.degree_energies(degree, return_std=True)
    return energies / target.variance, std / target.variance


class TestKarhunenLoeve:
    @pytest.mark.parametrize("length", [0.1, 0.3, 2.0])
    def test_modes_are_eigenfunctions(self, length):
        # int_0^1 exp(-|s-t|/length) phi(t) dt = eigenvalue phi(s), by quadrature split at s; 40 modes on 400 nodes.
        nodes, weights = np.polynomial.legendre.leggauss(200)
        for s in (0.0, 0.31, 0.9):
            left, right = s * (nodes + 1) / 2, s + (1 - s) * (nodes + 1) / 2
            t = np.concatenate([left, right, [s]])
            eigenvalues, modes = exponential_modes(t, 40, length)
            w = np.concatenate([weights * s / 2, weights * (1 - s) / 2, [0.0]])
            integral = (w * np.exp(-np.abs(t - s) / length)) @ modes
            assert np.allclose(integral, eigenvalues * modes[-1], atol=1e-12)
            assert np.all(np.diff(eigenvalues) < 0)
            assert np.allclose((modes.T * w) @ modes, np.eye(40), atol=1e-10)

    def test_no_mode_is_missing(self):
        # The eigenvalues sum to the trace 1; the tail beyond n is about 2 c / (pi^2 n).
        eigenvalues, _ = exponential_modes(np.array([0.5]), 2000, 0.3)
        assert abs(1 - eigenvalues.sum() - 2 / (0.3 * np.pi**2 * 2000)) < 1e-6


class TestLognormalPDE:
    def test_solves_the_differential_equation(self):
        # Oracle: a boundary value solver on -(e^a u')' = 1, u(0) = 0, u'(1) = 0.
        f = LognormalPDE(4, amplitude=1.0)
        x = np.array([0.7, -1.2, 0.4, 0.9])

        def a(t):
            eigenvalues, modes = exponential_modes(np.atleast_1d(t), 4, 0.3)
            return modes @ (np.sqrt(eigenvalues) * x)

        def rhs(t, y):  # y = (u, e^a u')
            return np.stack([y[1] * np.exp(-a(t)), -np.ones_like(t)])

        mesh = np.linspace(0, 1, 50)
        solution = solve_bvp(rhs, lambda y0, y1: [y0[0], y1[1]], mesh, np.zeros((2, 50)), tol=1e-8, max_nodes=20000)
        assert np.isclose(solution.y[0, -1], f(x[None, :])[0], rtol=1e-6)

    def test_mean_in_closed_form(self):
        # E exp(-a(t)) = exp(Var a(t) / 2).
        def integrand(t):
            eigenvalues, modes = exponential_modes(np.array([t]), 50, 0.3)
            return (1 - t) * np.exp(2.0 * np.sum(modes**2 * eigenvalues))

        assert np.isclose(LognormalPDE().mean, quad(integrand, 0, 1, limit=400)[0], rtol=1e-9)

    def test_shares(self):
        f = LognormalPDE()
        share, std = shares(f)
        assert np.allclose(share[1:], [0.17433, 0.22128, 0.21372, 0.167, 0.10951, 0.06181], atol=1e-5)
        assert not np.any(std)
        assert abs(1 - share[1] - share[2] - 0.6044) < 1e-4
        spectrum = np.sort(np.linalg.eigvalsh(f.expected_hessian()) ** 2)[::-1]
        assert np.allclose(spectrum[:3] / spectrum.sum(), [0.844, 0.117, 0.025], atol=1e-3)


class TestAsianStraddle:
    def test_path_by_hand(self):
        f = AsianStraddle(3, volatility=0.6)
        X = np.array([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0]])
        step = 0.6 / np.sqrt(3)
        by_hand = abs((np.exp(step) + np.exp(-step) + np.exp(-step / 2)) / 3 - 1)
        assert np.allclose(f(X), [by_hand, 0.0])

    def test_shares_and_rank_of_the_hessian(self):
        # 6 standard errors around the stated .80; the Hessian has one eigenvalue, up to sampling noise.
        f = AsianStraddle()
        share, std = shares(f, 2)
        assert abs(share[2] - 0.805) <= 0.005 + 6 * std[2]
        assert std[2] < 0.01
        assert share[1] + share[2] < 0.93
        spectrum = np.sort(np.linalg.eigvalsh(f.expected_hessian()) ** 2)[::-1]
        assert spectrum[0] / spectrum.sum() > 0.97
        assert np.sqrt(spectrum[0] / 2 / f.variance) ** 2 == pytest.approx(share[2], abs=6 * std[2])

    def test_evaluating_in_blocks_does_not_change_values(self):
        f = AsianStraddle(50)
        X, y = f.sample(60_000, random_state=0)
        assert np.array_equal(y[-5:], f(X[-5:]))


@pytest.mark.parametrize(
    ("target", "stated"),
    [
        (ExcessOfLoss(), {2: 0.748, 4: 0.126, 6: 0.049}),
        (Fatigue(), {2: 0.970, 4: 0.029}),
    ],
    ids=repr,
)
def test_links_of_quadratic_forms(target, stated):
    share, _ = shares(target)
    for degree, value in stated.items():
        assert abs(share[degree] - value) < 6e-4
    # All directions are relevant: the eigenvalues of E Hessian f have the same size.
    sizes = np.abs(np.linalg.eigvalsh(target.expected_hessian()))
    assert sizes.max() < 3 * sizes.min()


def test_t2_by_hand():
    X = np.random.default_rng(0).standard_normal((40, 20))
    p = ((X**2 - 1) / np.sqrt(40)) @ (-1.0) ** np.arange(20)
    assert np.allclose(ExcessOfLoss(20)(X), np.clip(p, 0, 1.5))
    damage = np.maximum(1 + ((X**2 - 1) / np.sqrt(40)).sum(axis=1) / 2, 0) ** 1.5
    assert np.allclose(Fatigue(20)(X), damage)


def test_evaluating_in_blocks_bounds_memory():
    # 2e5 rows at dim = 50 with 200 quadrature nodes take 320 MB of temporary arrays at once.
    import tracemalloc

    f = LognormalPDE()
    X = np.random.default_rng(0).standard_normal((200_000, 50))
    tracemalloc.start()
    y = f(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert y.shape == (200_000,)
    assert peak < 64 * 2**20


@pytest.mark.parametrize("call", [lambda: AsianStraddle(volatility=0), lambda: LognormalPDE(length=-1.0)])
def test_messages_name_the_argument(call):
    with pytest.raises(ValueError, match="must be a finite number > 0"):
        call()


def test_dim_has_a_default():
    assert make_target("asian_straddle").dim == 50
    assert make_target("Fatigue", 12).dim == 12


@pytest.mark.parametrize("name", ["Borehole", "OTLCircuit", "Piston", "WingWeight"])
def test_common_benchmark_functions_are_nearly_linear(name):
    # With inputs mapped to Gaussian ones, degree 1 holds .88 to .94 of the variance, which makes these functions mere
    # sanity checks. The degree spectrum must agree with the R^2 of a linear fit, within 6 standard errors.
    uqtestfuns = pytest.importorskip("uqtestfuns")
    f = getattr(uqtestfuns, name)()
    marginals = f.prob_input.marginals
    X = np.random.default_rng(0).standard_normal((3000, len(marginals)))
    y = f(np.stack([m.icdf(norm.cdf(X[:, i])) for i, m in enumerate(marginals)], axis=1)).ravel()
    y = (y - y.mean()) / y.std()
    r2 = 1 - np.mean((y - X @ np.linalg.lstsq(X, y, rcond=None)[0]) ** 2)
    assert 0.85 < r2 < 0.96
    spectrum = degree_spectrum(X, y, 2)
    assert abs(spectrum.energies[1] - r2) <= 6 * spectrum.standard_errors[1]
