"""One regression table: read it, hold out a part, fit a learner beside two baselines, and say what it found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from layerwise.learners import KernelRegressor, RandomFeatureRegressor, TwoLayerRegressor

if TYPE_CHECKING:
    import pandas as pd

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
    ValueError
        Where the file cannot be read, has no such column or no other, too few rows, or cells that are not finite
        numbers; says which and what to do.
    """
    import pandas as pd

    try:
        table = pd.read_parquet(path) if path.suffix in (".parquet", ".pq") else pd.read_csv(path)
    except ImportError:
        raise ValueError(f"{path}: reading Parquet needs PyArrow: pip install 'layerwise[parquet]'.") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except ValueError as error:  # pandas' ParserError and EmptyDataError, UnicodeDecodeError, PyArrow's ArrowInvalid
        raise ValueError(f"{path}: is no CSV or Parquet table ({str(error).strip()}).") from None
    if target not in table.columns:
        known = ", ".join(map(str, table.columns[:20])) + (", ..." if table.shape[1] > 20 else "")
        raise ValueError(f'{path}: no column "{target}". Its columns are: {known}. Name one of them with --target.')
    if table.shape[1] < 2:
        raise ValueError(f'{path}: "{target}" is its only column; at least one other is needed as input.')
    if len(table) < 10:
        raise ValueError(f"{path}: {len(table)} rows; at least 10 are needed to fit and to hold some out.")
    for name, column in table.items():
        _check_column(path, str(name), column)
    return table.drop(columns=target).astype(float), table[target].astype(float)


def _check_column(path: Path, name: str, column: pd.Series) -> None:
    """Raise ValueError for the first cell that is no finite number."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    missing = column.isna()
    text = numbers.isna() & ~missing
    if text.any() or (not pd.api.types.is_numeric_dtype(column) and not missing.all()):
        row = int(np.argmax(text)) if text.any() else 0
        raise ValueError(
            f'{path}: column "{name}" is not numeric (row {row + 1} holds {column.iloc[row]!r}). Drop the column or '
            "encode it as numbers first, e.g. with pandas.get_dummies."
        )
    bad = missing | ~np.isfinite(numbers.astype(float))
    if bad.any():
        raise ValueError(
            f'{path}: column "{name}" has {int(bad.sum())} missing or infinite cells (first in row '
            f"{int(np.argmax(bad)) + 1}). Drop those rows or fill them first, e.g. with scikit-learn's SimpleImputer."
        )


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
    ValueError
        For an unknown learner.
    """
    import pandas as pd

    if learner not in LEARNERS:
        raise ValueError(f'no learner "{learner}"; known: {", ".join(LEARNERS)}.')
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=random_state)
    models = {
        learner: make_pipeline(StandardScaler(), LEARNERS[learner](random_state)),
        "ridge on raw inputs": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 6, 41))),
        "mean": DummyRegressor(),
    }
    predicted = {name: model.fit(X_train, y_train).predict(X_test) for name, model in models.items()}
    scores = [(name, float(r2_score(y_test, y_hat))) for name, y_hat in predicted.items()]
    return TableFit(
        model=models[learner],
        scores=pd.DataFrame(scores, columns=["model", "r2"]),
        predictions=pd.DataFrame({"observed": y_test, "predicted": predicted[learner]}).sort_index(),
        columns=[str(name) for name in X.columns],
        n_train=len(X_train),
    )
