"""A table as a matrix of standardised columns, from numbers with heavy tails, categories, dates and missing values."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import kurtosis, norm, skew
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer
from sklearn.utils.validation import check_is_fitted

from layerwise.learners.automatic.columns import as_kind, kind_of, read_frame
from layerwise.learners.automatic.scaling import BoundedRows, BoundedScaler

#: Levels of a category with fewer rows (the larger of a share and a number) are grouped, as are those beyond
#: `MAX_LEVELS`.
RARE_SHARE, RARE_ROWS, MAX_LEVELS = 0.01, 5, 15
#: Missing values are marked by a column of their own if a column has at least this many.
MIN_GAPS = 5
#: Normal quantiles are considered for a column whose absolute skewness or excess kurtosis is above these.
MIN_SKEWNESS, MIN_KURTOSIS = 1.0, 3.0
#: Columns of zeros and ones are divided by their standard deviation, but by no less than this number.
LEAST_SCALE = 0.3


class TablePreparation(TransformerMixin, BaseEstimator):
    """Transform a table into a numeric matrix by scikit-learn transformers that are chosen by the type of each column.

    In columns of numbers, dates and booleans, missing values are replaced by the median and, if there are at least 5,
    marked by a further column; then the column is clipped and standardised (`BoundedScaler`), or replaced by its normal
    quantiles. A category becomes one column for each frequent level and one for the rare levels. Constant columns, and
    text that is distinct in most rows, are left out. At the end, rows are bounded in length (`BoundedRows`).

    Parameters
    ----------
    normal : sequence of int, default=()
        Positions of the columns of numbers that are replaced by their normal quantiles.

    Attributes
    ----------
    kinds_ : list of str
        The kind of each input: "number", "date", "category", "identifier" or "constant"; the last two are left out.
    names_ : list of str
        Names of the inputs.
    sources_ : list of (int, str)
        For each column of the result, the position of its input, and the suffix that is added to the input's name.
    skewed_ : list of int
        Positions of columns of numbers with heavy tails or large skewness.
    notes_ : list of str
        Sentences on columns that were left out, encoded or filled, or that look like row numbers.
    """

    def __init__(self, normal: Sequence[int] = ()):
        self.normal = normal

    def fit(self, X, y=None):
        """Choose and fit the transformers for X (n_samples, n_features), an array or a DataFrame."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None, **_: Any) -> np.ndarray:
        """Return the matrix of shape (n_samples, len(sources_))."""
        frame = read_frame(self, X, reset=True)
        seen = getattr(self, "feature_names_in_", None)
        self.names_ = [str(c) for c in seen] if seen is not None else [f"x{i}" for i in range(frame.shape[1])]
        if seen is None and hasattr(X, "columns"):
            self.names_ = [str(c) for c in X.columns]
        self.kinds_ = [kind_of(frame[c]) for c in frame]
        table = self._typed(frame)
        for i in range(len(self.kinds_)):
            if self.kinds_[i] != "identifier" and table[str(i)].nunique(dropna=True) < 2:
                self.kinds_[i] = "constant" if not table[str(i)].isna().any() else self.kinds_[i]
                if table[str(i)].isna().all():
                    self.kinds_[i] = "constant"
        self._write_notes(table)
        matrix = self._make_transformers(table)
        self.rows_ = BoundedRows().fit(matrix)
        return self.rows_.transform(matrix)

    def transform(self, X: Any) -> np.ndarray:
        """Return the matrix of shape (n_samples, len(sources_))."""
        check_is_fitted(self, "rows_")
        table = self._typed(read_frame(self, X, reset=False))
        if self.columns_ is None:
            return np.zeros((len(table), 1))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Found unknown categories")  # they count as rare ones
            return self.rows_.transform(self.columns_.transform(table))

    def names_out(self, names: Sequence[str] | None = None) -> list[str]:
        """Names of the columns of the result, from those of the inputs."""
        names = self.names_ if names is None else names
        return [f"{names[i]}{suffix}" for i, suffix in self.sources_] or ["constant"]

    def _typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        typed = {
            str(i): as_kind(frame[str(i)], kind, self.names_[i])
            for i, kind in enumerate(self.kinds_)
            if kind not in ("identifier", "constant")
        }
        return pd.DataFrame(typed, index=frame.index)

    def _make_transformers(self, table: pd.DataFrame) -> np.ndarray:
        n = len(table)
        numbers = [i for i, kind in enumerate(self.kinds_) if kind in ("number", "date")]
        normal = [i for i in numbers if i in set(self.normal)]
        standard = [i for i in numbers if i not in set(normal)]
        gaps = [i for i in numbers if table[str(i)].isna().sum() >= MIN_GAPS]
        levels = [i for i, kind in enumerate(self.kinds_) if kind == "category"]
        extreme = float(norm.isf(0.5 / max(n, 2)))
        quantiles = QuantileTransformer(n_quantiles=min(n, 1000), output_distribution="normal", subsample=200_000)
        encoder = OneHotEncoder(
            min_frequency=max(RARE_ROWS, round(RARE_SHARE * n)),
            max_categories=MAX_LEVELS,
            handle_unknown="infrequent_if_exist",
            drop="if_binary",
            sparse_output=False,
        )
        marks, ones = MissingIndicator(features="all"), BoundedScaler(least_scale=LEAST_SCALE)
        parts = [
            ("standard", make_pipeline(SimpleImputer(strategy="median"), BoundedScaler()), standard),
            ("normal", make_pipeline(SimpleImputer(strategy="median"), quantiles, BoundedScaler(extreme)), normal),
            ("gaps", make_pipeline(marks, ones), gaps),
            ("levels", make_pipeline(encoder, BoundedScaler(least_scale=LEAST_SCALE)), levels),
        ]
        parts = [(name, steps, [str(i) for i in columns]) for name, steps, columns in parts if columns]
        if not parts:
            self.columns_, self.sources_, self.skewed_ = None, [], []
            return np.zeros((n, 1))
        self.columns_ = ColumnTransformer(parts, sparse_threshold=0.0)
        matrix = np.asarray(self.columns_.fit_transform(table), dtype=float)
        self.sources_ = [(i, "") for i in [*standard, *normal]] + [(i, " is missing") for i in gaps]
        if levels:
            encoded = self.columns_.named_transformers_["levels"][0].get_feature_names_out()
            pairs = [name.split("_", 1) for name in encoded]
            levels_ = [(int(i), "rare" if level == "infrequent_sklearn" else level) for i, level in pairs]
            self.sources_ += [(i, f" = {level}") for i, level in levels_]
        tails = matrix[:, : len(standard)]
        heavy = (np.abs(skew(tails, axis=0)) > MIN_SKEWNESS) | (kurtosis(tails, axis=0) > MIN_KURTOSIS)
        several = [table[str(i)].nunique() > 10 for i in standard]
        self.skewed_ = [i for i, is_heavy, many in zip(standard, heavy, several, strict=True) if is_heavy and many]
        return matrix

    def _write_notes(self, table: pd.DataFrame) -> None:
        def named(positions: list[int]) -> str:
            return ", ".join(self.names_[i] for i in positions[:8]) + (" ..." if len(positions) > 8 else "")

        self.notes_ = []
        kinds = {kind: [i for i, each in enumerate(self.kinds_) if each == kind] for kind in set(self.kinds_)}
        if kinds.get("constant"):
            self.notes_.append(f"constant, left out: {named(kinds['constant'])}")
        if kinds.get("identifier"):
            self.notes_.append(f"text that differs in most rows, left out: {named(kinds['identifier'])}")
        if kinds.get("category"):
            self.notes_.append(f"categories, one column for each frequent level: {named(kinds['category'])}")
        if kinds.get("date"):
            self.notes_.append(f"dates, as numbers of days: {named(kinds['date'])}")
        numbers = [i for i, kind in enumerate(self.kinds_) if kind == "number"]
        gaps = [i for i in numbers if table[str(i)].isna().any()]
        if gaps:
            self.notes_.append(f"missing values, replaced by the median: {named(gaps)}")
        counters = [i for i in numbers if _is_counter(table[str(i)].to_numpy())]
        if counters:
            what = "like row numbers (distinct integers, in order or consecutive), kept"
            self.notes_.append(f"{what}: {named(counters)}")


def _is_counter(x: np.ndarray) -> bool:
    if len(x) < 20 or not np.all(np.isfinite(x)) or np.any(x != np.round(x)):
        return False
    steps = np.diff(x)
    in_order = bool(np.all(steps > 0) or np.all(steps < 0))
    return in_order or (np.ptp(x) < 1.1 * len(x) and len(np.unique(x)) == len(x))
