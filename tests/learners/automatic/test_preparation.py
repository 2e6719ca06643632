"""Tables with text, dates, gaps, constant columns and identifiers as matrices of bounded, standardised columns."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from layerwise.learners.automatic.preparation import TablePreparation
from layerwise.learners.automatic.scaling import BoundedRows, BoundedScaler


def mixed(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.1, np.nan, rng.standard_normal(n)),
            "colour": rng.choice(["red", "green", "blue"], n, p=[0.6, 0.395, 0.005]),
            "day": [f"2021-03-{1 + i % 28:02d}" for i in range(n)],
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 500, n), "D"),
            "flag": rng.random(n) < 0.5,
            "digits": [str(i % 7) for i in range(n)],
            "country": "NO",
            "name": [f"person {i}" for i in range(n)],
            "row": np.arange(n),
            "empty": np.nan,
        }
    )


def test_kinds_of_columns():
    """Catches text of numbers or dates encoded as levels, and columns without information that are kept."""
    prepared = TablePreparation().fit(mixed())
    kinds = dict(zip(prepared.names_, prepared.kinds_, strict=True))
    assert kinds == {
        "size": "number",
        "colour": "category",
        "day": "date",
        "when": "date",
        "flag": "number",
        "digits": "number",
        "country": "constant",
        "name": "identifier",
        "row": "number",
        "empty": "constant",
    }
    assert any("row numbers" in note and "row" in note for note in prepared.notes_)


def test_every_output_column_has_a_name_and_is_bounded():
    """Catches a name for another column, gaps that are left, or a column that is not standardised."""
    table = mixed()
    prepared = TablePreparation()
    Z = prepared.fit_transform(table)
    names = prepared.names_out()
    assert Z.shape == (200, len(names)) == (200, len(prepared.sources_))
    assert np.isfinite(Z).all()
    flag = Z[:, names.index("flag")]
    assert_allclose(np.abs(np.corrcoef(flag, table["flag"])[0, 1]), 1)
    gaps = Z[:, names.index("size is missing")]
    assert_allclose(np.corrcoef(gaps, table["size"].isna())[0, 1], 1)
    assert {"colour = red", "colour = green"} <= set(names)
    assert_allclose(Z[:, : names.index("row") + 1].std(axis=0), 1)


def test_new_levels_gaps_and_rows_are_prepared():
    """Catches a failure on a level, or on gaps, that fit has not seen."""
    prepared = TablePreparation().fit(mixed())
    new = mixed(20, seed=1).astype({"flag": object, "row": object})
    new.loc[0, "colour"] = "violet"
    new.loc[1, ["when", "flag", "row"]] = None
    assert np.isfinite(prepared.transform(new)).all()
    with pytest.raises(ValueError, match=r"column 'size' holds entries that are not numbers .* must hold numbers"):
        prepared.transform(new.assign(size="large"))


def test_infinity_is_refused_by_name():
    """Catches infinity that becomes a clipped value, or a message without the column."""
    with pytest.raises(ValueError, match=r"column 'size' of X is infinite in 1 row;"):
        TablePreparation().fit(mixed().assign(size=[np.inf, *range(199)]))


def test_scaler_ignores_outliers_and_units():
    """Catches limits or scales that one entry determines."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 1))
    bad = X.copy()
    bad[0] = 1e6
    plain, outlier = BoundedScaler().fit_transform(X), BoundedScaler().fit_transform(bad)
    assert np.abs(outlier).max() < 9
    assert_allclose(outlier[1:], plain[1:], atol=0.15)
    assert_allclose(BoundedScaler().fit_transform(1e8 * X + 5e9), plain, atol=1e-6)


def test_bounded_rows_keep_the_bulk():
    """Catches a length that changes ordinary rows, or one row that keeps its leverage."""
    X = np.random.default_rng(0).standard_normal((1000, 20))
    X[0] *= 8
    Z = BoundedRows().fit_transform(X)
    assert_allclose(Z[1:], X[1:])
    assert np.linalg.norm(Z[0]) < 1.1 * 1.5 * np.quantile(np.linalg.norm(X, axis=1), 0.98)


def test_normal_quantiles():
    """Catches normal quantiles for other columns, or extremes beyond those of a Gaussian sample."""
    X = np.exp(2 * np.random.default_rng(0).standard_normal((500, 2)))
    prepared = TablePreparation((1,))
    Z = prepared.fit_transform(X)
    assert prepared.sources_ == [(0, ""), (1, "")]
    assert_allclose(np.corrcoef(Z[:, 1], np.log(X[:, 1]))[0, 1], 1, atol=0.01)
    assert np.corrcoef(Z[:, 0], np.log(X[:, 0]))[0, 1] < 0.9
    assert TablePreparation().fit(X).skewed_ == [0, 1]
