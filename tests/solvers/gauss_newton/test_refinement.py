"""The cross-validated refinement: the stages it compares, the choice between them, and the stack."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.hermite import design_matrix
from layerwise.solvers import FeatureBlocks, ridge
from layerwise.solvers.gauss_newton import Candidate, FoldFit, draw_folds, refine, standardise
from layerwise.solvers.link import PolynomialLink
from layerwise.targets import ExcessOfLoss, Hierarchical


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


def test_first_candidate_is_ridge_regression():
    """Another penalty, or an error other than that of n literal refits with an intercept by `solvers.ridge`."""
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
    """FeatureBlocks of 3 rows each give another result than the array."""
    for n in (20, 80):
        H, y, fresh, _ = problem(quadratic(), n, 1, n_fresh=50)
        blocks = FeatureBlocks(H, lambda X: X, H.shape[1], block_bytes=3 * 8 * H.shape[1])
        assert_allclose(refine(blocks, y).predict(fresh), refine(H, y).predict(fresh), rtol=1e-3, atol=1e-3)


def test_recovers_the_feature_and_the_link():
    H, y, fresh, y_fresh = problem(quadratic(), 200, 0)
    result = refine(H, y)
    assert result.stage == "refinement"
    assert r2(y_fresh, result.predict(fresh)) > 0.95
    assert len(result.history) == result.n_iter + 2
    assert set(result.errors) == {"ridge", "two-stage", "refinement"}
    assert result.error == result.errors["refinement"] < 0.5 * min(result.errors["two-stage"], result.errors["ridge"])


def test_the_descent_continues_from_a_straight_link():
    """Leave-one-out chooses a straight first link here, for which Gauss-Newton would repeat ridge regression."""
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


def test_uncentred_columns_do_no_harm():
    """Leave-one-out with a common mean, which reveals to each row a part of its own label."""
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


def test_an_error_that_cannot_be_beaten_skips_the_folds():
    """Folds computed although the leave-one-out error on all rows is already too large."""
    H, y, _, _ = problem(quadratic(), 200, 0, 0.3)
    error = refine(H, y, folds=0).error
    assert not refine(H, y, folds=3, error_to_beat=0.99 * error).errors
    assert refine(H, y, folds=3, error_to_beat=1.01 * error).errors


def test_few_rows_give_a_stack():
    """Weights that do not sum to 1, or a prediction other than the literal sum over folds and stages."""
    H, y, fresh, _ = problem(quadratic(8), 45, 3, 0.5)
    result = refine(H, y, folds=4)
    assert result.stage == "stack"
    assert_allclose(sum(weight for weight, _ in result.stack), 1)
    assert len(result.stack) % 4 == 0
    literal = sum(weight * f.link(fresh @ f.coefficients - f.offset) for weight, f in result.stack)
    assert_allclose(result.predict(fresh), literal)
    assert result.error <= min(result.errors.values()) * (1 + 1e-9)


def test_folds_do_not_depend_on_the_order_of_the_rows():
    """Unequal folds, folds that depend on the order, or a repeated row in two folds, where its copy has its label."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((103, 3))
    fold_of = draw_folds(X, 10, 0)
    assert set(np.bincount(fold_of)) == {10, 11}
    shuffled = rng.permutation(103)
    assert np.array_equal(draw_folds(X[shuffled], 10, 0), fold_of[shuffled])
    assert not np.array_equal(draw_folds(X, 10, 1), fold_of)
    assert np.array_equal(draw_folds(np.repeat(X, 3, axis=0), 10, 0), np.repeat(fold_of, 3))
    assert set(draw_folds(X[:4], 10, 0)) == {0, 1, 2, 3}


