"""A learner fitted to a part of a table, beside two baselines, and judged on the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from layerwise.errors import UserError
from layerwise.learners import (
    HierarchicalRegressor,
    KernelRegressor,
    MomentRegressor,
    QuadraticModelRegressor,
    RandomFeatureRegressor,
    ThreeLayerRegressor,
    TwoLayerRegressor,
)
from layerwise.tables.structure import describe

if TYPE_CHECKING:
    import pandas as pd

LEARNERS = {
    "two-layer": lambda seed: TwoLayerRegressor(linear="ridge", random_state=seed),
    "three-layer": lambda seed: ThreeLayerRegressor(linear="ridge", random_state=seed),
    "hierarchical": lambda seed: HierarchicalRegressor(random_state=seed),
    "refined": lambda seed: HierarchicalRegressor(refine=True, random_state=seed),
    "moments": lambda seed: MomentRegressor(random_state=seed),
    "quadratic-model": lambda seed: QuadraticModelRegressor(random_state=seed),
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

    def structure(self) -> list[str]:
        """What the learner found, as `describe` says it of the standardised columns."""
        return describe(self.model[-1], self.columns)


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
