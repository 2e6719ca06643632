"""Read inputs and target from a CSV or Parquet file; errors are reported in one message."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from layerwise._validation import did_you_mean
from layerwise.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 1e100  # sums of squares of such numbers do not overflow
MIN_ROWS = 10


@dataclass(frozen=True)
class Table:
    """A regression table.

    Attributes
    ----------
    inputs : DataFrame of shape (n_samples, n_features)
        Numbers, with NaN for missing values; text, dates and booleans as in the file.
    target : Series of shape (n_samples,)
        The labels, finite floats.
    group, time : Series of shape (n_samples,) or None
        Columns that determine how rows are held out; they are not inputs.
    notes : list of str
        Sentences on rows and columns that were left out.
    """

    inputs: pd.DataFrame
    target: pd.Series
    group: pd.Series | None = None
    time: pd.Series | None = None
    notes: list[str] = field(default_factory=list)


def read_table(
    path: Path,
    target: str,
    *,
    drop: Sequence[str] = (),
    identifiers: Sequence[str] = (),
    group: str | None = None,
    time: str | None = None,
) -> Table:
    """Read inputs and target from a CSV or Parquet file.

    Parameters
    ----------
    path : Path
        Parquet if it ends in ``.parquet`` or ``.pq``, otherwise CSV.
    target : str
        The column to be learnt. Rows in which it is missing are dropped.
    drop, identifiers : sequences of str
        Columns that are not used as inputs.
    group, time : str or None
        Columns that determine how rows are held out; they are not used as inputs.

    Returns
    -------
    Table

    Raises
    ------
    UserError
        If the file cannot be read, lacks a column, has no other column or fewer than 10 rows with the target; if the
        target is text; or if columns hold infinite or huge numbers. The message names all such columns, and says what
        to do.
    """
    import pandas as pd

    table = read_frame(path)
    names = [str(name) for name in table.columns]
    target, others = target.strip(), [name for name in (group, time) if name]
    left_out = [name.strip() for name in (*drop, *identifiers, *others)]
    missing = [name for name in (target, *left_out) if name not in names]
    if missing:
        advice = did_you_mean(missing[0], names) or f" Its columns are: {', '.join(names[:20])}, ..."
        quoted = ", ".join(f'"{name}"' for name in missing)
        raise UserError(f"{path}: has no column {quoted}.{advice}")
    if target in left_out:
        raise UserError(
            f'{path}: "{target}" is the target; it must not also be dropped or be an identifier, '
            "a group or a time. Pass it as the target only."
        )
    inputs = [name for name in names if name != target and name not in left_out]
    if not inputs:
        raise UserError(f'{path}: "{target}" is its only column; it must have at least one other column, an input.')
    numbers = _target(path, table[target])
    seen = np.isfinite(numbers)
    n_dropped = int((~seen).sum())
    notes = [f"rows without the target, dropped: {n_dropped}"] if n_dropped else []
    if left_out:
        notes.append(f"not used as inputs: {', '.join(dict.fromkeys(left_out))}")
    if seen.sum() < MIN_ROWS:
        raise UserError(f"{path}: has {seen.sum()} rows with the target; it must have at least {MIN_ROWS}.")
    table = table[seen].reset_index(drop=True)
    _check_numbers(path, table[inputs])
    groups, times = (None if name is None else table[name.strip()] for name in (group, time))
    frame = pd.DataFrame({name: _plain(table[name]) for name in inputs})
    return Table(frame, pd.Series(numbers[seen], name=target), groups, times, notes)


def read_frame(path: Path) -> pd.DataFrame:
    """Read a CSV or Parquet file whose columns have distinct names; raises UserError if this is impossible."""
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
    names = [str(name).strip() for name in table.columns]
    empty = [i for i, name in enumerate(names) if re.fullmatch(r"(Unnamed: \d+)?", name)]
    table.columns = names
    gone = [i for i in empty if table.iloc[:, i].isna().all()]  # a comma at the end of each row
    if len(gone) < len(empty):
        raise UserError(
            f"{path}: column {', '.join(str(i + 1) for i in empty)} has no name. If it is an index without "
            "information, save the table without it (pandas: to_csv(path, index=False)); otherwise name it."
        )
    table = table.iloc[:, [i for i in range(len(names)) if i not in gone]]
    twice = sorted({name for name in table.columns if list(table.columns).count(name) > 1})
    if twice:
        quoted = ", ".join(f'"{name}"' for name in twice)
        raise UserError(f"{path}: two columns are named {quoted}. Rename one, or drop it if it is a copy.")
    return pd.DataFrame(table)


def _target(path: Path, column: pd.Series) -> np.ndarray:
    """The target as floats, NaN where it is missing."""
    numbers = np.array([_as_number(cell) for cell in column], dtype=float)
    text = np.isnan(numbers) & ~column.isna().to_numpy()
    where = f'{path}: the target "{column.name}"'
    if text.any():
        values = column[text].astype(str).unique()
        shown = ", ".join(values[:5]) + (", ..." if len(values) > 5 else "")
        if column.nunique() <= max(20, len(column) // 20):
            raise UserError(
                f"{where} has {column.nunique()} classes that are not numbers ({shown}): this is a classification "
                "problem. Use layerwise.LayerwiseClassifier in Python, or replace the classes by numbers."
            )
        row = int(np.argmax(text)) + 1
        raise UserError(
            f"{where} is not numeric in {text.sum()} rows (row {row} holds {shown}). Convert it to numbers."
        )
    huge = np.abs(numbers) > LARGEST
    if huge.any():
        raise UserError(
            f"{where} is infinite or above {LARGEST:g} in row {int(np.argmax(huge)) + 1}. Drop such rows, or rescale."
        )
    return numbers


def _check_numbers(path: Path, inputs: pd.DataFrame) -> None:
    """Raise UserError that names all columns with infinite or huge numbers."""
    bad = []
    for name, column in inputs.select_dtypes("number").items():
        huge = np.abs(column.to_numpy(dtype=float, na_value=np.nan)) > LARGEST
        if huge.any():
            bad.append(f'"{name}" (row {int(np.argmax(huge)) + 1})')
    if bad:
        raise UserError(
            f"{path}: numbers that are infinite or above {LARGEST:g} in {', '.join(bad)}. Drop these rows or "
            "columns (--drop), or rescale the columns, e.g. by the logarithm: their squares and sums overflow."
        )


def _plain(column: pd.Series) -> pd.Series:
    """Return a column of numbers, such as decimals, as floats; other columns as they are."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=column.index, name=column.name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    numbers = np.array([_as_number(cell) for cell in column], dtype=float)
    if pd.api.types.is_object_dtype(column) and not (np.isnan(numbers) & ~column.isna().to_numpy()).any():
        return pd.Series(numbers, index=column.index, name=column.name)
    return column


def _read_parquet(path: Path) -> pd.DataFrame:
    """Read the table; an index with a name becomes a column."""
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
                f"{path}: its rows have more fields than its header. Give every column a name, also that of row names, "
                "and write decimals with a point."
            ) from None
    return table.set_axis(names, axis="columns")


def _as_number(cell: Any) -> float:
    """The cell as a float, or NaN if it is not a number."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan
    except OverflowError:
        return math.inf
