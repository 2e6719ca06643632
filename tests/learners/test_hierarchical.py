"""Each stage of the algorithm against its literal form, and what it should learn according to the theory."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise import learners
from layerwise.hermite import HermiteSeries, design_matrix, n_terms
from layerwise.learners.hierarchical.memory import mixing_entries
from layerwise.representations.polynomial_layer import infinite_mixing
from layerwise.solvers import largest_stable_step, literal, ridge
from layerwise.solvers.gauss_newton import draw_folds
from layerwise.targets import BalancedSum, Hierarchical

#: The literal algorithm, as inputs are from N(0, I).
HierarchicalRegressor = partial(learners.HierarchicalRegressor, standardize=False)

LINK = HermiteSeries([0.0, 1.0, 0.7, 0.7])  # z + .7 h_2 + .7 h_3


def sample(n, d, seed=0, degree=2, noise=0.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    p = BalancedSum(d, degree)(X)
    return X, LINK(p) + noise * rng.standard_normal(n), p


def link_features(model, z):
    return np.maximum(np.multiply.outer(z, model.link_signs_) + model.link_biases_, 0)


def test_algorithm_written_out():
    """A decay, step, split or residual, or a feature in stage 2, other than in literal loops on literal neurons."""
    d, T = 5, (30, 20)
    X, y, _ = sample(300, d)
    model = HierarchicalRegressor(
        2, width=4 * n_terms(d, 2), link_width=25, split=0.5, n_steps=T, penalty=0.2, link_penalty=3.0, random_state=0
    ).fit(X, y)
    order = np.random.RandomState(0).permutation(300)
    D1, D2 = order[:150], order[150:]
    alpha, Phi = y[D1].mean(), model.features_.neurons(X)
    eta_1 = largest_stable_step(Phi[D1], 0.2) / 2
    u = literal(Phi[D1], y[D1] - alpha, T[0], eta_1, 0.2)
    g = alpha + Phi @ u
    z = (g - g[D2].mean()) / g[D2].std()
    Psi = link_features(model, z)
    c = literal(Psi[D2], (y - g)[D2], T[1], largest_stable_step(Psi[D2], 3.0) / 2, 3.0)
    assert model.history_[-1]["kept"]
    assert_allclose(model.link_coef_, c, rtol=1e-8, atol=1e-10)
    assert_allclose(model.feature(X), z, atol=1e-8)
    assert_allclose(model.predict(X), g + Psi @ c, atol=1e-8)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_wide_layer_learns_what_its_neurons_learn(degree):
    """D features that are not equivalent to the 4 D literal neurons they replace."""
    d = 4
    X, y, _ = sample(250, d)
    model = HierarchicalRegressor(
        degree, width=4 * n_terms(d, degree), split=0.5, penalty=0.3, link_width=20, random_state=0
    ).fit(X, y)
    order = np.random.RandomState(0).permutation(250)[:125]
    Phi = model.features_.neurons(X)
    u = ridge(Phi[order], y[order] - y[order].mean(), 0.3).coefficients
    g = y[order].mean() + Phi @ u
    assert_allclose(model.feature_mean_ + model.feature_scale_ * model.feature(X), g, atol=1e-8)


@pytest.mark.parametrize("n_steps", [1, (200, 50)])
def test_steps_at_once_equal_the_loop(n_steps):
    """A closed form of other steps than those of the loop."""
    X, y, _ = sample(200, 5)
    exact, loop = (
        HierarchicalRegressor(
            2, width=30, link_width=40, split=0.6, n_steps=n_steps, solver=solver, random_state=0
        ).fit(X, y)
        for solver in ("exact", "gd")
    )
    assert_allclose(exact.feature_coef_, loop.feature_coef_, rtol=1e-8, atol=1e-12)
    assert_allclose(exact.predict(X), loop.predict(X), rtol=1e-8, atol=1e-8)


def test_many_steps_tend_to_the_ridge():
    """The decay of the steps in other units than the penalty of ridge regression."""
    X, y, _ = sample(200, 4)
    params = {"width": 60, "link_width": 30, "split": 0.5, "penalty": 0.1, "link_penalty": 0.5, "random_state": 0}
    limit = HierarchicalRegressor(2, **params).fit(X, y)
    trained = HierarchicalRegressor(2, n_steps=100_000, **params).fit(X, y)
    assert_allclose(trained.predict(X), limit.predict(X), rtol=1e-6, atol=1e-6)


def test_infinite_width_is_the_limit():
    """A scale of the infinite layer other than 1/sqrt(m), for the penalty per neuron that the docstring states."""
    X, y, _ = sample(300, 4)
    m = 40_000
    wide = HierarchicalRegressor(2, width=m, penalty=0.05 * m, link_penalty=1.0, random_state=0).fit(X, y)
    limit = HierarchicalRegressor(2, penalty=0.05, link_penalty=1.0, random_state=0).fit(X, y)
    assert np.std(wide.feature(X) - limit.feature(X)) < 0.03


def test_stage_two_uses_leave_one_out_predictions():
    """In-sample features in stage 2, or other leave-one-out features than those of n refits with an intercept."""
    X, y, _ = sample(40, 3)
    model = HierarchicalRegressor(2, penalty=0.1, link_penalty=1.0, link_width=20, random_state=0).fit(X, y)
    Phi = model.features_.transform(X)
    g = np.empty(40)
    for i in range(40):
        rest = np.arange(40) != i
        centre = Phi[rest].mean(axis=0)
        u = ridge(Phi[rest] - centre, y[rest] - y[rest].mean(), 0.1 * 40 / 39).coefficients
        g[i] = (Phi[i] - centre) @ u + y.mean()
    assert_allclose(model.feature_mean_, g.mean(), rtol=1e-8)
    assert_allclose(model.feature_scale_, g.std(), rtol=1e-8)
    z = (g - g.mean()) / g.std()
    path = ridge(link_features(model, z), y - g, [1.0])
    assert_allclose(model.history_[-1]["validation_loss"], min(path.errors[0], np.mean((y - g) ** 2)), rtol=1e-8)
    centred = Phi - Phi.mean(axis=0)
    stage_1 = centred @ ridge(centred, y - y.mean(), 0.1).coefficients + y.mean()
    assert_allclose(model.feature_polynomial_(X), stage_1, rtol=1e-8)
    assert_allclose(
        model.history_[1]["loss"], np.mean((y - stage_1) ** 2), rtol=1e-8
    )  # the loss of the polynomial that is kept


def test_noise_has_no_link():
    """A leave-one-out feature that contains the label of its row through the mean, and so a spurious link."""
    correlations, kept = [], 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((100, 10)), rng.standard_normal(100)
        model = HierarchicalRegressor(2, link_width=100, random_state=seed)
        seen = []
        fit_link = model._fit_link
        model._fit_link = lambda g, y, rng, fit=fit_link, seen=seen: (seen.append((g, y)), fit(g, y, rng))
        model.fit(X, y)
        correlations.append(np.corrcoef(*seen[0])[0, 1])
        kept += model.history_[-1]["kept"]
    assert np.mean(correlations) > -0.15  # it is -0.4 with the mean of all rows
    assert kept <= 6


def test_the_prediction_is_the_link_of_the_feature():
    """Prediction, feature and polynomial of different functions."""
    X, y, _ = sample(400, 5)
    model = HierarchicalRegressor(max_degree=2, random_state=0).fit(X, y)
    z = model.transform(X)
    assert z.shape == (400, 1)
    assert np.array_equal(model.predict(X), model.link(z[:, 0]))
    g = model.feature_polynomial_
    assert g.degree == model.degree_ == 2
    assert_allclose((g(X) - model.feature_mean_) / model.feature_scale_, z[:, 0], atol=1e-10)


def test_stage_one_converges_to_the_low_degree_part():
    """``|g - P_{<=2} h|^2`` tends to 0: it would not with a penalty that does not decrease, or a missing feature."""
    target = Hierarchical(4, {"name": "balanced_sum", "degree": 2})  # whose link is LINK
    h, errors = target.polynomial(), []
    for n in (1000, 100_000):
        X = np.random.default_rng(0).standard_normal((n, 4))
        model = HierarchicalRegressor(2, link_width=2, link_penalty=1e3, random_state=0).fit(X, target(X))
        errors.append((model.feature_polynomial_ - h.truncate(2)).norm() ** 2)
    assert errors[1] < 0.2 * errors[0]
    assert errors[1] < 0.01 * h.variance


def test_stage_one_converges_at_the_rate_of_least_squares():
    """The distance to P_{<=2} h falls like n^(-1/2), 1 - correlation like 1/n: with another limit both would stall.

    Medians over 10 fixed seeds; the slopes are allowed to deviate by .1 and .2.
    """
    target = Hierarchical(4, {"name": "balanced_sum", "degree": 2}, [0, 1, 0.7])
    limit, sizes, distances, angles = target.polynomial().truncate(2), (1000, 8000, 64_000), [], []
    for n in sizes:
        found = []
        for seed in range(10):
            X, y = target.sample(n, random_state=np.random.default_rng([seed, n]))
            g = HierarchicalRegressor(2, link_width=2, penalty=1e-9, random_state=0).fit(X, y).feature_polynomial_
            centred = g - g.mean
            cosine = centred.inner(limit) / (centred.norm() * np.sqrt(limit.variance))
            found.append([(g - limit).norm(), 1 - cosine])
        distance, angle = np.median(found, axis=0)
        distances.append(distance)
        angles.append(angle)
    assert abs(np.polyfit(np.log(sizes), np.log(distances), 1)[0] + 0.5) < 0.1
    assert abs(np.polyfit(np.log(sizes), np.log(angles), 1)[0] + 1) < 0.2
    assert distances[-1] < 0.05 * limit.norm()


def test_feature_is_found_as_samples_grow():
    """A lost sign or scale: the correlation with p must grow to that of P_{<=2} h, and stage 2 reduce the error."""
    X_new, y_new, p_new = sample(20_000, 8, seed=99)
    found = []
    for n in (100, 800, 6400, 51_200):
        X, y, _ = sample(n, 8)
        model = HierarchicalRegressor(2, link_width=100, random_state=0).fit(X, y)
        found.append(np.corrcoef(model.feature(X_new), p_new)[0, 1])
    assert np.all(np.diff(found) > 0)
    limit = BalancedSum(8, 2).polynomial().compose(LINK).truncate(2)
    assert abs(found[-1] - np.corrcoef(limit(X_new), p_new)[0, 1]) < 0.02
    stage_one = np.mean((model.feature_polynomial_(X_new) - y_new) ** 2)
    assert np.mean((model.predict(X_new) - y_new) ** 2) < 0.6 * stage_one


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_degree_is_found(seed):
    """A degree chosen by the training loss (always the largest), or by the smallest penalty."""
    X, y, _ = sample(2000, 8, seed)
    model = HierarchicalRegressor(link_width=50, random_state=0).fit(X, y)
    assert model.degree_ == 2
    losses = model.history_[1]["degree_losses"]
    assert set(losses) == {1, 2, 3}
    assert losses[2] == min(losses.values()) == model.history_[1]["validation_loss"]


@pytest.mark.parametrize("validation", ["loo", 0.3])
@pytest.mark.parametrize("split", ["leave-one-out", 0.5])
def test_not_worse_than_stage_one(split, validation):
    """A link fitted to noise: c must be 0 unless the validation error of stage 2 is below that of stage 1."""
    dropped = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((60, 3)), rng.standard_normal(60)
        model = HierarchicalRegressor(1, link_width=30, split=split, validation=validation, random_state=seed).fit(X, y)
        if split == "leave-one-out" and validation == "loo":
            assert model.history_[-1]["validation_loss"] <= (1 + 1e-12) * model.history_[1]["validation_loss"]
        if not model.history_[-1]["kept"]:
            dropped += 1
            assert not model.link_coef_.any()
            assert_allclose(model.predict(X), model.feature_polynomial_(X), atol=1e-12)
    assert dropped > 0


def test_the_link_is_stable_in_the_tail():
    """Outliers for which leave-one-out prefers almost no penalty: without a lower bound the risk is 8 variances."""
    X, y, _ = sample(2000, 8, seed=6)
    model = HierarchicalRegressor(2, link_width=300, random_state=6).fit(X, y)
    X_new, y_new, _ = sample(20_000, 8, seed=99)
    assert np.mean((model.predict(X_new) - y_new) ** 2) < 0.6 * np.var(y_new)


@pytest.mark.parametrize(
    "as_given", [lambda cube: cube, lambda cube: cube.coefficients.tolist()], ids=["series", "sequence"]
)
def test_an_activation_sets_the_degree(as_given):
    """A degree chosen by validation, a sequence of coefficients refused, or neurons with another activation."""
    X, y, _ = sample(300, 4)
    cube = as_given(HermiteSeries.from_monomials([0, 0, 0, 1.0]))
    model = HierarchicalRegressor(activation=cube, width=20, link_width=20, random_state=0).fit(X, y)
    assert model.degree_ == 3
    Z = X @ model.features_.weights_.T + model.features_.biases_
    assert_allclose(model.features_.neurons(X), Z**3, rtol=1e-9, atol=1e-9)


def test_units_and_offset_of_y_do_not_matter():
    """A step size, a, b or penalty in the units of y."""
    X, y, _ = sample(150, 4)
    for params in ({}, {"split": 0.5, "n_steps": 20, "width": 20}):
        model = HierarchicalRegressor(2, link_width=40, random_state=0, **params)
        base, moved = model.fit(X, y).predict(X), model.fit(X, 100 * y - 7).predict(X)
        assert_allclose((moved + 7) / 100, base, rtol=1e-7, atol=1e-7)


def test_float32_learns_the_same():
    """Arithmetic that is widened to float64, or loses precision in float32."""
    X, y, _ = sample(300, 5)
    single, double = (
        HierarchicalRegressor(2, link_width=50, random_state=0).fit(X.astype(t), y.astype(t)) for t in ("f4", "f8")
    )
    assert single.feature(X.astype("f4")).dtype == np.float32
    assert_allclose(single.predict(X.astype("f4")), double.predict(X), rtol=0, atol=1e-2)


def test_degrees_beyond_max_memory_are_not_tried():
    """A refusal, or a fit beyond max_memory, because of one degree."""
    X, y, _ = sample(200, 12)
    model = HierarchicalRegressor(max_memory=1.5e6, link_width=20, random_state=0).fit(X, y)
    assert set(model.history_[1]["degree_losses"]) == {1, 2}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"degree": 0}, "degree=0 must be 'auto' or an integer >= 1"),
        ({"max_degree": 0}, "max_degree=0 must be an integer >= 1"),
        ({"width": 0}, "width=0 must be None or an integer >= 1"),
        ({"width": True}, "width=True must be None or an integer >= 1"),
        ({"link_width": np.array([3, 4])}, r"link_width=array\(\[3, 4\]\) must be an integer"),
        ({"link_width": 0}, "link_width=0 must be an integer >= 1"),
        ({"link_penalty": -1.0}, "link_penalty=-1.0 must be 'auto' or a finite number > 0. Pass"),
        ({"split": 1.5}, "split=1.5 must be 'leave-one-out' or a fraction"),
        ({"split": "half"}, "split='half' must be 'leave-one-out' or a fraction"),
        ({"solver": "adam"}, "solver='adam' must be"),
        ({"solver": "gd"}, "Pass n_steps"),
        ({"n_steps": 5}, "n_steps=5 with split='leave-one-out' must be None: .* Pass split=0.5"),
        ({"n_steps": -5, "split": 0.5}, "n_steps=-5 is too small"),
        ({"n_steps": (1, 2, 3), "split": 0.5}, "T_1 and T_2"),
        ({"degree": 2, "activation": HermiteSeries([0.0, 1.0])}, "degree 1.*degree=2|degree=2.*degree 1"),
        ({"activation": np.tanh}, "activation=.* must be a polynomial"),
        ({"degree": 30}, r"degree=30.* n_features=13 needs [\d.e+]+ GiB, more than max_memory=8 GiB. Lower degree"),
        ({"max_memory": 100, "link_width": 1}, "n_features=13 needs .*, more than max_memory=9.31e-08 GiB"),
        ({"width": 10**9}, r"width=1000000000.* needs .*, more than max_memory=8 GiB. Lower degree, width"),
        ({"link_width": 10**9}, r"link_width=1000000000.* needs 59.6 GiB, .*link_width"),
        ({"max_memory": 100e6, "degree": 6}, "more than max_memory"),
        ({"max_memory": "8GB"}, r"max_memory='8GB' must be a number of bytes > 0. Pass e.g. max_memory=8 \* 2\*\*30"),
        ({"max_memory": -1}, "max_memory=-1 must be a number of bytes"),
        ({"refine": "yes"}, "refine='yes' must be True or False"),
        ({"degree": "AUTO"}, "degree='AUTO' must be 'auto' or an integer >= 1. Pass"),
        ({"degree": True}, "degree=True must be 'auto' or an integer >= 1"),
        ({"activation": HermiteSeries([1.0])}, "is constant; .* coefficient of degree >= 1"),
        ({"activation": HermiteSeries([1.0]), "degree": 1}, "is constant; .* coefficient of degree >= 1"),
        ({"split": np.nan}, "split=nan must be 'leave-one-out' or a fraction"),
    ],
)
def test_bad_parameters_are_refused_with_advice(params, message):
    """A parameter accepted, or refused by a message that does not name it, its value and what is allowed."""
    X, y, _ = sample(40, 13)
    with pytest.raises((ValueError, TypeError), match=message):
        HierarchicalRegressor(**params).fit(X, y)


@pytest.mark.parametrize(("dtype", "scale"), [(np.float32, 1e15), (np.float64, 1e60)])
def test_inputs_whose_powers_overflow_are_refused(dtype, scale):
    """SciPy's message that arrays must not contain infinity, or one that blames the labels."""
    X, y, _ = sample(40, 3)
    with pytest.raises(ValueError, match=r"X holds values up to .*(powers|squares) .*Standardise"):
        HierarchicalRegressor().fit((scale * X).astype(dtype), y)


