"""The recursive kernel against a literal version of the recursion, and what it finds on targets and on noise."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA

from layerwise.kernels import DotProductKernel, GaussianKernel, PolynomialActivationKernel, PolynomialKernel
from layerwise.learners import KernelRegressor, RecursiveFeatureRegressor
from layerwise.learners.recursive_features import recursion
from layerwise.learners.recursive_features.kernel_model import KernelModel
from layerwise.learners.recursive_features.memory import fit_bytes, n_centres
from layerwise.solvers.gauss_newton.folds import draw_folds


def two_directions(n=400, d=8, seed=0):
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.standard_normal((d, 2)))[0].T
    X = rng.standard_normal((n, d))
    return X, np.tanh(2 * X @ U[0]) * np.cos(X @ U[1]), U


def literal_recursion(X, y, M, bandwidth, ridge, n_rounds):
    """The recursion as in the paper: ``exp(-(x - z)'M(x - z) / (2 L^2))``, gradients summed pair by pair.

    L is the bandwidth times the typical distance, ``sqrt(2 median (x - mean)'M(x - mean))``.
    """
    n = len(X)
    for _ in range(n_rounds + 1):
        L2 = bandwidth**2 * 2 * np.median(np.einsum("ij,jk,ik->i", X, M, X))
        K = np.exp(-(cdist(X, X, "mahalanobis", VI=M) ** 2) / (2 * L2))
        alpha = np.linalg.solve(K + n * ridge * np.eye(n), y)
        used, gradients = M, np.zeros_like(X)
        for i in range(n):
            for j in range(n):
                gradients[i] -= alpha[j] * K[i, j] * (M @ (X[i] - X[j])) / L2
        M = gradients.T @ gradients / n
    return used, K @ alpha


@pytest.mark.parametrize("n_rounds", [0, 1, 3])
def test_the_recursion_is_the_literal_one(n_rounds):
    """A metric that is not the square of the map, a gradient in other coordinates, a scale that feeds back."""
    X, y, _ = two_directions(40, 4)
    X -= X.mean(axis=0)
    model = KernelModel(X, y, GaussianKernel())
    for _ in range(n_rounds):
        model.set_components(model.gradient_components(0.8, model.fit(0.8, np.array([0.01]))[0]))
    M, fitted = literal_recursion(X, y, np.eye(4), 0.8, 0.01, n_rounds)
    found = model.components.T @ model.components
    assert_allclose(found / np.trace(found), M / np.trace(M), atol=1e-10)
    assert_allclose(model.predict(X, 0.8, model.fit(0.8, np.array([0.01])))[0], fitted, atol=1e-9)


@pytest.mark.parametrize(
    "kernel", ["gaussian", "laplace", "ntk", "arc-cosine", "polynomial", PolynomialKernel(2)], ids=repr
)
def test_two_directions_are_found_by_every_kernel(kernel):
    """Gradients or bandwidths that work for radial kernels only."""
    X, y, U = two_directions()
    units = 10.0 ** np.arange(-3, 5)
    model = RecursiveFeatureRegressor(kernel, rank=2, max_rounds=2, random_state=0)
    if kernel == "polynomial" or isinstance(kernel, PolynomialKernel):
        y = (X @ U[0]) * (X @ U[1])
    model.fit(X * units, y)
    assert model.rank_ == 2
    assert np.linalg.norm(U @ model.directions_.T) ** 2 > 1.9
    assert_allclose(model.directions_ @ model.directions_.T, np.eye(2), atol=1e-10)
    assert_allclose(model.metric_, model.components_.T @ model.components_)


def test_a_kernel_of_a_given_dimension():
    """Fewer columns than the kernel of a sphere needs, once the metric has a low rank."""
    X, _, U = two_directions()
    y = (X @ U[0]) ** 2
    kernel = PolynomialActivationKernel([0.0, 0.0, 1.0], 8)
    model = RecursiveFeatureRegressor(kernel, max_rounds=2, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.97


def test_the_metric_of_round_0_is_kernel_regression_on_standardised_columns():
    """Another bandwidth, unit of the penalty, or mean in the predictions than the attributes say."""
    X, y, _ = two_directions()
    model = RecursiveFeatureRegressor(max_rounds=0, penalty=0.01, random_state=0).fit(3 * X + 1, y + 5)
    assert (model.rank_, model.n_rounds_, model.directions_.shape) == (0, 0, (0, 8))
    reference = KernelRegressor(GaussianKernel(), penalty=0.01, standardize=False).fit(
        model.transform(3 * X + 1), y + 5
    )
    X_new = two_directions(50, seed=1)[0]
    assert_allclose(model.predict(X_new), reference.predict(model.transform(X_new)), rtol=1e-8)


def test_nystroem_with_all_centres_is_exact():
    """Normal equations, whitening or the penalty of centres that differ from those of all rows."""
    X, y, _ = two_directions(120, 4)
    exact = KernelModel(X, y, GaussianKernel())
    centres = KernelModel(X, y, GaussianKernel(), X.copy())
    for penalty in (1e-6, 1e-2, 1.0):
        alphas = [each.fit(1.0, np.array([penalty])) for each in (exact, centres)]
        predictions = [each.predict(X[:7] + 1, 1.0, a)[0] for each, a in zip((exact, centres), alphas, strict=True)]
        assert_allclose(predictions[1], predictions[0], atol=1e-6)
    assert abs(centres.missed) < 1e-9


def test_the_error_of_centres_is_bounded_as_stated():
    """A bound without the factor n, or a share of the trace that is not the one missed."""
    X, y, _ = two_directions(200, 4)
    K = GaussianKernel()(KernelModel(X, y, GaussianKernel()).components[0, 0] * X)

    def loss(fitted, squared_norm, penalty):
        return np.mean((y - fitted) ** 2) + penalty / 2 * squared_norm

    for m in (10, 50):
        model = KernelModel(X, y, GaussianKernel(), X[:m])
        for penalty in (1e-3, 1e-1):
            (alpha,) = model.fit(1.0, np.array([penalty / 2]))
            exact = np.linalg.solve(K + 200 * penalty / 2 * np.eye(200), y)
            least = loss(K @ exact, exact @ K @ exact, penalty)
            reached = loss(K[:, :m] @ alpha, alpha @ K[:m, :m] @ alpha, penalty)
            missed = np.trace(K - K[:, :m] @ np.linalg.solve(K[:m, :m], K[:m]))
            assert_allclose(model.missed, missed / 200, atol=1e-8)
            assert least * (1 - 1e-9) < reached < least * (1 + 2 * missed / (200 * penalty))


def test_centres_find_the_directions():
    """Gradients at the centres in place of the rows, or centres that are not mapped."""
    X, y, U = two_directions(600)
    model = RecursiveFeatureRegressor(n_centres=200, max_rounds=3, random_state=0).fit(X, y)
    assert model.centres_.shape == (200, 2)
    assert np.linalg.norm(U @ model.directions_.T) ** 2 > 1.9
    assert 0 < model.history_[-1]["missed"] < 0.1


def test_memory_decides_the_number_of_centres():
    """Fewer centres than fit, or more."""
    for n in (500, 20_000):
        exact = fit_bytes(n, None)
        assert n_centres(n, None, exact) is None
        m = n_centres(n, None, exact - 1)
        assert m is not None
        assert fit_bytes(n, m) < exact
    assert n_centres(500, 600, 1.0) is None
    X, y, _ = two_directions(1500)
    whole = RecursiveFeatureRegressor(max_rounds=0, random_state=0)
    less = RecursiveFeatureRegressor(max_rounds=0, max_memory=0.8 * whole.memory_bytes(1500, 8), random_state=0)
    assert less.memory_bytes(1500, 8) <= less.max_memory
    assert 100 < len(less.fit(X, y).centres_) < 1500


def test_each_choice_is_made_on_rows_that_the_recursion_has_not_seen():
    """Squared errors of rows by a model fitted or a metric learnt with them."""
    X, y, _ = two_directions(60, 3)
    folds = draw_folds(X, 3, 0)
    plan = recursion.plan_rounds(recursion.Folds(X, y, folds, [GaussianKernel()]), 1, "auto")
    for i in (0, 31):
        changed = y.copy()
        changed[i] = 50.0
        run = recursion.Folds(X, changed, folds, [GaussianKernel()])
        fold = folds[i]
        model = run.models[fold]
        clean = KernelModel(X[folds != fold], y[folds != fold], GaussianKernel())
        for _ in range(2):
            new, old = (recursion.next_components(each, plan.rounds[0]) for each in (model, clean))
            assert_allclose(new, old)
            model.set_components(new)
            clean.set_components(old)


def test_an_additive_function_keeps_the_inputs_as_they_are():
    """A metric preferred because it fits the training rows, where all 15 inputs matter equally."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 15))
    model = RecursiveFeatureRegressor(max_rounds=2, random_state=0).fit(X, np.sin(X).sum(axis=1))
    assert (model.rank_, model.n_rounds_) == (0, 0)
    assert [entry["stage"] for entry in model.history_[:2]] == ["round 0", "round 1"]
    assert model.describe() == []


def test_directions_of_hermite_features_are_polynomials():
    """A direction that is not the hidden polynomial, or one in other units than phi's."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 5))
    p = (X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3]) / np.sqrt(2)
    model = RecursiveFeatureRegressor(representation="hermite", max_rounds=3, random_state=0).fit(X, np.tanh(2 * p))
    (feature,) = model.features_
    X_new = rng.standard_normal((2000, 5))
    p_new = (X_new[:, 0] * X_new[:, 1] + X_new[:, 2] * X_new[:, 3]) / np.sqrt(2)
    assert abs(np.corrcoef(feature(X_new), p_new)[0, 1]) > 0.99
    assert feature.degree == 2
    assert "feature of degree 2" in model.describe()[0]


def test_directions_in_a_transformer():
    """A transformer fitted in place, or directions in x."""
    X, y, _ = two_directions()
    pca = PCA(5, whiten=True)
    model = RecursiveFeatureRegressor(representation=pca, max_rounds=1, random_state=0).fit(X, y)
    assert not hasattr(pca, "components_")
    assert model.transform(X).shape[1] == model._n_features_out
    assert model.mean_.shape == (5,)
    assert (model.features_, model.describe()) == ([], [])


def test_a_new_head_keeps_the_directions():
    """A head that changes the directions, or the metric by more than a factor."""
    X, y, U = two_directions()
    model = RecursiveFeatureRegressor(max_rounds=4, random_state=0).fit(X, y)
    directions, metric = model.directions_.copy(), model.metric_ / np.trace(model.metric_)
    X_new, *_ = two_directions(100, seed=5)
    labels = 1e4 * (X_new @ U[1]) ** 2
    model.fit_head(X_new, labels)
    assert_allclose(model.directions_, directions)
    assert_allclose(model.metric_ / np.trace(model.metric_), metric, atol=1e-12)
    fresh = two_directions(500, seed=6)[0]
    assert model.score(fresh, 1e4 * (fresh @ U[1]) ** 2) > 0.95


def test_bad_parameters_are_refused_with_advice():
    """A kernel without gradients, or a parameter out of range, accepted."""
    X, y, _ = two_directions(50)

    class WithoutGradient:
        def __call__(self, X, Z=None):
            return np.ones((len(X), len(X if Z is None else Z)))

        def dot(self, X, Z, alpha):
            return self(X, Z) @ alpha

    class WithoutDerivatives(DotProductKernel):
        bias = 0.0

        def values(self, s, s_xx, s_zz):
            return np.exp(s)

    for params, message in (
        ({"kernel": "rbf"}, "kernel='rbf' must be one of 'gaussian', .* or a kernel object"),
        ({"kernel": WithoutGradient()}, "must be one of 'gaussian', .* or a kernel object"),
        ({"rank": 0}, "rank=0 must be 'auto' or an integer >= 1"),
        ({"folds": 1}, "folds=1 must be an integer >= 2"),
        ({"max_rounds": -1}, "max_rounds=-1 must be an integer >= 0"),
        ({"n_centres": 0}, "n_centres=0 must be None or an integer >= 1"),
        ({"representation": "fourier"}, "representation='fourier' must be None or one of 'hermite'"),
    ):
        with pytest.raises(ValueError, match=message):
            RecursiveFeatureRegressor(**params).fit(X, y)
    with pytest.raises(NotImplementedError, match="WithoutDerivatives has no partial derivatives"):
        RecursiveFeatureRegressor(WithoutDerivatives()).fit(X, y)


@pytest.mark.slow
def test_directions_are_not_claimed_on_permuted_labels():
    """A guard that accepts metrics learnt from chance, on more than 5 of 100 tables (fixed seeds)."""
    claimed = 0
    for seed in range(100):
        X, y, _ = two_directions(150, 6, seed)
        shuffled = np.random.default_rng(seed).permutation(y)
        claimed += RecursiveFeatureRegressor(random_state=seed).fit(X, shuffled).rank_ > 0
    assert claimed <= 5
