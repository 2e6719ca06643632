"""Leave-one-out of the linearised ridge regression equals refitting without each row."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.solvers.gram import FeatureBlocks, as_blocks
from layerwise.solvers.linearised import Tall, Wide, make_centred

SHAPES = [(40, 12), (12, 40), (20, 20), (21, 20)]


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize(("n", "width"), SHAPES)
class TestRidgeOfTheLinearisation:
    def rows(self, n, width):
        rng = np.random.default_rng(0)
        slopes = rng.standard_normal(n)
        slopes[3] = 0  # a flat piece of the link
        return rng.standard_normal((n, width)) + 2, slopes, rng.standard_normal(n)

    @pytest.mark.parametrize("way", [Tall, Wide])
    def test_left_out_is_leaving_out(self, n, width, way, intercept):
        """Solve the n regressions without one row each; return the residual and the feature of the row left out."""
        H, slopes, target = self.rows(n, width)
        penalty = 0.3
        centred = H - H.mean(axis=0)
        got = way(as_blocks(H)).ridge(slopes, target, np.array([penalty]), intercept=intercept)
        features = np.c_[np.full(n, float(intercept)), centred]
        P = np.diag(np.r_[0 if intercept else 1.0, np.full(width, n * penalty / 2)])
        for i in range(n):
            rest = np.arange(n) != i
            J = slopes[rest, None] * features[rest]
            u = np.linalg.solve(J.T @ J + P, J.T @ target[rest])
            assert_allclose(got.residuals[i], target[i] - slopes[i] * features[i] @ u, atol=1e-10)
            assert_allclose(got.feature[i], (H[i] - H[rest].mean(axis=0)) @ u[1:], atol=1e-10)

    def test_both_dimensions_agree(self, n, width, intercept):
        H, slopes, target = self.rows(n, width)
        tall, wide = (way(as_blocks(H)).ridge(slopes, target, intercept=intercept) for way in (Tall, Wide))
        assert_allclose(tall.penalty, wide.penalty, rtol=1e-8)
        assert_allclose(tall.coefficients, wide.coefficients, rtol=1e-8, atol=1e-8)

    @pytest.mark.parametrize("way", [Tall, Wide])
    def test_scales_are_those_of_the_coefficients(self, n, width, way, intercept):
        """Scales equal regression on scaled columns, with coefficients scaled back; a scale of 0 drops the column."""
        H, slopes, target = self.rows(n, width)
        scales = np.linspace(0, 2, width)
        got = way(as_blocks(H), scales).ridge(slopes, target, intercept=intercept)
        scaled = way(as_blocks(scales * H)).ridge(slopes, target, intercept=intercept)
        assert_allclose(got.coefficients, scales * scaled.coefficients, rtol=1e-8, atol=1e-10)
        assert_allclose(got.feature, scaled.feature, rtol=1e-8, atol=1e-10)
        assert_allclose(got.penalty, scaled.penalty, rtol=1e-8)


@pytest.mark.parametrize("way", [Tall, Wide])
@pytest.mark.parametrize(("n", "width"), SHAPES)
def test_one_penalty_by_a_cholesky_factor(n, width, way):
    """The same as `ridge`, which is compared with literal deletion, at a flat piece and with an intercept."""
    rng = np.random.default_rng(0)
    H, target = way(as_blocks(rng.standard_normal((n, width)) + 2), np.linspace(0, 2, width)), rng.standard_normal(n)
    flat = np.where(np.arange(n) == 3, 0, rng.standard_normal(n))
    for slopes, intercept in ((flat, False), (np.ones(n), True)):
        expected = H.ridge(slopes, target, np.array([0.3]), intercept=intercept)
        for got, value in zip(H.ridge_at(slopes, target, 0.3, intercept=intercept), expected, strict=True):
            assert_allclose(got, value, rtol=1e-8, atol=1e-10)


def test_one_penalty_of_a_singular_matrix():
    """A Cholesky factor that does not exist: equal columns and no penalty beyond rounding."""
    rng = np.random.default_rng(0)
    H = Tall(as_blocks(np.repeat(rng.standard_normal((40, 1)), 8, axis=1)))
    assert np.all(np.isfinite(H.ridge_at(np.ones(40), rng.standard_normal(40), 1e-30).residuals))


def test_works_in_the_smaller_dimension():
    for (n, width), way in zip(SHAPES, (Tall, Wide, Wide, Tall), strict=True):
        assert type(make_centred(np.zeros((n, width)))) is way


def test_blocks_of_rows_equal_the_array():
    rng = np.random.default_rng(1)
    H, slopes, target = rng.standard_normal((50, 8)), rng.standard_normal(50), rng.standard_normal(50)
    blocks = FeatureBlocks(H, lambda X: X, 8, block_bytes=7 * 8 * 8)
    whole, parts = (make_centred(features).ridge(slopes, target, intercept=True) for features in (H, blocks))
    for one, other in zip(whole, parts, strict=True):
        assert_allclose(one, other, rtol=1e-9, atol=1e-12)
