"""The method of moments: what it finds, what it must not find, and that polishing does not make it worse."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise import learners
from layerwise.hermite import design_matrix, multi_indices
from layerwise.learners.moments import directions
from layerwise.learners.moments.directions import add_projections
from layerwise.learners.moments.multi_index import Candidate, _extend
from layerwise.solvers.moment_tensors import Spectrum, leading
from layerwise.solvers.ridge_path import RidgePath
from layerwise.targets import LognormalPDE, SingleIndex, TwoLayerTeacher

#: The literal algorithm, as inputs are from N(0, I).
MomentRegressor = partial(learners.MomentRegressor, standardize=False)

SOURCE = [0.0, 0.0, 0.5**0.5, 0.0, 0.5**0.5]  # He_2/2 + He_4/(4 sqrt 3)


def sample(n=400, d=6, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, X[:, 0] * X[:, 1] + 0.5 * X[:, 0] + noise * rng.standard_normal(n)


def overlap(directions, subspace):
    """Mean squared cosine: 1 if the rows of the first lie in the span of the second."""
    return np.sum((directions @ subspace.T) ** 2) / len(directions)


def risk(model, target, n=20_000, seed=10**6):
    X = np.random.default_rng(seed).standard_normal((n, target.dim))
    y = target(X)
    return np.mean((model.predict(X) - y) ** 2) / np.var(y)


@pytest.mark.slow
def test_a_single_index_is_learnt_to_rounding():
    """d = 30, n = 2000, no noise: R^2 >= .99 for every seed; the Hessian alone has an overlap of .8 to .9."""
    target = SingleIndex(30, SOURCE, rotate=True, random_state=0)
    for seed in range(3):
        X, y = target.sample(2000, random_state=seed)
        model = MomentRegressor(random_state=0).fit(X, y)
        assert model.rank_ == 1
        assert risk(model, target) < 1e-6
        assert overlap(model.directions_, target.relevant_subspace) > 1 - 1e-6
        rough = MomentRegressor(orders=(1, 2), polish=False, random_state=0).fit(X, y)
        assert 0.7 < overlap(rough.directions_, target.relevant_subspace) < 0.95


def test_three_directions_and_a_quartic():
    """Two seeds: the risk of the polished fit is of the order of noise^2 times parameters over n."""
    target = TwoLayerTeacher(16, 3, [0, 0, 0.75**0.5, 0, 0.25**0.5], rotate=True, random_state=1)
    fits = [MomentRegressor(random_state=0).fit(*target.sample(2000, 0.1, random_state=s)) for s in range(2)]
    assert [model.rank_ for model in fits] == [3, 3]
    assert max(risk(model, target) for model in fits) < 0.002


def test_directions_of_a_simulator_stand_out_in_the_hessian():
    """Two or three of fifty directions, whose squared eigenvalues are in the ratio .84 : .12 : .03."""
    X, y = LognormalPDE().sample(4000, random_state=0)
    model = MomentRegressor(orders=(1, 2), random_state=0).fit(X, y)
    assert np.sum(np.abs(model.eigenvalues_[2]) > model.null_[2]) in (2, 3)
    top = np.linalg.eigh(LognormalPDE().expected_hessian())[1][:, -1:].T
    assert overlap(top, model.directions_) > 0.8


def candidate(coefficients, squares):
    """``sum_s coefficients_s h_2(x_s)`` with the given squared residuals."""
    r = len(coefficients)
    dense = np.zeros(len(multi_indices(r, 2)))
    for c, e in zip(coefficients, np.eye(r), strict=True):
        dense[np.all(multi_indices(r, 2) == 2 * e, axis=1)] = c
    path = RidgePath(dense, 0.0, np.empty(0), np.empty(0))
    return Candidate(np.eye(r, 3), 2, path, np.sqrt(np.asarray(squares)))


@pytest.mark.parametrize(
    ("weak", "gain", "seen", "kept"),
    [
        (0.2, 5, False, False),
        (0.2, 0.5, True, True),
        (0.2, -0.5, True, False),
        (0.3, 2.5, False, True),
        (0.3, 1.5, False, False),
        (0.2, None, False, True),
    ],
    ids=str,
)
def test_a_direction_must_stand_out_or_be_used(weak, gain, seen, kept):
    """Shares .038 and .083 of ``E |grad q|^2``; gains in standard errors, or tenfold at less than one standard error.

    The moments are tested along the least used direction, the second, not along the first.
    """
    n = 400
    if gain is None:
        squares = np.zeros((2, n))
        squares[:, 0] = 1.0, 0.01
    else:
        difference = np.where(np.arange(n) % 2, 1.0, -1.0)
        squares = np.array([5 + gain / np.sqrt(n) + difference, np.full(n, 5.0)])
    fewer, more = candidate([1.0], squares[0]), candidate([1.0, weak], squares[1])
    assert more.needs_more_than(fewer, lambda v: bool(seen and abs(v[1]) > 0.99)) == kept


@pytest.mark.slow
@pytest.mark.parametrize(("n", "seed"), [(4000, 1), (4000, 103), (4000, 105), (2000, 204)])
def test_two_to_three_directions_of_a_simulator(n, seed):
    """Not the fourth, with .02 of ``E |grad f|^2``: moments do not show it, and on fresh points it does not matter.

    Validation, which has seen the polished frame, favours it by up to 5 standard errors (seeds 103, 105). In the last
    case two labels carry .6 of the variance: a second direction divides the error by 5, at 1.6 standard errors.
    """
    X, y = LognormalPDE().sample(n, random_state=seed)
    assert 2 <= MomentRegressor(random_state=0).fit(X, y).rank_ <= 3


@pytest.mark.parametrize("part", ["linear", "product", "cubic"])
def test_minor_directions_that_moments_show_are_kept(part):
    """Shares .01 to .04 with noise .1: lost if an order is forgotten, or T_2 is tested by v'T_2 v, 0 for a product."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 6))
    h2, h3 = (X**2 - 1) / 2**0.5, (X**3 - 3 * X) / 6**0.5
    y = {"linear": h2[:, 0] + 0.2 * X[:, 1], "product": h3[:, 0] + 0.3 * X[:, 0] * X[:, 1]}.get(
        part, h2[:, 0] + 0.15 * h3[:, 1]
    )
    # Normal scores would turn h_2 + linear into an interaction.
    model = MomentRegressor(degree=3, robust=part != "linear", random_state=0).fit(
        X, y + 0.1 * rng.standard_normal(2000)
    )
    assert model.rank_ == 2


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_each_order_alone_finds_its_degree(order):
    """h_k(u.x) + noise contributes to T_k only."""
    target = SingleIndex(6, np.eye(5)[order], direction=[1, 2, 0, -1, 0, 0])
    X, y = target.sample(3000, 0.2, random_state=0)
    model = MomentRegressor(orders=[order], robust=False, polish=False, random_state=0).fit(X, y)
    assert overlap(model.directions_[:1], target.relevant_subspace) > 0.9
    other = MomentRegressor(orders=[order], robust=False, rank=1, random_state=0, n_permutations=1)
    assert list(other.fit(X, y).eigenvalues_) == [order]


