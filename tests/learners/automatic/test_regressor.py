"""What `LayerwiseRegressor` finds, chooses, predicts and refuses."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from skops.io import dump, get_untrusted_types, load

from layerwise import LayerwiseRegressor
from layerwise.learners.automatic.candidates import Candidate, candidates
from layerwise.learners.automatic.combination import choose
from layerwise.learners.automatic.intervals import cv_plus
from layerwise.learners.automatic.race import Entry, Race
from layerwise.learners.automatic.structure import permutation_test


def single_index(n=200, d=5, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    u = (X[:, 0] + X[:, 1]) / np.sqrt(2)
    return X, np.sin(2 * u) + noise * rng.standard_normal(n)


@pytest.fixture(scope="module")
def fitted():
    X, y = single_index()
    names = [f"c{i}" for i in range(5)]
    return LayerwiseRegressor(30, random_state=0).fit(pd.DataFrame(X, columns=names), y), X, y


@pytest.mark.slow
@parametrize_with_checks([LayerwiseRegressor(20, random_state=0)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_it_finds_the_direction(fitted):
    """Catches a structure of another model, loadings with wrong names, or a model that loses to its candidates."""
    model, _, _ = fitted
    X_new, y_new = single_index(1000, seed=1, noise=0)
    assert model.score(pd.DataFrame(X_new, columns=[f"c{i}" for i in range(5)]), y_new) > 0.95
    found = model.structure_
    assert len(found) == 1
    assert found.p_value <= 0.01
    u = found.directions[0]
    assert abs(u[0] + u[1]) / np.sqrt(2) > 0.99
    assert any("c0" in line and "c1" in line for line in model.describe())
    assert_allclose(sum(model.weights_.values()), 1)


def test_scores_name_every_candidate(fitted):
    """Catches a candidate that disappears without a reason."""
    model, _, _ = fitted
    table = model.scores_.set_index("candidate")
    assert {each.name for each in candidates(200, 5)} == set(table.index)
    missing = table["r2"].isna()
    assert (table.loc[missing, "note"].str.len() > 0).all()
    assert table.loc["mean", "r2"] < 0.05
    assert model.r2_ >= table["r2"].max() - 0.02


def test_transform_intervals_and_names(fitted):
    """Catches intervals without the predictions, or a transform with other columns than the names."""
    model, X, y = fitted
    table = pd.DataFrame(X, columns=[f"c{i}" for i in range(5)])
    features = model.transform(table)
    assert features.shape == (200, len(model.get_feature_names_out()))
    low, high = model.predict_interval(table, 0.9).T
    assert np.all(low < high)
    assert 0.85 < np.mean((low <= y) & (y <= high)) <= 1
    wide = np.diff(model.predict_interval(table, 0.99)).mean()
    assert wide > np.mean(high - low)
    out = clone(model).set_output(transform="pandas").fit(table, y).transform(table)
    assert list(out.columns) == list(model.get_feature_names_out())


def test_fit_head_learns_a_new_link(fitted):
    """Catches a head on the inputs: from 60 rows it learns a function of the direction that was found."""
    model, _, _ = fitted
    X, _ = single_index(1060, seed=2)
    table = pd.DataFrame(X, columns=[f"c{i}" for i in range(5)])
    y = np.cos(np.sqrt(2) * (X[:, 0] + X[:, 1]))
    other = clone(model).fit(table[:200], single_index(200, seed=2)[1])
    assert other.fit_head(table[:60], y[:60]).score(table[60:], y[60:]) > 0.9
    with pytest.raises(ValueError, match="which fit_head does not compute"):
        other.predict_interval(table)


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_structure_and_is_predicted_by_about_the_mean(seed):
    """Catches structure found in noise, or a model of noise that is chosen."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((120, 6)), rng.standard_normal(120)
    model = LayerwiseRegressor(20, random_state=0).fit(X, y)
    assert model.structure_.source is None
    assert "nothing found" in model.describe()[0]
    assert model.score(rng.standard_normal((1000, 6)), rng.standard_normal(1000)) > -0.1
    assert model.transform(X).shape == (120, 1)


