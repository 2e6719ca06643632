"""The algorithm line by line, and the paper's claims at a size that a test can afford."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict

from layerwise.learners import ThreeLayerRegressor, TwoLayerRegressor

#: Algorithm 1 as published.
LITERAL = {"linear": "moment", "standardize": False}


def quadratic(X):
    """x'Ax, A diagonal with alternating signs, tr A = 0, E (x'Ax)^2 = 1."""
    d = X.shape[1]
    return X**2 @ np.where(np.arange(d) % 2 == 0, 1.0, -1.0) / np.sqrt(2 * d)


def sample(n, d, seed=0, link=lambda z: np.tanh(2 * z)):
    X = np.random.default_rng(seed).standard_normal((n, d))
    return X, link(quadratic(X))


def test_the_lines_written_out():
    """Catches a line that differs from NumPy and scikit-learn on the same random draws."""
    X, y = sample(300, 6)
    model = ThreeLayerRegressor(50, step_size=3.0, penalty=0.01, **LITERAL, random_state=0).fit(X, y)
    residual = y - y.mean() - X @ (X.T @ (y - y.mean()) / 300)  # line 0
    phi = model.transform(X)
    slopes = 3.0 * model.signs_ * (model.biases_ >= 0)
    H = np.maximum(phi * slopes + model.biases_, 0)  # line 1
    a = Ridge(alpha=300 * 0.01 / 2, fit_intercept=False, tol=1e-12).fit(H, residual).coef_  # line 2
    assert_allclose(model.head_coef_, a, rtol=1e-6, atol=1e-8)
    assert_allclose(model.predict(X), y - residual + H @ a, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("solver", ["exact", "gd"])
def test_algorithm_1_loop_by_loop(solver):
    """Algorithm 1 neuron by neuron and row by row, with the paper's eta_1, eta_2 and lambda.

    f = (1/m_1) sum_i a_i relu(w_i.h(x) + b_i): w_i.h(x) = eta a_i 1{b_i >= 0} phi(x) at eta_1 = m_1 eta / (2 m_2), and
    u = a / m_1 takes the steps of a with eta_2 = m_1^2 head_step_size, lambda = penalty / m_1^2. Catches a factor 2,
    m_1 or m_2 in either step, a first gradient not at f = 0, and rows from the wrong half.
    """
    n, m_1, m_2, T, eta, head_step, penalty = 40, 8, 5, 6, 30.0, 0.05, 0.3
    X, y = sample(n, 4)
    second_stage = {"n_steps": T, "head_step_size": head_step, "penalty": penalty, "solver": solver}
    model = ThreeLayerRegressor(
        m_1, middle_width=m_2, activation="relu", step_size=eta, split=0.4, random_state=0, **LITERAL, **second_stage
    ).fit(X, y)
    rng = np.random.RandomState(0)
    a, b, order = rng.choice([-1.0, 1.0], m_1), rng.standard_normal(m_1), rng.permutation(n)
    D1, D2 = order[:16], order[16:]
    residual = y - y.mean() - X @ (X.T @ (y - y.mean()) / n)

    h = [np.maximum(model.middle_step_.weights_ @ x, 0) for x in X]
    W, eta_1 = np.zeros((m_1, m_2)), m_1 * eta / (2 * m_2)
    for i in range(m_1):  # stage 1, at W = 0 and f = 0
        gradient = np.zeros(m_2)
        for j in D1:
            gradient += 2 / len(D1) * (0 - residual[j]) * a[i] / m_1 * (b[i] >= 0) * h[j]
        W[i] -= eta_1 * gradient

    def f(j):
        return sum(a[i] * max(W[i] @ h[j] + b[i], 0) for i in range(m_1)) / m_1

    eta_2, decay = m_1**2 * head_step, penalty / m_1**2
    for _ in range(T):  # stage 2
        errors = {j: f(j) - residual[j] for j in D2}
        gradient = np.zeros(m_1)
        for i in range(m_1):
            for j in D2:
                gradient[i] += 2 / len(D2) * errors[j] * max(W[i] @ h[j] + b[i], 0) / m_1
        a = a - eta_2 * (gradient + decay * a)

    assert_allclose(model.head_coef_, a / m_1, rtol=1e-10, atol=1e-12)
    assert_allclose(model.predict(X), y - residual + [f(j) for j in range(n)], rtol=1e-10, atol=1e-12)


def test_zero_steps_leave_the_head_unchanged():
    """Catches steps from zero, or from a_i instead of a_i / m_1, which comparing the solvers would not show."""
    X, y = sample(50, 4)
    for solver in ("exact", "gd"):
        model = ThreeLayerRegressor(20, n_steps=0, step_size=1.0, penalty=0.1, solver=solver, random_state=0).fit(X, y)
        assert_allclose(model.head_coef_, model.signs_ / 20)


@pytest.mark.parametrize("penalty", ["auto", 0.1])
@pytest.mark.parametrize("n_steps", [1, 50])
def test_steps_at_once_equal_the_loop(n_steps, penalty):
    """Catches a closed form of other steps than those of the loop."""
    X, y = sample(200, 5)
    exact, loop = (
        ThreeLayerRegressor(30, n_steps=n_steps, penalty=penalty, solver=solver, random_state=0).fit(X, y)
        for solver in ("exact", "gd")
    )
    assert exact.step_size_ == loop.step_size_
    assert_allclose(exact.history_[-1]["head_step_size"], loop.history_[-1]["head_step_size"], rtol=1e-12)
    assert_allclose(exact.head_coef_, loop.head_coef_, rtol=1e-10, atol=1e-12)


def test_many_steps_tend_to_the_ridge():
    """Catches the decay of the steps in other units than the penalty of ridge regression."""
    X, y = sample(200, 5)
    params = {"step_size": 2.0, "penalty": 0.1, "random_state": 0}
    limit = ThreeLayerRegressor(30, **params).fit(X, y)
    distances = []
    for n_steps in (100, 1000, 20_000):
        trained = ThreeLayerRegressor(30, n_steps=n_steps, **params).fit(X, y)
        distances.append(np.linalg.norm(trained.head_coef_ - limit.head_coef_))
    assert distances[0] > 2 * distances[1] > 4 * distances[2]
    assert_allclose(trained.head_coef_, limit.head_coef_, rtol=1e-6, atol=1e-8)


def test_a_linear_feature_is_learnt_if_it_is_not_removed():
    """Catches a linear part removed with linear="none", which leaves the feature of a sine without its direction."""
    x = np.random.default_rng(0).standard_normal((4000, 8))
    X, y = x.astype(np.float32), np.sin(x[:, 0]).astype(np.float32) + np.float32(5)

    def correlation(linear):
        model = ThreeLayerRegressor(40, activation="relu", middle_width=800, linear=linear, random_state=0).fit(X, y)
        return model, abs(np.corrcoef(model.transform(X)[:, 0], X[:, 0])[0, 1])

    kept, found = correlation("none")
    assert not kept.linear_coef_.any()
    assert kept.linear_coef_.dtype == np.float32
    assert_allclose(kept.intercept_, y.mean(), rtol=1e-6)
    assert found > 0.97
    assert correlation("moment")[1] < 0.8


def test_split_separates_the_stages():
    """Catches rows of D2 used for the feature, or rows of D1 for the head."""
    X, y = sample(100, 4)
    model = ThreeLayerRegressor(20, split=0.3, **LITERAL, random_state=0).fit(X, y)
    assert len(model.middle_step_.X_fit_) == 30
    in_first = (X[:, None] == model.middle_step_.X_fit_[None]).all(axis=2).any(axis=1)
    assert in_first.sum() == 30
    residual = y - model.intercept_ - X @ model.linear_coef_
    rest = model._head(model.transform(X[~in_first]), model.step_size_) @ model.head_coef_ - residual[~in_first]
    assert_allclose(model.history_[-1]["loss"], np.mean(rest**2), rtol=1e-10)


def test_step_size_has_the_least_validation_error():
    """Catches a step size chosen by the training error, or the first or last of the grid."""
    X, y = sample(400, 6)
    model = ThreeLayerRegressor(60, **LITERAL, random_state=0).fit(X, y)
    chosen = model.history_[-1]["validation_loss"]
    scale = np.sqrt(np.mean(model.transform(X) ** 2))
    for size in (0.125, 0.25, 0.5, 1.0, 2.0):
        other = ThreeLayerRegressor(60, step_size=size / scale, **LITERAL, random_state=0).fit(X, y)
        assert other.history_[-1]["validation_loss"] >= chosen * (1 - 1e-9)


def test_step_size_is_chosen_with_a_given_penalty_too():
    """The first step size whatever the data, because a single penalty is not validated: against literal refits."""
    X, y = sample(60, 3)
    model = ThreeLayerRegressor(15, penalty=0.01, **LITERAL, random_state=0).fit(X, y)
    phi, residual = model.transform(X), y - model.intercept_ - X @ model.linear_coef_
    errors = {}
    for size in (0.125, 0.25, 0.5, 1.0, 2.0):
        eta = size / np.sqrt(np.mean(phi**2))
        H = np.maximum(phi * eta * model.signs_ * (model.biases_ >= 0) + model.biases_, 0)
        left_out = cross_val_predict(Ridge(alpha=60 * 0.01 / 2, fit_intercept=False), H, residual, cv=60)
        errors[eta] = np.mean((left_out - residual) ** 2)
    best = min(errors, key=errors.get)
    assert best != min(errors)
    assert_allclose(model.step_size_, best)
    assert_allclose(model.history_[-1]["validation_loss"], errors[best], rtol=1e-6)


def test_learns_the_quadratic_feature():
    """corr(phi, x'Ax) >= .93 at n = 2048, d = 16, f* = tanh(2 x'Ax); the head then fits the link."""
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
    """Depth separation at d = 16: where the risk of three layers is below .05, that of two is twice as large."""

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


@pytest.mark.parametrize(("dtype", "scale"), [(np.float32, 1e10), (np.float64, 1e30)])
def test_inputs_whose_powers_overflow_are_refused(dtype, scale):
    """Catches a message that blames the labels for overflowing powers of the inputs."""
    X, y = sample(60, 3)
    with pytest.raises(ValueError, match=r"X holds values up to .*, whose powers of degree 6 leave"):
        ThreeLayerRegressor(10, standardize=False).fit((scale * X).astype(dtype), y.astype(dtype))


@pytest.mark.parametrize("learner", [ThreeLayerRegressor, TwoLayerRegressor])
def test_nan_step_sizes_and_labels_out_of_range_are_refused(learner):
    """Catches a NaN step size, which no comparison refuses; NaN or a constant predicted for labels that overflow."""
    X, y = sample(60, 3)
    for step_size in (np.nan, np.inf):
        with pytest.raises(ValueError, match=f"step_size={step_size} must be 'auto' or a finite number > 0. Pass"):
            learner(10, step_size=step_size).fit(X, y)
    for scale in (1e-200, 1e200):
        with pytest.raises(ValueError, match=r"squares overflow or underflow float64; .* Divide y"):
            learner(10).fit(X, scale * y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"width": 0}, "width=0 must be an integer >= 1"),
        ({"split": 1.5}, "split=1.5 must be None or a fraction strictly between 0 and 1. None uses all rows"),
        ({"step_size": -1.0}, "step_size=-1.0 must be 'auto' or a finite number > 0"),
        ({"linear": "ols"}, "linear='ols' must be"),
        ({"solver": "gd"}, "Pass n_steps"),
        ({"solver": "adam", "n_steps": 3}, "solver='adam' must be"),
        ({"n_steps": -1}, "n_steps=-1 must be None or an integer >= 0"),
        ({"n_steps": 3, "head_step_size": 0}, "head_step_size=0 must be"),
        ({"n_steps": 3, "head_step_size": 1e9}, "diverge"),
        ({"n_steps": 3, "head_step_size": 1e9, "solver": "gd"}, r"head_step_size=1e\+09 makes .* diverge; .* at most"),
        (
            {"step_size": 1e160},
            r"step_size=1e\+160 with a feature of .* overflows float64; .* Pass a smaller",
        ),
        ({"activation": None}, "activation=None must be a name"),
        ({"activation": ()}, r"activation=\(\) must be a name"),
        ({"penalty": 0}, "no validation error by which to choose the step"),
        ({"activation": "tanh"}, r"activation=Activation\('tanh'\) must be 'relu' or a polynomial"),
        ({"split": np.nan}, "split=nan must be None or a fraction"),
        ({"step_size": np.nan}, "step_size=nan must be 'auto' or a finite number > 0. Pass"),
        ({"step_size": np.inf}, "step_size=inf must be"),
        ({"step_size": "AUTO"}, "step_size='AUTO' must be 'auto' or"),
        ({"n_steps": 3, "head_step_size": np.nan}, "head_step_size=nan must be"),
        ({"middle_width": np.inf}, "middle_width=inf must be .* None stands for infinitely many"),
        ({"middle_width": 0}, "middle_width=0 must be .* None stands for infinitely many"),
        (
            {"width": 10**9},
            r"width=1000000000\) on n_samples=30 .* needs \d+ GiB, more than .*=8 GiB. Lower width",
        ),
        ({"middle_width": 10**9}, r"middle_width=1000000000.* needs 44.7 GiB"),
        ({"width": 40_000, "n_steps": 3}, "more than max_memory"),
        ({"max_memory": "8GB"}, "max_memory='8GB' must be"),
        ({"max_memory": 1000}, r"on n_samples=30 .* needs .*, more than max_memory=9.31e-07 GiB"),
    ],
)
def test_bad_parameters_are_refused_with_advice(params, message):
    """Catches a parameter accepted, or refused by a message that does not name it, its value and what is allowed."""
    X, y = sample(30, 3)
    with pytest.raises(ValueError, match=message):
        ThreeLayerRegressor(**({"width": 10} | params)).fit(X, y)
