import tracemalloc
import warnings
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from layerwise import learners
from layerwise.activations import as_activation
from layerwise.hermite import design_matrix
from layerwise.learners.quadratic_model import function, regressor
from layerwise.learners.quadratic_model.signed_sgd import LOSSES, gradient, norm_2_4, penalty_gradient, train
from layerwise.learners.quadratic_model.taylor import Linearised, Network, Quadratic, Start
from quadratic_minimum import quadratic_model_regression

#: The literal algorithm, as inputs are from N(0, I).
QuadraticModelRegressor = partial(learners.QuadraticModelRegressor, standardize=False)

SMALL = {"width": 20, "representation_width": 30, "batch_size": 8, "max_epochs": 30, "random_state": 0}
EVERY = [
    QuadraticModelRegressor("raw", **SMALL),
    QuadraticModelRegressor(**SMALL, loss="absolute"),
    QuadraticModelRegressor("hermite", **SMALL, dynamics="network", patience=2),
    QuadraticModelRegressor("hermite", **SMALL, dynamics="network", signed_dropout=False, penalty=1e-3),
    QuadraticModelRegressor("hermite", **SMALL, activation="half-square"),
    QuadraticModelRegressor("raw", **SMALL, model="linearised"),
    QuadraticModelRegressor("raw", **SMALL, model="linearised", loss="huber"),
]
every = pytest.mark.parametrize("learner", EVERY, ids=lambda m: "-".join(map(str, m.get_params().values()))[:60])


