"""Tables fitted beside the baselines."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from typer.testing import CliRunner

from layerwise.cli import app
from layerwise.errors import UserError
from layerwise.learners import KernelRegressor
from layerwise.tables import fit_table, table_learners
from layerwise.targets import make_target


@pytest.fixture(scope="module")
def straddle():
    """2,000 prices of the Asian straddle, which depends on one direction of 50 inputs and has no linear part."""
    X, y = make_target("asian_straddle").sample(2000, random_state=0)
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(50)]), pd.Series(y, name="price")


def test_predictions_are_for_held_out_rows(straddle):
    """Catches scores on the training rows, or observed and predicted values in different orders."""
    X, y = straddle
    fitted = fit_table(X, y, "random-features")
    assert fitted.n_train == 1600
    assert len(fitted.predictions) == 400
    assert_allclose(fitted.predictions["observed"], y.loc[fitted.predictions.index])
    rows = X.loc[fitted.predictions.index].to_numpy()
    assert_allclose(fitted.predictions["predicted"], fitted.model.predict(pd.DataFrame(rows, columns=X.columns)))
    score = r2_score(fitted.predictions["observed"], fitted.predictions["predicted"])
    assert_allclose(fitted.scores["r2"].iloc[0], score)


def test_two_layers_find_the_one_direction_of_the_straddle(straddle):
    """R² .90 where ridge has .04, and a direction in which later steps have smaller weights."""
    fitted = fit_table(*straddle, "two-layer")
    two_layer, ridge, mean = fitted.scores["r2"]
    assert two_layer > 0.8
    assert ridge < 0.2
    assert abs(mean) < 0.05
    (line,) = fitted.structure()
    share, text = re.fullmatch(r"direction with (\d+)% of the first layer: (.*)", line).groups()
    assert int(share) > 30
    direction = fitted.model[-1].directions_[0]
    slope = np.arange(50, 0, -1.0)  # dS_t averaged over t: x_i enters the last 50 - i steps
    assert abs(np.corrcoef(direction, slope)[0, 1]) > 0.8
    assert text.endswith(" ...")


def test_moments_price_the_straddle_from_its_one_direction(straddle):
    """R² .98, where two layers have .91 and ridge .04."""
    fitted = fit_table(*straddle, "moments")
    assert fitted.scores["r2"].iloc[0] > 0.95
    assert len(fitted.structure()) == 1


def test_the_help_lists_every_learner():
    """A learner of the registry that is missing from the help, or help that imports scikit-learn for other commands."""
    shown = CliRunner().invoke(app, ["fit", "--help"], env={"COLUMNS": "400"}).output
    assert f"The learner: {', '.join(table_learners())}." in shown
    code = "import layerwise.cli, sys; print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize("learner", table_learners())
def test_diabetes(learner):
    """Catches a learner that is worse than ridge on a small real table."""
    frame = load_diabetes(as_frame=True).frame
    fitted = fit_table(frame.drop(columns="target"), frame["target"], learner)
    r2 = dict(zip(fitted.scores["model"], fitted.scores["r2"], strict=True))
    assert r2[learner] > r2["ridge on raw inputs"] - 0.05
    assert r2["mean"] < 0.01


def test_an_unknown_learner_is_refused_with_the_known_names(straddle):
    """Catches a KeyError, or a message without the nearest name and all known names."""
    message = r"learner='kernels' is unknown. Did you mean 'kernel'\? Known names: hierarchical, .*, two-layer"
    with pytest.raises(ValueError, match=message):
        fit_table(*straddle, "kernels")


@pytest.mark.parametrize("learner", table_learners())
def test_the_largest_accepted_numbers_are_fitted(learner):
    """Catches a limit on the size of cells that allows an overflow; a constant target refused."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((60, 3)), columns=list("abc")) * 1e99
    for y in (pd.Series(rng.standard_normal(60)) * 1e99, pd.Series(np.ones(60))):
        assert np.isfinite(fit_table(X, y, learner).predictions).all(axis=None)


def test_a_kernel_matrix_beyond_memory_names_the_option(straddle, monkeypatch):
    """Catches a traceback, or advice that does not help on the command line."""
    monkeypatch.setattr(KernelRegressor, "presets", {"kernel": {"max_memory": 1000}})
    with pytest.raises(UserError, match=r"more than max_memory.*--learner random-features"):
        fit_table(*straddle, "kernel")
