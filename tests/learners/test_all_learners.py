"""What every learner must do, whatever its algorithm: scikit-learn's contract, degenerate data, messages."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks
from skops.io import dump, get_untrusted_types, load

from layerwise.learners import (
    ConvexNeuralRegressor,
    HierarchicalRegressor,
    JointRegressor,
    KernelRegressor,
    LayerwiseRegressor,
    MomentRegressor,
    QuadraticModelRegressor,
    RandomFeatureRegressor,
    RecursiveFeatureRegressor,
    ThreeLayerRegressor,
    TwoLayerRegressor,
    all_learners,
)
from layerwise.representations import FirstStep, HermiteFeatures, MiddleStep, PolynomialLayer, RandomFeatures

pytestmark = pytest.mark.filterwarnings("ignore:the penalty chosen")  # tables of noise, and of a few rows

#: Variants of the learners that have several paths through their code; the others are tested with their defaults.
VARIANTS = {
    TwoLayerRegressor: [
        TwoLayerRegressor(40, random_state=0),
        TwoLayerRegressor(40, linear="ridge", validation=0.3, random_state=0),
        TwoLayerRegressor(40, n_steps=20, random_state=0),
    ],
    RandomFeatureRegressor: [
        RandomFeatureRegressor(40, random_state=0),
        RandomFeatureRegressor(40, validation=0.3, random_state=0),
    ],
    KernelRegressor: [
        KernelRegressor(),
        KernelRegressor("arc-cosine", validation=0.3, random_state=0),
        KernelRegressor("polynomial"),
    ],
    MomentRegressor: [
        MomentRegressor(random_state=0),
        MomentRegressor(representation="hermite", random_state=0),
        MomentRegressor(2, degree=2, orders=(1, 2), robust=False, polish=False, validation=0.3, random_state=0),
        MomentRegressor(label_transform="auto", validation=0.3, random_state=0),
    ],
    RecursiveFeatureRegressor: [
        RecursiveFeatureRegressor(random_state=0),
        RecursiveFeatureRegressor("laplace", rank=2, n_centres=40, max_rounds=2, random_state=0),
        RecursiveFeatureRegressor("ntk", representation="hermite", folds=3, max_rounds=2, random_state=0),
    ],
    ConvexNeuralRegressor: [
        ConvexNeuralRegressor(random_state=0),
        ConvexNeuralRegressor("F1", "relu", tol=0.02, random_state=0),
        ConvexNeuralRegressor("F2", validation="loo"),
        ConvexNeuralRegressor("F2", "relu", validation=0.3, random_state=0),
    ],
    ThreeLayerRegressor: [
        ThreeLayerRegressor(40, random_state=0),
        ThreeLayerRegressor(40, middle_width=50, activation="relu", linear="ridge", validation=0.3, random_state=0),
    ],
    HierarchicalRegressor: [
        HierarchicalRegressor(link_width=40, random_state=0),
        HierarchicalRegressor(2, link_width=40, refine=True, random_state=0),
        HierarchicalRegressor(2, link_width=40, n_features="auto", random_state=0),
        HierarchicalRegressor(2, width=30, link_width=40, split=0.6, n_steps=50, validation=0.4, random_state=0),
    ],
    QuadraticModelRegressor: [],  # trained by stochastic gradients, for which several laws below hold only roughly
    LayerwiseRegressor: [],  # compares the others; its own tests are in automatic/
    JointRegressor: [],  # needs PyTorch; its own tests have these checks
}
LEARNERS = [model for each in all_learners() for model in VARIANTS.get(each, [each()])]
QUADRATIC_MODELS = [
    QuadraticModelRegressor("hermite", width=20, max_epochs=30, random_state=0),
    QuadraticModelRegressor("raw", width=20, model="linearised", random_state=0),
]


def searched(learner):
    """F1 of ReLU is minimised up to a tolerance by a search in which rounding decides; its own tests check units."""
    return isinstance(learner, ConvexNeuralRegressor) and (learner.space, learner.activation) == ("F1", "relu")


every_learner = pytest.mark.parametrize("learner", LEARNERS, ids=repr)


def takes_minutes(learner):
    """Whether scikit-learn's checks take a minute or more."""
    return searched(learner) or getattr(learner, "refine", False) or getattr(learner, "n_features", 1) != 1


