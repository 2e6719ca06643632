"""One regression table: read it, hold out a part, fit a learner beside two baselines, and say what it found."""

from __future__ import annotations

import math
import re
import reprlib
import warnings
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from layerwise.errors import UserError
from layerwise.learners import KernelRegressor, RandomFeatureRegressor, TwoLayerRegressor

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 1e100  # its square, summed over any number of rows, is still a float
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b")

LEARNERS = {
    "two-layer": lambda seed: TwoLayerRegressor(linear="ridge", random_state=seed),
    "random-features": lambda seed: RandomFeatureRegressor(random_state=seed),
    "kernel": lambda seed: KernelRegressor(random_state=seed),
}


@dataclass(frozen=True)
class TableFit:
    """A learner fitted to a table, and how it did on the rows held out.

    Attributes
    ----------
    model : Pipeline
        `StandardScaler`, then the learner.
    scores : DataFrame
        One row a model (the learner, ridge on the raw inputs, the mean): name and R² on the held-out rows.
    predictions : DataFrame
        The held-out rows, by their index in the table: observed and predicted.
    columns : list of str
        The inputs.
    n_train : int
    """

    model: Pipeline
    scores: pd.DataFrame
    predictions: pd.DataFrame
    columns: list[str]
    n_train: int

    def directions(self, n_columns: int = 5) -> list[tuple[float, str]]:
        """What was found: each direction of note with its share of the first layer's variance.

        Returns
        -------
        list of (share, text)
            Directions that carry at least a tenth, the strongest first, as combinations of their ``n_columns`` heaviest
            (standardised) columns; empty for a learner that has none.
        """
        learner = self.model[-1]
        if not isinstance(learner, TwoLayerRegressor) or not np.any(learner.singular_values_):
            return []
        shares = learner.singular_values_**2 / np.sum(learner.singular_values_**2)
        found = []
        for share, direction in zip(shares, learner.directions_, strict=True):
            heaviest = np.argsort(-np.abs(direction))[:n_columns]
            if share >= 0.1:
                terms = " ".join(f"{direction[i]:+.2f} {self.columns[i]}" for i in heaviest)
                found.append((float(share), terms + (" ..." if len(direction) > n_columns else "")))
        return found


def read_table(path: Path, target: str) -> tuple[pd.DataFrame, pd.Series]:
    """Inputs and target of a CSV or Parquet file.

    Parameters
    ----------
    path : Path
        Parquet where it ends in ``.parquet`` or ``.pq``, otherwise CSV.
    target : str
        The column to be learnt; all others are inputs.

    Raises
    ------
    UserError
        Where the file cannot be read, has no such column or no other, too few rows, or cells that are not finite
        numbers; says which and what to do.
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
        raise UserError(f"{path}: is no CSV or Parquet table ({str(error).strip()}).") from None
    table.columns = names = [str(name).strip() for name in table.columns]
    target = target.strip()
    for i, name in enumerate(names):
        if re.fullmatch(r"(Unnamed: \d+)?", name):
            raise UserError(
                f"{path}: column {i + 1} has no name. If it is the index, which says nothing of the rows, save the "
                "table without it (pandas: to_csv(path, index=False)); otherwise name it."
            )
        if name in names[:i]:
            raise UserError(f'{path}: two columns are called "{name}". Rename one, or drop it if it is a copy.')
    if target not in names:
        known = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise UserError(f'{path}: no column "{target}". Its columns are: {known}. Name one of them with --target.')
    if len(names) < 2:
        raise UserError(f'{path}: "{target}" is its only column; at least one other is needed as input.')
    if len(table) < 10:
        raise UserError(f"{path}: {len(table)} rows; at least 10 are needed to fit and to hold some out.")
    numbers = pd.DataFrame({name: _as_numbers(f'{path}: column "{name}"', column) for name, column in table.items()})
    return numbers.drop(columns=target), numbers[target]


def _read_parquet(path: Path) -> pd.DataFrame:
    """The table; an index that has a name is a column like the others."""
    import pandas as pd

    table = pd.read_parquet(path)
    named = [name for name in table.index.names if name is not None]
    if named:
        table = table.reset_index(level=named, allow_duplicates=True)
    return table.reset_index(drop=True)


def _read_csv(path: Path) -> pd.DataFrame:
    """The table, its columns under the names that stand in the file: pandas would call a second ``y`` ``y.1``."""
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
        warnings.simplefilter("error", pd.errors.ParserWarning)  # a row cut to the length of the header
        try:
            table = pd.read_csv(path, index_col=False, low_memory=False)
        except pd.errors.ParserWarning:
            raise UserError(
                f"{path}: its rows have more fields than its header. Give every column a name, row names too; write "
                "decimals with a point."
            ) from None
    return table.set_axis(names, axis="columns")


def _as_numbers(where: str, column: pd.Series) -> np.ndarray:
    """The column as floats; raises UserError for the first cell that is no finite number."""
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
        cure = (
            "Turn dates into numbers first, e.g. days since the first one"
            if is_date
            else ("Drop the column or encode it as numbers first, e.g. with pandas.get_dummies")
        )
        raise UserError(f"{where} is not numeric (row {row + 1} holds {reprlib.repr(cell)}). {cure}.")
    missing = np.isnan(numbers)
    if missing.any():
        raise UserError(
            f"{where} has {missing.sum()} missing cells (first in row {np.argmax(missing) + 1}). Drop those rows or "
            "fill them first, e.g. with scikit-learn's SimpleImputer."
        )
    huge = np.abs(numbers) > LARGEST
    if huge.any():
        row = int(np.argmax(huge))
        raise UserError(
            f"{where} is infinite or over {LARGEST:g} in row {row + 1} ({reprlib.repr(column.iloc[row])}). Drop the "
            "row, or rescale the column, e.g. by its logarithm: squares and sums of such numbers overflow."
        )
    return numbers


def _as_number(cell: Any) -> float:
    """The cell as a float, NaN where it is none."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan
    except OverflowError:
        return math.inf


def fit_table(X: pd.DataFrame, y: pd.Series, learner: str, *, random_state: int = 0) -> TableFit:
    """Hold out 20 % of the rows, fit a learner and two baselines on the others.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_features)
    y : Series of shape (n_samples,)
    learner : str
        A key of `LEARNERS`.
    random_state : int
        Of the split and of the learner.

    Raises
    ------
    UserError
        For an unknown learner, or a kernel matrix that does not fit into memory.
    """
    import pandas as pd

    if learner not in LEARNERS:
        raise UserError(f'no learner "{learner}"; known: {", ".join(LEARNERS)}.')
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=random_state)
    models = {
        learner: make_pipeline(StandardScaler(), LEARNERS[learner](random_state)),
        "ridge on raw inputs": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 6, 41))),
        "mean": DummyRegressor(),
    }
    try:
        predicted = {name: model.fit(X_train, y_train).predict(X_test) for name, model in models.items()}
    except ValueError as error:
        if "max_memory" not in str(error):
            raise
        raise UserError(f"{learner}: {error} On the command line: --learner random-features.") from None
    scores = [(name, float(r2_score(y_test, y_hat))) for name, y_hat in predicted.items()]
    return TableFit(
        model=models[learner],
        scores=pd.DataFrame(scores, columns=["model", "r2"]),
        predictions=pd.DataFrame({"observed": y_test, "predicted": predicted[learner]}).sort_index(),
        columns=[str(name) for name in X.columns],
        n_train=len(X_train),
    )
