"""`MomentRegressor(representation=...)`: features as polynomials, explicit matrices, noise, other transformers."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from layerwise import learners
from layerwise.hermite import design_matrix
from layerwise.learners._representation import hermite_degree
from layerwise.learners.moments.directions import find_directions
from layerwise.solvers import ridge

#: The literal algorithm, as inputs are from N(0, I).
MomentRegressor = partial(learners.MomentRegressor, standardize=False)


def two_products(n=500, d=6, seed=0):
    """Y = (p_1 + p_1 p_2) / sqrt 2 with p_1 = x_0 x_1 and p_2 = x_2 x_3."""
    X = np.random.default_rng(seed).standard_normal((n, d))
    p, q = X[:, 0] * X[:, 1], X[:, 2] * X[:, 3]
    return X, (p + p * q) / np.sqrt(2)


def test_two_polynomial_features():
    """n = 18 D, no noise: both products, with their coefficients, and an exact prediction on new rows."""
    X, y = two_products()
    model = MomentRegressor(representation="hermite", random_state=0).fit(X, y)
    assert model.rank_ == 2
    assert hermite_degree(model.representation_) == 2
    assert_allclose(np.column_stack([p(X) for p in model.features_]), model.transform(X), atol=1e-8)
    new, labels = two_products(seed=1)
    assert_allclose(model.predict(new), labels, atol=1e-3)
    products = np.array([p.to_dense(2)[1:] for p in model.features_])
    span = np.linalg.qr(products.T)[0]
    truth = np.linalg.lstsq(design_matrix(X, 2), np.column_stack([X[:, 0] * X[:, 1], X[:, 2] * X[:, 3]]), rcond=None)[0]
    theta = truth[1:] / np.linalg.norm(truth[1:], axis=0)
    assert_allclose(np.linalg.norm(theta.T @ span, axis=1), 1, atol=1e-4)
    assert all(line.startswith("feature of degree 2") for line in model.describe())


def test_second_moments_are_those_without_the_linear_part():
    """Against explicit matrices: E[p phi phi'] is not 0, so that second moments of y show p again."""
    X, y = two_products(300, 4)
    H = design_matrix(X, 2)[:, 1:]
    labels = (y - y.mean()) / y.std()
    rng = np.random.RandomState(0)
    found = find_directions(H, labels, (1, 2), rng, robust=False, max_rank=3, n_null=1, gaussian=False)
    residual = labels - H @ ridge(H, labels).coefficients
    moment = sum(e * (np.outer(h, h) - np.eye(len(h))) for e, h in zip(residual, H, strict=True)) / len(H)
    values = np.linalg.eigvalsh(moment)
    assert_allclose(found.eigenvalues[2], values[np.argsort(-np.abs(values))[:3]], rtol=1e-6)
    assert_allclose(found.eigenvalues[1], np.linalg.norm(labels @ H / len(H)))


def test_none_is_the_learner_on_the_inputs():
    """A random number drawn, or a part removed, for a parameter at its default."""
    X, y = two_products(200, 4)
    one, same = (MomentRegressor(random_state=0, **given).fit(X, y) for given in ({}, {"representation": None}))
    assert_array_equal(one.predict(X), same.predict(X))


def test_a_transformer():
    """Any transformer, fitted as a copy, with directions in its features."""
    X, y = two_products()
    given = make_pipeline(PolynomialFeatures(2, include_bias=False), StandardScaler())
    model = clone(MomentRegressor(representation=given, random_state=0)).fit(X, y)
    assert not hasattr(given[0], "n_features_in_")
    assert model.directions_.shape[1] == 27
    assert model.transform(X).shape == (500, max(model.rank_, 1))
    assert model.n_features_in_ == 6
    with pytest.raises(AttributeError, match="representation='hermite'"):
        _ = model.features_
    assert all("phi" in line for line in model.describe())


def test_noise_has_no_directions():
    """Each order stands out with probability 1/20, and a lead on held-out rows is needed, too: none in four tables."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        model = MomentRegressor(representation="hermite", random_state=0)
        assert model.fit(rng.standard_normal((200, 4)), rng.standard_normal(200)).rank_ == 0


def test_validation_is_what_was_asked_for():
    """Rows held out where leave-one-out was asked for."""
    X, y = two_products(200, 4)
    losses = {}
    for validation in ("auto", 0.2, "loo"):
        model = MomentRegressor(representation="hermite", validation=validation, random_state=0).fit(X, y)
        losses[validation] = model.history_[-1]["validation_loss"]
    assert losses["auto"] == losses[0.2] != losses["loo"]


def test_values_that_are_not_allowed():
    """The constraint of the parameter is missing."""
    with pytest.raises(ValueError, match="representation='fourier' must be None or one of 'hermite', or a"):
        MomentRegressor(representation="fourier").fit(np.eye(4), np.arange(4.0))
