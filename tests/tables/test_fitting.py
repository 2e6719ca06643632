"""Tables fitted beside other models."""

import re
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_diabetes
from typer.testing import CliRunner

from layerwise.cli import app
from layerwise.errors import UserError
from layerwise.learners import KernelRegressor
from layerwise.tables import Table, fit_table, table_learners
from layerwise.tables.fitting import permutation_p_value, row_splits
from layerwise.targets import make_target


@pytest.fixture(scope="module")
def straddle():
    """2,000 prices of the Asian straddle, which depends on one direction of 50 inputs and has no linear part."""
    X, y = make_target("asian_straddle").sample(2000, random_state=0)
    return Table(pd.DataFrame(X, columns=[f"x{i}" for i in range(50)]), pd.Series(y, name="price"))


@pytest.fixture
def small():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((120, 3)), columns=list("abc"))
    return Table(X, X["a"] ** 2 + 0.1 * rng.standard_normal(120))


def test_predictions_are_for_rows_held_out(small):
    """Catches scores on the training rows, or observed and predicted values in different orders."""
    fitted = fit_table(small, "random-features")
    assert fitted.split == "5 folds, drawn 2 times"
    assert_allclose(fitted.predictions["observed"], small.target)
    residuals = fitted.predictions["observed"] - fitted.predictions["predicted"]
    assert abs(1 - residuals.var() / small.target.var() - fitted.scores["r2"].iloc[0]) < 0.1
    assert residuals.std() > 1.5 * (small.target - fitted.model.predict(small.inputs)).std()
    assert list(fitted.scores["model"]) == ["random-features", "ridge", "kernel ridge", "boosting", "mean"]


def test_two_layers_find_the_one_direction_of_the_straddle(straddle):
    """R² .93 where ridge has .04, and a direction in which later steps have smaller weights."""
    fitted = fit_table(straddle, "two-layer")
    r2 = dict(zip(fitted.scores["model"], fitted.scores["r2"], strict=True))
    assert r2["two-layer"] > 0.8
    assert r2["ridge"] < 0.2
    assert abs(r2["mean"]) < 0.05
    (line,) = fitted.structure()
    share, text = re.fullmatch(r"direction with (\d+)% of the first layer: (.*)", line).groups()
    assert int(share) > 30
    direction = fitted.model[-1].directions_[0]
    slope = np.arange(50, 0, -1.0)  # dS_t averaged over t: x_i enters the last 50 - i steps
    assert abs(np.corrcoef(direction, slope)[0, 1]) > 0.8
    assert text.endswith(" ...")


@pytest.mark.parametrize("learner", ["two-layer", "moments", "hierarchical"])
def test_no_structure_is_reported_of_noise(learner):
    """Catches "direction with 93 % of the first layer" where labels do not depend on the inputs.

    At level .01, a correct program reports structure for one of these three tables with a probability of 3 %.
    """
    rng = np.random.default_rng(1)
    table = Table(
        pd.DataFrame(rng.standard_normal((200, 5)), columns=list("abcde")), pd.Series(rng.standard_normal(200))
    )
    (line,) = fit_table(table, learner).structure()
    assert line.startswith("nothing found: out-of-fold predictions are no better than for permuted labels (p = ")