@pytest.mark.slow
@parametrize_with_checks([learner for learner in LEARNERS if takes_minutes(learner)])
def test_scikit_learn_contract_of_slow_learners(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [
        *(learner for learner in LEARNERS if not takes_minutes(learner)),
        FirstStep(40),
        MiddleStep(),
        MiddleStep(20, activation="relu"),
        RandomFeatures(40),
        RandomFeatures(40, activation="indicator", whiten=True),
        HermiteFeatures(2, whiten=True),
        *QUADRATIC_MODELS,
        PolynomialLayer(),
        PolynomialLayer(2, 40),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def table(n=60, d=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, X[:, 0] ** 2 + X[:, 1] + 0.1 * rng.standard_normal(n)


@every_learner
@pytest.mark.parametrize(("n", "d"), [(60, 5), (15, 5), (12, 30), (4, 2)], ids=str)
def test_few_samples(learner, n, d):
    """Catches a failure for n < width, n < d, or a handful of rows."""
    X, y = table(n, d)
    assert np.all(np.isfinite(clone(learner).fit(X, y).predict(X)))


@every_learner
def test_degenerate_columns(learner):
    """Catches a division by a column's variance, or a factorisation of a singular matrix."""
    X, y = table()
    X = np.hstack([X, X[:, :2], np.ones((60, 1)), np.zeros((60, 1))])
    assert np.all(np.isfinite(clone(learner).fit(X, y).predict(X)))


@pytest.mark.parametrize("learner", [*LEARNERS, *QUADRATIC_MODELS], ids=repr)
def test_a_saved_learner_predicts_the_same(learner, tmp_path):
    """Catches a fitted attribute, or one set by predict, that skops cannot save."""
    X, y = table()
    model = clone(learner).fit(X, y)
    predicted = model.predict(X)
    dump(model, tmp_path / "model.skops")
    kept = load(tmp_path / "model.skops", trusted=get_untrusted_types(file=tmp_path / "model.skops"))
    assert_allclose(kept.predict(X), predicted, rtol=1e-9, atol=1e-9)


#: Powers of two between about 1e-8 and 1e8, by which columns are multiplied without rounding, and shifts.
UNITS, SHIFTS = 2.0 ** np.array([-26, 26, 0, 10, -13]), np.array([1.0, -2.0, 5.0, 0.0, 3.0])


@pytest.mark.parametrize("learner", [m for m in [*LEARNERS, *QUADRATIC_MODELS] if not searched(m)], ids=repr)
def test_units_and_origins_of_the_columns_do_not_matter(learner):
    """Catches a learner, or one of its methods, that sees the columns as they are: R^2 was -1e27 at a scale of 1e8."""
    X, y = table()
    moved = UNITS * (X + SHIFTS)
    model, other = clone(learner).fit(X, y), clone(learner).fit(moved, y)
    assert_allclose(other.predict(moved), model.predict(X), rtol=1e-5, atol=1e-5)
    if hasattr(model, "transform"):
        assert_allclose(np.abs(other.transform(moved)), np.abs(model.transform(X)), rtol=1e-4, atol=1e-4)
    if hasattr(model, "fit_head"):
        assert_allclose(other.fit_head(moved, -y).predict(moved), model.fit_head(X, -y).predict(X), atol=1e-4)


@every_learner
def test_without_standardising_the_columns_are_used_as_they_are(learner):
    """Catches a literal form that still standardises."""
    X, y = table()
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model, literal = clone(learner).fit(X, y), clone(learner).set_params(standardize=False).fit(X, y)
    assert literal.scaler_ is None
    assert_allclose(model.scaler_.mean_, 0, atol=1e-12)
    if not searched(learner):
        assert np.corrcoef(literal.predict(X), model.predict(X))[0, 1] > 0.99


@every_learner
def test_a_column_that_was_constant_in_fit_is_ignored(learner):
    """Catches a prediction that explodes, or changes at all, with a value of a column that the fit has never seen."""
    X, y = table()
    X[:, 2] = 7.0
    model = clone(learner).fit(X, y)
    X_new = X.copy()
    X_new[:, 2] = 1e6
    assert_allclose(model.predict(X_new), model.predict(X))


@pytest.mark.parametrize("where", ["inputs", "label"])
def test_a_single_row_that_hides_the_others_is_reported(where):
    """Catches a fit that is worth nothing, without a warning; or one that blames a column of zeros and ones."""
    X, y = table(200)
    X[:, 4] = np.arange(200) == 8
    if where == "inputs":
        X[7, :3] *= 1e5
        message = r"carries nearly all of the variance of columns of X: x0 \(row 7\), x1 \(row 7\), x2 \(row 7\)\. The"
    else:
        y[7] = 1e6
        message = r"a single label, y=1e\+06 in row 7, carries nearly all of the variance of y"
    with pytest.warns(UserWarning, match=message) as caught:
        RandomFeatureRegressor(40).fit(X, y)
    assert caught[0].filename == __file__


@every_learner
@pytest.mark.parametrize("value", [3.5, 0.0, -1e6])
def test_constant_y_is_predicted(learner, value):
    """Catches a division by the variance of y, or a penalised constant."""
    X, _ = table()
    assert_allclose(clone(learner).fit(X, np.full(60, value)).predict(X), value, rtol=1e-9, atol=1e-9)


@every_learner
def test_integer_y_is_regression(learner):
    """Catches labels treated as classes, or integer arithmetic."""
    X, y = table()
    y = np.round(5 * y).astype(int)
    model = clone(learner).fit(X, y)
    assert_allclose(model.predict(X), clone(learner).fit(X, y.astype(float)).predict(X))


@every_learner
def test_float32_stays(learner):
    """Catches a float64 scalar that widens the arithmetic, or another function learnt in single precision."""
    X, y = table()
    single = clone(learner).fit(X.astype(np.float32), y.astype(np.float32)).predict(X.astype(np.float32))
    assert single.dtype == np.float32
    least = 0.99 if searched(learner) else 0.999
    assert np.corrcoef(single, clone(learner).fit(X, y).predict(X))[0, 1] > least


@pytest.mark.parametrize("scale", [1e-3, 1e4])
@pytest.mark.parametrize(
    "learner", [m for m in LEARNERS if getattr(m, "n_steps", None) is None and not searched(m)], ids=repr
)
def test_units_of_y_do_not_matter(learner, scale):
    """Catches a constant in the algorithm with the units of y (finite n_steps has one: the start a_j = +-1)."""
    X, y = table()
    base = clone(learner).fit(X, y).predict(X)
    assert_allclose(clone(learner).fit(X, scale * y).predict(X) / scale, base, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "learner",
    [m for m in LEARNERS if getattr(m, "validation", "loo") == "loo" and not getattr(m, "n_centres", None)],
    ids=repr,
)
def test_order_of_rows_does_not_matter(learner):
    """Catches a quantity drawn or summed by position (held-out rows are)."""
    X, y = table()
    shuffled = np.random.default_rng(0).permutation(60)
    base = clone(learner).fit(X, y).predict(X)
    assert_allclose(clone(learner).fit(X[shuffled], y[shuffled]).predict(X), base, rtol=1e-6, atol=1e-6)


@every_learner
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"penalty": -1.0}, "penalty=-1.0 must be 'auto' or a finite number"),
        ({"penalty": "strong"}, "penalty='strong' must be 'auto' or a finite number .*Pass"),
        ({"penalty": np.nan}, "penalty=nan must be"),
        ({"penalty": np.inf}, "penalty=inf must be"),
    ],
)
def test_bad_penalties_are_refused_with_advice(learner, params, message):
    """A parameter accepted, or refused by a message without its name, its value and what is allowed."""
    X, y = table()
    with pytest.raises((ValueError, TypeError), match=message):
        clone(learner).set_params(**params).fit(X, y)