def test_repeated_rows_are_not_treated_as_new():
    """40 rows of noise, three copies each: with its copies in the fit, a left-out row seems to be predicted."""
    rng = np.random.default_rng(3)
    X, y = np.repeat(rng.standard_normal((40, 6)), 3, axis=0), np.repeat(rng.standard_normal(40), 3)
    result = refine(design_matrix(X, 2)[:, 1:], y)
    assert result.error > 0.9 * y.var()
    fresh = rng.standard_normal((2000, 6))
    assert np.mean(result.predict(design_matrix(fresh, 2)[:, 1:]) ** 2) < 3 * y.var()


def test_stages_of_given_folds_are_stacked():
    """Weights of functions other than those in the stack; coefficients on more columns truncated or misplaced."""
    H, y, fresh, _ = problem(quadratic(8), 45, 3, 0.5)
    rng = np.random.default_rng(0)
    more, more_fresh = np.hstack([H, rng.standard_normal((45, 2))]), np.hstack([fresh, rng.standard_normal((8000, 2))])
    line, seen, folds = PolynomialLink(np.array([0.0, 1.0])), [], []
    labels, mean, scale = standardise(y)
    assert_allclose([mean, scale], [y.mean(), y.std()])
    fold_of = draw_folds(H, 4, 0)
    for fold in range(4):
        out = fold_of == fold
        c = ridge(more[~out], labels[~out], 0.5).coefficients
        stages = [Candidate(c, 0.1, line, np.nan), Candidate(c[:3], -0.2, line, np.nan)]
        predictions = np.array([more[out] @ c - 0.1, more[out, :3] @ c[:3] + 0.2])
        seen.append((labels[out], predictions, c))
        folds.append(FoldFit(out, stages, predictions))

    result = refine(H, y, folds=folds)
    assert result.stage == "stack"
    weights = result.weights
    assert set(weights) == set(result.errors) == {"ridge", "two-stage", "refinement"}
    labels, predictions = (np.concatenate([each[i] for each in seen], axis=-1) for i in (0, 1))
    for name, prediction in zip(weights, predictions, strict=False):
        assert_allclose(result.errors[name], y.var() * np.mean((prediction - labels) ** 2))
    assert weights["ridge"] > 0
    c = np.mean([each[2] for each in seen], axis=0)
    literal = weights["ridge"] * (more_fresh @ c - 0.1) + weights["two-stage"] * (more_fresh[:, :3] @ c[:3] + 0.2)
    literal = y.mean() * (weights["ridge"] + weights["two-stage"]) + y.std() * literal
    refined = [(w, f) for w, f in result.stack if len(f.coefficients) == H.shape[1]]
    assert_allclose(sum(w for w, _ in refined), weights["refinement"], atol=1e-12)
    literal += sum(w * f.link(fresh @ f.coefficients - f.offset) for w, f in refined)
    assert_allclose(result.predict(more_fresh), literal, rtol=1e-8, atol=1e-10)


def test_stages_keep_their_names_where_there_is_no_step():
    """With ``max_iter=0`` the last stage has only a link: two stages with the same name."""
    H, y, _, _ = problem(quadratic(), 60, 0, 1.0)
    line = Candidate(np.zeros(3), 0.0, PolynomialLink(np.array([0.0, 1.0])), np.nan)
    folds = [
        FoldFit(out, [line, line], np.zeros((2, out.sum()))) for out in np.arange(10)[:, None] == np.arange(60) % 10
    ]
    result = refine(H, y, folds=folds, max_iter=0)
    assert set(result.errors) == {"ridge", "two-stage", "refinement"}
    assert_allclose(sum(result.weights.values()), 1)
    assert set(refine(H, y, max_iter=0).errors) == {"ridge", "two-stage"}


def test_fits_with_fewer_rows_than_columns_give_a_stack():
    """Despite a clear lead: 8 copies of each column do not change the functions, but make D 8 times larger."""
    H, y, _, _ = problem(quadratic(), 200, 0)
    assert refine(H, y, folds=4).stage == "refinement"
    tiled = refine(np.tile(H, 8), y, folds=4)
    assert tiled.errors["refinement"] < 0.2 * tiled.errors["two-stage"]
    assert tiled.stage == "stack"


