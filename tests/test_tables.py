"""Real tables: read, refused in words, fitted beside the baselines."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score

from layerwise.tables import LEARNERS, fit_table, read_table
from layerwise.targets import make_target


@pytest.fixture(scope="module")
def straddle():
    """2,000 prices of the Asian straddle: one direction of 50 inputs, no linear part."""
    X, y = make_target("asian_straddle").sample(2000, random_state=0)
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(50)]), pd.Series(y, name="price")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_reads_what_was_written(tmp_path, suffix):
    """The target left among the inputs, columns out of order, integers not turned into floats."""
    table = pd.DataFrame({"a": range(12), "y": np.linspace(0, 1, 12), "b": [True, False] * 6})
    path = tmp_path / f"table{suffix}"
    table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
    X, y = read_table(path, "y")
    assert list(X.columns) == ["a", "b"]
    assert_allclose(X.to_numpy(), table[["a", "b"]].to_numpy(dtype=float))
    assert_allclose(y, table["y"])


def test_predictions_are_of_rows_the_fit_never_saw(straddle):
    """Scores of the training rows, or observed and predicted out of step."""
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
    """The reason for this library: R² .90 where ridge has .04, and the direction that later steps weigh less."""
    fitted = fit_table(*straddle, "two-layer")
    two_layer, ridge, mean = fitted.scores["r2"]
    assert two_layer > 0.8
    assert ridge < 0.2
    assert abs(mean) < 0.05
    (share, text), *others = fitted.directions()
    assert share > 0.3
    assert not others
    direction = fitted.model[-1].directions_[0]
    slope = np.arange(50, 0, -1.0)  # dS_t averaged over t: x_i enters the last 50 - i steps
    assert abs(np.corrcoef(direction, slope)[0, 1]) > 0.8
    assert "x" in text


@pytest.mark.parametrize("learner", LEARNERS)
def test_diabetes(learner):
    frame = load_diabetes(as_frame=True).frame
    fitted = fit_table(frame.drop(columns="target"), frame["target"], learner)
    r2 = dict(zip(fitted.scores["model"], fitted.scores["r2"], strict=True))
    assert r2[learner] > r2["ridge on raw inputs"] - 0.05
    assert r2["mean"] < 0.01


def test_unknown_learner_lists_the_known(straddle):
    with pytest.raises(ValueError, match='no learner "gbm"; known: two-layer'):
        fit_table(*straddle, "gbm")


GOOD = {"a": np.arange(12.0), "y": np.arange(12.0)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pd.DataFrame(GOOD | {"colour": ["red"] * 12}), r'column "colour" is not numeric \(row 1 holds \'red\'\)'),
        (pd.DataFrame(GOOD | {"m": ["1"] * 11 + ["two"]}), r'column "m" is not numeric \(row 12 holds \'two\'\)'),
        (pd.DataFrame(GOOD | {"gap": [np.nan, *range(11)]}), r'"gap" has 1 missing or infinite cells \(first in row 1'),
        (pd.DataFrame(GOOD | {"gap": [*range(11), np.inf]}), r'"gap" has 1 missing or infinite .*row 12'),
        (pd.DataFrame(GOOD | {"void": [np.nan] * 12}), r'"void" has 12 missing'),
        (pd.DataFrame({"a": GOOD["a"]}), 'no column "y". Its columns are: a'),
        (pd.DataFrame({"y": GOOD["y"]}), "only column"),
        (pd.DataFrame(GOOD).head(5), "5 rows; at least 10"),
        ("", "is no CSV or Parquet table"),
        ("a,y\n1,2\n1,2,3\n", "is no CSV or Parquet table"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_words(tmp_path, content, message):
    path = tmp_path / "table.csv"
    path.write_text(content if isinstance(content, str) else content.to_csv(index=False))
    with pytest.raises(ValueError, match=message):
        read_table(path, "y")


@pytest.mark.parametrize("name", ["missing.csv", "missing.parquet"])
def test_a_file_that_is_not_there(tmp_path, name):
    with pytest.raises(ValueError, match="cannot be read"):
        read_table(tmp_path / name, "y")


def test_a_file_that_is_no_parquet(tmp_path):
    (tmp_path / "table.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(ValueError, match="is no CSV or Parquet table"):
        read_table(tmp_path / "table.parquet", "y")