def test_refined_attributes_describe_one_function():
    """predict, link(feature) and link(feature_polynomial_) of different models."""
    target = Hierarchical(6, feature={"name": "balanced_sum", "degree": 2}, link=[0, 1, 0.7, 0.7])
    X, y = target.sample(400, random_state=0)
    model = HierarchicalRegressor(link_width=50, refine=True, random_state=0).fit(X, y)
    assert model.refinement_ is not None
    X_new, y_new = target.sample(2000, random_state=1)
    assert_allclose(model.link(model.feature(X_new)), model.predict(X_new), rtol=1e-10, atol=1e-10)
    assert_allclose(model.feature_polynomial_(X_new), model.feature(X_new), rtol=1e-8, atol=1e-8)
    two_stage = HierarchicalRegressor(link_width=50, random_state=0).fit(X, y)
    risk = [np.mean((m.predict(X_new) - y_new) ** 2) / target.variance for m in (model, two_stage)]
    assert risk[0] < 0.05 < risk[1]


def test_refinement_of_noise_gives_a_stack_of_the_stages():
    """A link fitted to noise and kept despite its out-of-fold error."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((150, 5)), rng.standard_normal(150)
    models = [HierarchicalRegressor(2, link_width=50, refine=refine, random_state=0) for refine in (False, True)]
    plain, refined = [model.fit(X, y) for model in models]
    assert refined.refinement_.stage == "stack"
    assert not refined.refinement_.mostly_refined
    X_new = rng.standard_normal((2000, 5))
    assert np.mean(refined.predict(X_new) ** 2) <= np.mean(plain.predict(X_new) ** 2) + 0.01  # y_new has mean 0


@pytest.mark.parametrize(("degree", "link", "seed"), [(2, "abs", 53), ("auto", [0, 1, 0.7, 0.7], 10)])
def test_stack_written_out(degree, link, seed):
    """Folds other than those whose errors were measured, stages fitted to all rows, or a feature in another basis."""
    target = Hierarchical(4, {"name": "balanced_sum", "degree": 2}, link)
    X, y = target.sample(60, random_state=seed)
    y = y + y.std() * np.random.default_rng(0).standard_normal(60)
    model = HierarchicalRegressor(degree, link_width=30, refine=True, random_state=0).fit(X, y)
    stack, weights = model.refinement_, model.refinement_.weights
    assert stack.stage == "stack"
    assert min(weights["ridge"], weights["refinement"]) > 0
    assert degree == "auto" or weights["two-stage"] > 0
    refined_degree = model.history_[-1]["degree"]
    assert (model.features_.degree > refined_degree) == (degree == "auto")
    assert model.degree_ == (refined_degree if weights["refinement"] >= 0.5 else model.features_.degree)
    X_new, _ = target.sample(500, random_state=4)
    rng = np.random.RandomState(0)
    seeds = rng.randint(2**31 - 1), rng.choice([-1, 1], 30), rng.standard_t(9, 30), rng.randint(2**31 - 1)
    fold_of = draw_folds(X, 10, seeds[-1])
    literal = np.zeros(500)
    penalties = {name: model.history_[stage]["penalty"] for name, stage in (("penalty", 1), ("link_penalty", 2))}
    for fold in range(10):
        rest = fold_of != fold
        plain = HierarchicalRegressor(model.features_.degree, link_width=30, **penalties, random_state=0)
        plain.fit(X[rest], y[rest])
        same_link = plain.history_[-1]["kept"] == model.history_[2]["kept"]  # refinement decides it on all rows
        assert same_link or weights["two-stage"] == 0
        literal += weights["ridge"] / 10 * plain.feature_polynomial_(X_new)
        literal += weights["two-stage"] / 10 * plain.predict(X_new)
    size = n_terms(4, refined_degree)
    for weight, member in stack.stack:
        if np.isfinite(member.error):  # the refined ones
            literal += weight * member.predict(design_matrix(X_new, refined_degree)[:, 1:size])
    assert_allclose(model.predict(X_new), literal, rtol=1e-6, atol=1e-6)
    two_stage = HierarchicalRegressor(degree, link_width=30, random_state=0).fit(X, y)
    assert model.refinement_.mostly_refined == (weights["refinement"] >= 0.5)
    if not stack.mostly_refined:
        assert_allclose(model.link(model.feature(X_new)), two_stage.predict(X_new))
        assert model.feature_polynomial_.isclose(two_stage.feature_polynomial_)


def test_refinement_tries_degrees_with_two_rows_per_member():
    """A basis with fewer rows per member, whose unknowns cannot be told from noise; or one degree too few."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((70, 4)), rng.standard_normal(70)  # 35 members at degree 3
    for n, degrees in ((69, {1, 2}), (70, {1, 2, 3})):
        model = HierarchicalRegressor(link_width=20, refine=True, random_state=0).fit(X[:n], y[:n])
        assert set(model.history_[-1]["errors"]) == degrees


