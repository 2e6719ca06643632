"""The structure that a fit has found: directions or polynomial features, tested against permuted labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from layerwise.hermite import HermitePolynomial
from layerwise.learners._describe import describe_directions, describe_polynomial
from layerwise.learners.automatic.baselines import FeatureRidge
from layerwise.learners.automatic.display import polynomial_loadings
from layerwise.learners.automatic.grown import GrownFeatures
from layerwise.learners.automatic.preparation import TablePreparation
from layerwise.learners.hierarchical import HierarchicalRegressor
from layerwise.learners.moments import MomentRegressor
from layerwise.learners.recursive_features import RecursiveFeatureRegressor
from layerwise.learners.two_layer import TwoLayerRegressor
from layerwise.solvers.squared_errors import lead

if TYPE_CHECKING:
    from layerwise.learners.automatic.race import Entry, Race

#: Number of permutations of the labels, and how many of them may reach the observed statistic: level 1 %.
N_PERMUTATIONS, MAX_REACHED = 199, 1
#: A model counts as good as the best one if its error is larger by at most this many standard errors,
MAX_BEHIND = 1.0
#: or if its R² is lower by at most this number.
MAX_LOSS = 0.005
#: Directions of a first layer with a smaller share of its squared singular values are left out.
MIN_SHARE = 0.1
#: From the simplest to the least simple: of those that are as good as the best, the first is described.
ORDER = (
    "ridge",
    "additive splines",
    "moments",
    "recursive features",
    "hierarchical",
    "several directions",
    "several features",
    "hierarchical, degree 3",
    "two-layer",
    "quadratic ridge",
)


@dataclass(eq=False)
class Structure:
    """The features on which the predictions of the model ``source`` depend.

    A structure is reported only if the out-of-fold predictions agree better with the labels than with permuted labels,
    at level 1 % for all candidates together, and if the model is as good as the best candidate: within one standard
    error, or within .005 in R².

    Attributes
    ----------
    source : str or None
        The candidate that is described; None if nothing was found.
    model : estimator or None
        This candidate, fitted to all rows of the prepared table.
    preparation : TablePreparation
        Maps the inputs to the prepared table.
    columns : list of str
        Names of the columns of the prepared table.
    directions : ndarray of shape (n_directions, n_columns)
        Unit vectors in the prepared columns; empty if the features are not linear.
    shares : ndarray of shape (n_directions,)
        Importance of the directions in the model.
    polynomials : list of HermitePolynomial
        Features of degree 2 or more as polynomials of the prepared columns.
    p_value : float
        p-value of the test of all candidates against permuted labels.
    grid, link : ndarrays
        Values of the first feature, and the mean prediction given each value, in units of y.
    sentences : list of str
        The kind of function found and its out-of-fold R², without the loadings.
    """

    source: str | None
    model: Any
    preparation: TablePreparation
    directions: np.ndarray
    shares: np.ndarray
    polynomials: list[HermitePolynomial]
    p_value: float
    sentences: list[str]
    grid: np.ndarray = field(default_factory=lambda: np.empty(0))
    link: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        """The number of features found."""
        return len(self.polynomials) or len(self.directions)

    @property
    def columns(self) -> list[str]:
        """Names of the prepared columns, to which directions and polynomials refer."""
        return self.preparation.names_out()

    def values(self, Z: np.ndarray) -> np.ndarray:
        """The features of rows of the prepared table, (n_samples, n_features); the table itself if none was found."""
        if self.polynomials:
            return self.model.transform(Z)
        return Z @ self.directions.T if len(self.directions) else Z

    def loadings(self, feature: int) -> tuple[list[str], np.ndarray]:
        """Names and loadings of a feature: columns of a direction, or terms of a polynomial scaled to variance 1."""
        if not self.polynomials:
            return self.columns, self.directions[feature]
        return polynomial_loadings(self.polynomials[feature], self.columns)

    def describe(self, names: Sequence[str] | None = None) -> list[str]:
        """Return sentences about the structure, with the given names of the inputs in the loadings."""
        columns = self.preparation.names_out(names)
        lines = list(self.sentences)
        lines += describe_directions(self.directions, self.shares, "of the dependence", columns)
        return lines + [line for p in self.polynomials for line in describe_polynomial(p, columns)]

    def __str__(self) -> str:
        return "\n".join(self.describe())


def find_structure(model: Any, race: Race, finals: dict[str, Any]) -> Structure:
    """Describe the simplest candidate that is as good as the best one, if that one is better than chance."""
    complete = {entry.name: entry for entry in race.entries if entry.complete}
    p_value = permutation_test(race, list(complete.values()))
    best = min(complete.values(), key=race.error)
    r2 = {name: race.score(entry)["r2"] for name, entry in complete.items()}
    empty = np.empty((0, race.X.shape[1]))
    if p_value > (MAX_REACHED + 1) / (N_PERMUTATIONS + 1) or not r2[best.name] > 0:
        sentence = f"nothing found: no model predicts the labels better than permuted labels (p = {p_value:.3f})"
        return Structure(None, None, model.preparation_, empty, np.empty(0), [], p_value, [sentence])
    for name in ORDER:
        entry = complete.get(name)
        if entry is None or not _as_good(race, entry, best):
            continue
        fitted = finals.get(name) or entry.models[0]
        directions, shares, polynomials = features_of(fitted, race.X.shape[1])
        if not (len(directions) or polynomials) and name not in ("additive splines", "quadratic ridge"):
            continue
        text = [f"{_kind(name, len(directions), len(polynomials))}, R² {r2[name]:.3f} out of fold ({name})"]
        if name != best.name:
            text.append(f"the best model is {best.name}, R² {r2[best.name]:.3f}")
        found = Structure(name, fitted, model.preparation_, directions, shares, polynomials, p_value, text)
        if len(found):
            found.grid, found.link = link_curve(found, race.X, model)
        return found
    sentence = f"no low-dimensional structure: {best.name} predicts best, R² {r2[best.name]:.3f} out of fold"
    return Structure(None, None, model.preparation_, empty, np.empty(0), [], p_value, [sentence])


def permutation_test(race: Race, entries: list[Entry]) -> float:
    """Return the p-value of the largest covariance of out-of-fold predictions with the labels over all candidates.

    Labels are permuted within folds: if y is independent of X, all orders of the labels of a fold are equally likely
    given the predictions for it, which come from fits to the other folds. The covariance of each candidate is divided
    by its standard deviation over permutations.
    """
    y = race.y[race.seen]
    folds = race.folds[race.seen]
    P = np.array([entry.out_of_fold[race.seen] for entry in entries])
    for fold in np.unique(folds):
        rows = folds == fold
        y = np.where(rows, y - y[rows].mean(), y)
        P[:, rows] -= P[:, rows].mean(axis=1, keepdims=True)
    P = P[P.std(axis=1) > 1e-12]
    if not len(P) or not y.any():
        return 1.0
    rng = np.random.RandomState(race.seed)
    order = np.argsort(folds, kind="stable")
    P, y, folds = P[:, order], y[order], folds[order]
    null = np.empty((N_PERMUTATIONS, len(P)))
    for b in range(N_PERMUTATIONS):
        permuted = np.concatenate([rng.permutation(y[folds == fold]) for fold in np.unique(folds)])
        null[b] = P @ permuted
    spread = null.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    observed = np.max(P @ y / spread)
    return float((1 + np.sum((null / spread).max(axis=1) >= observed)) / (N_PERMUTATIONS + 1))


def features_of(model: Any, n_columns: int) -> tuple[np.ndarray, np.ndarray, list[HermitePolynomial]]:
    """Return the directions (n_directions, n_columns) of a fitted candidate, their shares, and its polynomials."""
    empty = np.empty((0, n_columns)), np.empty(0)
    if isinstance(model, FeatureRidge) and model.features == "linear":
        length = np.linalg.norm(model.coef_)
        return (model.coef_[None] / length, np.ones(1), []) if length else (*empty, [])
    if isinstance(model, MomentRegressor) and model.rank_:
        return model.directions_, np.array([q.norm() ** 2 for q in model.polynomial_.gradient()]), []
    if isinstance(model, RecursiveFeatureRegressor) and model.rank_:
        return model.directions_, model.shares_, []
    if isinstance(model, TwoLayerRegressor):
        shares = model.singular_values_**2 / np.sum(model.singular_values_**2)
        kept = shares >= MIN_SHARE
        return model.directions_[kept], shares[kept], []
    if isinstance(model, GrownFeatures) and model.candidate_ is not None:
        if model.degree > 1:
            return *empty, model.polynomials(n_columns)
        directions = model.candidate_.coefficients
        lengths = np.linalg.norm(directions, axis=1)
        return directions / lengths[:, None], model.shares_, []
    if isinstance(model, HierarchicalRegressor):
        if model.several_ is not None:
            return *empty, model.feature_polynomials_
        p = model.feature_polynomial_
        if p.degree == 1:
            c = p.to_dense(1)[1:]
            return c[None] / (np.linalg.norm(c) or 1.0), np.ones(1), []
        return *empty, [p]
    return *empty, []


def link_curve(found: Structure, X: np.ndarray, model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return 50 values of the first feature, and the mean prediction given each, by regression on splines."""
    rows = np.random.RandomState(0).permutation(len(X))[:3000]
    z = found.values(X[rows])[:, :1]
    predicted = model.predict_prepared(X[rows])
    grid = np.linspace(np.quantile(z, 0.005), np.quantile(z, 0.995), 50)
    if not np.ptp(z) > 0:
        return grid, np.full(50, predicted.mean())
    return grid, FeatureRidge("additive").fit(z, predicted).predict(grid[:, None])


def _as_good(race: Race, entry: Entry, best: Entry) -> bool:
    if entry is best:
        return True
    squares = np.array([(each.out_of_fold - race.y)[race.seen] ** 2 for each in (entry, best)])
    errors = squares.mean(axis=1)
    small = errors[0] - errors[1] <= MAX_LOSS * np.var(race.y) and errors[0] < 2 * errors[1]
    return bool(small or lead(squares) <= MAX_BEHIND)


def _kind(name: str, n_directions: int, n_polynomials: int) -> str:
    if name == "ridge":
        return "a linear function"
    if name == "additive splines":
        return "a sum of functions of single columns"
    if name == "quadratic ridge":
        return "a quadratic polynomial"
    if n_directions:
        return f"a function of {n_directions} direction{'s' * (n_directions > 1)}"
    return f"a function of {n_polynomials} polynomial feature{'s' * (n_polynomials > 1)}"
