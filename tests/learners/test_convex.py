import pickle
import re
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from layerwise.activations import Activation, as_activation
from layerwise.learners import ConvexNeuralRegressor
from layerwise.learners.convex.penalty_path import follow_path
from layerwise.learners.convex.total_variation import RELATIVE_PENALTIES, TotalVariation
from layerwise.solvers.nuclear import largest_penalty, nuclear_norm_regression

H_4 = (0, 0, 0, 0, 1.0)


def low_rank(n, d=15, rank=1, noise=0.1, seed=0):
    """``sum_s ((w_s.x)^2 - 1) / sqrt(2 rank)``, its directions, and a way to measure risk."""
    rng = np.random.default_rng(seed)
    W = np.linalg.qr(rng.standard_normal((d, rank)))[0].T

    def f(X):
        return np.sum((X @ W.T) ** 2 - 1, axis=1) / np.sqrt(2 * rank)

    X, X_new = rng.standard_normal((n, d)), rng.standard_normal((2000, d))
    return X, f(X) + noise * rng.standard_normal(n), W, lambda model: np.mean((model.predict(X_new) - f(X_new)) ** 2)


def table(n=80, d=3):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) + 0.5
    return X, np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(n)


class TestQuadratic:
    @pytest.mark.parametrize("space", ["F1", "F2"])
    @pytest.mark.parametrize("bias", [0.0, 1.0, 2.0])
    def test_predictions_from_the_matrix_and_from_the_neurons(self, space, bias):
        """Catches the constant lost or doubled between M, its eigenvectors and the biases."""
        X, y = table()
        model = ConvexNeuralRegressor(space, bias=bias, penalty=0.1, standardize=False).fit(X, y)
        Z = X
        by_neurons = model.intercept_ + (Z @ model.neurons_.T + model.biases_) ** 2 @ model.coef_
        if bias:
            Z = np.hstack([Z, np.full((80, 1), bias)])
        by_matrix = model.intercept_ + np.einsum("ij,jk,ik->i", Z, model.matrix_, Z)
        assert_allclose(model.predict(X), by_matrix, rtol=1e-9)
        assert_allclose(model.predict(X), by_neurons, rtol=1e-9)
        assert_allclose(np.mean(model.predict(X)), y.mean())  # alpha is not penalised

    def test_bias_decides_whether_odd_functions_are_learnt(self):
        X, _ = table(200)
        y = X[:, 0]
        even = ConvexNeuralRegressor(bias=0, penalty=0.01).fit(X - X.mean(axis=0), y)
        assert_allclose(even.predict(-X), even.predict(X))
        assert ConvexNeuralRegressor(penalty=0.01).fit(X, y).score(X, y) > 0.98

    def test_with_a_bias_the_origin_does_not_matter(self):
        """Columns far from 0, for which the problem is badly conditioned unless they are centred."""
        X, y = table()
        model, moved = (ConvexNeuralRegressor(penalty=0.1, tol=1e-8).fit(X + shift, y) for shift in (0, 100.0))
        assert_allclose(moved.predict(X + 100), model.predict(X), atol=1e-5)

    def test_learner_calls_the_solver_in_the_units_of_y(self):
        """Catches the scaling of y reversed for f but not for the penalty, the gap or the objective."""
        X, y, _, _ = low_rank(100)
        y = 50 * y + 7
        model = ConvexNeuralRegressor(bias=0, penalty=3.0, tol=1e-9, standardize=False).fit(X, y)
        fit = nuclear_norm_regression(X, y, 3.0, tol=1e-9)
        assert_allclose(model.matrix_, fit.matrix, atol=1e-3)
        assert_allclose(model.history_[-1]["objective"], fit.objective, rtol=1e-8)
        assert_allclose(model.intercept_, fit.intercept, rtol=1e-3)
        assert 0 <= model.gap_ <= 1e-9 * fit.objective
        assert model.gap_ == model.history_[-1]["gap"]
        assert model.gap_certified_
        assert model.n_iter_ == model.history_[-1]["iteration"]

    def test_the_penalty_is_chosen_on_held_out_rows_and_all_rows_are_refitted(self):
        X, y, _, _ = low_rank(60, d=8)
        model = ConvexNeuralRegressor(bias=0, validation=0.25, tol=1e-7, standardize=False, random_state=3).fit(X, y)
        out = np.zeros(60, dtype=bool)
        out[np.random.RandomState(3).permutation(60)[:15]] = True
        path = largest_penalty(X[~out], y[~out]) * RELATIVE_PENALTIES
        fits = [nuclear_norm_regression(X[~out], y[~out], p, tol=1e-6) for p in path]
        errors = [
            np.mean((y[out] - fit.intercept - np.einsum("ij,jk,ik->i", X[out], fit.matrix, X[out])) ** 2)
            for fit in fits
        ]
        head = model.history_[0]
        assert_allclose(head["penalty"], path[np.argmin(errors)], rtol=1e-3)
        assert_allclose(head["validation_loss"], min(errors), rtol=1e-2)
        assert_allclose(model.matrix_, nuclear_norm_regression(X, y, head["penalty"], tol=1e-7).matrix, atol=5e-3)

    def test_F1_finds_the_direction_and_beats_F2(self):
        """n = 110, d (d+1) / 2 = 120. Over seeds 0..9 the risks were at most .03 and at least .15."""
        X, y, W, risk = low_rank(110)
        sparse = ConvexNeuralRegressor(random_state=0).fit(X, y)
        assert risk(sparse) < 0.06
        assert risk(ConvexNeuralRegressor("F2").fit(X, y)) > 0.12
        assert abs(sparse.directions_[0] @ W[0]) > 0.98
        assert_allclose(sparse.directions_ @ sparse.directions_.T, np.eye(15), atol=1e-10)
        assert np.all(np.diff(sparse.singular_values_) <= 0)
        assert np.all(np.diff(np.abs(sparse.coef_)) <= 0)

    def test_max_iter_warns_with_advice(self):
        X, y, _, _ = low_rank(60)
        model = ConvexNeuralRegressor(penalty=0.01, max_iter=3)
        with pytest.warns(ConvergenceWarning, match=r"after 3 iterations the duality gap is .* Raise max_iter"):
            model.fit(X, y)
        assert np.all(np.isfinite(model.predict(X)))