def test_noise_has_no_directions():
    """40 tables with heavy or tied labels, with four orders at once.

    Each finds something with probability at most .05; more than 11 of 40 have probability 8e-7.
    """
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((100, 6)), rng.standard_t(3, 100) if seed % 2 else rng.poisson(0.3, 100)
        found += MomentRegressor(random_state=seed).fit(X, y).rank_ > 0
    assert found <= 11


def test_rotated_inputs_rotate_the_answer():
    """An algorithm with preferred axes. Whitening scales the columns first and is switched off here."""
    X, y = sample()
    Q = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 6)))[0]
    base, turned = (MomentRegressor(whiten=False, random_state=0).fit(Z, y) for Z in (X, X @ Q.T))
    assert_allclose(turned.predict(X @ Q.T), base.predict(X), rtol=1e-4, atol=1e-4)
    assert_allclose(
        turned.directions_.T @ turned.directions_, Q @ base.directions_.T @ base.directions_ @ Q.T, atol=1e-4
    )


def test_columns_in_different_units():
    """Directions or projections without the whitening."""
    X, y = sample(2000)
    rng = np.random.default_rng(2)
    A, shift = rng.standard_normal((6, 6)) * np.array([1, 10, 100, 1e3, 1, 1]), 50 * rng.standard_normal(6)
    mixed = X @ A + shift
    model = learners.MomentRegressor(random_state=0).fit(mixed, y)
    assert model.score(mixed, y) > 0.98
    assert_allclose(model.directions_ @ model.directions_.T, np.eye(model.rank_), atol=1e-10)
    orthogonal = np.linalg.svd(model.directions_)[2][model.rank_ :].sum(axis=0)
    moved = mixed + 10 * orthogonal * model.scaler_.scale_
    assert_allclose(model.predict(moved), model.predict(mixed), rtol=1e-6, atol=1e-6)
    assert_allclose(np.cov(model.transform(mixed).T), np.eye(model.rank_), atol=0.1)


