"""Ridge paths agree with scikit-learn and with refits without each row."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge

from layerwise.solvers import FeatureBlocks, kernel_ridge, ridge

PENALTIES = np.logspace(-3, 1, 9)


def problem(n, width, seed=0):
    rng = np.random.default_rng(seed)
    Phi = rng.standard_normal((n, width))
    return Phi, Phi[:, 0] + rng.standard_normal(n)


def sklearn_ridge(Phi, y, penalty, n=None):
    """Fit scikit-learn's ridge, whose penalty is ``alpha = n penalty / 2``."""
    return Ridge(alpha=(n or len(y)) * penalty / 2, fit_intercept=False, tol=1e-12).fit(Phi, y).coef_


@pytest.mark.parametrize(("n", "width"), [(60, 15), (15, 60), (30, 30)])
class TestBothDimensions:
    def test_one_penalty_equals_sklearn(self, n, width):
        """Catches a misplaced n, factor 2 or penalty in the primal or the dual solution."""
        Phi, y = problem(n, width)
        assert_allclose(ridge(Phi, y, 0.4).coefficients, sklearn_ridge(Phi, y, 0.4), rtol=1e-9, atol=1e-12)

    def test_leave_one_out_is_leaving_one_out(self, n, width):
        """The leverage formula equals n refits without one row each, all with the same n penalty / 2."""
        Phi, y = problem(n, width)
        path = ridge(Phi, y, PENALTIES)
        assert len(path.errors) == len(PENALTIES)
        for penalty, error in zip(path.penalties, path.errors, strict=True):
            residuals = [
                y[i] - Phi[i] @ sklearn_ridge(np.delete(Phi, i, 0), np.delete(y, i), penalty, n) for i in range(n)
            ]
            assert_allclose(error, np.mean(np.square(residuals)), rtol=1e-8)
        assert path.penalty == path.penalties[np.argmin(path.errors)]
        assert_allclose(path.coefficients, sklearn_ridge(Phi, y, path.penalty), rtol=1e-8, atol=1e-12)

    def test_holdout_fits_without_the_held_out_rows_and_refits_with_them(self, n, width):
        Phi, y = problem(n, width)
        held_out = np.arange(n) % 3 == 0
        path = ridge(FeatureBlocks(Phi, block_bytes=4 * 8 * width), y, PENALTIES, held_out=held_out)
        for penalty, error in zip(path.penalties, path.errors, strict=True):
            u = sklearn_ridge(Phi[~held_out], y[~held_out], penalty)
            assert_allclose(error, np.mean((y[held_out] - Phi[held_out] @ u) ** 2), rtol=1e-8)
        assert_allclose(path.coefficients, sklearn_ridge(Phi, y, path.penalty), rtol=1e-8, atol=1e-12)

    def test_default_path_brackets_the_best_penalty(self, n, width):
        """Catches a path in the wrong units, on which the best penalty would be at an end."""
        Phi, noise = problem(n, width)
        Phi /= np.arange(1, width + 1)
        path = ridge(Phi, Phi.sum(axis=1) + 0.3 * noise)
        assert 0 < np.argmin(path.errors) < len(path.penalties) - 1

    def test_float32_stays(self, n, width):
        Phi, y = (a.astype(np.float32) for a in problem(n, width))
        path = ridge(Phi, y, PENALTIES[4:])
        assert path.coefficients.dtype == np.float32
        assert_allclose(path.coefficients, sklearn_ridge(Phi, y, path.penalty), atol=1e-3)


def test_kernel_ridge_is_ridge_in_the_dual():
    Phi, y = problem(25, 8)
    alpha = kernel_ridge(Phi @ Phi.T, y, 0.2).coefficients
    assert_allclose(Phi.T @ alpha, ridge(Phi, y, 0.2).coefficients, rtol=1e-9)


def test_kernel_matrix_is_left_as_it_is():
    """Catches a factorisation that overwrites the caller's array."""
    Phi, y = problem(12, 30)
    K = Phi @ Phi.T
    for held_out in (None, np.arange(12) < 3):
        before = K.copy()
        kernel_ridge(K, y, held_out=held_out)
        assert np.array_equal(K, before)


@pytest.mark.parametrize("seed", range(20))
def test_duplicated_features_without_penalty_give_the_least_norm_solution(seed):
    """A singular Gram matrix, whose Cholesky factor does not exist, is huge, or exists only by rounding."""
    Phi, y = problem(30, 4, seed)
    doubled = np.hstack([Phi, Phi[:, :2]])
    assert_allclose(ridge(doubled, y, 0.0).coefficients, np.linalg.lstsq(doubled, y, rcond=None)[0], atol=1e-7)


def test_interpolating_features_at_a_tiny_penalty():
    """Catches 0/0 in the leverage formula if n = width and every row is fitted exactly."""
    Phi, y = problem(20, 20)
    assert np.all(np.isfinite(ridge(Phi, y, [1e-300, 1.0]).errors))


def test_float32_features_choose_the_penalty_of_float64():
    """Uncentred features, small noise: the best penalty is far below the float32 rounding of the largest eigenvalue."""
    rng = np.random.default_rng(0)
    X, W = rng.standard_normal((600, 5)), rng.standard_normal((150, 5))
    Phi = np.maximum(X @ W.T + 1, 0).astype(np.float32)
    y = np.sin(X[:, 0]).astype(np.float32)
    narrow, wide = ridge(Phi, y), ridge(Phi.astype(float), y.astype(float))
    assert narrow.coefficients.dtype == np.float32
    assert_allclose(narrow.penalty, wide.penalty, rtol=1e-6)
    assert_allclose(narrow.errors, wide.errors, rtol=1e-6)


@pytest.mark.parametrize(("n", "width"), [(60, 15), (15, 60)])
def test_residuals_are_those_of_the_chosen_penalty(n, width):
    Phi, y = problem(n, width)
    path = ridge(Phi, y, PENALTIES)
    assert path.residuals is not None
    assert_allclose(np.mean(path.residuals**2), path.errors.min(), rtol=1e-10)


def test_vanishing_features_predict_zero():
    assert_allclose(ridge(np.zeros((10, 3)), np.ones(10)).coefficients, 0)


@pytest.mark.parametrize("bad", [[], [1.0, 0.0], [-1.0, 1.0]])
def test_a_path_must_be_positive(bad):
    with pytest.raises(ValueError, match="positive"):
        ridge(np.ones((5, 2)), np.ones(5), bad)


@pytest.mark.parametrize("solver", [ridge, lambda Phi, y, *a, **k: kernel_ridge(Phi @ Phi.T, y, *a, **k)])
def test_bad_arguments_are_refused(solver):
    """Catches NaN coefficients, and a penalty chosen by comparing 0/0."""
    Phi, y = problem(20, 5)
    for penalty in (-1.0, np.nan):
        with pytest.raises(ValueError, match=">= 0"):
            solver(Phi, y, penalty)
    for mask in (np.zeros(20, dtype=bool), np.ones(20, dtype=bool)):
        with pytest.raises(ValueError, match="some on each side"):
            solver(Phi, y, held_out=mask)