@pytest.mark.parametrize("activation", ["quadratic", "relu", H_4], ids=str)
class TestF2:
    def kernel(self, activation, Z, V):
        """The kernel of the Frobenius norm, or an average over the sphere in three dimensions by quadrature."""
        if activation == "quadratic":
            return (Z @ V.T) ** 2
        heights, weights = np.polynomial.legendre.leggauss(100)
        angles = np.arange(200) * np.pi / 100
        circle, radii = np.stack([np.cos(angles), np.sin(angles)]), np.sqrt(1 - heights**2)
        w = np.stack([*(radii[:, None] * circle[:, None]), np.tile(heights[:, None], 200)]).reshape(3, -1)
        s, t = Z @ w, V @ w
        if activation == "relu":
            s, t = np.maximum(s, 0), np.maximum(t, 0)
        else:
            s, t = ((u**4 - 6 * u**2 + 3) / np.sqrt(24) for u in (s, t))
        return (s * np.repeat(weights, 200)) @ t.T / 400

    def test_is_kernel_ridge_with_the_centred_kernel(self, activation):
        """Catches twice or half the kernel (arc-cosine kernels are normalised as 2 E), or one that is not centred."""
        X, y = table(25)
        X = X[:, :2]
        model = ConvexNeuralRegressor("F2", activation, penalty=0.02).fit(X, y)
        Z, V = (np.hstack([(A - X.mean(axis=0)) / X.std(axis=0), np.ones((len(A), 1))]) for A in (X, 1.2 * X[:10]))
        K, K_new = self.kernel(activation, Z, Z), self.kernel(activation, V, Z)
        C = np.eye(25) - 1 / 25
        reference = KernelRidge(kernel="precomputed", alpha=25 * 0.02 / 2).fit(C @ K @ C, y - y.mean())
        expected = y.mean() + reference.predict((K_new - K.mean(axis=0)) @ C)
        tolerance = 1e-3 if activation == "relu" else 1e-7  # the quadrature is exact for polynomials
        assert_allclose(model.predict(1.2 * X[:10]), expected, atol=tolerance)

    def test_leave_one_out_against_refits(self, activation):
        """Up to means and scales, which leaving out a row changes by 1/n, and functions of degree 8 of them by 8/n."""
        X, y = table(60)
        model = ConvexNeuralRegressor("F2", activation).fit(X, y)
        head = model.history_[0]
        left_out = ConvexNeuralRegressor("F2", activation, penalty=head["penalty"] * 60 / 59)
        errors = (y - cross_val_predict(left_out, X, y, cv=LeaveOneOut())) ** 2
        assert_allclose(head["validation_loss"], errors.mean(), rtol=0.2 if activation == H_4 else 0.12)

    def test_too_much_memory_is_refused(self, activation):
        X, y = table()
        with pytest.raises(ValueError, match=r"space='F2'.* on n_samples=80 .* needs.*max_memory.*space='F1'"):
            ConvexNeuralRegressor("F2", activation, max_memory=1000).fit(X, y)


