"""Tables of all kinds, read or refused with a message."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from layerwise.errors import UserError
from layerwise.tables import read_table


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_is_read_as_written(tmp_path, suffix):
    """Catches the target left among the inputs, columns out of order, or integers not converted to floats."""
    table = pd.DataFrame({"a": range(12), "y": np.linspace(0, 1, 12), "b": [True, False] * 6, "c": ["red", None] * 6})
    path = tmp_path / f"table{suffix}"
    table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
    read = read_table(path, "y")
    assert list(read.inputs.columns) == ["a", "b", "c"]
    assert_allclose(read.inputs["a"], np.arange(12.0))
    assert read.inputs["b"].tolist() == [True, False] * 6
    assert read.inputs["c"].isna().sum() == 6
    assert_allclose(read.target, table["y"])
    assert read.notes == []


def test_columns_left_out_and_rows_without_a_target(tmp_path):
    """Catches an identifier among the inputs, a gap in the target imputed or refused, or dropped without a count."""
    y = [np.nan, *range(11)]
    table = pd.DataFrame({"id": range(12), "a": range(12), "site": list("ab") * 6, "y": y, "b": range(12)})
    table.to_csv(tmp_path / "table.csv", index=False)
    read = read_table(tmp_path / "table.csv", "y", drop=["b"], identifiers=["id"], group="site")
    assert list(read.inputs.columns) == ["a"]
    assert read.group.tolist() == list("bababababab")
    assert_allclose(read.inputs["a"], np.arange(1.0, 12))
    assert_allclose(read.target, np.arange(11.0))
    assert read.notes == ["rows without the target, dropped: 1", "not used as inputs: b, id, site"]
    for options in ({"drop": ["gone"]}, {"group": "sites"}):
        with pytest.raises(UserError, match='has no column "'):
            read_table(tmp_path / "table.csv", "y", **options)


GOOD = {"a": np.arange(12.0), "y": np.arange(12.0)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pd.DataFrame(GOOD | {"y": ["yes", "no"] * 6}), r'"y" has 2 classes .*\(yes, no\).*LayerwiseClassifier'),
        (
            pd.DataFrame(GOOD | {"y": ["1"] * 11 + ["two"]}),
            r'the target "y" has 2 classes that are not numbers \(two\)',
        ),
        (pd.DataFrame(GOOD | {"y": [*range(11), np.inf]}), r'"y" is infinite or above 1e\+100 in row 12'),
        (
            pd.DataFrame(GOOD | {"p": [*range(11), np.inf], "q": [1e200, *range(11)]}),
            r'numbers that are infinite or above 1e\+100 in "p" \(row 12\), "q" \(row 1\)',
        ),
        (pd.DataFrame({"a": GOOD["a"]}), 'has no column "y".* Known names: a'),
        (pd.DataFrame({"y": GOOD["y"]}), "only column"),
        (pd.DataFrame(GOOD).head(5), "has 5 rows with the target; it must have at least 10"),
        ("", "is not a CSV or Parquet table"),
        ("a,y\n1,2\n1,2,3\n", "is not a CSV or Parquet table"),
        # columns shifted by one: pandas treats the first field of longer rows as an index
        ("a,y\n" + "".join(f"{i},{i},2\n" for i in range(12)), "more fields than its header"),
        ("a,y\n" + "5,1,2\n" * 12, "more fields than its header"),
        ("a;y\n" + "1,5;2,5\n" * 12, "separator seems to be ';'"),
        ("a\ty\n" + "1\t2\n" * 12, r"separator seems to be '\\t'"),
        ("y,a,y,a\n" + "1,2,3,4\n" * 12, 'two columns are named "a", "y"'),
        ("y,a, y \n" + "1,2,3\n" * 12, 'two columns are named "y"'),
        (",a,y\n" + "0,1,2\n" * 12, "column 1 has no name.*index=False"),
        ("Unnamed: 0,a,y\n" + "0,1,2\n" * 12, "column 1 has no name.*index=False"),
    ],
)
def test_an_unusable_table_is_refused_with_one_message(tmp_path, content, message):
    """Catches a traceback, several lines, or a message that does not name all columns."""
    path = tmp_path / "table.csv"
    path.write_text(content if isinstance(content, str) else content.to_csv(index=False))
    with pytest.raises(UserError, match=message) as caught:
        read_table(path, "y")
    assert "\n" not in str(caught.value)


def test_text_that_is_not_utf_8(tmp_path):
    """Catches a traceback of a decoder."""
    (tmp_path / "table.csv").write_bytes("größe,y\n1,2\n".encode("latin-1"))
    with pytest.raises(UserError, match="Save it as UTF-8"):
        read_table(tmp_path / "table.csv", "y")


def test_spaces_around_names_trailing_commas_and_a_byte_order_mark(tmp_path):
    """Catches a target that exists but is not found; columns shifted by a comma at the end of each row."""
    (tmp_path / "table.csv").write_text("\ufeff y , a\n" + "".join(f"{i},{i + 1},\n" for i in range(12)))
    read = read_table(tmp_path / "table.csv", "y ")
    assert list(read.inputs.columns) == ["a"]
    assert_allclose(read.target, np.arange(12))
    assert_allclose(read.inputs["a"], np.arange(12) + 1)


def test_types_that_parquet_can_store(tmp_path):
    """Decimals, nullable or categorical numbers refused, an input lost in the index, or an upper-case suffix."""
    table = pd.DataFrame(GOOD | {7: [Decimal(i) / 4 for i in range(12)], "c": pd.Categorical([1, 2] * 6)})
    table = table.assign(n=pd.array([1] * 12, dtype="Int64")).rename(columns=str)
    table.set_index(pd.Index(np.arange(12) ** 2, name="depth")).to_parquet(tmp_path / "TABLE.PARQUET")
    read = read_table(tmp_path / "TABLE.PARQUET", "y")
    X = read.inputs
    assert list(X.columns) == ["depth", "a", "7", "c", "n"]
    assert list(X.index) == list(read.target.index) == list(range(12))
    assert_allclose(X["depth"], np.arange(12) ** 2)
    assert_allclose(X["7"], np.arange(12) / 4)
    table.assign(day=pd.Timestamp("2024-01-31")).to_parquet(tmp_path / "dates.parquet")
    assert read_table(tmp_path / "dates.parquet", "y").inputs["day"].dtype.kind == "M"


@pytest.mark.parametrize("name", ["missing.csv", "missing.parquet"])
def test_a_missing_file(tmp_path, name):
    """Catches a traceback of the reader."""
    with pytest.raises(ValueError, match="cannot be read"):
        read_table(tmp_path / name, "y")


def test_a_file_that_is_not_parquet(tmp_path):
    """Catches a traceback of PyArrow."""
    (tmp_path / "table.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(ValueError, match="is not a CSV or Parquet table"):
        read_table(tmp_path / "table.parquet", "y")