def test_the_p_value_is_that_of_permutations():
    """Catches a two-sided or an optimistic test: predictions that are anticorrelated have p-value 1."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal(100)
    assert permutation_p_value(y, y + rng.standard_normal(100), 0) == 1 / 200
    assert permutation_p_value(y, -y, 0) == 1
    values = [permutation_p_value(y, rng.standard_normal(100), 0) for _ in range(100)]
    assert 0.35 < np.mean(values) < 0.65  # 0.5 with a standard error of .03


def test_rows_held_out_by_group_and_by_time(small):
    """Catches a group in training and test rows, or a row predicted from later ones."""
    site, day = pd.Series(np.arange(120) % 7, name="site"), pd.Series(np.arange(120)[::-1], name="day")
    split, folds = row_splits(Table(small.inputs, small.target, group=site), 0)
    assert split == "other groups of site"
    assert all(not set(site[train]) & set(site[test]) for train, test in folds)
    split, folds = row_splits(Table(small.inputs, small.target, time=day), 0)
    assert split == "later rows, by day"
    assert all(day[train].max() < day[test].min() for train, test in folds)
    dates = pd.Series(pd.date_range("2024-01-01", periods=120).strftime("%Y-%m-%d"), name="date")
    assert row_splits(Table(small.inputs, small.target, time=dates), 0)[1][0][1].min() >= 20
    with pytest.raises(UserError, match='"date" is not a time in 1 rows'):
        row_splits(Table(small.inputs, small.target, time=dates.where(dates != "2024-01-05")), 0)
    with pytest.raises(UserError, match='"site" has one value'):
        row_splits(Table(small.inputs, small.target, group=site * 0), 0)


def test_copies_identifiers_and_two_valued_targets_are_remarked_on(small):
    """Catches a perfect score due to a copy of the target that passes without remark."""
    X = small.inputs.assign(
        copy=3 * small.target - 1, row=np.arange(120), gap=np.where(np.arange(120) % 9, 1.0, np.nan)
    )
    text = " ".join(fit_table(Table(X, small.target), "random-features").remarks)
    assert "copy is a copy of the target" in text
    assert "row is like row numbers" in text
    text = " ".join(fit_table(Table(small.inputs, (small.target > 1) * 1.0), "random-features").remarks)
    assert "the target takes two values, 0 and 1: this is a classification problem" in text


def test_the_help_lists_every_learner():
    """A learner of the registry that is missing from the help, or help that imports scikit-learn for other commands."""
    shown = CliRunner().invoke(app, ["fit", "--help"], env={"COLUMNS": "400"}).output
    assert f"The learner: {', '.join(table_learners())}." in shown
    code = "import layerwise.cli, sys; print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.slow
@pytest.mark.parametrize("learner", table_learners())
def test_diabetes(learner):
    """Catches a learner that is worse than ridge on a small real table; the quadratic model is, by .07."""
    frame = load_diabetes(as_frame=True).frame
    fitted = fit_table(Table(frame.drop(columns="target"), frame["target"]), learner, budget=3.0)
    r2 = dict(zip(fitted.scores["model"], fitted.scores["r2"], strict=True))
    assert r2[learner] > r2["ridge"] - (0.08 if learner == "quadratic-model" else 0.05)
    assert r2["mean"] < 0.01


def test_an_unknown_learner_is_refused_with_the_known_names(straddle):
    """Catches a KeyError, or a message without the nearest name and all known names."""
    message = r"learner='kernels' is unknown. Did you mean 'kernel'\? Known names: auto, hierarchical, .*, two-layer"
    with pytest.raises(ValueError, match=message):
        fit_table(straddle, "kernels")


@pytest.mark.parametrize("learner", ["two-layer", "moments", "kernel", "hierarchical", "three-layer"])
def test_the_largest_accepted_numbers_are_fitted(learner):
    """Catches a limit on the size of cells that allows an overflow; a constant target refused."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((60, 3)), columns=list("abc")) * 1e99
    for y in (pd.Series(rng.standard_normal(60)) * 1e99, pd.Series(np.ones(60))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert np.isfinite(fit_table(Table(X, y), learner).predictions).all(axis=None)


def test_a_kernel_matrix_beyond_memory_names_the_option(small, monkeypatch):
    """Catches a traceback, or advice that does not help on the command line."""
    monkeypatch.setattr(KernelRegressor, "presets", {"kernel": {"max_memory": 1000}})
    with pytest.raises(UserError, match=r"more than max_memory.*--learner random-features"):
        fit_table(small, "kernel")
