"""Conditional gradient against the proximal solver, grids of neurons, and its optimality conditions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import check_grad
from sklearn.linear_model import Lasso

from layerwise.activations import Activation, as_activation
from layerwise.hermite import HermiteSeries
from layerwise.solvers import conditional_gradient
from layerwise.solvers.conditional_gradient import find_neurons, largest_penalty, total_variation_regression
from layerwise.solvers.neurons import NeuronFit, dual_value
from layerwise.solvers.nuclear import nuclear_norm_regression

RELU, SQUARE = as_activation("relu"), as_activation("quadratic")


def polynomial(*monomials):
    return Activation(HermiteSeries.from_monomials(monomials)).by_monomials()


def rng(seed=0):
    return np.random.RandomState(seed)


def problem(n=120, d=5, noise=0.2, seed=0):
    generator = np.random.default_rng(seed)
    X = np.hstack([generator.standard_normal((n, d - 1)), np.ones((n, 1))])
    return X, 1 + np.abs(X[:, 0]) - np.maximum(X[:, 1] - X[:, 2], 0) + noise * generator.standard_normal(n)


def circle(n=60):
    """Inputs of two columns, where all neurons are a grid of angles."""
    generator = np.random.default_rng(0)
    X = np.column_stack([generator.standard_normal(n), np.ones(n)])
    angles = np.arange(400) * 2 * np.pi / 400
    return X, np.sin(2 * X[:, 0]) + 0.1 * generator.standard_normal(n), np.stack([np.cos(angles), np.sin(angles)], 1)


def centred(fit, X, activation):
    Z = activation(X @ fit.neurons.T)
    return Z - Z.mean(axis=0)


@pytest.mark.parametrize(
    "activation", [RELU, SQUARE, polynomial(0.5, -1, 2, 0, 0.3)], ids=["relu", "square", "quartic"]
)
def test_slopes_are_the_derivative_of_values(activation):
    t = np.linspace(-2, 2, 30)
    numeric = (activation(t + 1e-6) - activation(t - 1e-6)) / 2e-6
    assert_allclose(activation.derivative(t), numeric, atol=1e-8)


@pytest.mark.parametrize("penalty", [0.5, 0.1, 0.02])
def test_the_quadratic_activation_reaches_the_nuclear_norms_objective(penalty):
    """Two algorithms for one problem; the gap of the exact search bounds the distance."""
    X, y = problem()
    best = nuclear_norm_regression(X, y, penalty, tol=1e-12, max_iter=50000)
    fit = total_variation_regression(X, y, SQUARE, penalty, rng(), tol=1e-6, max_iter=200)
    assert fit.converged
    assert -1e-9 <= fit.objective - best.objective <= fit.gap + 1e-12
    assert_allclose(fit.intercept, best.intercept, atol=0.02)
    for max_iter in (0, 1, 3):
        early = total_variation_regression(X, y, SQUARE, penalty, rng(), tol=1e-9, max_iter=max_iter)
        assert early.objective - best.objective <= early.gap + 1e-9


@pytest.mark.parametrize("penalty", [0.3, 0.1])
def test_relu_in_one_dimension_is_the_lasso_on_a_grid_of_all_neurons(penalty):
    """Catches neurons missed by the search, a wrong factor of the penalty, a penalised intercept."""
    X, y, grid = circle()
    fit = total_variation_regression(X, y, RELU, penalty, rng(), tol=1e-4, max_iter=100)
    Z = np.maximum(X @ grid.T, 0)
    reference = Lasso(alpha=penalty / 2, tol=1e-6, max_iter=100000).fit(Z, y)
    objective = np.mean((y - reference.predict(Z)) ** 2) + penalty * np.abs(reference.coef_).sum()
    assert_allclose(fit.objective, objective, rtol=2e-3)
    assert_allclose(fit.predict(X, RELU), reference.predict(Z), atol=0.05)


@pytest.mark.parametrize("penalty", [0.3, 0.1, 0.03])
class TestReLU:
    def test_objective_is_as_reported_and_never_increases(self, penalty):
        X, y = problem()
        fit = total_variation_regression(X, y, RELU, penalty, rng(), tol=1e-2)
        objectives = [line["objective"] for line in fit.history]
        assert len(objectives) > 2
        assert np.all(np.diff(objectives) < 1e-9)
        direct = np.mean((y - fit.predict(X, RELU)) ** 2) + penalty * np.abs(fit.coefficients).sum()
        assert_allclose(fit.objective, direct, rtol=1e-10)
        assert fit.history[-1]["neurons"] == len(fit.coefficients)
        assert_allclose(np.linalg.norm(fit.neurons, axis=1), 1)

    def test_active_neurons_are_at_the_penalty(self, penalty):
        """Catches weights not refitted after the neurons moved, or fitted with another penalty."""
        X, y = problem()
        fit = total_variation_regression(X, y, RELU, penalty, rng())
        r = y - fit.predict(X, RELU)
        assert abs(r.mean()) < 1e-10
        correlations = 2 / len(y) * centred(fit, X, RELU).T @ r
        assert_allclose(correlations, penalty * np.sign(fit.coefficients), rtol=1e-2)

    def test_the_gap_is_that_of_the_best_neuron_found(self, penalty):
        """Against 20000 other neurons: none exceeds the best of the search by more than its tolerance."""
        X, y = problem()
        fit = total_variation_regression(X, y, RELU, penalty, rng(), tol=1e-2)
        r = y - fit.predict(X, RELU)
        W = rng(1).standard_normal((20000, X.shape[1]))
        W /= np.linalg.norm(W, axis=1)[:, None]
        excess = np.abs(2 / len(y) * r @ np.maximum(X @ W.T, 0)).max() / penalty
        assert fit.objective - dual_value(y - y.mean(), r, excess) <= 1.5 * fit.gap + 1e-9
        assert fit.gap <= 1e-2 * fit.objective


def test_above_the_largest_penalty_there_are_no_neurons():
    X, y = problem()
    top = largest_penalty(X, y, RELU, rng())
    assert len(total_variation_regression(X, y, RELU, 1.001 * top, rng(), tol=1e-6).coefficients) == 0
    assert len(total_variation_regression(X, y, RELU, 0.9 * top, rng(), tol=1e-3).coefficients) > 0


def test_neurons_found_are_maxima_of_the_criterion():
    """In two dimensions, against a grid of all neurons."""
    X, y, grid = circle()
    theta = y - y.mean()
    for activation in (RELU, polynomial(0, 0, 0, 0, 1), SQUARE):
        found, heights = find_neurons(X, theta, activation, rng())
        assert_allclose(heights, theta @ activation(X @ found.T), rtol=1e-9)
        assert_allclose(abs(heights[0]), np.abs(theta @ activation(X @ grid.T)).max(), rtol=1e-2)


def test_the_slope_of_the_sliding(monkeypatch):
    """A missing factor, projection or centring: finite differences, weights of both signs, neurons off the sphere."""
    X, y = problem(30)
    seen = {}

    def spy(objective, x, **options):
        seen["objective"] = objective
        seen["x"] = x
        return type("Result", (), {"x": x})

    monkeypatch.setattr(conditional_gradient, "minimize", spy)
    W = rng().standard_normal((3, 5))
    conditional_gradient._slide(X, y - y.mean(), polynomial(0, 1, 0.5, 0.2), 0.1, np.array([1.0, -2.0, 0.5]), W)
    f, x = seen["objective"], 1.3 * seen["x"]
    error = check_grad(lambda x: f(x)[0], lambda x: f(x)[1], x)
    assert error < 1e-5 * np.linalg.norm(f(x)[1])


def test_a_start_is_kept_and_improved():
    X, y = problem()
    first = total_variation_regression(X, y, RELU, 0.1, rng(), tol=1e-2)
    again = total_variation_regression(X, y, RELU, 0.1, rng(), tol=2e-3, start=first)
    assert again.objective <= first.objective + 1e-9
    assert len(again.history) <= 2


def test_the_same_seed_gives_the_same_network():
    X, y = problem()
    a, b = (total_variation_regression(X, y, RELU, 0.1, rng(3)) for _ in range(2))
    assert np.array_equal(a.neurons, b.neurons)


@pytest.mark.parametrize("penalty", [0.0, -1.0, np.nan])
def test_a_penalty_must_be_positive(penalty):
    with pytest.raises(ValueError, match="must be > 0"):
        total_variation_regression(*problem(), RELU, penalty, rng())


def test_vanishing_inputs_and_labels():
    X, y = problem()
    for fit in (
        total_variation_regression(0 * X, y, RELU, 0.1, rng()),
        total_variation_regression(X, 0 * y, RELU, 0.1, rng()),
    ):
        assert isinstance(fit, NeuronFit)
        assert not len(fit.coefficients)


def test_the_gap_includes_the_current_neurons(monkeypatch):
    """If the search found nothing, the dual point was not feasible at the fit's own neurons, and the gap negative."""
    X, y = problem()
    start = total_variation_regression(X, y, RELU, 0.1, rng())
    monkeypatch.setattr(conditional_gradient, "find_neurons", lambda X, *_: (np.eye(1, X.shape[1]), np.zeros(1)))
    fit = total_variation_regression(X, y, RELU, 0.1, rng(), start=start, max_iter=0)
    r = y - fit.predict(X, RELU)
    excess = np.abs(2 / len(y) * centred(fit, X, RELU).T @ r).max() / 0.1
    assert_allclose(fit.gap, fit.objective - dual_value(y - y.mean(), r, excess), atol=1e-12)
    assert fit.gap >= -1e-9


def test_neurons_that_differ_are_kept():
    """Catches similar neurons merged: those with correlations between .5 and .99 are different ones."""
    X, y = problem()
    found, _ = find_neurons(X, y - y.mean(), RELU, rng())
    alike = np.abs(np.corrcoef(np.maximum(found @ X.T, 0)))[np.triu_indices(len(found), 1)]
    assert 0.9 < alike.max() <= 0.99