def test_linear_target_is_not_worse_than_ridge():
    """Catches a choice by luck among many candidates where the truth is the simplest of them."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 10))
    beta = rng.standard_normal(10)
    X_new = rng.standard_normal((2000, 10))
    y = X @ beta + 2 * rng.standard_normal(150)
    model = LayerwiseRegressor(20, random_state=0).fit(X, y)
    ridge = RidgeCV(np.logspace(-3, 3, 30)).fit(X, y)
    assert model.score(X_new, X_new @ beta) > ridge.score(X_new, X_new @ beta) - 0.02


def test_scales_a_bad_row_and_a_bad_label():
    """Catches columns whose units matter, a row that ruins all others, and a label that does with the Huber loss."""
    X, y = single_index(300)
    X_new, y_new = single_index(500, seed=1, noise=0)
    scale = np.array([1e8, 1e-8, 1, 1e4, 1])
    base = LayerwiseRegressor(20, random_state=0).fit(X, y)
    scaled = LayerwiseRegressor(20, random_state=0).fit(X * scale, y)
    assert_allclose(scaled.score(X_new * scale, y_new), base.score(X_new, y_new), atol=0.02)
    bad = X.copy()
    bad[7] *= 1e4
    assert LayerwiseRegressor(20, random_state=0).fit(bad, y).score(X_new, y_new) > 0.9
    labels = y.copy()
    labels[7] = 1e6
    robust = LayerwiseRegressor(20, loss="huber", random_state=0).fit(X, labels)
    assert robust.score(X_new, y_new) > 0.9
    assert robust.n_moved_labels_ >= 1
    with pytest.warns(UserWarning, match=r"1 of 300 labels .* pass loss='huber'"):
        LayerwiseRegressor(1, random_state=0).fit(X, labels)


def test_integer_weights_are_repetitions_and_zero_weights_leave_out():
    """Catches weights that are ignored."""
    X, y = single_index(60, 3)
    weights = np.random.default_rng(0).integers(0, 3, 60)
    weighted = LayerwiseRegressor(20, random_state=0).fit(X, y, sample_weight=weights)
    repeated = LayerwiseRegressor(20, random_state=0).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-6, atol=1e-8)


def test_scikit_learn_tools(tmp_path):
    """Catches a model that cannot be searched, cross-validated, piped, sent to workers, or saved."""
    X, y = single_index(60, 3)
    model = LayerwiseRegressor(2, random_state=0)
    assert cross_val_score(model, X, y, cv=2).shape == (2,)
    search = GridSearchCV(model, {"loss": ["squared", "huber"]}, cv=2).fit(X, y)
    assert set(search.best_params_) == {"loss"}
    piped = make_pipeline(StandardScaler(), clone(model)).fit(X, y)
    sent = Parallel(n_jobs=1)(delayed(piped.predict)(X) for _ in range(2))
    assert_allclose(sent[0], piped.predict(X))
    fitted = clone(model).fit(X, y)
    dump(fitted, tmp_path / "model.skops")
    kept = load(tmp_path / "model.skops", trusted=get_untrusted_types(file=tmp_path / "model.skops"))
    assert np.array_equal(kept.predict(X), fitted.predict(X))
    assert kept.describe() == fitted.describe()


def test_callback_and_messages():
    """Catches a callback that is not called, and parameters or targets accepted without advice."""
    X, y = single_index(40, 3)
    called = []
    LayerwiseRegressor(5, callback=lambda name, share: called.append((name, share)), random_state=0).fit(X, y)
    assert (called[0][0], called[1][0]) == ("mean", "ridge")
    assert all(0 <= share <= 2 for _, share in called)
    with pytest.raises(ValueError, match=r"budget='fast' must be one of 'quick', 'default', 'thorough' or a finite"):
        LayerwiseRegressor("fast").fit(X, y)
    with pytest.raises(ValueError, match=r"y holds text such as 'a'; .* LayerwiseClassifier"):
        LayerwiseRegressor().fit(X, ["a", "b"] * 20)
    with pytest.raises(ValueError, match=r"more than max_memory=.* or raise max_memory"):
        LayerwiseRegressor(max_memory=1000).fit(X, y)


def test_constant_target_and_constant_columns():
    """Catches a division by a variance of 0."""
    X, _ = single_index(30, 3)
    assert_allclose(LayerwiseRegressor(5).fit(X, np.full(30, 3.5)).predict(X), 3.5)
    y = np.arange(30.0)
    assert_allclose(LayerwiseRegressor(5, random_state=0).fit(np.ones((30, 2)), y).predict(np.ones((5, 2))), y.mean())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    n=st.integers(2, 25),
    columns=st.lists(
        st.sampled_from(["number", "gaps", "text", "date", "flag", "constant", "huge", "integer"]),
        min_size=1,
        max_size=4,
    ),
    target=st.sampled_from(["noise", "integer", "constant", "heavy"]),
    seed=st.integers(0, 1000),
)
def test_any_table_gives_finite_predictions(n, columns, target, seed):
    """Catches a traceback, NaN or infinity for some mixture of small columns."""
    rng = np.random.default_rng(seed)
    make = {
        "number": lambda: rng.standard_normal(n),
        "gaps": lambda: np.where(rng.random(n) < 0.5, np.nan, rng.standard_normal(n)),
        "text": lambda: rng.choice(["a", "b", "c"], n).astype(object),
        "date": lambda: np.datetime64("2020-01-01") + rng.integers(0, 999, n).astype("timedelta64[D]"),
        "flag": lambda: rng.random(n) < 0.5,
        "constant": lambda: np.ones(n),
        "huge": lambda: 1e200 * rng.standard_normal(n),
        "integer": lambda: rng.integers(0, 3, n),
    }
    table = pd.DataFrame({f"c{i}": make[kind]() for i, kind in enumerate(columns)})
    y = {
        "noise": rng.standard_normal(n),
        "integer": rng.integers(0, 4, n),
        "constant": np.zeros(n),
        "heavy": np.exp(3 * rng.standard_normal(n)),
    }[target]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = LayerwiseRegressor(0.3, random_state=0).fit(table, y)
    assert np.isfinite(model.predict(table)).all()


class Shift(DummyRegressor):
    """The labels' mean plus a number, for the tests of the race."""

    def __init__(self, shift=0.0):
        super().__init__()
        self.shift = shift

    def predict(self, X):
        return super().predict(X) + self.shift


