"""`MomentRegressor` with transforms of the label: what they add, what they must not find, and that they do no harm."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise import learners
from layerwise.targets import HermiteSingleIndex

#: The literal algorithm, as inputs are from N(0, I).
MomentRegressor = partial(learners.MomentRegressor, standardize=False)


def overlap(model, target):
    return np.sum((model.directions_ @ target.relevant_subspace.T) ** 2) / len(model.directions_)


def h6(z):
    return (z**6 - 15 * z**4 + 45 * z**2 - 15) / 720**0.5


@pytest.mark.parametrize(("degree", "n", "dim"), [(4, 320, 40), (6, 800, 40)])
@pytest.mark.parametrize("seed", range(3))
def test_a_hermite_link_is_learnt_from_order_d_samples(degree, n, dim, seed):
    """Noise-free h_p(u.x) from 8 d and 20 d samples; the moments of y need d^{p/2}, 1600 and 64000."""
    target = HermiteSingleIndex(dim, degree, rotate=True, random_state=seed)
    X, y = target.sample(n, random_state=100 + seed)
    model = MomentRegressor(orders=(1,), label_transform="auto", random_state=0).fit(X, y)
    assert model.rank_ == 1
    assert model.transformed_
    assert overlap(model, target) > 1 - 1e-4
    assert model.describe()[-1] == "found by transforms of the label"
    stage = next(entry for entry in model.history_ if entry["stage"] == "transformed labels")
    assert stage["values"][0] > stage["null"]


def test_a_direction_of_moments_and_one_of_transforms():
    """y = x_0 + h_6(x_1): the first is in order 1, the second in no moment of y."""
    X = np.random.default_rng(0).standard_normal((1500, 12))
    y = 0.5 * X[:, 0] + h6(X[:, 1])
    model = MomentRegressor(orders=(1, 2), label_transform="auto", whiten=False, random_state=0).fit(X, y)
    assert model.rank_ == 2
    assert_allclose(np.sum(model.directions_[:, :2] ** 2), 2, atol=1e-6)
    assert_allclose(model.predict(X), y, atol=1e-2)


def test_a_given_rank_is_kept():
    """The transforms' own number of directions used instead of the rank that was asked for."""
    target = HermiteSingleIndex(20, 4, rotate=True, random_state=0)
    X, y = target.sample(300, random_state=1)
    model = MomentRegressor(2, orders=(1,), label_transform="auto", random_state=0).fit(X, y)
    assert model.rank_ == 2
    assert model.transformed_
    assert model.directions_.shape == (2, 20)
    assert np.linalg.norm(model.directions_ @ target.direction) > 0.999


def test_what_moments_find_is_left_as_it_is():
    """A fit replaced without being clearly worse: predictions that differ from those without transforms."""
    X = np.random.default_rng(0).standard_normal((500, 8))
    y = X[:, 0] * X[:, 1] + 0.5 * X[:, 0] + 0.3 * np.random.default_rng(1).standard_normal(500)
    plain, other = (MomentRegressor(label_transform=t, random_state=0).fit(X, y) for t in (None, "auto"))
    assert not other.transformed_
    assert_allclose(other.predict(X), plain.predict(X), rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["heavy", "three values"])
def test_permuted_labels_have_no_directions(kind):
    """100 tables: transforms pass their threshold with probability .05, and validation rejects most of what they show.

    At the level .05 more than 18 of 100 have probability 1e-6.
    """
    found = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((120, 8))
        y = rng.permutation(h6(X[:, 0])) if kind == "heavy" else rng.integers(0, 3, 120).astype(float)
        found += MomentRegressor(orders=(1,), label_transform="auto", random_state=seed).fit(X, y).transformed_
    assert found <= 18


@pytest.mark.parametrize(("n", "d"), [(30, 20), (2, 1), (5, 5)])
def test_few_rows(n, d):
    """Fewer than two rows per input: nothing is searched; with one input, the complement of the first is empty."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    MomentRegressor(label_transform="auto", random_state=0).fit(X, y)


def test_constant_labels_and_a_dependent_column():
    """A gain of a direction of variance 0, which is the same in every permutation up to rounding."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 6))
    X[:, 5] = X[:, 4]
    constant = MomentRegressor(label_transform="auto", random_state=0).fit(X, np.ones(400))
    assert not constant.transformed_
    assert not MomentRegressor(label_transform="auto", random_state=0).fit(np.ones((400, 2)), X[:, 0]).transformed_
    model = MomentRegressor(orders=(1,), label_transform="auto", random_state=0).fit(X, h6(X[:, 0]))
    assert model.transformed_
    assert abs(model.directions_[0, 0]) > 0.999


def test_held_out_rows_do_not_choose_directions():
    """Directions of labels that only the held-out rows have."""
    X = np.random.default_rng(0).standard_normal((900, 10))
    kept = np.random.RandomState(0).permutation(900)[270:]
    y = np.random.default_rng(1).standard_normal(900)
    out = np.setdiff1d(np.arange(900), kept)
    y[out] = h6(X[out, 0])
    model = MomentRegressor(orders=(1,), validation=0.3, label_transform="auto", random_state=0).fit(X, y)
    stage = next(entry for entry in model.history_ if entry["stage"] == "transformed labels")
    assert len(stage["values"]) == 1


def test_the_parameter_is_checked():
    with pytest.raises(ValueError, match=r"label_transform='h2' must be None or one of 'auto'"):
        MomentRegressor(label_transform="h2").fit(np.zeros((9, 2)), np.arange(9.0))


def test_peak_memory_is_what_is_counted():
    """Copies that are not counted, or a formula that refuses what fits."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((3000, 100)), rng.standard_normal(3000)
    X[:, 1] *= 1 + np.abs(y)
    model = MomentRegressor(1, degree=2, orders=(1,), polish=False, n_permutations=2, label_transform="auto")
    counted = model.memory_bytes(*X.shape)
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.3 * counted < peak < 1.1 * counted