@pytest.mark.parametrize("learner", [m for m in LEARNERS if hasattr(m, "validation")], ids=repr)
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"validation": np.nan}, "validation=nan must be .*'loo' or a fraction"),
        ({"validation": "cv"}, "validation='cv' must be .*'loo' or a fraction"),
        ({"validation": 1.0}, "between 0 and 1"),
        ({"validation": 0.001}, "holds out 0"),
    ],
)
def test_bad_validation_is_refused_with_advice(learner, params, message):
    """Catches a parameter accepted, or refused by a message without its name, its value and what is allowed."""
    X, y = table()
    with pytest.raises((ValueError, TypeError), match=message):
        clone(learner).set_params(**params).fit(X, y)


@every_learner
@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_float32_y_in_any_units(learner, scale):
    """Catches a square of y that overflows or underflows in float32."""
    X, y = (a.astype(np.float32) for a in table())
    base = clone(learner).fit(X, y)
    if getattr(learner, "n_steps", None) is None and not searched(learner):
        scaled = clone(learner).fit(X, (scale * y.astype(float)).astype(np.float32)).predict(X)
        assert_allclose(scaled.astype(float) / scale, base.predict(X), rtol=0.01, atol=0.01)


@every_learner
def test_history_has_the_penalty(learner):
    """Catches a head whose penalty, or its validation error, cannot be seen."""
    X, y = table()
    (record,) = [entry for entry in clone(learner).fit(X, y).history_ if entry["stage"] == "head"]
    assert record["penalty"] > 0
    assert record["validation_loss"] > 0