def race_of(y, folds=5, seconds=10.0):
    X = np.arange(len(y), dtype=float)[:, None]
    return Race(X, y, np.arange(len(y)) % folds, seconds, 0)


def test_race_skips_what_does_not_fit_and_ends_what_is_behind():
    """Catches a candidate that is run beyond its time, or continued after a hopeless first fold."""
    race = race_of(np.random.default_rng(0).standard_normal(100))
    assert race.run(Candidate("mean", lambda seed: DummyRegressor(), lambda n, d: 0.0)).complete
    slow = race.run(Candidate("slow", lambda seed: DummyRegressor(), lambda n, d: 1e6))
    assert not slow.models
    assert "are left" in slow.note
    behind = race.run(Candidate("behind", lambda seed: Shift(3.0), lambda n, d: 0.0))
    assert behind.note == "behind on the first fold"
    assert len(behind.models) == 1
    few = race.run(Candidate("few", lambda seed: DummyRegressor(), lambda n, d: 0.0, rows=lambda d: 1000))
    assert few.note == "needs 1,000 rows for 1 column"


def test_permutation_test_is_uniform_under_independence():
    """Catches a test that rejects too often: 60 p-values of independent predictions, level 5 %, 5 standard errors."""
    rejected = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        race = race_of(rng.standard_normal(60))
        race.seed = seed
        entries = [Entry(str(i), rng.standard_normal(60), complete=True) for i in range(5)]
        rejected += permutation_test(race, entries) <= 0.05
    assert rejected <= 0.05 * 60 + 5 * np.sqrt(60 * 0.05 * 0.95)


def test_choice_is_the_best_candidate_or_a_stack():
    """Catches weights of a candidate that does not help, and a stack that is not used where it does."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal(400)
    exact, noisy = Entry("exact", y.copy(), complete=True), Entry("noisy", y + rng.standard_normal(400), complete=True)
    assert choose([exact, noisy], y, np.ones(400, bool), 0) == {"exact": 1.0}
    other = Entry("other", y + rng.standard_normal(400), complete=True)
    weights = choose([noisy, other], y, np.ones(400, bool), 0)
    assert_allclose(weights["noisy"], 0.5, atol=0.1)


def test_cv_plus_equals_a_literal_loop():
    """Catches a wrong order statistic."""
    rng = np.random.default_rng(0)
    folds, residuals, centres = rng.integers(0, 3, 37), rng.random(37), rng.standard_normal((3, 8))
    ends = cv_plus(centres, folds, residuals, 0.9)
    for x in range(8):
        low = sorted(centres[folds[i], x] - residuals[i] for i in range(37))
        high = sorted(centres[folds[i], x] + residuals[i] for i in range(37))
        assert_allclose(ends[x], [low[int(np.floor(0.1 * 38)) - 1], high[int(np.ceil(0.9 * 38)) - 1]])


def test_polars_table_if_installed():
    """Catches a table whose columns are not read by name."""
    polars = pytest.importorskip("polars")
    X, y = single_index(60, 3)
    table = polars.DataFrame({name: X[:, i] for i, name in enumerate("abc")}).with_columns(t=polars.lit("u"))
    model = LayerwiseRegressor(3, random_state=0).fit(table, y)
    assert list(model.feature_names_in_) == ["a", "b", "c", "t"]
    assert r2_score(y, model.predict(table)) > 0
