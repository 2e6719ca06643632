"""The methods, each tuned as its authors or scikit-learn's guide recommend."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

from layerwise.learners import LayerwiseRegressor

PENALTIES = np.logspace(-4, 5, 28)
GP_ROWS = 300


def models(budget: str) -> dict[str, Callable[[], Any]]:
    """Name and factory of each method."""
    limit: Any = float(budget) if budget.isdigit() else budget
    found: dict[str, Callable[[], Any]] = {
        "layerwise": lambda: LayerwiseRegressor(limit, random_state=0),
        "ridge": lambda: prepared(RidgeCV(PENALTIES)),
        "quadratic": lambda: prepared(make_pipeline(PolynomialFeatures(2), StandardScaler(), RidgeCV(PENALTIES))),
        "kernel ridge": lambda: prepared(scaled_target(kernel_ridge())),
        "boosting": lambda: prepared(boosting()),
        "MLP": lambda: prepared(scaled_target(mlp())),
        "GP (ARD)": lambda: prepared(scaled_target(GaussianProcess())),
    }
    if importlib.util.find_spec("xrfm"):
        found["xRFM"] = lambda: prepared(XRFM())
    return found


def prepared(model: Any) -> Pipeline:
    """Median for gaps, one column per category, standardised."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    categories = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    )
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include=np.number)),
        (categories, make_column_selector(dtype_exclude=np.number)),
    )
    return make_pipeline(Columns(columns), model)


class Columns(BaseEstimator):
    """The transformer for a DataFrame; arrays are standardised."""

    def __init__(self, transformer):
        self.transformer = transformer

    def fit(self, X, y=None):
        self.fitted_ = self.transformer.fit(X) if hasattr(X, "columns") else StandardScaler().fit(X)
        return self

    def transform(self, X):
        return self.fitted_.transform(X)


def scaled_target(model: Any) -> TransformedTargetRegressor:
    """The model for a target of mean 0 and variance 1."""
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def kernel_ridge() -> GridSearchCV:
    """Radial kernel, bandwidth and penalty by 5 folds."""
    grid = {"gamma": [1e-4, 1e-3, 0.003, 0.01, 0.03, 0.1], "alpha": [1e-4, 1e-3, 0.01, 0.1, 1.0]}
    return GridSearchCV(KernelRidge(kernel="rbf"), grid, cv=5)


def boosting() -> RandomizedSearchCV:
    """Ten settings of histogram gradient boosting with early stopping, by 3 folds."""
    grid = {
        "learning_rate": [0.02, 0.05, 0.1],
        "max_leaf_nodes": [7, 15, 31],
        "min_samples_leaf": [5, 20, 50],
        "l2_regularization": [0.0, 1.0, 10.0],
    }
    model = HistGradientBoostingRegressor(max_iter=500, early_stopping=True, random_state=0)
    return RandomizedSearchCV(model, grid, n_iter=10, cv=3, random_state=0)


def mlp() -> GridSearchCV:
    """Two hidden layers with early stopping; penalty by 3 folds."""
    model = MLPRegressor(
        hidden_layer_sizes=(128, 128), early_stopping=True, n_iter_no_change=20, max_iter=500, random_state=0
    )
    return GridSearchCV(model, {"alpha": [1e-4, 1e-2, 1.0]}, cv=3)


class GaussianProcess(RegressorMixin, BaseEstimator):
    """Gaussian process with one length scale per input, on at most `GP_ROWS` rows (its cost is cubic)."""

    def fit(self, X, y):
        rows = np.random.default_rng(0).permutation(len(y))[:GP_ROWS]
        kernel = ConstantKernel() * RBF(np.full(X.shape[1], X.shape[1] ** 0.5)) + WhiteKernel(0.1)
        self.model_ = GaussianProcessRegressor(kernel, random_state=0).fit(X[rows], y[rows])
        return self

    def predict(self, X):
        return self.model_.predict(X)


class XRFM(RegressorMixin, BaseEstimator):
    """xRFM with its defaults, a fifth of the rows as validation set."""

    def fit(self, X, y):
        import torch
        from xrfm import xRFM

        X = np.asarray(X, dtype=np.float32)
        rows = np.random.default_rng(0).permutation(len(y))
        n = len(y) - len(y) // 5
        self.mean_, self.scale_ = y.mean(), y.std() or 1.0
        labels = ((y - self.mean_) / self.scale_).astype(np.float32)[:, None]
        parts = [torch.from_numpy(np.ascontiguousarray(a[i])) for i in (rows[:n], rows[n:]) for a in (X, labels)]
        self.model_ = xRFM(device=torch.device("cpu"), tuning_metric="mse", verbose=False)
        self.model_.fit(*parts)
        return self

    def predict(self, X):
        import torch

        found = self.model_.predict(torch.from_numpy(np.asarray(X, dtype=np.float32)))
        return self.mean_ + self.scale_ * np.asarray(found).ravel()