def table(n=60, d=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, X[:, 0] ** 2 + X[:, 1] + 0.1 * rng.standard_normal(n)


def single_power(n, d=16, rank=1, seed=0, noise=0.1):
    """``sum_s ((w_s.x)^4 - 3) / sqrt(96 r)``: rows to fit, and 8000 without noise."""
    rng = np.random.default_rng(seed)
    W = np.linalg.qr(rng.standard_normal((d, d)))[0][:rank]
    X = rng.standard_normal((n + 8000, d))
    f = np.sum((X @ W.T) ** 4 - 3, axis=1) / np.sqrt(96 * rank)
    return X[:n], f[:n] + noise * rng.standard_normal(n), X[n:], f[n:]


@every
@pytest.mark.parametrize(("n", "d"), [(60, 5), (15, 5), (12, 30), (4, 2), (2, 1)], ids=str)
def test_few_samples_and_degenerate_columns(learner, n, d):
    X, y = table(n, max(d, 2))
    X = np.hstack([X[:, :d], X[:, :1], np.ones((n, 1)), np.zeros((n, 1))])
    assert np.all(np.isfinite(clone(learner).fit(X, y).predict(X)))


@every
@pytest.mark.parametrize("value", [3.5, 0.0, -1e6])
def test_constant_y_is_predicted(learner, value):
    X, _ = table()
    assert_allclose(clone(learner).fit(X, np.full(60, value)).predict(X), value, rtol=1e-9, atol=1e-9)


@every
@pytest.mark.parametrize("scale", [2.0**-12, 2.0**40])
def test_units_of_y_do_not_matter(learner, scale):
    """A constant with the units of y in the algorithm or the history (for powers of two rounding is the same)."""
    X, y = table()
    base, scaled = clone(learner).fit(X, y), clone(learner).fit(X, scale * y)
    assert_allclose(scaled.predict(X) / scale, base.predict(X), rtol=1e-9, atol=1e-12)
    unit = scale if learner.loss == "absolute" else scale**2
    for line, line_scaled in zip(base.history_, scaled.history_, strict=True):
        if "loss" in line:
            assert_allclose(line_scaled["validation_loss"] / unit, line["validation_loss"], rtol=1e-9)
            for term in ("first_order", "second_order", "third_order"):
                assert_allclose(line_scaled[term] / scale, line[term], rtol=1e-9)
    assert_allclose(np.array(scaled.taylor_terms(X)) / scale, base.taylor_terms(X), rtol=1e-9, atol=1e-12)


@every
def test_precision_of_X_is_kept_and_blocks_do_not_matter(learner, monkeypatch):
    """Predictions promoted by a float64 weight, or blocks concatenated in the wrong order."""
    X, y = table(300)
    single = clone(learner).fit(X.astype(np.float32), y.astype(np.float32))
    assert single.predict(X.astype(np.float32)).dtype == np.float32
    model = clone(learner).fit(X, y)
    assert np.corrcoef(single.predict(X), model.predict(X))[0, 1] > 0.999
    whole, terms = model.predict(X), model.taylor_terms(X)
    monkeypatch.setattr(function, "BLOCK_BYTES", 10_000)
    assert_allclose(model.predict(X), whole, rtol=1e-9, atol=1e-12)
    assert_allclose(model.taylor_terms(X), terms, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("model", ["quadratic", "linearised"])
@pytest.mark.parametrize(
    ("representation", "n"), [("hermite", 66), ("hermite", 68), ("hermite", 73), ("raw", 10), ("raw", 12)]
)
def test_new_rows_if_n_is_close_to_the_width(representation, n, model):
    """Inverses of eigenvalues that are not identified, or held-out rows in Sigma: risks up to 8e5."""
    risks = []
    for seed in range(4):
        X, y, X_test, f = single_power(n, d=10, seed=seed)
        learner = QuadraticModelRegressor(representation, model=model, width=100, random_state=seed).fit(X, y)
        risks.append(np.mean((learner.predict(X_test) - f) ** 2))
    assert max(risks) < 2


def test_sigma_is_fitted_without_the_held_out_rows():
    """Held-out rows in Sigma: they would be whitened better than new rows. h of training rows has second moment one."""
    X, y = table(100)
    model = QuadraticModelRegressor("raw", **SMALL, validation=0.3).fit(X, y)
    H, out = model.transform(X), held_out_rows(model, 100)
    assert_allclose(H[~out].T @ H[~out] / 70, np.eye(5), atol=1e-8)


def test_leave_one_out_is_not_optimistic():
    """No constant: with columns and labels of mean 0 each row is minus the sum of the others (error 0)."""
    rng = np.random.default_rng(0)
    learner = QuadraticModelRegressor("raw", model="linearised", activation="half-square", bias=1e3, random_state=0)
    samples = [(rng.standard_normal((6, 20)), rng.standard_normal(6)) for _ in range(10)]
    losses = [learner.fit(X, y).history_[0]["validation_loss"] for X, y in samples]
    assert np.median(losses) > 0.7


def held_out_rows(model, n):
    """The rows held out by a fit with random_state=0, after its preceding draws."""
    rng = np.random.RandomState(0)
    rng.randint(2**31 - 1)
    rng.standard_normal(model.start_weights_.shape)
    rng.standard_normal(model.start_biases_.shape)
    return rng.permutation(n) < round(model.validation * n)


@every
def test_offsets_and_units_of_columns_do_not_matter(learner):
    """Columns not standardised: for X + 1000 the constant dominates and nothing is learnt (R2 of 0)."""
    X, y = table(120)
    X[:, 4] = 2.0  # a constant column has an offset as well
    scales, offsets = np.array([1e-3, 1, 30.0, 1e5, 1]), np.array([1000.0, -7, 0, 1e5, 1e3])
    learner = clone(learner).set_params(standardize=True)
    base, moved_ = clone(learner).fit(X, y), clone(learner).fit(X * scales + offsets, y)
    fresh = table(50, seed=9)[0]
    fresh[:, 4] = 2.0
    Z = fresh * scales + offsets
    unit = 1e-3 * y.std()
    assert_allclose(moved_.predict(Z), base.predict(fresh), atol=unit)
    assert_allclose(moved_.transform(Z), base.transform(fresh), atol=1e-6)
    assert_allclose(moved_.taylor_terms(Z), base.taylor_terms(fresh), atol=unit)
    form, expected = moved_.gradient_outer_product(Z), base.gradient_outer_product(fresh)
    assert_allclose(form, expected, atol=1e-2 * np.abs(expected).max())


def test_gradients_are_those_of_standardised_columns():
    """Slopes in other units: f = x_0^2 + x_1, learnt from 3 x + 5 on Hermite features."""
    X, y = table(600)
    Z = 3 * X + 5
    model = learners.QuadraticModelRegressor("hermite", width=100, activation="half-square", random_state=0).fit(Z, y)
    gradients = np.stack([2 * X[:200, 0], np.ones(200)]) * X[:, :2].std(axis=0)[:, None]
    assert_allclose(model.gradient_outer_product(Z[:200])[:2, :2], gradients @ gradients.T / 200, atol=0.06)


def literal_descent(start, H, y, penalty, n_epochs, step_size, noise, batch_size, signed, linearised, rng):
    """The documented algorithm in float64, one neuron and one row at a time; W, c and the signs of the history."""
    m, D = 2 * len(start.weights), H.shape[1]
    size = m**-0.5 if linearised else m**-0.25
    W = noise * size / np.sqrt(D) * rng.standard_normal((m, D))
    momentum, v, c, step = np.zeros_like(W), 0.0, 0.0, 0
    for epoch in range(n_epochs):
        eta = step_size * (1 + np.cos(np.pi * epoch / n_epochs)) / 2
        order = rng.permutation(np.arange(len(y) - 10))
        for batch in np.array_split(order, -(-len(order) // batch_size)):
            z = rng.choice([-1.0, 1.0], m) if signed else np.ones(m)
            G, slope_c = np.zeros_like(W), 0.0
            for i in batch:
                f, slopes = 0.0, np.zeros(m)
                for r in range(m):
                    a, half = (1, r) if r < m // 2 else (-1, r - m // 2)
                    t, p = start.weights[half] @ H[i] + start.biases[half], W[r] @ H[i]
                    if linearised:
                        f += a * max(t, 0) ** 2 / 2 * p / np.sqrt(m)
                        slopes[r] = a * max(t, 0) ** 2 / 2 / np.sqrt(m)
                    elif signed:
                        f += a * max(t + z[r] * p, 0) ** 3 / 6 / np.sqrt(m)
                        slopes[r] = a * z[r] * max(t + z[r] * p, 0) ** 2 / 2 / np.sqrt(m)
                    else:
                        f += a * max(t, 0) * p**2 / (2 * np.sqrt(m))
                        slopes[r] = a * max(t, 0) * p / np.sqrt(m)
                residual = f + c - y[i]
                G += 2 * residual * np.outer(slopes, H[i]) / len(batch)
                slope_c += 2 * residual / len(batch)
            for r in range(m):
                G[r] += penalty * W[r] if linearised else penalty * 4 * (W[r] @ W[r]) * W[r]
            step += 1
            momentum = 0.9 * momentum + 0.1 * G
            v = 0.99 * v + 0.01 * np.sum(G**2) / m
            W = W - eta * size * momentum / (1 - 0.9**step) / np.sqrt(v / (1 - 0.99**step))
            c -= eta * slope_c
        z = rng.choice([-1.0, 1.0], m) if signed else np.ones(m)
    return W, c, z


@pytest.mark.parametrize("name", ["quadratic", "network", "linearised"])
def test_training_against_a_literal_loop(name):
    """Signs kept between steps or not drawn for the history, a penalty outside the momentum, a wrong step length."""
    rng = np.random.default_rng(0)
    start = Start(rng.standard_normal((3, 4)), rng.standard_normal(3), as_activation("relu-cubed"))
    H = rng.standard_normal((40, 4))
    y = H[:, 0] ** 2 - H[:, 1] ** 2 + 2 * H[:, 2]
    H[30:], y[30:] = H[:10], y[:10]
    sigma, signed, linearised = start.activation, name == "network", name == "linearised"
    model = {"network": Network(sigma, 6, True), "quadratic": Quadratic(sigma, 6), "linearised": Linearised(sigma, 6)}
    options = {"step_size": 0.05, "noise": 0.1, "batch_size": 8, "signed": signed, "linearised": linearised}
    W, c, z = literal_descent(start, H, y, 0.01, 6, rng=np.random.RandomState(1), **options)
    training = train(
        model[name], LOSSES["square"], start, H, y, np.arange(40) >= 30, penalties=np.full(6, 0.01), patience=None,
        rng=np.random.RandomState(1), **options,
    )  # fmt: skip
    last, terms = training.history[-1], start.terms(H[:30], W, z)
    assert_allclose(last["norm"], norm_2_4(W), rtol=1e-9)
    for key, term in zip(("first_order", "second_order", "third_order"), terms, strict=False):
        assert_allclose(last[key], np.sqrt(np.mean(term**2)), rtol=1e-8)
    assert training.epoch == 6
    assert_allclose(training.weights, W, rtol=1e-8, atol=1e-10)
    assert_allclose(training.constant, c, rtol=1e-8)


def test_linearised_is_ridge_on_the_tangent_features():
    """One half of the neurons missing in the kernel, or another penalty: the m D explicit features and a constant."""
    X, y = table()
    model = QuadraticModelRegressor("raw", width=10, model="linearised", penalty=0.05, random_state=0).fit(X, y)
    H = model.transform(X)
    t = H @ model.start_weights_.T + model.start_biases_
    slopes = np.hstack([np.maximum(t, 0) ** 2 / 2, -(np.maximum(t, 0) ** 2) / 2]) / np.sqrt(10)
    Phi = (slopes[:, :, None] * H[:, None]).reshape(60, -1)
    labels = (y - y.mean()) / y.std()
    Phi = np.hstack([Phi, np.ones((60, 1))])
    W = np.linalg.solve(Phi.T @ Phi / 60 + 0.05 / 2 * np.eye(Phi.shape[1]), Phi.T @ labels / 60)
    assert_allclose(np.append(model.weights_, model.intercept_), W, rtol=1e-8, atol=1e-10)
    assert_allclose(model.predict(X), y.mean() + y.std() * Phi @ W, rtol=1e-8)
    tangent = Linearised(as_activation("relu-cubed"), 10)
    gradient_ = gradient(tangent, LOSSES["square"], tangent.table(t), H, labels, model.weights_, W[-1])[1]
    assert_allclose(gradient_ + penalty_gradient(model.weights_, 0.05, True), 0, atol=1e-10)


def test_history_and_the_best_iterate():
    """The last iterate instead of the best; patience counted from the start; training on held-out rows."""
    X, y = table(100, seed=2)
    model = QuadraticModelRegressor("hermite", width=50, max_epochs=60, step_size=0.2, batch_size=8, random_state=0)
    model.fit(X, y)
    losses = [line["validation_loss"] for line in model.history_]
    assert model.n_iter_ == len(losses) == 60
    assert losses[model.best_epoch_ - 1] == min(losses)
    assert 0 < model.best_epoch_ < 60
    assert_allclose([model.history_[0]["penalty"], model.history_[-1]["penalty"]], regressor.PENALTIES)
    assert model.penalty_ == model.history_[model.best_epoch_ - 1]["penalty"]

    out = held_out_rows(model, 100)
    assert_allclose(np.mean((model.predict(X[out]) - y[out]) ** 2), min(losses), rtol=1e-4)

    stopped = clone(model).set_params(patience=3).fit(X, y)
    from_start = [np.mean((y[out] - y.mean()) ** 2), *losses]
    first = next(k for k in range(60) if from_start[k] == min(from_start[: k + 4]))
    assert (stopped.best_epoch_, stopped.n_iter_) == (first, first + 3)


def test_terms_in_units_of_y():
    """y_scale_ missing in the terms, the form, or the prediction."""
    X, y = table(200)
    y = 7 * y
    model = QuadraticModelRegressor("hermite", **SMALL, activation="half-square").fit(X, y)
    terms, H = model.taylor_terms(X), model.transform(X)
    assert_allclose(terms.second + model.y_mean_ + model.y_scale_ * model.intercept_, model.predict(X), rtol=1e-9)
    assert_allclose(np.einsum("ij,jk,ik->i", H, model.quadratic_form_, H), terms.second, rtol=1e-6, atol=1e-9)
    assert_allclose(terms.first + terms.second + terms.third, terms.network, rtol=1e-6, atol=1e-9)
    z = np.random.default_rng(0).choice([-1, 1], 20)
    assert_allclose(model.taylor_terms(X, z).second, terms.second, rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match="20 numbers -1 or 1"):
        model.taylor_terms(X, z[:3])


@pytest.mark.parametrize("signed_dropout", [True, False])
def test_the_network_predicts_its_mean_over_the_signs(signed_dropout):
    """One draw of the signs, or only the quadratic term: the mean over z and -z is exact for each neuron."""
    X, y = table()
    model = QuadraticModelRegressor("raw", **SMALL, dynamics="network", signed_dropout=signed_dropout).fit(X, y)
    z = np.random.default_rng(0).choice([-1, 1], 20) if signed_dropout else np.ones(20)
    networks = [model.taylor_terms(X, sign * z).network for sign in ((1, -1) if signed_dropout else (1,))]
    constant = model.y_mean_ + model.y_scale_ * model.intercept_
    assert_allclose(model.predict(X), np.mean(networks, axis=0) + constant, rtol=1e-9)
    assert np.std(networks[0]) > 0.1


def test_signed_dropout_leaves_the_second_order_term():
    """Signs drawn but not used: without signed dropout the first-order term dominates (|f1| / |f2| from 1.2 to 1.9).

    With it, the ratio is .15 to .45 (four seeds each).
    """
    X, y, _, _ = single_power(300, d=6)
    ratios = []
    for signed_dropout in (True, False):
        model = QuadraticModelRegressor(
            "hermite", dynamics="network", width=100, max_epochs=60, signed_dropout=signed_dropout, random_state=0
        )
        terms = model.fit(X, y).taylor_terms(X)
        ratios.append(np.std(terms.first) / np.std(terms.second))
    assert ratios[0] < 0.6
    assert ratios[1] > 1


@pytest.mark.parametrize("noise", [3.0, 10.0, 100.0, 1e30])
def test_too_much_initial_noise_warns_and_the_mean_is_kept(noise):
    """The best of bad iterates kept without a warning, or a warning that blames step_size."""
    X, y = table()
    model = QuadraticModelRegressor("hermite", **SMALL).set_params(noise=noise)
    with pytest.warns(ConvergenceWarning, match=r"the mean of y.*noise=.* starts at .*Lower noise") as caught:
        model.fit(X, y)
    assert caught[0].filename == __file__
    assert model.best_epoch_ == 0
    assert_allclose(model.predict(X), y.mean(), rtol=1e-12)


def test_the_mean_is_a_candidate():
    """For labels of pure noise: a held-out loss above that of the mean, or an epoch 0 that is not the mean."""
    rng = np.random.default_rng(0)
    epochs = []
    for seed in range(12):
        X, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
        model = QuadraticModelRegressor("raw", **{**SMALL, "random_state": seed}).fit(X, y)
        epochs.append(model.best_epoch_)
        if not model.best_epoch_:
            assert_allclose(model.predict(X), y.mean(), rtol=1e-12)
    assert 0 in epochs


@pytest.mark.parametrize("scale", [1e155, 1e-200])
def test_labels_whose_squares_overflow_or_underflow_are_refused(scale):
    """Infinite predictions, or a constant, without an error."""
    X, y = table()
    with pytest.raises(ValueError, match=r"squares overflow or underflow float64.*Divide y by its standard deviation"):
        QuadraticModelRegressor("raw", **SMALL).fit(X, scale * y)


@pytest.mark.parametrize("step_size", [1.0, 1e4, 1e30])
def test_divergence_warns_and_the_best_iterate_is_finite(step_size):
    """NaN predictions, or no warning."""
    X, y = table()
    model = QuadraticModelRegressor("hermite", **SMALL).set_params(step_size=step_size)
    with pytest.warns(ConvergenceWarning, match=r"diverged in epoch \d, at step_size=1.*Lower step_size") as caught:
        model.fit(X, y)
    assert caught[0].filename == __file__
    assert np.all(np.isfinite(model.predict(X)))
    assert np.mean((model.predict(X) - y) ** 2) < 2 * y.var()


@pytest.mark.parametrize(("loss", "step_size"), [("absolute", 30.0), ("huber", 10.0), ("huber", 30.0)])
def test_losses_linear_in_the_residual_diverge_too(loss, step_size):
    """A bound for squared losses that these never reach: the mean is predicted without a warning."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5))
    y = X[:, 0] ** 2 + 0.1 * rng.standard_normal(200)
    model = QuadraticModelRegressor(width=20, max_epochs=20, loss=loss, step_size=step_size, random_state=0)
    with pytest.warns(
        ConvergenceWarning, match=rf"(rose to|diverged) .*step_size={step_size}.*mean of y.*Lower step_size"
    ):
        model.fit(X, y)
    assert model.best_epoch_ == 0


@pytest.mark.parametrize("loss", ["absolute", "huber"])
def test_robust_losses_are_robust(loss):
    """A loss under which one outlier in twenty labels dominates, as under the square loss."""
    X, y, X_test, f = single_power(1000, d=4, seed=1)
    rng = np.random.default_rng(0)
    y = y + 30 * (rng.random(1000) < 0.05)
    errors = {}
    for name in (loss, "square"):
        model = QuadraticModelRegressor("hermite", width=100, loss=name, random_state=0).fit(X, y)
        errors[name] = np.mean((model.predict(X_test) - f) ** 2) / f.var()
    assert errors[loss] < 0.2 * errors["square"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"representation": "deep"}, "representation='deep' must be one of 'neural', 'raw', 'hermite'"),
        ({"representation": np.zeros(3)}, r"representation=array\(\[0., 0., 0.\]\) must be one of"),
        ({"loss": "log"}, "loss='log' must be one of 'square', 'absolute', 'huber'"),
        ({"dynamics": "full"}, "dynamics='full' must be one of"),
        ({"activation": "relu"}, r"activation=Activation\('relu'\) has 1 known derivatives; 3 are needed"),
        ({"activation": (2.0,)}, "is constant"),
        ({"width": 7}, "width=7 must be an even integer >= 2"),
        ({"penalty": -1.0}, "penalty=-1.0 must be"),
        ({"step_size": 0.0}, "step_size=0.0 must be"),
        ({"bias": np.nan}, "bias=nan must be"),
        ({"validation": 1.0}, "validation=1.0 must be a fraction strictly between 0 and 1"),
        ({"max_memory": 1000}, "more than max_memory=9.31e-07 GiB. Lower width"),
        ({"model": "linearised", "max_memory": 10_000}, "loss='huber', which needs no n x n"),
    ],
)
def test_bad_parameters_say_what_is_allowed(params, message):
    X, y = table()
    with pytest.raises(ValueError, match=message):
        QuadraticModelRegressor("raw").set_params(**params).fit(X, y)


def test_hermite_representation_identifies_the_square():
    """f = (theta.h)^2 with known theta: the leading eigenvector of the form is theta in coordinates of h (d = 6)."""
    X, y, _, _ = single_power(1000, d=6, noise=0.0)
    model = QuadraticModelRegressor("hermite", width=100, activation="half-square", random_state=0).fit(X, y)
    w = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0][0]
    theta = np.linalg.lstsq(design_matrix(X, 2), (X @ w) ** 2, rcond=None)[0]
    values, vectors = np.linalg.eigh(model.quadratic_form_)
    top = model.representation_.whitening_ @ vectors[:, np.argmax(np.abs(values))]  # on g
    assert abs(top @ theta) / np.linalg.norm(top) / np.linalg.norm(theta) > 0.95


def test_gradient_outer_product_finds_the_direction():
    """Permuted columns, or steps in other units: the first eigenvector is w for every representation."""
    X, y, _, _ = single_power(600, d=5, noise=0.0)
    w = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0][0]
    units = np.array([1.0, 2, 3, 1, 0.5])
    for representation in ("raw", "hermite", "neural"):
        model = learners.QuadraticModelRegressor(representation, width=100, random_state=0).fit(X * units, y)
        form = model.gradient_outer_product(X[:200] * units)
        assert abs(np.linalg.eigh(form)[1][:, -1] @ w) > 0.9, representation


@pytest.mark.parametrize("both", [False, True], ids=["positive", "both parts"])
def test_half_square_activation_reaches_the_convex_optimum(both):
    """Penalty in other units, or neurons that remain unequal: ``P, N >= 0`` minimise the convex problem

    ``(1/n) sum_i (<P - N, h h'> + c - y)^2 + 8 lambda (tr(P)^2 + tr(N)^2)``, here by projected gradient descent.
    """
    rng = np.random.default_rng(0)
    n, D, m, penalty = 200, 4, 24, 0.02
    H = rng.standard_normal((n, D))
    y = H[:, 0] ** 2 - both * H[:, 1] ** 2 + 0.3 * H[:, 2] * H[:, 3] + 0.1 * rng.standard_normal(n)
    y = (y - y.mean()) / y.std()
    outer = H[:, :, None] * H[:, None]
    P, N, c = np.zeros((D, D)), np.zeros((D, D)), 0.0

    def project(A):
        s, Q = np.linalg.eigh(A)
        return (Q * np.maximum(s, 0)) @ Q.T

    for _ in range(5000):
        r = np.einsum("ijk,jk->i", outer, P - N) + c - y
        G = 2 * np.einsum("i,ijk->jk", r, outer) / n
        P, N, c = (
            project(P - 0.01 * (G + 16 * penalty * np.trace(P) * np.eye(D))),
            project(N - 0.01 * (-G + 16 * penalty * np.trace(N) * np.eye(D))),
            c - 0.01 * 2 * r.mean(),
        )
    fitted = np.einsum("ijk,jk->i", outer, P - N) + c
    least = np.mean((fitted - y) ** 2) + 8 * penalty * (np.trace(P) ** 2 + np.trace(N) ** 2)

    start = Start(rng.standard_normal((m // 2, D)), np.zeros(m // 2), as_activation("half-square"))
    twice, held_out = np.concatenate([H, H]), np.repeat([False, True], n)  # the validation loss is over all rows
    training = train(
        Quadratic(start.activation, m), LOSSES["square"], start, twice, np.concatenate([y, y]), held_out,
        penalties=np.full(400, penalty), linearised=False, signed=False, step_size=0.1, noise=0.1, batch_size=50,
        patience=None, rng=np.random.RandomState(0),
    )  # fmt: skip
    last = training.history[-1]
    reached = last["validation_loss"] + penalty * last["norm"] ** 4
    assert least * (1 - 1e-6) < reached < 1.01 * least


@pytest.mark.parametrize("both", [False, True], ids=["positive", "both parts"])
def test_sgd_and_the_convex_solver_have_the_same_risk(both):
    """Penalties in different units: both minima have the same risk at new points, within 5 %."""
    rng = np.random.default_rng(0)
    n, n_test, D, m, penalty = 400, 4000, 6, 48, 0.02
    H = rng.standard_normal((n + n_test, D))
    f = H[:, 0] ** 2 - both * H[:, 1] ** 2 + 0.3 * H[:, 2] * H[:, 3]
    y = (f - f.mean()) / f.std()
    y[:n] += 0.5 * rng.standard_normal(n)
    convex = quadratic_model_regression(H[:n], y[:n], penalty, intercept=True)
    predicted = convex.intercept + (H[n:] @ convex.neurons.T) ** 2 @ convex.coefficients
    risk = np.mean((predicted - y[n:]) ** 2)

    start = Start(rng.standard_normal((m // 2, D)), np.zeros(m // 2), as_activation("half-square"))
    training = train(
        Quadratic(start.activation, m), LOSSES["square"], start, H, y, np.arange(n + n_test) >= n,
        penalties=np.full(300, penalty), linearised=False, signed=False, step_size=0.1, noise=0.1, batch_size=50,
        patience=None, rng=np.random.RandomState(0),
    )  # fmt: skip
    assert_allclose(training.history[-1]["validation_loss"], risk, rtol=0.05)


@pytest.mark.slow
def test_the_quadratic_model_learns_a_fourth_power_where_kernels_do_not():
    """p = 4, d = 16, n = 1000: risk .016 to .034 over five data seeds; the tangent kernel on x has .27 to .44."""
    X, y, X_test, f = single_power(1000)

    def risk(**params):
        model = QuadraticModelRegressor(**params, random_state=0).fit(X, y)
        return np.mean((model.predict(X_test) - f) ** 2) / f.var()

    assert risk(representation="hermite") < 0.05
    assert risk(representation="raw", model="linearised") > 0.25


@pytest.mark.parametrize("bias", [0.0, 1e-200, 1e200])
def test_any_size_of_bias(bias):
    """Overflow of bias^2: for large biases the gates are constant."""
    X, y = table()
    model = QuadraticModelRegressor("raw", **SMALL, bias=bias).fit(X, y)
    assert np.all(np.isfinite(model.predict(X)))


def test_no_warning_by_default():
    X, y = table()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        QuadraticModelRegressor(**SMALL).fit(X, y)


@pytest.mark.parametrize("activation", ["tanh", "quadratic", (0.1, 0.3, 0.5, 0.2)], ids=str)
def test_takes_any_activation_with_three_derivatives(activation):
    """A model that assumes relu-cubed: the network against its activation, the terms against their sum for a cubic."""
    X, y = table(200)
    model = QuadraticModelRegressor("raw", **SMALL, dynamics="network", activation=activation).fit(X, y)
    terms, H, sigma = model.taylor_terms(X), model.transform(X), as_activation(activation)
    T = H @ model.start_weights_.T + model.start_biases_
    halves = [sigma(T + H @ W.T).sum(axis=1) for W in np.split(model.weights_, 2)]
    assert_allclose(terms.network, model.y_scale_ * (halves[0] - halves[1]) / np.sqrt(20), rtol=1e-6, atol=1e-9)
    if activation != "tanh":
        assert_allclose(terms.first + terms.second + terms.third, terms.network, rtol=1e-6, atol=1e-9)


def test_memory_bytes_bounds_the_peak():
    """An array missing in the formula: n x n matrices, the rows and the table, or the movements."""
    X, y = np.random.default_rng(0).standard_normal((1500, 20)), np.random.default_rng(1).standard_normal(1500)
    for params in ({"model": "linearised"}, {"max_epochs": 1, "representation_width": 600, "batch_size": 8}):
        model = QuadraticModelRegressor(**params, width=100, random_state=0)
        tracemalloc.start()
        model.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert 0.4 < peak / model.memory_bytes(1500, 20) < 1
        with pytest.raises(ValueError, match="more than max_memory"):
            model.set_params(max_memory=model.memory_bytes(1500, 20) - 1).fit(X, y)


def test_describe_finds_the_direction_and_the_feature():
    """Directions of whitened instead of standardised columns; a feature in another basis."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((800, 4)) * [1, 10, 1, 1]
    y = (X[:, 1] / 10) ** 2
    model = QuadraticModelRegressor("raw", activation="half-square", width=50, random_state=0)
    with pytest.raises(NotFittedError):
        model.describe()
    assert model.fit(X, y).describe(list("abcd"))[0].split(": ")[1][1:].startswith(("1.00 b", "0.99 b"))
    y = (X[:, 0] * X[:, 2]) ** 2
    hermite = QuadraticModelRegressor("hermite", activation="half-square", width=50, random_state=0).fit(X, y)
    (line,) = hermite.describe(list("abcd"))
    assert line.startswith("square, with ")
    assert line.split(": ")[1][1:].startswith(("1.00 a c", "0.99 a c", "0.98 a c"))
    assert QuadraticModelRegressor("raw", model="linearised", width=10).fit(X, y).describe() == []
