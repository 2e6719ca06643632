"""Inputs and target from a file of numbers, or one message that names the cell that is not a number."""

from __future__ import annotations

import math
import re
import warnings
from datetime import date, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from layerwise._validation import shown
from layerwise.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 1e100  # sums of squares of such numbers do not overflow
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b")


def read_table(path: Path, target: str) -> tuple[pd.DataFrame, pd.Series]:
    """Read inputs and target from a CSV or Parquet file.

    Parameters
    ----------
    path : Path
        Parquet if it ends in ``.parquet`` or ``.pq``, otherwise CSV.
    target : str
        The column to be learnt; all others are inputs.

    Returns
    -------
    inputs : DataFrame of shape (n_samples, n_features)
    target : Series of shape (n_samples,)

    Raises
    ------
    UserError
        If the file cannot be read, lacks the column, has no other column or too few rows, or has cells that are not
        finite numbers; the message says which, and what to do.
    """
    import pandas as pd

    try:
        table = _read_parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _read_csv(path)
    except UserError:
        raise
    except ImportError:
        raise UserError(f"{path}: reading Parquet needs PyArrow: pip install 'layerwise[parquet]'.") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8 text. Save it as UTF-8, or as Parquet.") from None
    except ValueError as error:  # pandas' ParserError and EmptyDataError, PyArrow's ArrowInvalid
        raise UserError(f"{path}: is not a CSV or Parquet table ({str(error).strip()}).") from None
    table.columns = names = [str(name).strip() for name in table.columns]
    target = target.strip()
    for i, name in enumerate(names):
        if re.fullmatch(r"(Unnamed: \d+)?", name):
            raise UserError(
                f"{path}: column {i + 1} has no name. If it is an index without information, save the table without it "
                "(pandas: to_csv(path, index=False)); otherwise name it."
            )
        if name in names[:i]:
            raise UserError(f'{path}: two columns are named "{name}". Rename one, or drop it if it is a copy.')
    if target not in names:
        known = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise UserError(f'{path}: has no column "{target}". Its columns are: {known}. Pass one of them with --target.')
    if len(names) < 2:
        raise UserError(f'{path}: "{target}" is its only column; it must have at least one other, as input.')
    if len(table) < 10:
        raise UserError(f"{path}: has {len(table)} rows; it must have at least 10, to fit and to hold some out.")
    numbers = pd.DataFrame({name: _as_numbers(f'{path}: column "{name}"', column) for name, column in table.items()})
    return numbers.drop(columns=target), numbers[target]


def _read_parquet(path: Path) -> pd.DataFrame:
    """Read the table; an index that has a name becomes a column."""
    import pandas as pd

    table = pd.read_parquet(path)
    named = [name for name in table.index.names if name is not None]
    if named:
        table = table.reset_index(level=named, allow_duplicates=True)
    return table.reset_index(drop=True)


def _read_csv(path: Path) -> pd.DataFrame:
    """Read the table with the column names as in the file: pandas would rename a second ``y`` to ``y.1``."""
    import pandas as pd

    header = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False)
    names = header.iloc[0].tolist()
    separator = next((mark for mark in ";\t|" if mark in names[0]), None)
    if len(names) == 1 and separator:
        raise UserError(
            f"{path}: its separator seems to be {separator!r}. Save it with commas (pandas: "
            f"read_csv(path, sep={separator!r}).to_csv(path, index=False)), or as Parquet."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # a row is truncated to the length of the header
        try:
            table = pd.read_csv(path, index_col=False, low_memory=False)
        except pd.errors.ParserWarning:
            raise UserError(
                f"{path}: its rows have more fields than its header. Give every column a name, row names too; write "
                "decimals with a point."
            ) from None
    return table.set_axis(names, axis="columns")


def _as_numbers(where: str, column: pd.Series) -> np.ndarray:
    """The column as floats; raises UserError for the first cell that is not a finite number."""
    import pandas as pd

    text = np.zeros(len(column), dtype=bool)
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
    else:  # text, dates, decimals, integers over 64 bits, booleans with gaps
        numbers = np.array([_as_number(cell) for cell in column], dtype=float)
        text = np.isnan(numbers) & ~column.isna().to_numpy()
    if text.any():
        row = int(np.argmax(text))
        cell = column.iloc[row]
        is_date = isinstance(cell, date | time | timedelta) or DATE.match(str(cell))
        advice = "Drop the column or encode it as numbers first, e.g. with pandas.get_dummies"
        if is_date:
            advice = "Convert dates to numbers first, e.g. days since the first one"
        raise UserError(f"{where} is not numeric (row {row + 1} holds {shown(cell):.60}). {advice}.")
    missing = np.isnan(numbers)
    if missing.any():
        raise UserError(
            f"{where} has {missing.sum()} missing cells (first in row {np.argmax(missing) + 1}). Drop those rows, or "
            "impute the cells first, e.g. with scikit-learn's SimpleImputer."
        )
    huge = np.abs(numbers) > LARGEST
    if huge.any():
        row = int(np.argmax(huge))
        raise UserError(
            f"{where} is infinite or above {LARGEST:g} in row {row + 1} ({shown(column.iloc[row])}). Drop the "
            "row, or rescale the column, e.g. by its logarithm: squares and sums of such numbers overflow."
        )
    return numbers


def _as_number(cell: Any) -> float:
    """The cell as a float, or NaN if it is not a number."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan
    except OverflowError:
        return math.inf