def test_prediction_is_the_polynomial_of_the_projections():
    """Attributes that do not reproduce the prediction."""
    X, y = sample()
    model = MomentRegressor(2, degree=3, random_state=0).fit(X, y)
    Z = model.transform(X)
    assert_allclose(Z, (X - model.mean_) @ model.components_.T)
    assert_allclose(model.predict(X), design_matrix(Z, 3) @ model.polynomial_.to_dense(3))
    assert list(model.get_feature_names_out()) == ["momentregressor0", "momentregressor1"]


def test_the_most_used_direction_comes_first():
    """Directions in the order of a factorisation, or rotated without the polynomial."""
    X, _ = sample()
    y = (X[:, 0] ** 2 - 1) + 0.3 * (X[:, 1] ** 3 - 3 * X[:, 1])
    model = MomentRegressor(2, whiten=False, degree=3, random_state=0).fit(X, y)
    assert_allclose(np.abs(model.directions_[:, :2]), [[1, 0], [0, 1]], atol=1e-3)  # E (d_i y)^2 = 4 and 1.62
    assert_allclose(model.predict(X), y, atol=1e-3)


@pytest.mark.parametrize("rank", [0, 1, 5])
def test_a_frame_is_extended_within_the_unit_sphere(rank):
    """A division by 0: beside a frame of almost the whole space, no direction adds half of its length."""
    rng = np.random.default_rng(0)
    frame, directions = (np.linalg.qr(rng.standard_normal((6, 6)))[0] for _ in range(2))
    extended = _extend(frame[:rank], directions)
    assert_allclose(extended @ extended.T, np.eye(rank + 1), atol=1e-10)
    assert_allclose(extended[:rank], frame[:rank])


@pytest.mark.parametrize("validation", ["loo", 0.3])
@pytest.mark.parametrize("seed", range(4))
def test_polishing_does_not_increase_the_validation_error(validation, seed):
    """Heavy-tailed labels and few rows: a polished fit kept although its validation error is larger."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((80, 8))
    y = X[:, 0] ** 4 + rng.standard_t(2.5, 80)
    common = {"rank": 2, "orders": (1, 2), "validation": validation, "random_state": 0}
    plain, polished = (MomentRegressor(polish=p, **common).fit(X, y).history_[-1] for p in (False, True))
    assert polished["validation_loss"] <= plain["validation_loss"] * (1 + 1e-9)
    assert polished["polished"] or polished["validation_loss"] == plain["validation_loss"]


def test_held_out_rows_are_used_for_the_coefficients_only():
    """Directions from held-out rows, whose labels are replaced by noise that is a thousand times larger."""
    X, y = sample(600)
    kept = np.random.RandomState(0).permutation(600)[180:]
    corrupted = 1000 * np.random.default_rng(3).standard_normal(600)
    corrupted[kept] = y[kept]
    clean, noisy = (
        MomentRegressor(2, degree=2, orders=[2], polish=False, whiten=False, validation=0.3, random_state=0).fit(X, t)
        for t in (y, corrupted)
    )
    assert_allclose(noisy.directions_.T @ noisy.directions_, clean.directions_.T @ clean.directions_, atol=1e-8)


def test_linear_labels_on_many_columns_are_ridge_regression():
    """Rank 0 if nothing beats the linear fit, and the direction of that fit in ``directions_``."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 30))
    y = rng.standard_normal(60)
    model = MomentRegressor(random_state=0).fit(X, y)
    assert model.rank_ == 0
    assert model.directions_.shape == (1, 30)
    assert model.polynomial_.degree <= 1
    assert_allclose(model.polynomial_.mean, y.mean())