@pytest.mark.parametrize("activation", ["relu", (0, 0, 1.0, 0.3)], ids=str)
class TestF1OfOtherActivations:
    def fitted(self, activation, n=120, y_scale=1.0, dtype=float, **params):
        X, y = table(n)
        model = ConvexNeuralRegressor("F1", activation, standardize=False, random_state=0, **params)
        return X.astype(dtype), y, model.fit(X.astype(dtype), (y_scale * y).astype(dtype))

    def test_predictions_from_the_neurons(self, activation):
        X, y, model = self.fitted(activation)
        t = X @ model.neurons_.T + model.biases_
        values = np.maximum(t, 0) if activation == "relu" else (t**2 - 1) / 2**0.5 + 0.3 * (t**3 - 3 * t) / 6**0.5
        assert_allclose(model.predict(X), model.intercept_ + values @ model.coef_, rtol=1e-9, atol=1e-12)
        assert model.score(X, y) > 0.9
        lengths = np.sum(model.neurons_**2, axis=1) + model.biases_**2
        assert_allclose(lengths, 1)

    def test_the_gap_is_not_a_certificate(self, activation):
        _, y, model = self.fitted(activation)
        assert not model.gap_certified_
        lines = [line for line in model.history_ if line["stage"] == "iteration"]
        assert lines[-1]["gap"] == model.gap_
        assert lines[-1]["neurons"] == len(model.coef_)
        objective = np.mean((y - model.predict(table(120)[0])) ** 2)
        objective += model.history_[0]["penalty"] * np.abs(model.coef_).sum()
        assert_allclose(lines[-1]["objective"], objective, rtol=1e-9)
        assert model.gap_ <= 0.05 * objective

    @pytest.mark.parametrize("power", [-80, 13])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_units_of_y_do_not_matter(self, activation, power, dtype):
        """Catches a constant with the units of y. Scaling by a power of 2 leaves rounding unchanged."""
        X, _, model = self.fitted(activation, 50, dtype=dtype, tol=0.1)
        _, _, scaled = self.fitted(activation, 50, y_scale=2.0**power, dtype=dtype, tol=0.1)
        assert_allclose(scaled.predict(X) / 2.0**power, model.predict(X), rtol=1e-5)


@pytest.mark.parametrize(
    ("errors", "tried", "chosen"),
    [
        ([1.0, 0.5, 0.6, 0.495], 4, 3),  # no gain of 2 %, twice in a row
        ([1.0, 0.5, 0.6, 0.4, 0.3, 0.31, 0.32, 0.0], 7, 4),  # one without a gain is tolerated
        ([1.0, 1.02, 1.01, 0.99, 0.3, 0.31, 0.32, 0.0], 7, 4),  # near the constant the error has not begun to fall
        ([1.0, 1.05, 1.12, 0.0], 3, 0),  # above the constant it will not fall
        ([0.95, 0.93, 0.94, 0.92, 0.91, 0.92, 0.91, 0.93], 8, 4),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:the penalty chosen")
def test_the_path_ends_when_the_error_no_longer_falls(errors, tried, chosen):
    """Catches the last fit instead of the best, a path that ends at once, at the constant or never; cold starts."""
    path, seen = np.logspace(1, -2, 8), []

    def solve(penalty, before):
        assert before == (len(seen) - 1 if seen else None)
        seen.append(penalty)
        return len(seen) - 1

    penalty, fit, choice = follow_path(path, solve, lambda k: np.array([errors[k] ** 0.5]), np.zeros(1), 1.0)
    assert (len(seen), fit) == (tried, chosen)
    assert penalty == choice["penalty"] == path[chosen]
    assert_allclose(choice["validation_loss"], errors[chosen])
    assert choice["at_edge_of_path"] == (chosen == 0)


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        ([1.0, 1.2, 1.3], "is the largest of the path, and its squared error is 1 of"),
        ([1.0, 0.5, 0.2], "is the smallest of the path, and its squared error is 0.2 of"),
        ([1.0, 0.5, 0.05], None),
        ([0.5, 0.6, 0.7], None),
        ([1.0, 0.5, 0.6], None),
    ],
    ids=str,
)
def test_an_end_of_the_path_warns(errors, message):
    """Catches a missing warning for a fit that is hardly better than a constant, or still improving."""
    args = np.logspace(1, -1, 3), lambda p, before: p, lambda p: np.array([errors[int(1 - np.log10(p))] ** 0.5])
    if message is None:
        follow_path(*args, np.zeros(1), 1.0)  # warnings are errors
        return
    with pytest.warns(UserWarning, match=message):
        follow_path(*args, np.zeros(1), 1.0)


