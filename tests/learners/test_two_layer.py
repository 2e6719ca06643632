"""The algorithm line by line, and the paper's claim at a size that a test can afford."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression, Ridge

from layerwise.learners import RandomFeatureRegressor, TwoLayerRegressor
from layerwise.representations import FirstStep


def he2(z):
    return (z**2 - 1) / np.sqrt(2)


def sample(n, d, seed=0):
    X = np.random.default_rng(seed).standard_normal((n, d))
    return X, he2(X[:, 0]) + 0.1 * np.random.default_rng(seed + 1).standard_normal(n)


def test_the_five_lines_written_out():
    """Catches a stage that differs from NumPy and scikit-learn on the same random draws."""
    X, y = sample(300, 6)
    model = TwoLayerRegressor(50, linear="moment", penalty=0.01, standardize=False, random_state=0).fit(X, y)
    alpha, beta = y.mean(), X.T @ (y - y.mean()) / 300
    residual = y - alpha - X @ beta  # line 1
    W, b = model.first_step_.weights_, model.first_step_.biases_
    H = np.maximum(X @ W.T + b, 0)
    a = Ridge(alpha=300 * 0.01 / 2, fit_intercept=False, tol=1e-12).fit(H, residual).coef_  # line 4
    assert_allclose(model.head_coef_, a, rtol=1e-6, atol=1e-9)
    assert_allclose(model.transform(X), H)
    assert_allclose(model.predict(X), alpha + X @ beta + H @ a, rtol=1e-6, atol=1e-8)
    assert_allclose(model.history_[-1]["loss"], np.mean((H @ a - residual) ** 2), rtol=1e-6)


def test_ridge_linear_part_handles_correlated_shifted_columns():
    """Catches a linear part that assumes centred isotropic columns."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 4)) @ rng.standard_normal((4, 4)) * 100 + 500
    y = X @ np.arange(4.0) + rng.standard_normal(2000)
    model = TwoLayerRegressor(20, standardize=False, random_state=0).fit(X, y)
    reference = LinearRegression().fit(X, y)
    assert_allclose(model.linear_coef_, reference.coef_, rtol=1e-3, atol=1e-3)
    assert_allclose(model.intercept_ + X @ model.linear_coef_, reference.predict(X), rtol=1e-3, atol=1)
    assert model.score(X, y) > 0.999


def test_zero_steps_leave_the_head_unchanged():
    """Catches gradient descent from zero instead of a_j = +-1, which comparing the solvers would not show."""
    X, y = sample(50, 4)
    for solver in ("exact", "gd"):
        model = TwoLayerRegressor(20, n_steps=0, penalty=0.1, solver=solver, random_state=0).fit(X, y)
        assert_allclose(model.head_coef_, model.first_step_.signs_)


@pytest.mark.parametrize("n_steps", [1, 50])
def test_steps_on_the_head_at_once_equal_the_loop(n_steps):
    """Catches a closed form of other steps than those of the loop."""
    X, y = sample(200, 5)
    exact, loop = (
        TwoLayerRegressor(30, n_steps=n_steps, penalty=0.1, solver=solver, random_state=0).fit(X, y)
        for solver in ("exact", "gd")
    )
    assert_allclose(exact.head_coef_, loop.head_coef_, rtol=1e-8)


def test_steps_with_a_given_penalty_form_one_gram_matrix(monkeypatch):
    """Catches a ridge regression whose result is unused, or a second Gram matrix for the step size."""
    rows, transform = [], FirstStep.transform
    monkeypatch.setattr(FirstStep, "transform", lambda self, X: rows.append(len(X)) or transform(self, X))
    X, y = sample(200, 5)
    TwoLayerRegressor(30, n_steps=7, penalty=0.1, random_state=0).fit(X, y)
    assert sum(rows) == 2 * 200  # the Gram matrix, and the loss


def test_many_steps_forget_the_start():
    """Catches the decay of the steps in other units than the penalty of ridge regression."""
    X, y = sample(200, 5)
    limit = TwoLayerRegressor(30, penalty=0.1, random_state=0).fit(X, y)
    trained = TwoLayerRegressor(30, penalty=0.1, n_steps=20_000, random_state=0).fit(X, y)
    assert_allclose(trained.head_coef_, limit.head_coef_, rtol=1e-6, atol=1e-8)


def test_directions_find_the_hidden_one():
    """Catches principal directions that are unsorted or not those of W: the first must be e_1, and stand out."""
    X, y = sample(4000, 10)
    model = TwoLayerRegressor(200, random_state=0).fit(X, y)
    assert abs(model.directions_[0, 0]) > 0.98
    assert model.singular_values_[0] > 4 * model.singular_values_[1]
    assert_allclose(model.directions_ @ model.directions_.T, np.eye(10), atol=1e-10)


def test_fit_head_transfers_and_keeps_the_layer():
    """Catches a first layer that is retrained, or a linear part left from the first task."""
    X, y = sample(4000, 10)
    model = TwoLayerRegressor(200, random_state=0).fit(X, y + 3 * X[:, 1] + 5)
    W = model.first_step_.weights_.copy()
    Z = np.random.default_rng(7).standard_normal((20_000, 10))
    target = (Z[:, 0] ** 4 - 6 * Z[:, 0] ** 2 + 3) / np.sqrt(24)
    model.fit_head(Z[:400], target[:400])
    assert np.array_equal(model.first_step_.weights_, W)
    assert not model.linear_coef_.any()
    assert_allclose(model.intercept_, target[:400].mean())
    scratch = RandomFeatureRegressor(200, random_state=0).fit(Z[:400], target[:400])

    def risk(m):
        return np.mean((m.predict(Z[400:]) - target[400:]) ** 2)

    assert risk(model) < 0.5 * risk(scratch)


@pytest.mark.slow
def test_kernel_gap_of_the_paper():
    """f* = He_2/2 + He_4/(4 sqrt 3), d = 10, noise 1, n = 16384: risk .08 after one step, .40 for random features."""

    def f(z):
        return (z**2 - 1) / 2 + (z**4 - 6 * z**2 + 3) / (4 * np.sqrt(3))

    risks = {TwoLayerRegressor: [], RandomFeatureRegressor: []}
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X, X_new = rng.standard_normal((16384, 10)), rng.standard_normal((2**15, 10))
        y = f(X[:, 0]) + rng.choice([-1, 1], 16384)
        for learner, found in risks.items():
            model = learner(1000, random_state=seed).fit(X, y)
            found.append(np.mean((model.predict(X_new) - f(X_new[:, 0])) ** 2))
    assert np.median(risks[TwoLayerRegressor]) <= 0.08
    assert np.median(risks[RandomFeatureRegressor]) >= 0.40


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"width": 7}, "width=7 must be an even integer >= 2"),
        ({"linear": "ols"}, "linear='ols' must be"),
        ({"solver": "gd"}, "Pass n_steps"),
        ({"solver": "adam", "n_steps": 3}, "solver='adam' must be"),
        ({"n_steps": -1}, "n_steps=-1 must be None or an integer >= 0"),
        ({"n_steps": 3, "head_step_size": 1e9}, "diverge"),
    ],
)
def test_bad_parameters_are_refused_with_advice(params, message):
    """Catches a parameter accepted, or refused by a message that does not name it, its value and what is allowed."""
    X, y = sample(30, 3)
    with pytest.raises(ValueError, match=message):
        TwoLayerRegressor(**({"width": 10} | params)).fit(X, y)