def test_normal_scores_are_robust_to_heavy_tails():
    """Median overlap of 5: the Hessian of quartic labels depends on a few rows, unlike that of their normal scores."""
    target = TwoLayerTeacher(16, 3, [0, 0, 0.75**0.5, 0, 0.25**0.5])
    found = {}
    for robust in (True, False):
        fits = (
            MomentRegressor(3, degree=1, orders=[2], robust=robust, polish=False, n_permutations=1, random_state=0).fit(
                *target.sample(1000, 0.1, random_state=s)
            )
            for s in range(5)
        )
        found[robust] = np.median([overlap(fit.directions_, target.relevant_subspace) for fit in fits])
    assert found[True] > 0.95 > found[False]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rank": "all"}, "rank='all' must be 'auto' or an integer"),
        ({"rank": 9}, "rank=9 must be at most n_features=6"),
        ({"rank": 0}, "rank=0 must be 'auto' or an integer >= 1"),
        ({"degree": "best"}, "degree='best' must be"),
        ({"degree": 0}, "degree=0 must be 'auto' or an integer >= 1"),
        ({"orders": (5,)}, "orders=.* must be 'auto' or a sequence of some of"),
        ({"orders": "all"}, "orders='all' must be"),
        ({"orders": ()}, "Pass e.g. orders="),
        ({"orders": 3}, "orders=3 must be 'auto' or a sequence of some of"),
        ({"orders": [[1]]}, "orders=.* must be 'auto' or a sequence of some of"),
        ({"orders": (1.5,)}, "orders=.* must be 'auto' or a sequence of some of"),
        ({"robust": "yes"}, "robust='yes' must be True or False"),
        ({"whiten": None}, "whiten=None must be True or False"),
        ({"polish": "no"}, "polish='no' must be True or False"),
        ({"max_memory": 0}, "max_memory=0 must be a number of bytes"),
        ({"max_rank": 0}, "max_rank=0 must be an integer >= 1"),
        ({"n_permutations": 0}, "n_permutations=0 must be an integer >= 1"),
        ({"penalty": 0.0}, "penalty=0.0 must be 'auto' or a finite number > 0"),
    ],
)
def test_bad_parameters_are_refused_with_advice(params, message):
    """A parameter accepted, or refused by a message that does not name it, its value and what is allowed."""
    X, y = sample(30)
    with pytest.raises(ValueError, match=message):
        MomentRegressor(**params).fit(X, y)


def test_a_fit_beyond_memory_is_refused():
    """T_3 with d^3 entries, or a basis of C(44, 4) columns, formed without regard to memory."""
    X, y = sample(60)
    with pytest.raises(ValueError, match=r"degree=40.*rank=4.* n_samples=60 .* needs .* GiB, more than .*=0.25 GiB"):
        MomentRegressor(4, degree=40, max_memory=2**28).fit(X, y)
    wide = np.random.default_rng(0).standard_normal((3, 2000))
    with pytest.raises(ValueError, match=r"orders=\(1, 2, 3\).* needs 6\d.* GiB, more than max_memory=8 GiB"):
        MomentRegressor(orders=(1, 2, 3)).fit(wide, np.arange(3.0))


@pytest.mark.parametrize(
    ("params", "n", "d"),
    [
        ({"rank": 1, "degree": 2, "orders": (3,), "n_permutations": 1, "polish": False}, 100, 150),
        ({"rank": 3, "degree": 8, "orders": (1,), "n_permutations": 1}, 1500, 60),
        ({"rank": 3, "degree": 12, "orders": (1,), "n_permutations": 1, "polish": False}, 300, 60),
    ],
    ids=str,
)
def test_peak_memory_is_what_is_counted(params, n, d):
    """Copies that are not counted, or a formula that refuses what fits."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    model = MomentRegressor(random_state=0, **params)
    counted = model.memory_bytes(n, d)
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.3 * counted < peak < 1.1 * counted


@pytest.mark.parametrize(("n", "orders"), [(88, [1, 2]), (90, [1, 2, 3]), (399, [1, 2, 3]), (400, [1, 2, 3, 4])])
def test_auto_takes_the_orders_that_unfolding_can_detect(n, orders):
    """Orders other than those with n >= d^{k/2}; for d = 20 the bounds are 89.4 and 400."""
    X, y = sample(n, 20)
    model = MomentRegressor(1, degree=1, polish=False, n_permutations=1, random_state=0).fit(X, y)
    assert list(model.eigenvalues_) == orders


def test_an_eigenmatrix_counts_its_directions():
    """One direction per eigenvalue, although one eigenmatrix of T_4 may contain two directions."""
    pair, one, weak = np.diag([1.0, 1.0, 0.0]) / 2**0.5, np.diag([0.0, 0.0, 1.0]), np.diag([1.0, 0.0, 0.0])
    P = np.zeros((3, 3))
    assert add_projections(P, Spectrum(np.array([2.0, -3.0, 0.9]), np.array([pair, one, weak])), 1.0) == 3
    assert_allclose(P, np.diag([1.5, 1.5, 8.0]), atol=1e-4)
    assert add_projections(P, Spectrum(np.array([2.0]), np.eye(3)[:1, :, None]), 1.0) == 1


def test_scores_of_tied_labels_have_mean_zero(monkeypatch):
    """Ranks with ties are not symmetric; a remaining mean is noise in all even moments."""
    seen = []
    monkeypatch.setattr(
        directions, "leading", lambda Z, labels, *rest: seen.append(labels) or leading(Z, labels, *rest)
    )
    X, _ = sample(200)
    MomentRegressor(1, degree=1, orders=(2,), n_permutations=1, random_state=0).fit(X, 1.0 * (X[:, 0] > 1))
    assert abs(seen[0].mean()) < 1e-12
    assert len(np.unique(seen[0])) == 2
