"""The regressor for a table of data: it compares learners with baselines and reports the structure it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from time import monotonic
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.dummy import DummyRegressor
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from layerwise._validation import Choice, Fraction, Memory, check_parameters, check_peak
from layerwise.learners._base import Learner, RandomState
from layerwise.learners._describe import column_names
from layerwise.learners.automatic.baselines import RadialRidge
from layerwise.learners.automatic.budget import Budget, as_seconds
from layerwise.learners.automatic.candidates import candidates, refit
from layerwise.learners.automatic.columns import read_frame
from layerwise.learners.automatic.combination import Average, Combination, choose
from layerwise.learners.automatic.intervals import cv_plus
from layerwise.learners.automatic.preparation import TablePreparation
from layerwise.learners.automatic.race import Race, quiet
from layerwise.learners.automatic.rows import (
    check_target,
    clipped_labels,
    fold_numbers,
    robust_labels,
    warn_dominant_labels,
    weighted_rows,
)
from layerwise.learners.automatic.skewness import choose_normal
from layerwise.learners.automatic.structure import Structure, find_structure
from layerwise.solvers.squared_errors import mean_square


@dataclass(eq=False, repr=False)
class LayerwiseRegressor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Learner):
    """Regression on a table by the best of several learners and baselines, which are compared out of fold.

    ::

        1  prepare the columns (`TablePreparation`); use normal quantiles of skewed columns if these predict better
        2  fit the candidates, the cheapest first, on common folds and within the budget: mean, ridge, additive splines,
           quadratic ridge, gradient boosting, kernel ridge, two-layer, moments, three-layer, recursive features,
           hierarchical, several directions, several features, quadratic model; with more than 300 seconds also slower
           boosting and hierarchical of degree 3
        3  choose, by validated errors, the best candidate, an average of the best ones or a stack of candidates with
           nonnegative weights
        4  fit the chosen candidates to all rows
        5  describe the simplest candidate that is as good as the best one (`structure_`), if labels permuted at random
           could not explain its predictions

    Parameters
    ----------
    budget : {"quick", "default", "thorough"} or float, default="default"
        Time of `fit` in seconds: 10, 60, 600, or a number. A candidate whose expected time exceeds the time left is
        fitted to fewer rows or skipped, as its note in `scores_` says; the mean, ridge regression and boosting are
        tried in any case. If the budget suffices for all candidates, the result depends on ``random_state`` alone.
    loss : {"squared", "huber"}, default="squared"
        "huber" moves labels that are further than 4 robust standard deviations from the out-of-fold predictions of
        simple models to that distance, and fits to the moved labels (Huber's pseudo-values).
    callback : callable, optional
        Called as ``callback(name, share)`` before each candidate, with its name and the share of the budget used.
    max_memory : float, default=8 * 2**30
        Largest number of bytes that the fit may take; see `memory_bytes`.
    random_state : int, RandomState or None

    Attributes
    ----------
    scores_ : DataFrame
        One row per candidate, the best first, with the columns ``candidate``, ``r2`` (out of fold), ``standard_error``,
        ``weight`` in the prediction, ``seconds``, ``n_rows`` fitted, and ``note``: why it was skipped or stopped.
    weights_ : dict of str to float
        The weights of the candidates in the prediction; they sum to 1.
    structure_ : Structure
        The directions or polynomial features found; ``print(model.structure_)`` prints a summary.
    preparation_ : TablePreparation
        The fitted transformation of the columns.
    r2_ : float
        Out-of-fold R² of the prediction.
    out_of_fold_ : ndarray of shape (n_samples,)
        Out-of-fold predictions, NaN for rows that were not held out. With unequal sample weights the rows are the
        repeated rows, see Notes.
    n_moved_labels_ : int
        Number of labels moved by ``loss="huber"``.

    Notes
    -----
    Tables up to 3,000 rows are split into 5 folds, up to 10,000 into 3; with more rows, a fifth of them, at most
    20,000, is held out once. Out-of-fold predictions for a row come from fits without it, except that the penalties,
    degrees and ranks of a candidate are chosen once, on the rows outside the first fold.

    Few learners take sample weights, so rows are repeated instead: integer weights are numbers of repetitions, if the
    repeated rows number at most 2,000 or 3 times the rows; otherwise rows are drawn in proportion to their weights, as
    many as there are (systematic resampling).

    Raises ValueError if X or y cannot be used, a parameter is not allowed, or the fit would take more than
    ``max_memory``. Warns (UserWarning) if a few labels carry most of the variance of y and ``loss="squared"``.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise import LayerwiseRegressor
    >>> X = np.random.default_rng(0).standard_normal((200, 5))
    >>> model = LayerwiseRegressor(random_state=0).fit(X, X[:, 0] + X[:, 1] ** 2)
    >>> bool(model.r2_ > 0.95)
    True
    """

    constraints: ClassVar = {"budget": Budget(), "loss": Choice("squared", "huber")}
    presets: ClassVar = {"auto": {}}

    budget: Literal["quick", "default", "thorough"] | float = "default"
    _: KW_ONLY
    loss: Literal["squared", "huber"] = "squared"
    callback: Callable[[str, float], None] | None = None
    max_memory: float = 8 * 2**30
    random_state: RandomState = None

    def fit(self, X, y, sample_weight=None):
        """Fit to X (n_samples, n_features), an array of numbers or a DataFrame, y and weights (n_samples,)."""
        began = monotonic()
        check_parameters(self, self.constraints | {"max_memory": Memory()})
        frame = read_frame(self, X, reset=True)
        y = check_target(self, y, len(frame))
        n, d = frame.shape
        check_peak(
            self.memory_bytes(n, d),
            self.max_memory,
            f"{' '.join(repr(self).split())} on n_samples={n} and n_features={d}",
            "Fit fewer rows, or raise max_memory.",
        )
        self._seed = check_random_state(self.random_state).randint(2**31 - 1)
        rows = weighted_rows(sample_weight, frame, self._seed)
        y = y[rows]
        table = X if hasattr(X, "columns") else frame.to_numpy()
        prepare, Z = choose_normal(table, rows, y, self._seed)
        self.preparation_ = prepare
        if self.loss == "squared":
            warn_dominant_labels(y)
        self._run(Z, clipped_labels(y) if self.loss == "huber" else y, fold_numbers(Z, y, self._seed), began)
        return self

    def fit_prepared(self, Z: np.ndarray, y: np.ndarray, folds: np.ndarray, preparation: TablePreparation):
        """Fit to a prepared table Z (n_samples, n_columns) with given folds (n_samples,), -1 for rows not held out."""
        self._seed = check_random_state(self.random_state).randint(2**31 - 1)
        self.preparation_, self.n_features_in_ = preparation, len(preparation.names_)
        self._run(Z, y, folds, monotonic())
        return self

    def predict_prepared(self, Z: np.ndarray) -> np.ndarray:
        """Predictions (n_samples,) for rows Z (n_samples, n_columns) of the prepared table."""
        return self.mean_ + self.scale_ * self.combination_.predict(Z)

    def _run(self, Z: np.ndarray, y: np.ndarray, folds: np.ndarray, began: float) -> None:
        self.mean_ = float(y.mean())
        self.scale_ = mean_square(y - self.mean_) ** 0.5 or 1.0
        labels = (y - self.mean_) / self.scale_
        seconds = as_seconds(self.budget)
        race = Race(Z, labels, folds, seconds - (monotonic() - began), self._seed, self.callback)
        listed = candidates(*Z.shape, thorough=seconds > 300)
        if race.n_folds < 2 and np.all(folds == 0):  # the rows are equal, or the labels are
            listed = [each for each in listed if each.name == "mean"]
            race.folds, race.seen = np.arange(len(labels)) % 2, np.ones(len(labels), dtype=bool)
            race.n_folds = 2
        self.n_moved_labels_ = 0
        for i, candidate in enumerate(listed):
            if self.loss == "huber" and i == len(listed) // 3:
                race.y, self.n_moved_labels_ = robust_labels(race)
            race.run(candidate)
        race.finish()
        self.weights_ = choose(race.entries, race.y, race.seen, self._seed)
        self._finish(race)

    def _finish(self, race: Race) -> None:
        members = [entry for entry in race.entries if entry.name in self.weights_]
        weights = [self.weights_[entry.name] for entry in members]
        final = []
        for entry in members:
            if race.left > 0 or len(entry.models) == 1:
                with quiet(race.X.size):
                    rows = slice(None) if entry.n_rows >= np.sum(race.folds != 0) else race.subsample(entry.n_rows)
                    final.append(refit(entry.models[0], race.X[rows], race.y[rows]))
            else:
                final.append(Average(entry.models))
        self.combination_ = Combination(weights, final, *race.range)
        self.fold_combinations_ = [
            Combination(weights, [entry.models[fold] for entry in members], *race.range) for fold in range(race.n_folds)
        ]
        predicted = sum(w * entry.out_of_fold for w, entry in zip(weights, members, strict=True))
        self.out_of_fold_ = self.mean_ + self.scale_ * predicted
        self.folds_, self.residuals_ = race.folds[race.seen], np.abs(predicted - race.y)[race.seen] * self.scale_
        self.r2_ = 1 - float(np.mean((predicted - race.y)[race.seen] ** 2) / (np.var(race.y[race.seen]) or 1.0))
        self.candidates_ = [
            race.score(entry) | {"weight": self.weights_.get(entry.name, 0.0)} for entry in race.entries
        ]
        self.structure_: Structure = find_structure(self, race, dict(zip(self.weights_, final, strict=False)))
        self.head_ = None

    @property
    def scores_(self) -> pd.DataFrame:
        """The candidates, the best first."""
        check_is_fitted(self)
        table = pd.DataFrame(self.candidates_)
        columns = ["candidate", "r2", "standard_error", "weight", "seconds", "n_rows", "note"]
        return table[columns].sort_values("r2", ascending=False, ignore_index=True)

    def predict(self, X):
        """Predictions of shape (n_samples,)."""
        Z = self._prepared(X)
        if self.head_ is not None:
            return self.head_.predict(self.structure_.values(Z)) * self._head_scale + self._head_mean
        return self.predict_prepared(Z)

    def predict_interval(self, X, level: float = 0.9):
        """Lower and upper bounds of CV+ prediction intervals, of shape (n_samples, 2); see `intervals.cv_plus`.

        Raises ValueError if ``level`` is not between 0 and 1, or after `fit_head`, which has no out-of-fold residuals.
        """
        check_is_fitted(self)
        Fraction().check(level, "level")
        if self.head_ is not None:
            raise ValueError(
                "predict_interval needs the out-of-fold residuals of fit, which fit_head does not compute. Call fit "
                "again, then predict_interval."
            )
        Z = self._prepared(X)
        centres = np.array([f.predict(Z) for f in self.fold_combinations_]) * self.scale_ + self.mean_
        return cv_plus(centres, self.folds_, self.residuals_, level)

    def fit_head(self, X, y):
        """Fit kernel ridge regression on the features found to X (n_samples, n_features), y (n_samples,) of a new task.

        The number of samples that this needs grows with the number of features, not with the number of inputs. If no
        feature was found, it is fitted on all prepared columns. `predict` then predicts the new target.
        """
        Z = self._prepared(X)
        y = check_target(self, y, len(Z))
        self._head_mean, self._head_scale = float(y.mean()), mean_square(y - y.mean()) ** 0.5 or 1.0
        features = self.structure_.values(Z)
        head: Any = RadialRidge() if len(y) > 5 else DummyRegressor()
        self.head_ = head.fit(features, (y - self._head_mean) / self._head_scale)
        return self

    def transform(self, X):
        """Return the learnt features, of shape (n_samples, n_found); without any, the prediction as one column."""
        Z = self._prepared(X)
        if not len(self.structure_):
            return self.predict_prepared(Z)[:, None]
        return self.structure_.values(Z)

    def memory_bytes(self, n_samples: int, n_features: int) -> int:
        """Rough peak memory of `fit` in bytes: kernel matrices of at most 8,000 rows, and copies of the table."""
        n = min(n_samples, 8000)
        return 8 * (7 * n**2 + 30 * n_samples * n_features) + 2**28

    def describe(self, columns: Sequence[str] | None = None) -> list[str]:
        """The sentences of ``structure_``, with the names ``columns`` of the inputs, as in `Learner.describe`."""
        check_is_fitted(self)
        return self.structure_.describe(column_names(self, columns))

    @property
    def _n_features_out(self) -> int:
        return max(len(self.structure_), 1)

    def _prepared(self, X) -> np.ndarray:
        check_is_fitted(self, "combination_")
        frame = read_frame(self, X, reset=False)
        return self.preparation_.transform(X if hasattr(X, "columns") else frame.to_numpy())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
