"""A learner fitted to a table, compared with other models out of fold, and tested against permuted labels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold, RepeatedKFold, TimeSeriesSplit
from sklearn.pipeline import Pipeline, make_pipeline

from layerwise import learners
from layerwise._validation import did_you_mean
from layerwise.errors import UserError
from layerwise.learners.automatic import LayerwiseRegressor
from layerwise.learners.automatic.baselines import RadialRidge
from layerwise.learners.automatic.preparation import TablePreparation
from layerwise.tables.reading import Table
from layerwise.tables.remarks import remarks

if TYPE_CHECKING:
    import pandas as pd

N_FOLDS = 5
#: The rows of tables with at most this many rows are split into folds twice.
MAX_REPEATED = 1000
#: Kernel ridge regression, whose time grows with the cube of the number of rows, is left out for more rows.
MAX_KERNEL_ROWS = 8000
#: A structure is reported if the p-value of out-of-fold predictions, from this many permutations, is at most `LEVEL`.
N_PERMUTATIONS, LEVEL = 199, 0.01


@dataclass(frozen=True)
class TableFit:
    """A learner fitted to a table, and how well it and other models predict rows that were held out.

    Attributes
    ----------
    model : LayerwiseRegressor or Pipeline
        The learner, fitted to all rows; a pipeline consists of `TablePreparation` and the learner.
    learner, split : str
        Name of the learner, and a description of how rows were held out.
    scores : DataFrame
        One row per model, the learner first, with the columns ``model``, ``r2`` (mean over folds of R² on the rows
        held out) and ``spread`` (standard deviation over folds).
    predictions : DataFrame
        One row per row of the table that was held out: ``observed``, and ``predicted`` by the learner.
    p_value : float
        One-sided p-value of the covariance of these predictions with the labels, by permutation of the labels.
    notes, remarks : list of str
        Sentences on how the columns were prepared, and on what may be wrong with the table.
    """

    model: Any
    learner: str
    split: str
    scores: pd.DataFrame
    predictions: pd.DataFrame
    p_value: float
    notes: list[str]
    remarks: list[str]

    def structure(self) -> list[str]:
        """Return sentences on the structure found, or one that says that the predictions are no better than chance."""
        if self.p_value > LEVEL:
            chance = f"p = {self.p_value:.2f}"
            return [f"nothing found: out-of-fold predictions are no better than for permuted labels ({chance})"]
        if isinstance(self.model, Pipeline):
            steps: Any = self.model
            return steps[-1].describe(steps[0].names_out())
        return self.model.describe()


def table_learners() -> dict[str, tuple[type, dict[str, Any]]]:
    """The names of the learners for tables, each with its class and parameters."""
    return {name: (each, params) for each in learners.all_learners() for name, params in each.presets.items()}


def fit_table(table: Table, learner: str = "auto", *, budget: str | float = "quick", random_state: int = 0) -> TableFit:
    """Score a learner and other models by cross-validation, then fit the learner to all rows.

    Parameters
    ----------
    table : Table
    learner : str, default="auto"
        A key of `table_learners`.
    budget : {"quick", "default", "thorough"} or float, default="quick"
        Time of each fit of `LayerwiseRegressor`; there are 6 fits, or 11 with random folds of at most 1,000
        rows.
    random_state : int, default=0
        Seed of the folds and of the learner.

    Returns
    -------
    TableFit

    Raises
    ------
    UserError
        If the learner is unknown, a fit would take more memory than allowed, there is only one group, or a time cannot
        be read.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from layerwise.tables import Table, fit_table
    >>> X = pd.DataFrame(np.random.default_rng(0).standard_normal((400, 3)), columns=list("abc"))
    >>> bool(fit_table(Table(X, X["a"] ** 2), "moments").scores["r2"].iloc[0] > 0.99)
    True
    """
    import pandas as pd

    known = table_learners()
    if learner not in known:
        raise UserError(f"learner={learner!r} is unknown.{did_you_mean(learner, known)}")
    make, params = known[learner]
    estimator: Any = make(random_state=random_state, **params)
    if isinstance(estimator, LayerwiseRegressor):
        estimator.set_params(budget=budget)
    else:
        estimator = make_pipeline(TablePreparation(), estimator)
    split, folds = row_splits(table, random_state)
    models = {learner: estimator} | comparisons(len(table.target), random_state)
    y = table.target.to_numpy()
    r2 = {name: [] for name in models}
    predicted = np.full((len(y), len(models)), np.nan)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for train, test in folds:
            for j, (name, model) in enumerate(models.items()):
                values = _fit(learner, model, table, train).predict(table.inputs.iloc[test])
                r2[name].append(float(r2_score(y[test], values)))
                predicted[test, j] = values
        fitted = _fit(learner, estimator, table, np.arange(len(y)))
    seen = np.isfinite(predicted[:, 0])
    rows = [(name, np.mean(each), np.std(each, ddof=1)) for name, each in r2.items()]
    prepared = fitted.preparation_ if isinstance(fitted, LayerwiseRegressor) else fitted[0]
    found = dict.fromkeys(str(each.message) for each in caught if issubclass(each.category, UserWarning))
    return TableFit(
        model=fitted,
        learner=learner,
        split=split,
        scores=pd.DataFrame(rows, columns=["model", "r2", "spread"]),
        predictions=pd.DataFrame({"observed": y, "predicted": predicted[:, 0]})[seen],
        p_value=permutation_p_value(y[seen], predicted[seen, 0], random_state),
        notes=[*table.notes, *prepared.notes_],
        remarks=[*remarks(table), *found],
    )


def row_splits(table: Table, random_state: int) -> tuple[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Return a description of how rows are held out, and the pairs of training and test rows.

    With a time column, rows are predicted from earlier ones; with a group column, from other groups; otherwise folds
    are random.
    """
    n = len(table.target)
    if table.time is not None:
        order = np.argsort(_ordered(table.time), kind="stable")
        pairs = TimeSeriesSplit(min(N_FOLDS, n // 2 - 1)).split(order)
        return f"later rows, by {table.time.name}", [(order[train], order[test]) for train, test in pairs]
    if table.group is not None:
        n_groups = table.group.nunique(dropna=False)
        if n_groups < 2:
            raise UserError(
                f'"{table.group.name}" has one value; a group column must have at least two. Pass another column.'
            )
        codes = table.group.astype(str).to_numpy()
        splitter = GroupKFold(min(N_FOLDS, n_groups))
        return f"other groups of {table.group.name}", list(splitter.split(codes, groups=codes))
    repeats = 2 if n <= MAX_REPEATED else 1
    pairs = list(
        RepeatedKFold(n_splits=min(N_FOLDS, n // 2), n_repeats=repeats, random_state=random_state).split(np.empty(n))
    )
    return f"{N_FOLDS} folds" + (f", drawn {repeats} times" if repeats > 1 else ""), pairs


def comparisons(n_samples: int, random_state: int) -> dict[str, Any]:
    """The models with which the learner is compared: ridge, kernel ridge, gradient boosting and the mean."""
    models = {"ridge": make_pipeline(TablePreparation(), RidgeCV(np.logspace(-4, 6, 41)))}
    if n_samples <= MAX_KERNEL_ROWS:
        models["kernel ridge"] = make_pipeline(TablePreparation(), RadialRidge())
    boosting = HistGradientBoostingRegressor(random_state=random_state)
    return models | {"boosting": make_pipeline(TablePreparation(), boosting), "mean": DummyRegressor()}


def permutation_p_value(y: np.ndarray, predicted: np.ndarray, seed: int) -> float:
    """Return the one-sided p-value of the covariance of y and out-of-fold predictions, both of shape (n_samples,)."""
    centred, rng = predicted - predicted.mean(), np.random.RandomState(seed)
    null = np.array([centred @ rng.permutation(y) for _ in range(N_PERMUTATIONS)])
    return float((1 + np.sum(null >= centred @ y)) / (N_PERMUTATIONS + 1))


def _fit(learner: str, model: Any, table: Table, rows: np.ndarray) -> Any:
    try:
        model = cast("Any", clone(model))
        return model.fit(table.inputs.iloc[rows], table.target.to_numpy()[rows])
    except ValueError as error:
        if "max_memory" not in str(error):
            raise
        raise UserError(f"{learner}: {error} On the command line, pass --learner random-features.") from None


def _ordered(column: pd.Series) -> np.ndarray:
    """Return the column as values that can be sorted; text is read as times. Raises UserError if a value is missing."""
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column):
        column = pd.to_datetime(column, errors="coerce", format="mixed", utc=True)
    if column.isna().any():
        raise UserError(
            f'"{column.name}" is not a time in {int(column.isna().sum())} rows; every row must have a date, a time or '
            "a number. Fill in the missing values, or drop these rows."
        )
    return column.to_numpy()