@pytest.mark.parametrize("refine", [False, True])
def test_link_takes_numbers_of_any_shape(refine):
    """A scalar that is refused, or integers that are rounded."""
    X, y, _ = sample(300, 5)
    model = HierarchicalRegressor(2, link_width=20, refine=refine, random_state=0).fit(X, y)
    assert (model.refinement_ is not None) == refine
    values = model.link(np.array([-1.0, 0.3, 2.0, 1.0]))
    assert model.link(0.3).shape == ()
    assert_allclose(model.link(0.3), values[1])
    assert_allclose(model.link([[-1, 2]]), values[None, [0, 2]])


@pytest.mark.parametrize("refine", [False, True])
@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_labels_whose_squares_overflow_or_underflow_are_refused(scale, refine):
    """NaN or a constant predicted without an error."""
    X, y, _ = sample(100, 3)
    with pytest.raises(
        ValueError, match=r"squares overflow or underflow float64; .* between 1e-150 and 1e.?150. Divide y"
    ):
        HierarchicalRegressor(2, link_width=20, refine=refine).fit(X, scale * y)


@pytest.mark.parametrize(("d", "degree"), [(1, 5), (2, 7), (3, 4), (5, 3), (6, 6), (9, 2)])
def test_entries_of_the_infinite_mixing(d, degree):
    """A count of nonzeros, hence of memory, other than that of the matrix."""
    activation = HermiteSeries(np.append(0.0, np.ones(degree)))
    assert mixing_entries(d, degree) == infinite_mixing(d, activation).nnz


@pytest.mark.parametrize(
    ("n", "d", "params"),
    [
        (30, 6, {"degree": 9}),
        (200, 6, {"degree": 2, "width": 5, "refine": True}),
        (200, 20, {"degree": 3, "width": 5, "refine": True}),
        (300, 15, {"degree": 2, "width": 5, "refine": True}),
        (300, 20, {"degree": 3, "width": 600}),
    ],
    ids=["mixing", "small basis", "basis with more columns than rows", "basis", "leave-one-out features"],
)
@pytest.mark.slow
def test_max_memory_bounds_what_is_taken(n, d, params):
    """The mixing or the basis of the refinement missing from the formula, or counted several times."""
    X, y, _ = sample(n, d)
    model = HierarchicalRegressor(link_width=5, random_state=0, **params)
    tracemalloc.start()
    model.fit(X, y)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with pytest.raises(ValueError, match="more than max_memory"):
        model.set_params(max_memory=taken // 2).fit(X, y)
    assert model.set_params(max_memory=2 * taken).memory_bytes(n, d) <= 2 * taken