def every_kind(test):
    """All learners and the quadratic models."""
    return pytest.mark.parametrize("learner", [*LEARNERS, *QUADRATIC_MODELS], ids=repr)(test)


@every_kind
@pytest.mark.parametrize(("scale", "dtype"), [(1e-200, float), (1e200, float), (1e-35, np.float32)], ids=str)
def test_labels_out_of_range_are_refused_naming_y(learner, scale, dtype):
    """Catches a traceback from SciPy, a message that blames X, or R^2 of 1.000 because all errors underflow to 0."""
    X, y = table()
    with pytest.raises(
        ValueError, match=r"^y holds values up to .*e[-+]\d+, whose squares overflow or underflow .* Divide y"
    ):
        clone(learner).fit(X.astype(dtype), scale * y)


@every_kind
@pytest.mark.parametrize(("scale", "dtype"), [(1e30, np.float32), (1e200, float)], ids=str)
def test_inputs_out_of_range_are_refused_naming_x(learner, scale, dtype):
    """Catches a message that blames y for overflowing inputs."""
    X, y = table()
    with pytest.raises(ValueError, match=r"^X holds values up to .*e\+\d+, whose squares overflow .* Standardise"):
        clone(learner).fit((scale * X).astype(dtype), y.astype(dtype))


@every_kind
def test_a_fit_takes_no_more_memory_than_the_formula(learner):
    """Catches arrays missing from `memory_bytes`, by which the runner decides how many trials run at once."""
    X, y = table(900, 12)
    model = clone(learner)
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.1 * model.memory_bytes(900, 12) + 3 * 2**20  # an n x n array has 6.2 MiB


@every_kind
def test_a_fit_beyond_max_memory_is_refused_with_its_size(learner):
    """Catches a budget that is ignored, or a refusal without the size, the budget and advice."""
    X, y = table()
    message = r"n_samples=60 and n_features=5 needs .* GiB, more than max_memory=.* GiB\. .*, or raise max_memory\."
    with pytest.raises(ValueError, match=message):
        clone(learner).set_params(max_memory=1000).fit(X, y)


@every_kind
def test_descriptions_are_sentences_about_the_columns(learner):
    """Catches a learner without `describe`, one that fails before or after fit, or column names that do not fit."""
    X, y = table(200)
    with pytest.raises(NotFittedError):
        clone(learner).describe()
    model = clone(learner).fit(X, y)
    assert all(isinstance(line, str) for line in model.describe())
    renamed = [line.replace("column", "x") for line in model.describe([f"column{i}" for i in range(5)])]
    assert renamed == model.describe()
    if model.describe():
        with pytest.raises(ValueError, match="columns has 2 names; it must have one for each of the 5 features"):
            model.describe(["a", "b"])