@pytest.mark.parametrize("activation", ["quadratic", "relu"])
@pytest.mark.parametrize("space", ["F1", "F2"])
def test_units_and_origin_of_the_columns_do_not_matter(space, activation):
    """Catches columns not standardised in fit or predict: F1 then used only the widest, and ended at a constant."""
    X, y = table(60)
    moved = X * np.array([1e-3, 1.0, 1e3]) + np.array([1.0, -5.0, 1e4])
    model, other = (
        ConvexNeuralRegressor(space, activation, penalty=0.05, random_state=0).fit(Z, y) for Z in (X, moved)
    )
    searched = space == "F1" and activation == "relu"  # rounding changes the search, not its objective
    assert_allclose(other.predict(moved), model.predict(X), atol=0.03 if searched else 1e-6)


def test_a_signal_in_the_narrowest_column_is_found():
    """Catches a path that ends near the constant: R^2 was .004."""
    X = np.random.default_rng(0).standard_normal((300, 8)) * np.logspace(-1, 1, 8)
    y = (X[:, 0] / 0.1) ** 2 - 1
    assert ConvexNeuralRegressor(random_state=0).fit(X, y).score(X, y) > 0.99


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_columns_are_not_scaled(dtype):
    """Catches rounding errors of the mean scaled to unit variance."""
    X, y = table(60)
    plain = ConvexNeuralRegressor(penalty=0.05).fit(X, y).predict(X)
    X = np.hstack([X, np.full((60, 1), 0.1)]).astype(dtype)
    model = ConvexNeuralRegressor(penalty=0.05).fit(X, y)
    assert_allclose(model.predict(X), plain, atol=1e-4)


def test_relu_F1_adapts_to_one_direction_where_F2_does_not():
    """``|w.x|`` in 10 dimensions, n = 300: over seeds 0..5 the ratio of the risks was at most .07."""
    rng = np.random.default_rng(0)
    w = np.ones(10) / np.sqrt(10)
    X, X_new = rng.standard_normal((300, 10)), rng.standard_normal((2000, 10))
    y = np.abs(X @ w) + 0.1 * rng.standard_normal(300)
    models = [ConvexNeuralRegressor(space, "relu", random_state=0).fit(X, y) for space in ("F1", "F2")]
    risks = [np.mean((model.predict(X_new) - np.abs(X_new @ w)) ** 2) for model in models]
    assert risks[0] < 0.2 * risks[1]
    assert abs(models[0].directions_[0] @ w) > 0.95


def test_a_polynomial_given_as_coefficients_survives_pickling():
    X, y = table()
    for space in ("F1", "F2"):
        model = ConvexNeuralRegressor(space, H_4, random_state=0, tol=0.1).fit(X, y)
        assert_allclose(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"space": "F3"}, "space='F3' must be one of 'F1', 'F2'"),
        ({"activation": "tahn"}, "activation='tahn' must be a known name"),
        ({"activation": "tanh", "space": "F2"}, "activation=Activation('tanh') must be 'relu' or a polynomial"),
        ({"activation": (1.0, 0.0)}, "activation=(1.0, 0.0) is constant"),
        ({"activation": np.tanh}, "activation=Activation('tanh') has 0 known derivatives; 1 are needed"),
        ({"activation": None}, "activation=None must be a name, a function of one array, a HermiteSeries, or"),
        ({"activation": 3}, "activation=3 must be a name, a function of one array, a HermiteSeries, or"),
        ({"activation": ()}, "activation=() must be a name, a function of one array, a HermiteSeries, or"),
        (
            {"activation": (0, np.nan)},
            "activation=(0, nan) must be a name, a function of one array, a HermiteSeries, or",
        ),
        ({"validation": 1.5}, "validation=1.5 must be 'auto' or 'loo' or a fraction strictly between 0 and 1"),
        ({"bias": -1.0}, "bias=-1.0 must be"),
        ({"validation": "loo"}, "validation='loo' must not be combined with space='F1'.*hold out"),
        ({"penalty": 0.0}, "penalty=0.0 must be 'auto' or a finite number > 0"),
        ({"tol": 0.0}, "tol=0.0 must be"),
        ({"max_iter": 0}, "max_iter=0 must be 'auto' or an integer >= 1"),
        ({"max_memory": -1}, "max_memory=-1 must be"),
    ],
    ids=str,
)
def test_bad_parameters_say_what_is_allowed(params, message):
    X, y = table()
    with pytest.raises(ValueError, match=re.escape(message).replace(r"\.\*", ".*")):
        ConvexNeuralRegressor(**params).fit(X, y)


