"""A learner fitted to a part of a table, beside two baselines, and scored on the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from layerwise import learners
from layerwise._validation import did_you_mean
from layerwise.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TableFit:
    """A learner fitted to a table, and its scores on the held-out rows.

    Attributes
    ----------
    model : Pipeline
        `StandardScaler`, then the learner.
    scores : DataFrame
        One row per model (the learner, ridge on the raw inputs, the mean): name and R² on the held-out rows.
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

    def structure(self) -> list[str]:
        """What the learner found in the standardised columns, as its `describe` says it."""
        return cast("learners.Learner", self.model[-1]).describe(self.columns)


def table_learners() -> dict[str, tuple[type, dict[str, Any]]]:
    """The names of the learners for tables, each with the class and the parameters that it stands for."""
    return {name: (each, params) for each in learners.all_learners() for name, params in each.presets.items()}


def fit_table(X: pd.DataFrame, y: pd.Series, learner: str, *, random_state: int = 0) -> TableFit:
    """Hold out 20 % of the rows; fit a learner and two baselines to the others.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_features)
    y : Series of shape (n_samples,)
    learner : str
        A key of `table_learners`.
    random_state : int, default=0
        Seed of the split and of the learner.

    Returns
    -------
    TableFit

    Raises
    ------
    UserError
        If the learner is unknown, or its fit needs more memory than it may take.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from layerwise.tables import fit_table
    >>> X = pd.DataFrame(np.random.default_rng(0).standard_normal((400, 3)), columns=list("abc"))
    >>> bool(fit_table(X, X["a"] ** 2, "moments").scores["r2"].iloc[0] > 0.99)
    True
    """
    import pandas as pd

    known = table_learners()
    if learner not in known:
        raise UserError(f"learner={learner!r} is unknown.{did_you_mean(learner, known)}")
    make, params = known[learner]
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=random_state)
    models = {
        learner: make_pipeline(StandardScaler(), make(random_state=random_state, **params)),
        "ridge on raw inputs": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 6, 41))),
        "mean": DummyRegressor(),
    }
    try:
        predicted = {name: model.fit(X_train, y_train).predict(X_test) for name, model in models.items()}
    except ValueError as error:
        if "max_memory" not in str(error):
            raise
        raise UserError(f"{learner}: {error} On the command line, pass --learner random-features.") from None
    scores = [(name, float(r2_score(y_test, y_hat))) for name, y_hat in predicted.items()]
    return TableFit(
        model=models[learner],
        scores=pd.DataFrame(scores, columns=["model", "r2"]),
        predictions=pd.DataFrame({"observed": y_test, "predicted": predicted[learner]}).sort_index(),
        columns=[str(name) for name in X.columns],
        n_train=len(X_train),
    )
