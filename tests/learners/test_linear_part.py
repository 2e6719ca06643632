"""The linear part against scikit-learn, and on labels without one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import RidgeCV

from layerwise.learners._linear_part import fit_linear_part


@pytest.mark.parametrize("shape", [(60, 5), (20, 30)], ids=str)
def test_ridge_equals_scikit_learn_with_the_penalty_of_least_leave_one_out_error(shape):
    """Catches another penalty, or a penalised intercept: RidgeCV refits literally without each row (cv=n)."""
    rng = np.random.default_rng(0)
    n, d = shape
    X = 3 + rng.standard_normal((n, d))
    y = X[:, 0] + 0.5 * rng.standard_normal(n)
    alpha, beta = fit_linear_part(X, y, "ridge")
    top = np.linalg.norm(X - X.mean(axis=0), 2) ** 2
    reference = RidgeCV(np.logspace(2, -11, 40) * top, cv=n, scoring="neg_mean_squared_error").fit(X, y)
    assert_allclose(beta, reference.coef_, rtol=1e-6, atol=1e-9)
    assert_allclose(alpha, reference.intercept_, rtol=1e-6)


@pytest.mark.parametrize("d", [29, 60])
def test_ridge_does_not_fit_noise(d):
    """Centred labels sum to 0 and reveal the one left out: leave-one-out then prefers no penalty and fits all noise.

    The median of 15 tables fails by chance if 8 of them leave less than .3 of the noise, which has never been seen.
    """
    left = []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((30, d)), rng.standard_normal(30)
        alpha, beta = fit_linear_part(X, y, "ridge")
        left.append(np.var(y - alpha - X @ beta) / np.var(y))
    assert np.median(left) > 0.3
