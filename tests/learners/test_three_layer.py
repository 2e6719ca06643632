"""The algorithm line by line, and the paper's claims at a size a test can afford."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge

from layerwise.learners import ThreeLayerRegressor, TwoLayerRegressor


def quadratic(X):
    """x'Ax, A diagonal with alternating signs, tr A = 0, E (x'Ax)^2 = 1."""
    d = X.shape[1]
    return X**2 @ np.where(np.arange(d) % 2 == 0, 1.0, -1.0) / np.sqrt(2 * d)


def sample(n, d, seed=0, link=lambda z: np.tanh(2 * z)):
    X = np.random.default_rng(seed).standard_normal((n, d))
    return X, link(quadratic(X))


def test_the_lines_written_out():
    X, y = sample(300, 6)
    model = ThreeLayerRegressor(50, step_size=3.0, penalty=0.01, random_state=0).fit(X, y)
    residual = y - y.mean() - X @ (X.T @ (y - y.mean()) / 300)  # line 0
    phi = model.transform(X)
    slopes = 3.0 * model.signs_ * (model.biases_ >= 0)
    H = np.maximum(phi * slopes + model.biases_, 0)  # line 1
    a = Ridge(alpha=300 * 0.01 / 2, fit_intercept=False, tol=1e-12).fit(H, residual).coef_  # line 2
    assert_allclose(model.head_coef_, a, rtol=1e-6, atol=1e-8)
    assert_allclose(model.predict(X), y - residual + H @ a, rtol=1e-6, atol=1e-8)


def test_split_keeps_the_stages_apart():
    """Rows of D2 in the feature, or of D1 in the head."""
    X, y = sample(100, 4)
    model = ThreeLayerRegressor(20, split=0.3, random_state=0).fit(X, y)
    assert len(model.middle_step_.X_fit_) == 30
    in_first = (X[:, None] == model.middle_step_.X_fit_[None]).all(axis=2).any(axis=1)
    assert in_first.sum() == 30
    residual = y - model.intercept_ - X @ model.linear_coef_
    rest = model._head(model.transform(X[~in_first]), model.step_size_) @ model.head_coef_ - residual[~in_first]
    assert_allclose(model.history_[-1]["loss"], np.mean(rest**2), rtol=1e-10)


def test_step_size_is_the_one_of_least_validation_error():
    X, y = sample(400, 6)
    model = ThreeLayerRegressor(60, random_state=0).fit(X, y)
    chosen = model.history_[-1]["validation_loss"]
    scale = np.sqrt(np.mean(model.transform(X) ** 2))
    for size in (0.125, 0.25, 0.5, 1.0, 2.0):
        other = ThreeLayerRegressor(60, step_size=size / scale, random_state=0).fit(X, y)
        assert other.history_[-1]["validation_loss"] >= chosen * (1 - 1e-9)


def test_learns_the_quadratic_feature():
    """corr(phi, x'Ax) >= .93 at n = 2048, d = 16, f* = tanh(2 x'Ax); the head bends it into f*."""
    correlations, risks = [], []
    X_new, y_new = sample(20_000, 16, seed=99)
    for seed in range(5):
        X, y = sample(2048, 16, seed=seed)
        model = ThreeLayerRegressor(300, random_state=seed).fit(X, y)
        correlations.append(np.corrcoef(model.transform(X_new)[:, 0], quadratic(X_new))[0, 1])
        risks.append(np.mean((model.predict(X_new) - y_new) ** 2) / y_new.var())
    assert np.median(correlations) >= 0.93
    assert np.median(risks) <= 0.2


@pytest.mark.slow
def test_three_layers_separate_from_two_on_relu_of_a_quadratic():
    """Depth separation at d = 16: at the n where three layers are below .05, two layers have twice that risk."""

    def risk(model):
        return np.mean((model.predict(X_new) - y_new) ** 2) / y_new.var()

    def on_sphere(n, seed):
        X = np.random.default_rng(seed).standard_normal((n, 16))
        X *= 4 / np.linalg.norm(X, axis=1, keepdims=True)
        return X, np.maximum(quadratic(X), 0)

    X_new, y_new = on_sphere(20_000, 99)
    X, y = on_sphere(2**13, 0)
    three = risk(ThreeLayerRegressor(300, random_state=0).fit(X, y))
    assert three <= 0.05
    assert risk(TwoLayerRegressor(300, random_state=0).fit(X, y)) >= 2 * three


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"width": 0}, "width == 0"),
        ({"split": 1.5}, "split == 1.5"),
        ({"step_size": -1.0}, "step_size == -1.0"),
        ({"linear": "ols"}, "linear='ols' must be"),
        ({"activation": "tanh"}, "'relu' or"),
    ],
)
def test_bad_parameters_say_what_is_allowed(params, message):
    X, y = sample(30, 3)
    with pytest.raises(ValueError, match=message):
        ThreeLayerRegressor(**({"width": 10} | params)).fit(X, y)
