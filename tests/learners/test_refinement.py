"""Each line against its literal meaning, the choice of stage, and the sample sizes claimed."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.hermite import design_matrix
from layerwise.learners.refinement import Tall, Wide, cautious_choice, refine
from layerwise.solvers import FeatureBlocks, ridge
from layerwise.solvers.gram import as_blocks
from layerwise.targets import ExcessOfLoss, Hierarchical

SHAPES = [(40, 12), (12, 40), (20, 20), (21, 20)]


def problem(target, n, seed, noise=0.0, n_fresh=8000):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n + n_fresh, target.dim))
    y = target(X)
    H = design_matrix(X, target.feature.degree)[:, 1:]
    return H[:n], y[:n] + noise * rng.standard_normal(n), H[n:], y[n:]


def quadratic(dim=6):
    return Hierarchical(dim, {"name": "balanced_sum", "degree": 2}, [0, 1, 0, 0.5])


def r2(y, prediction):
    return 1 - np.mean((y - prediction) ** 2) / y.var()


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
        """n linear solves with the row removed: its residual and its feature."""
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


def test_first_candidate_is_ridge_regression():
    """Stage 1 with an intercept, as `solvers.ridge` on centred columns has it."""
    H, y, _, _ = problem(quadratic(), 100, 0)
    result = refine(H, y, max_iter=0, folds=0)
    centred = H - H.mean(axis=0)
    path = ridge(centred, y - y.mean(), result.history[0]["penalty"])
    rows = [np.delete(np.arange(100), i) for i in range(100)]
    errors = []
    for i, rest in enumerate(rows):
        part = H[rest] - H[rest].mean(axis=0)
        c = ridge(part, y[rest] - y[rest].mean(), 100 / 99 * path.penalty).coefficients
        errors.append(y[i] - y[rest].mean() - (H[i] - H[rest].mean(axis=0)) @ c)
    assert_allclose(result.history[0]["error"], np.mean(np.square(errors)), rtol=1e-8)


def test_fewer_rows_than_features_and_blocks_of_rows():
    """FeatureBlocks, by blocks of 3 rows, equal the array."""
    for n in (20, 80):
        H, y, fresh, _ = problem(quadratic(), n, 1, n_fresh=50)
        blocks = FeatureBlocks(H, lambda X: X, H.shape[1], block_bytes=3 * 8 * H.shape[1])
        assert_allclose(refine(blocks, y).predict(fresh), refine(H, y).predict(fresh), rtol=1e-6, atol=1e-6)


def test_recovers_the_feature_and_the_link():
    H, y, fresh, y_fresh = problem(quadratic(), 200, 0)
    result = refine(H, y)
    assert result.stage == "refinement"
    assert r2(y_fresh, result.predict(fresh)) > 0.95
    assert len(result.history) == result.n_iter + 2
    assert set(result.errors) == {"ridge", "two-stage", "refinement"}
    assert result.error == result.errors["refinement"] < result.errors["two-stage"] < result.errors["ridge"]


def test_a_straight_link_is_left_at_once():
    """Leave-one-out takes a line for the first link here, where Gauss-Newton would repeat ridge regression."""
    target = Hierarchical(20, {"name": "balanced_sum", "degree": 2}, [0, 1, 0, 0.5])
    rng = np.random.default_rng([3, 1000])
    X = rng.standard_normal((1000, 20))
    result = refine(design_matrix(X, 2)[:, 1:], target(X), folds=0)
    assert result.stage == "refinement"
    assert result.error < 1e-3


def test_follows_the_scale_of_y():
    H, y, fresh, _ = problem(quadratic(), 150, 2, 0.1)
    plain, scaled = refine(H, y), refine(H, 1e4 * y - 3)
    assert plain.stage == scaled.stage
    assert_allclose(scaled.predict(fresh), 1e4 * plain.predict(fresh) - 3, rtol=1e-4, atol=1)
    assert_allclose(scaled.error, 1e8 * plain.error, rtol=1e-4)


def test_columns_far_from_centred_do_no_harm():
    """Leave-one-out through a common mean tells each row its own label."""
    rng = np.random.default_rng(0)
    H = rng.standard_normal((60, 40)) + 10
    noise = rng.standard_normal(60)
    assert refine(H, noise).error > 0.8 * noise.var()
    assert refine(H, noise, max_iter=0, folds=0).error > 0.8 * noise.var()
    H, y, fresh, _ = problem(quadratic(), 150, 2, 0.1)
    shifted = refine(H + 5, y)
    assert_allclose(shifted.predict(fresh + 5), refine(H, y).predict(fresh), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n", [2, 3, 6])
def test_few_rows(n):
    rng = np.random.default_rng(n)
    result = refine(rng.standard_normal((n, 4)), rng.standard_normal(n))
    assert np.all(np.isfinite(result.predict(rng.standard_normal((9, 4)))))


def test_nothing_to_learn():
    H = np.random.default_rng(0).standard_normal((30, 5))
    assert_allclose(refine(H, np.full(30, 4.0)).predict(H), 4)
    y = np.random.default_rng(1).standard_normal(30)
    assert_allclose(refine(np.zeros((30, 5)), y).predict(np.ones((3, 5))), y.mean())


def test_float32_stays_and_duplicated_features_do_no_harm():
    H, y, fresh, y_fresh = problem(quadratic(), 200, 0)
    small = refine(np.hstack([H, H]).astype(np.float32), y.astype(np.float32))
    prediction = small.predict(np.hstack([fresh, fresh]).astype(np.float32))
    assert small.coefficients.dtype == prediction.dtype == np.float32
    assert r2(y_fresh, prediction) > 0.95


def test_a_later_stage_must_earn_its_place():
    rng = np.random.default_rng(0)
    first = rng.chisquare(1, 1000)
    assert cautious_choice(np.column_stack([first, first, first])) == 0
    assert cautious_choice(np.column_stack([first, first + 1, 0.9 * first])) == 2
    wild = first - 0.9
    wild[0] += 899.5  # better in the mean of 1000 by less than its error
    assert cautious_choice(np.column_stack([first, wild])) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "noise", "n", "least"),
    [
        ("T1", 0.0, 500, 0.97),
        ("T1", 0.0, 1000, 0.985),
        ("T1", 0.0, 2000, 0.995),
        ("T1", 0.2, 1000, 0.93),
        ("T1", 0.2, 2000, 0.98),
        ("T2", 0.0, 500, 0.90),
        ("T2", 0.0, 1000, 0.99),
        ("T2", 0.2, 1000, 0.88),
    ],
)
def test_near_the_parameter_count(link, noise, n, least):
    """d = 20, 230 unknowns, medians of R^2 over 3 seeds; ridge regression has .25 to .7."""
    target = ExcessOfLoss(dim=20) if link == "T2" else quadratic(20)
    scores = []
    for seed in range(3):
        H, y, fresh, y_fresh = problem(target, n, seed, noise)
        scores.append(r2(y_fresh, refine(H, y).predict(fresh)))
    assert np.median(scores) >= least
