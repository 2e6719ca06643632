"""The classifier for a table of data: logistic regression, boosting, and calibrated regressions of class indicators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from time import monotonic
from typing import Any, ClassVar, Literal, cast

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from layerwise._validation import Constraint, Memory, check_parameters, check_peak, shown
from layerwise.learners._base import RandomState
from layerwise.learners.automatic.budget import Budget, as_seconds
from layerwise.learners.automatic.columns import read_frame
from layerwise.learners.automatic.preparation import TablePreparation
from layerwise.learners.automatic.race import quiet
from layerwise.learners.automatic.regressor import LayerwiseRegressor
from layerwise.learners.automatic.rows import fold_numbers, weighted_rows
from layerwise.learners.automatic.skewness import take

#: Largest number of classes whose indicators are regressed: the most frequent ones.
MAX_REGRESSED = 10
#: Smallest probability that enters the log-loss by which models are weighted; smaller ones are replaced by it.
MIN_PROBABILITY = 1e-3
#: Steps of the EM algorithm for the weights of the mixture.
N_STEPS = 200
#: Models with a smaller weight are left out.
MIN_WEIGHT = 0.02
#: Inverse penalty of the logistic regression on the columns.
C = 0.1


@dataclass(eq=False, repr=False)
class LayerwiseClassifier(ClassifierMixin, BaseEstimator):
    """Classification on a table by a mixture of models, whose weights minimise the out-of-fold log-loss.

    The models are the class frequencies, logistic regression on the prepared columns, gradient boosting, and logistic
    regression on the out-of-fold predictions of a `LayerwiseRegressor` for the indicator of each class (of one class,
    if there are two).

    Parameters
    ----------
    budget : {"quick", "default", "thorough"} or float, default="default"
        As in `LayerwiseRegressor`; four fifths of it are divided among the classes.
    callback, max_memory, random_state
        As in `LayerwiseRegressor`.

    Attributes
    ----------
    classes_ : ndarray
    scores_ : DataFrame
        One row per model, with the columns ``model``, ``log_loss`` and ``accuracy`` (out of fold), and ``weight``.
    weights_ : dict of str to float
        The weights of the models in the mixture; they sum to 1.
    regressors_ : list of LayerwiseRegressor
        The regressors of the class indicators, in the order of `regressed_`.
    regressed_ : list of int
        Positions in `classes_` of the classes whose indicators are regressed: the second of two, otherwise the at most
        10 most frequent ones.
    structures_ : list of Structure
        The structure that each regressor found.
    preparation_ : TablePreparation
        The fitted transformation of the columns.

    Raises
    ------
    ValueError
        If X or y cannot be used, y has fewer than two classes, a parameter is not allowed, or the fit would take more
        than ``max_memory``.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise import LayerwiseClassifier
    >>> X = np.random.default_rng(0).standard_normal((200, 3))
    >>> model = LayerwiseClassifier(random_state=0).fit(X, X[:, 0] + X[:, 1] ** 2 > 1)
    >>> bool(model.score(X, X[:, 0] + X[:, 1] ** 2 > 1) > 0.9)
    True
    """

    constraints: ClassVar[dict[str, Constraint]] = {"budget": Budget()}

    budget: Literal["quick", "default", "thorough"] | float = "default"
    _: KW_ONLY
    callback: Callable[[str, float], None] | None = None
    max_memory: float = 8 * 2**30
    random_state: RandomState = None

    def fit(self, X, y, sample_weight=None):
        """Fit to X (n_samples, n_features), an array of numbers or a DataFrame, classes y and weights (n_samples,)."""
        began = monotonic()
        check_parameters(self, self.constraints | {"max_memory": Memory()})
        frame = read_frame(self, X, reset=True)
        codes = self._read_classes(y, len(frame))
        check_peak(
            LayerwiseRegressor(self.budget).memory_bytes(*frame.shape),
            self.max_memory,
            f"{' '.join(repr(self).split())} on n_samples={len(frame)} and n_features={frame.shape[1]}",
            "Fit fewer rows, or raise max_memory.",
        )
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        rows = weighted_rows(sample_weight, frame, seed)
        table, codes = take(X if hasattr(X, "columns") else frame.to_numpy(), rows), codes[rows]
        present = np.bincount(codes, minlength=len(self.classes_)) > 0
        if present.sum() < 2:
            raise ValueError(
                f"y holds 1 class with positive weight, {shown(self.classes_[present][0])}; there must be at least two "
                "classes. Pass rows of another class."
            )
        self.preparation_: TablePreparation = TablePreparation()
        Z = self.preparation_.fit_transform(table)
        folds = fold_numbers(Z, codes, seed)
        self._fit_models(Z, codes, folds, seed, as_seconds(self.budget) - (monotonic() - began))
        return self

    def _read_classes(self, y: Any, n_rows: int) -> np.ndarray:
        """Set ``classes_``; return the position of each label in it."""
        if y is None:
            raise ValueError("LayerwiseClassifier requires y to be passed, but the target y is None. Pass y.")
        y = column_or_1d(y, warn=True)
        check_consistent_length(y, np.empty(n_rows))
        if pd.isna(pd.Series(y)).any():
            raise ValueError("y contains NaN or None; each row must have a class. Drop the rows without one.")
        if y.dtype.kind == "f" and np.isinf(y).any():
            raise ValueError("y contains infinity; classes must be finite numbers or text. Drop those rows.")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y holds 1 class, {shown(self.classes_[0])}; there must be at least two. Pass rows of another class."
            )
        return codes

    def _fit_models(self, Z: np.ndarray, codes: np.ndarray, folds: np.ndarray, seed: int, seconds: float) -> None:
        n, n_classes = len(codes), len(self.classes_)
        if np.all(folds == 0):  # all rows are equal
            folds = np.arange(n) % 2
        seen, counts = folds >= 0, np.bincount(codes, minlength=n_classes)
        self.regressed_ = [1] if n_classes == 2 else np.argsort(-counts)[:MAX_REGRESSED].tolist()
        self.regressors_ = []
        share = 0.8 * seconds / len(self.regressed_)
        for k in self.regressed_:
            regressor = LayerwiseRegressor(
                max(share, 0.1), callback=self.callback, max_memory=np.inf, random_state=seed
            )
            regressor.fit_prepared(Z, (codes == k).astype(float), folds, self.preparation_)
            self.regressors_.append(regressor)
        scores = np.column_stack([each.out_of_fold_ for each in self.regressors_])
        makers = {
            "frequencies": (DummyClassifier(), Z),
            "logistic regression": (LogisticRegression(C=C, max_iter=300), Z),
            "boosting": (HistGradientBoostingClassifier(early_stopping=cast("Any", False), random_state=seed), Z),
            "layerwise": (LogisticRegression(C=10.0, max_iter=300), scores),
        }
        probabilities = {name: np.full((n, n_classes), np.nan) for name in makers}
        self.models_ = {}
        with quiet(Z.size):
            for name, (model, inputs) in makers.items():
                usable = seen if name == "layerwise" else np.ones(n, dtype=bool)
                inner = folds if folds[seen].max() > 0 or name != "layerwise" else np.where(seen, np.arange(n) % 2, -1)
                for fold in range(int(inner.max()) + 1):
                    inside, outside = usable & (inner != fold), inner == fold
                    fitted = _fit_classes(model, inputs[inside], codes[inside], n_classes)
                    probabilities[name][outside] = fitted.predict(inputs[outside])
                self.models_[name] = _fit_classes(model, inputs[usable], codes[usable], n_classes)
        P = np.array([np.maximum(p[seen, codes[seen]], MIN_PROBABILITY) for p in probabilities.values()])
        weights = mixture_weights(P)
        losses = -np.log(P).mean(axis=1)
        best = int(np.argmin(losses))
        if not -np.log(weights @ P).mean() < losses[best]:
            weights = np.eye(len(P))[best]
        self.weights_ = {name: float(w) for name, w in zip(makers, weights, strict=True) if w}
        self.candidates_ = [
            {
                "model": name,
                "log_loss": float(loss),
                "accuracy": float(np.mean(p[seen].argmax(axis=1) == codes[seen])),
                "weight": self.weights_.get(name, 0.0),
            }
            for (name, p), loss in zip(probabilities.items(), losses, strict=True)
        ]

    @property
    def scores_(self) -> pd.DataFrame:
        """The models, the one with the smallest log-loss first."""
        check_is_fitted(self)
        return pd.DataFrame(self.candidates_).sort_values("log_loss", ignore_index=True)

    @property
    def structures_(self) -> list:
        """The structure that the regression of each class indicator found."""
        check_is_fitted(self)
        return [each.structure_ for each in self.regressors_]

    def predict_proba(self, X):
        """Probabilities of the classes, of shape (n_samples, n_classes)."""
        check_is_fitted(self)
        frame = read_frame(self, X, reset=False)
        Z = self.preparation_.transform(X if hasattr(X, "columns") else frame.to_numpy())
        total = np.zeros((len(Z), len(self.classes_)))
        for name, weight in self.weights_.items():
            inputs = Z
            if name == "layerwise":
                inputs = np.column_stack([each.predict_prepared(Z) for each in self.regressors_])
            total += weight * self.models_[name].predict(inputs)
        return total / total.sum(axis=1, keepdims=True)

    def predict(self, X):
        """The most probable class of each row, of shape (n_samples,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def describe(self) -> list[str]:
        """Sentences on the structure found for each class indicator, each preceded by the class."""
        lines = []
        for k, structure in zip(self.regressed_, self.structures_, strict=True):
            lines += [f"{self.classes_[k]}: {line}" for line in structure.describe()]
        return lines

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class Classes(BaseEstimator):
    """A fitted classifier whose probabilities have a column for every class, including those absent from its rows."""

    def __init__(self, model: Any, n_classes: int):
        self.model, self.n_classes = model, n_classes

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Probabilities of shape (n_samples, n_classes)."""
        P = np.full((len(X), self.n_classes), MIN_PROBABILITY / self.n_classes)
        P[:, self.model.classes_] += self.model.predict_proba(X)
        return P / P.sum(axis=1, keepdims=True)


def _fit_classes(model: Any, X: np.ndarray, codes: np.ndarray, n_classes: int) -> Classes:
    if len(np.unique(codes)) < 2:
        return Classes(DummyClassifier().fit(X, codes), n_classes)
    return Classes(cast("Any", clone(model)).fit(X, codes), n_classes)


def mixture_weights(P: np.ndarray) -> np.ndarray:
    """Weights w >= 0 with sum(w) = 1 that maximise ``sum_i log(w'P_i)``, for P (n_models, n_samples), by EM."""
    w = np.full(len(P), 1 / len(P))
    for _ in range(N_STEPS):
        w = np.mean(w[:, None] * P / (w @ P), axis=1)
    w = np.where(w >= MIN_WEIGHT, w, 0.0)
    return w / w.sum()
