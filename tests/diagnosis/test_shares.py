"""Shares of the variance against closed forms, scikit-learn and literal loops."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, SplineTransformer, StandardScaler
from sklearn.utils import check_random_state

from layerwise.diagnosis import shares
from layerwise.diagnosis.sample import prepare, read_arrays


def sample_of(X, y):
    return prepare(read_arrays(X, y))


def rng():
    return check_random_state(0)


def polynomial(Z, generator):
    """Degrees 1, 2, 3 with energies .36, .25, .16, and noise of variance .23; any rotation of Z has the same ones."""
    u, v = Z[:, 0], Z[:, 1]
    noise = np.sqrt(0.23) * generator.standard_normal(len(Z))
    return 0.6 * u + 0.5 * u * v + 0.4 * (v**3 - 3 * v) / np.sqrt(6) + noise


@pytest.mark.parametrize("correlation", [0.0, 0.8])
def test_the_degrees_of_a_known_polynomial(correlation):
    """A degree that leaks into another, noise counted as signal, whitening that loses 1 - d/n of degree 1.

    Means of 60 tables of 400 rows against the exact energies: within 5 Monte Carlo standard errors, plus .015, .02 and
    .06 for the scores and the covariance, which are estimated from the same rows. The reported standard errors are .6
    to 1.7 times the observed spread (1 to sqrt(2) in theory, less where the covariance matters; known to 9 %).
    """
    generator, d = np.random.default_rng(1), 6
    root = np.linalg.cholesky(np.full((d, d), correlation) + (1 - correlation) * np.eye(d))
    found = []
    for _ in range(60):
        Z = generator.standard_normal((400, d))
        y = polynomial(Z, generator)
        degrees = shares.degree_shares(sample_of(np.exp(Z @ root.T), y))  # the copula is Gaussian
        found.append([(share.value * y.var(), share.standard_error * y.var()) for share in degrees])
    values, errors = np.moveaxis(np.array(found), 2, 0)
    spread = values.std(axis=0, ddof=1)
    bias = np.abs(values.mean(axis=0) - [0.36, 0.25, 0.16])
    assert (bias <= 5 * spread / np.sqrt(60) + [0.015, 0.02, 0.06]).all()
    ratio = errors.mean(axis=0) / spread
    assert ((ratio > 0.6) & (ratio < 1.7)).all()


def test_shares_of_models_are_those_of_cross_validation():
    """R² on the training rows, features of another model, rows compared with those of another order.

    scikit-learn's 20-fold predictions with the same features differ from leave-one-out by .01 to .02.
    """
    generator = np.random.default_rng(2)
    X = generator.standard_normal((600, 4)) * [1, 10, 100, 1]
    y = X[:, 0] + np.sin(X[:, 1] / 5) + X[:, 2] * X[:, 3] / 100 + 0.5 * generator.standard_normal(600)
    sample = sample_of(X, y)
    penalties = np.logspace(-4, 4, 17)
    models = {
        shares.linear_share: LinearRegression(),
        shares.additive_share: make_pipeline(SplineTransformer(6), RidgeCV(penalties)),
        shares.quadratic_share: make_pipeline(StandardScaler(), PolynomialFeatures(2), RidgeCV(penalties)),
    }
    folds = KFold(20, shuffle=True, random_state=0)
    for share, model in models.items():
        expected = r2_score(y, cross_val_predict(model, sample.scores, y, cv=folds))
        assert share(sample, rng()).value == pytest.approx(expected, abs=0.02)


def test_the_kernel_of_a_quadratic_polynomial_is_that_of_its_features():
    """A constant or a linear column that only one of the two forms has."""
    generator = np.random.default_rng(3)
    X = generator.standard_normal((60, 8))  # 53 columns: fewer than the rows
    sample = sample_of(X, X[:, 0] * X[:, 1] + X[:, 2])
    primal = shares.quadratic_share(sample, rng()).value
    assert shares._explained(sample, None, np.arange(60)).value == pytest.approx(primal, abs=1e-6)


def test_shares_are_within_their_standard_errors_on_fresh_tables():
    """Standard errors wrong by a factor: ratio to the spread over 80 tables, which is known to 8 %, in [.7, 1.4]."""
    generator = np.random.default_rng(4)
    found = []
    for _ in range(80):
        X = generator.standard_normal((300, 5))
        share = shares.linear_share(sample_of(X, X @ np.ones(5) + 2 * generator.standard_normal(300)), rng())
        found.append((share.value, share.standard_error))
    values, errors = np.array(found).T
    assert abs(values.mean() - 5 / 9) < 0.02  # leave-one-out: (5 - 4 * 5/300) / 9 = .548
    assert 0.7 < errors.mean() / values.std() < 1.4


@pytest.mark.parametrize("d", [30, 50])
def test_noise_is_not_explained_with_fewer_rows_than_features(d):
    """Centred features and labels, whose sums give the row that is left out away: a share of 1 for noise."""
    generator = np.random.default_rng(9)
    sample = sample_of(generator.standard_normal((40, d)), generator.standard_normal(40))
    for share in (shares.linear_share, shares.additive_share, shares.quadratic_share):
        assert share(sample, rng()).value < 0.2
    assert abs(shares.degree_shares(sample)[1].value) < 5 * shares.degree_shares(sample)[1].standard_error


def test_repeated_rows_do_not_inflate_shares():
    """A row predicted from its own copies: 40 inputs with pure noise, each 10 times."""
    generator = np.random.default_rng(5)
    X = np.repeat(generator.standard_normal((40, 8)), 10, axis=0)
    y = np.repeat(generator.standard_normal(40), 10)
    sample = sample_of(X, y)
    for share in (shares.linear_share, shares.additive_share, shares.quadratic_share):
        assert share(sample, rng()).value < 0.25  # 1 if copies count


def test_repeated_rows_give_the_noise():
    """Group sizes ignored, or the squares within groups divided by n: literal one-way analysis of variance."""
    generator = np.random.default_rng(6)
    X = np.repeat(generator.standard_normal((50, 3)), [2, 3, 4, 5, 6] * 10, axis=0)
    y = np.exp(X[:, 0]) + 0.5 * generator.standard_normal(len(X))
    sample = sample_of(X, y)
    floor = shares.noise_floor(sample, np.zeros((0, 3)), {})
    groups = [y[(row == X).all(axis=1)] for row in np.unique(X, axis=0)]
    squares = sum(np.sum((group - group.mean()) ** 2) for group in groups)
    assert floor.share.value == pytest.approx(squares / (len(X) - 50) / y.var())
    assert not floor.upper_bound
    assert abs(floor.share.value - 0.25 / y.var()) < 5 * floor.share.standard_error


def test_neighbours_give_an_upper_bound_of_the_noise():
    """A bound below the noise, or far above it where inputs are few. 20 tables; bias of neighbours is positive."""
    generator = np.random.default_rng(7)
    excess = []
    for _ in range(20):
        X = generator.standard_normal((2000, 2))
        y = np.sin(X[:, 0]) + X[:, 1] + 0.5 * generator.standard_normal(2000)
        floor = shares.noise_floor(sample_of(X, y), np.zeros((0, 2)), {})
        assert floor.upper_bound
        excess.append(floor.share.value * y.var() - 0.25)
    error = np.std(excess, ddof=1) / np.sqrt(20)
    assert -5 * error < np.mean(excess) < 0.03


def test_the_nearest_neighbour_is_another_row():
    """A row as its own neighbour: by a literal loop."""
    generator = np.random.default_rng(8)
    X, y = generator.standard_normal((40, 3)), generator.standard_normal(40)
    expected = []
    for i in range(40):
        distances = np.linalg.norm(X - X[i], axis=1)
        distances[i] = np.inf
        expected.append((y[i] - y[distances.argmin()]) ** 2 / 2)
    assert shares.neighbour_share(X, y).value == pytest.approx(np.mean(expected))