def test_a_small_leave_one_out_error_suffices():
    """Heavy tails: a few rows inflate the standard error of the lead and, in a fold that they mislead, the mean."""
    rng = np.random.default_rng([60, 10])
    X, fresh = rng.standard_normal((60, 4)), rng.standard_normal((4000, 4))
    target = Hierarchical(4, {"name": "balanced_sum", "degree": 2}, [0, 1, 1, 2])
    result = refine(design_matrix(X, 2)[:, 1:], target(X))
    assert result.stage == "refinement"
    assert r2(target(fresh), result.predict(design_matrix(fresh, 2)[:, 1:])) > 0.9


def test_a_small_leave_one_out_error_is_not_enough_against_the_folds():
    """Nine rows that 4 coefficients and a link fit almost exactly, with an out-of-fold error three times theirs."""
    rng = np.random.default_rng(27)
    X = rng.standard_normal((9, 4))
    result = refine(X, np.abs(X.sum(axis=1)) + 0.1 * rng.standard_normal(9))
    assert result.errors["refinement"] > result.errors["two-stage"]
    assert result.stage == "stack"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"y": np.zeros(29)}, "y has 29 entries; 30 are needed"),
        ({"y": np.full(30, np.nan)}, "y contains NaN or infinity; .* Remove"),
        ({"y": 1e200 * np.arange(30)}, "overflow or underflow float64; .* Divide y"),
        ({"y": 1e-200 * np.arange(30)}, "overflow or underflow float64; .* Divide y"),
        ({"features": np.full((30, 5), np.inf)}, "features contains NaN or infinity"),
        ({"folds": -1}, "folds=-1 is too small; it must be >= 0"),
        ({"max_iter": -1}, "max_iter=-1 is too small"),
        ({"max_iter": 1.5}, "max_iter=1.5 is of type float"),
        ({"patience": -1}, "patience=-1 is too small"),
        ({"tol": np.nan}, "tol=nan must be"),
        ({"families": ()}, r"families=\(\) is empty; .*Pass"),
        ({"groups": [1, 1, 2]}, r"groups has shape \(3,\); it must be \(5,\)"),
    ],
)
def test_bad_parameters_say_what_is_allowed(params, message):
    rng = np.random.default_rng(0)
    given = {"features": rng.standard_normal((30, 5)), "y": rng.standard_normal(30)} | params
    with pytest.raises((ValueError, TypeError), match=message):
        refine(**given)


def test_groups_ignore_irrelevant_columns():
    """A feature of degree 2 beside 30 irrelevant columns, with coefficients assumed to be equally large."""
    gains = []
    for seed in range(6):
        rng = np.random.default_rng([8, seed])
        X, Z = rng.standard_normal((2200, 10)), rng.standard_normal((2200, 20))
        y = ExcessOfLoss(dim=10)(X)
        H = np.hstack([Z, design_matrix(X, 2)[:, 1:]])
        labels = y[:200] + 0.2 * rng.standard_normal(200)
        plain, grouped = (
            r2(y[200:], refine(H[:200], labels, groups=groups, folds=0).predict(H[200:]))
            for groups in (None, np.repeat([1, 2], [30, 55]))
        )
        gains.append(grouped - plain)
    assert np.mean(gains) > 2 * np.std(gains) / 6**0.5


def test_folds_after_a_clear_lead_are_not_computed():
    """A lazy sequence evaluated beyond the three folds that decide."""
    target = Hierarchical(6, {"name": "balanced_sum", "degree": 2}, "tanh")  # bounded labels: small standard errors
    H, y, _, _ = problem(target, 600, 0)
    masks, asked = np.arange(10)[:, None] == np.arange(600) % 10, []

    class Lazy(Sequence):
        def __len__(self):
            return 10

        def __getitem__(self, fold):
            asked.append(fold)
            return FoldFit(masks[fold])

    assert refine(H, y, folds=Lazy()).stage == "refinement"
    assert asked == [0, 1, 2]
