"""Models that are saved, loaded and used on new tables."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from skops.io import dump

from layerwise.errors import UserError
from layerwise.tables import Table, fit_table, load_model, predict_table, save_model, saving


def messy(n, seed=0):
    """A table with text, dates, gaps, truth values, an identifier, a constant and 3 % outliers."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.standard_normal((n, 4)), columns=list("abcd"))
    table["colour"] = rng.choice(["red", "green", "blue"], n)
    table["day"] = (pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), "D")).strftime("%Y-%m-%d")
    table["flag"] = rng.random(n) < 0.5
    y = np.tanh(table["a"] + table["b"]) + (table["colour"] == "red") + 0.1 * rng.standard_normal(n)
    table.loc[rng.random(n) < 0.05, "c"] = np.nan
    table.loc[rng.random(n) < 0.03, "d"] *= 1e3
    return table.assign(id=np.arange(n) + 1000, same=3.0, y=y)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model of a messy table, its file, and the table."""
    table = messy(300)
    inputs = table.drop(columns=["y", "id"])
    fitted = fit_table(Table(inputs, table["y"]), "moments")
    path = tmp_path_factory.mktemp("models") / "model.skops"
    save_model(path, fitted.model, list(inputs.columns), "y", ["id"])
    return fitted, path, table


def test_a_loaded_model_predicts_the_same_to_the_last_bit(saved, tmp_path):
    """Catches columns matched by position, an identifier that is lost, or an attribute that is not saved."""
    fitted, path, _ = saved
    new = messy(40, seed=1).drop(columns="y").assign(extra=1)
    new[new.columns[::-1]].to_parquet(tmp_path / "new.parquet")
    result, unused = predict_table(load_model(path), tmp_path / "new.parquet")
    assert_array_equal(result["y predicted"], fitted.model.predict(new.drop(columns=["id", "extra"])))
    assert_array_equal(result["id"], new["id"])
    assert unused == ["extra"]
    assert fitted.scores["r2"].iloc[0] > 0.9


def test_missing_columns_are_all_named(saved, tmp_path):
    """Catches a message about the first missing column only."""
    _, path, table = saved
    table.drop(columns=["a", "colour"]).to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(UserError, match=r'lacks 2 of the 8 columns of the model: "a", "colour"\.'):
        predict_table(load_model(path), tmp_path / "new.csv")
    table.assign(a="high").to_csv(tmp_path / "text.csv", index=False)
    with pytest.raises(UserError, match=r"column 'a' holds entries that are not numbers"):
        predict_table(load_model(path), tmp_path / "text.csv")


def test_another_version_is_warned_of(saved, monkeypatch):
    """Catches a model of an older version that is used without remark."""
    monkeypatch.setattr(saving, "version", lambda name: "99.0" if name == "numpy" else "same")
    with pytest.warns(UserWarning, match=r"was saved with .*numpy \d+\.\d+.* \(now 99.0\).*fit again"):
        load_model(saved[1])


def test_files_that_are_no_models_are_refused(tmp_path):
    """Catches a traceback of skops, or code of another package that is loaded."""
    (tmp_path / "text.skops").write_text("no")
    dump({"model": 1}, tmp_path / "other.skops")
    for name in ("text", "other"):
        with pytest.raises(UserError, match="is not a model of layerwise fit --save"):
            load_model(tmp_path / f"{name}.skops")
    with pytest.raises(UserError, match="cannot be read"):
        load_model(tmp_path / "gone.skops")
    dump({"model": Foreign()}, tmp_path / "foreign.skops")
    with pytest.raises(UserError, match=r"holds types of other packages than layerwise uses: .*Foreign"):
        load_model(tmp_path / "foreign.skops")


class Foreign:
    """A class of another package."""
