"""Columns of NumPy arrays and of pandas and polars DataFrames as numbers or categories."""

from __future__ import annotations

import re
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

DATE = re.compile(r"^\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b")
#: A text column with more distinct values than this share of the rows, and more than this number, is an identifier.
IDENTIFIER_SHARE, IDENTIFIER_LEVELS = 0.5, 20
#: A text column is one of dates if at least this share of its distinct values are dates.
DATE_SHARE = 0.95


def read_frame(estimator: Any, X: Any, *, reset: bool) -> pd.DataFrame:
    """Return X as a DataFrame whose columns are named by position, and check the columns' number and names.

    Arrays must hold numbers, with NaN for missing values; pandas and polars DataFrames may also hold text, categories,
    dates and booleans. Raises ValueError for other arrays, empty tables, or columns that differ from those in `fit`.
    """
    if hasattr(X, "columns") and hasattr(X, "dtypes") and not issparse(X):
        validate_data(estimator, X, skip_check_array=True, reset=reset)
        columns = list(X.columns)
        if len(X) == 0 or not columns:
            raise ValueError(f"X has shape ({len(X)}, {len(columns)}); it must have at least one row and one column.")
        if isinstance(X, pd.DataFrame):
            return X.set_axis([str(i) for i in range(len(columns))], axis=1).reset_index(drop=True)
        return pd.DataFrame({str(i): pd.Series(X[name].to_numpy()) for i, name in enumerate(columns)})
    array: Any = validate_data(estimator, X, dtype=(np.float64, np.float32), ensure_all_finite="allow-nan", reset=reset)
    return pd.DataFrame(array, columns=[str(i) for i in range(array.shape[1])])


def kind_of(column: pd.Series) -> str:
    """Return "number", "date", "category" or "identifier" (text that is distinct in most rows)."""
    types = pd.api.types
    if types.is_datetime64_any_dtype(column):
        return "date"
    if types.is_numeric_dtype(column) or types.is_bool_dtype(column) or types.is_timedelta64_dtype(column):
        return "number"
    levels = column.dropna().astype(str).unique()
    if len(levels) == 0 or pd.to_numeric(pd.Series(levels), errors="coerce").notna().all():
        return "number"
    if np.mean([bool(DATE.match(level)) for level in levels]) >= DATE_SHARE:
        dates = pd.to_datetime(pd.Series(levels), errors="coerce", format="mixed", utc=True)
        if dates.notna().mean() >= DATE_SHARE:
            return "date"
    many = len(levels) > max(IDENTIFIER_SHARE * column.notna().sum(), IDENTIFIER_LEVELS)
    return "identifier" if many else "category"


def as_kind(column: pd.Series, kind: str, name: str) -> np.ndarray:
    """The column as floats (dates in days since 1970), or as an object array of str with "missing" for missing values.

    Raises ValueError if a column of numbers holds text, or a number is infinite.
    """
    if kind == "category":
        text = column.astype(object).where(column.notna(), "missing")
        return text.astype(str).to_numpy(dtype=object)
    if kind == "date":
        format_ = None if pd.api.types.is_datetime64_any_dtype(column) else "mixed"
        dates = pd.to_datetime(column, errors="coerce", format=format_, utc=True)
        return ((dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)).to_numpy(dtype=float)
    if pd.api.types.is_timedelta64_dtype(column):
        column = cast("Any", column) / pd.Timedelta(days=1)
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        column = column.astype(object).where(column.notna(), None)
    try:
        numbers = pd.to_numeric(column, errors="raise")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"column {name!r} holds entries that are not numbers ({error}), while it held numbers in fit; it must hold "
            "numbers or missing values. Convert these entries, or fit again."
        ) from None
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    if n_infinite := int(np.isinf(values).sum()):
        raise ValueError(
            f"column {name!r} of X is infinite in {n_infinite} row{'s' * (n_infinite > 1)}; its entries must be "
            "finite or missing. Replace infinite entries by NaN, or drop these rows."
        )
    return values