def test_two_rows_are_too_few_for_validation():
    """Catches advice to use leave-one-out, which F1 refuses; rows needed for a given penalty."""
    X, y = table(2)
    with pytest.raises(ValueError, match=r"validation='auto' holds out 0 of n_samples=2 rows.*a penalty, which"):
        ConvexNeuralRegressor().fit(X, y)
    assert_allclose(ConvexNeuralRegressor(penalty=1e-3).fit(X, y).predict(X), y, atol=0.1)


def test_the_path_reaches_small_penalties():
    """Catches a path of one decade instead of 3.5: a shrunk fit to labels with little noise, and a warning."""
    X, y, _, risk = low_rank(300, d=8, noise=0.01)
    model = ConvexNeuralRegressor(random_state=0).fit(X, y)
    assert risk(model) < 1e-4


@pytest.mark.parametrize(
    "activation", ["tanh", Activation(np.arctan, derivatives=[lambda t: 1 / (1 + t * t)])], ids=str
)
def test_F1_takes_any_activation_with_a_derivative(activation):
    """Catches a search or a sliding that assumes ReLU: ``|w.x|`` of a saturating network."""
    X, y = table(120)
    model = ConvexNeuralRegressor("F1", activation, standardize=False, random_state=0, max_iter=10, tol=0.1).fit(X, y)
    t = X @ model.neurons_.T + model.biases_
    values = np.tanh(t) if activation == "tanh" else np.arctan(t)
    assert_allclose(model.predict(X), model.intercept_ + values @ model.coef_, rtol=1e-9, atol=1e-12)
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize(
    ("params", "n", "d"),
    [
        ({"activation": "quadratic"}, 2000, 60),
        ({"activation": "relu", "max_iter": 2, "tol": 0.5}, 2000, 8),
        ({"activation": (0, 0, 1.0, 0.3), "max_iter": 2, "tol": 0.5}, 2000, 8),
        ({"space": "F2", "activation": "relu"}, 800, 8),
    ],
    ids=str,
)
def test_memory_bytes_bounds_the_peak(params, n, d):
    """Catches an array missing in the formula, or one counted that does not exist: the peak is 40 % to 100 % of it."""
    X, y = np.random.default_rng(0).standard_normal((n, d)), np.random.default_rng(1).standard_normal(n)
    model = ConvexNeuralRegressor(**params, penalty=0.1, random_state=0)
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.4 < peak / model.memory_bytes(n, d) < 1.0
    with pytest.raises(ValueError, match="more than max_memory"):
        model.set_params(max_memory=model.memory_bytes(n, d) - 1).fit(X, y)


def test_describe_names_the_direction():
    """Catches shares of squared weights, or names of other columns."""
    X, y, _, _ = low_rank(110)
    X = X @ np.linalg.qr(np.random.default_rng(5).standard_normal((15, 15)))[0]
    y = X[:, 3] ** 2 - 1
    model = ConvexNeuralRegressor(random_state=0)
    with pytest.raises(NotFittedError):
        model.describe()
    (line,) = model.fit(X, y).describe([f"c{i}" for i in range(15)])
    assert re.match(r"direction with \d+% of the output weights: [+-](1\.00|0\.9\d) c3 ", line)
    assert " x3 " in model.describe()[0]
    assert ConvexNeuralRegressor("F2", "relu").fit(X, y).describe() == []


def test_fewer_rows_than_inputs_have_the_optimum_of_all_inputs():
    """Neurons not turned back to the inputs, or an optimum outside the span of the rows that is lost."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 45))
    y = X[:, 0] ** 2 + X[:, 1] * X[:, 2]
    model = ConvexNeuralRegressor(penalty=0.3, bias=0.0, standardize=False).fit(X, y)
    sigma, scale = as_activation("quadratic"), y.std()
    whole = TotalVariation(sigma, 1e-4, 2000, None).solve(X, (y - y.mean()) / scale, 0.3 / scale, None)
    predictions = y.mean() + scale * whole.predict(X, sigma)
    assert_allclose(model.predict(X), predictions, atol=1e-2 * scale)
    assert model.matrix_.shape == (45, 45)
