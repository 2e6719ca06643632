"""The linear part against scikit-learn, and against labels that have none."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import RidgeCV

from layerwise.learners import ThreeLayerRegressor, TwoLayerRegressor
from layerwise.learners._linear_part import fit_linear_part


@pytest.mark.parametrize("shape", [(60, 5), (20, 30)], ids=str)
def test_ridge_is_scikit_learns_at_the_penalty_of_least_leave_one_out_error(shape):
    """Another penalty, a penalised intercept: RidgeCV refits without each row literally (cv=n)."""
    rng = np.random.default_rng(0)
    n, d = shape
    X = 3 + rng.standard_normal((n, d))
    y = X[:, 0] + 0.5 * rng.standard_normal(n)
    alpha, beta = fit_linear_part(X, y, "ridge")
    top = np.linalg.norm(X - X.mean(axis=0), 2) ** 2
    reference = RidgeCV(np.logspace(2, -11, 40) * top, cv=n, scoring="neg_mean_squared_error").fit(X, y)
    assert_allclose(beta, reference.coef_, rtol=1e-6, atol=1e-9)
    assert_allclose(alpha, reference.intercept_, rtol=1e-6)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_columns_that_are_not_standardised_are_told(scale):
    """Small columns, whose beta is as wrong as that of large ones."""
    X = scale * np.random.default_rng(0).standard_normal((60, 5))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        TwoLayerRegressor(10, random_state=0).fit(X, X[:, 0] ** 2)
        TwoLayerRegressor(10, linear="ridge", random_state=0).fit(X, X[:, 0] ** 2)  # asks for no scale
        ThreeLayerRegressor(10, random_state=0).fit(np.zeros((60, 5)), X[:, 0])
        for linear in ("moment", "ridge", "none"):
            ThreeLayerRegressor(10, linear=linear, random_state=0).fit(X, X[:, 0] ** 2)
    told = [warning for warning in caught if "standardise X" in str(warning.message)]
    assert [warning.filename for warning in told] == [__file__] * 4 * (scale != 1)  # the line that called, not ours


@pytest.mark.parametrize("d", [29, 60])
def test_ridge_finds_nothing_in_noise(d):
    """Centred labels sum to 0 and tell the one left out: leave-one-out then prefers no penalty and fits all noise.

    The median of 15 tables is wrong by chance where 8 of them have less than 1e-3 of the noise left: never seen.
    """
    left = []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((30, d)), rng.standard_normal(30)
        alpha, beta = fit_linear_part(X, y, "ridge")
        left.append(np.var(y - alpha - X @ beta) / np.var(y))
    assert np.median(left) > 0.3
