"""A figure of the structure that a `LayerwiseRegressor` has found, in four panels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from scipy.stats import norm, rankdata
from sklearn.utils.validation import check_is_fitted

from layerwise.hermite import HermitePolynomial, hermite_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, INK, FAINT = "#0072B2", "#D55E00", "#333333", "#8c8c8c"
#: Largest numbers of loadings and of rows that are drawn.
N_LOADINGS, N_POINTS = 10, 1500
#: Highest Hermite degree in the spectrum of the link.
MAX_DEGREE = 6


class StructureDisplay:
    """The structure of a fitted `LayerwiseRegressor`, in scikit-learn's Display convention.

    The panels show: labels against the first feature, with the mean prediction (with several features, predictions as
    colours over the first two); the largest loadings of the first feature; the share of the variance of the predictions
    in each Hermite degree of this feature's normal scores; and the out-of-fold R² of the candidates with standard
    errors. `draw_link`, `draw_loadings`, `draw_spectrum` and `draw_scores` draw one panel each.

    Parameters
    ----------
    model : LayerwiseRegressor
        A fitted model.
    values : ndarray of shape (n_samples, n_features)
        Features found, as returned by `LayerwiseRegressor.transform`, for the rows that are drawn.
    predicted, observed : ndarrays of shape (n_samples,)
        Predictions and labels of these rows.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : list of matplotlib Axes
    """

    figure_: Figure
    ax_: list[Axes]

    def __init__(self, model: Any, values: np.ndarray, predicted: np.ndarray, observed: np.ndarray) -> None:
        self.model, self.values, self.predicted, self.observed = model, values, predicted, observed

    @classmethod
    def from_estimator(cls, model: Any, X: Any, y: Any, *, axes: Sequence[Axes] | np.ndarray | None = None) -> Self:
        """Draw the structure of a fitted model with the rows of X and y.

        Parameters
        ----------
        model : LayerwiseRegressor
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        axes : four matplotlib Axes or None, default=None
            None makes a new pyplot figure.

        Returns
        -------
        StructureDisplay
        """
        check_is_fitted(model)
        values, predicted = model.transform(X), model.predict(X)
        return cls(model, np.asarray(values), predicted, np.asarray(y, dtype=float)).plot(axes)

    def plot(self, axes: Sequence[Axes] | np.ndarray | None = None) -> Self:
        """Draw the four panels; raises ValueError unless ``axes`` has four entries."""
        panels: tuple[Callable[[Axes], None], ...] = (
            self.draw_link,
            self.draw_loadings,
            self.draw_spectrum,
            self.draw_scores,
        )
        if axes is None:
            import matplotlib.pyplot as plt

            axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")[1]
        self.ax_ = cast("list[Axes]", list(np.ravel(np.asarray(axes, dtype=object))))
        if len(self.ax_) != len(panels):
            raise ValueError(
                f"axes has {len(self.ax_)} entries; it must have {len(panels)}. Pass the axes of plt.subplots(2, 2), "
                "or call draw_link, draw_loadings, draw_spectrum or draw_scores for one panel."
            )
        self.figure_ = cast("Figure", self.ax_[0].figure)
        for draw, ax in zip(panels, self.ax_, strict=True):
            draw(ax)
        return self

    def draw_link(self, ax: Axes) -> None:
        """Draw labels against the first feature (or the prediction, if none was found), or predictions over two."""
        rows = np.random.RandomState(0).permutation(len(self.observed))[:N_POINTS]
        found = self.model.structure_
        if len(found) == 1 or not len(found):
            ax.scatter(self.values[rows, 0], self.observed[rows], s=5, color=BLUE, alpha=0.4, linewidth=0)
            if len(found.grid):
                ax.plot(found.grid, found.link, color=ORANGE, linewidth=1.5)
            else:
                ax.axline((self.values[rows[0], 0],) * 2, slope=1, color=FAINT, linewidth=0.8)
            _style(ax, "labels and link" if len(found) else "labels and predictions", self._names()[0], "target")
            return
        points = ax.scatter(*self.values[rows, :2].T, s=8, c=self.predicted[rows], cmap="viridis", linewidth=0)
        ax.figure.colorbar(points, ax=ax, label="prediction")
        _style(ax, "predictions by feature", self._names()[0], self._names()[1])

    def draw_loadings(self, ax: Axes) -> None:
        """Draw the largest loadings of the first feature."""
        found = self.model.structure_
        names, loadings = found.loadings(0) if len(found) else ([], np.empty(0))
        largest = np.argsort(-np.abs(loadings))[:N_LOADINGS]
        ax.barh(np.arange(len(largest)), loadings[largest], color=BLUE, height=0.7)
        ax.set_yticks(np.arange(len(largest)), [names[i] for i in largest])
        ax.invert_yaxis()
        ax.axvline(0, color=INK, linewidth=0.6)
        _style(ax, "largest loadings of the first feature" if len(found) else "no feature found", "loading", "")

    def draw_spectrum(self, ax: Axes) -> None:
        """Draw the share of the variance of the predictions in each Hermite degree of the first feature."""
        shares = link_spectrum(self.values[:, 0], self.predicted)
        ax.bar(np.arange(1, len(shares) + 1), shares, color=ORANGE, width=0.7)
        _style(ax, "degrees of the link", "Hermite degree of the first feature", "share of the variance")

    def draw_scores(self, ax: Axes) -> None:
        """Draw the out-of-fold R² of the candidates."""
        table = self.model.scores_.dropna(subset=["r2"])
        place = np.arange(len(table))
        colours = [ORANGE if weight else FAINT for weight in table["weight"]]
        ax.barh(place, table["r2"].clip(lower=-0.2), xerr=table["standard_error"], color=colours, ecolor=INK)
        ax.set_yticks(place, table["candidate"].tolist())
        ax.set_xlim(min(-0.05, *table["r2"].clip(lower=-0.2)), 1.02)
        ax.invert_yaxis()
        _style(ax, "R² out of fold (orange: used)", "R² ± standard error", "")

    def _names(self) -> list[str]:
        return [f"feature {i + 1}" for i in range(len(self.model.structure_))] or ["prediction"]


def link_spectrum(z: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Shares (MAX_DEGREE,) of the variance of the predictions in the Hermite degrees of the normal scores of z."""
    if not np.ptp(z) > 0 or not np.ptp(predicted) > 0:
        return np.zeros(MAX_DEGREE)
    scores = norm.ppf((rankdata(z) - 0.5) / len(z))
    basis = hermite_values(scores, MAX_DEGREE).T
    coefficients = np.linalg.lstsq(basis, predicted - predicted.mean(), rcond=None)[0]
    return coefficients[1:] ** 2 / np.var(predicted)


def polynomial_loadings(polynomial: HermitePolynomial, columns: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Names of the non-constant terms of a polynomial, and its coefficients scaled to variance 1."""
    varying = polynomial.exponents.any(axis=1)
    exponents = polynomial.exponents[varying]
    names = [
        " ".join(columns[i] if alpha[i] == 1 else f"h{alpha[i]}({columns[i]})" for i in np.flatnonzero(alpha).tolist())
        for alpha in exponents
    ]
    return names, polynomial.coefficients[varying] / (np.sqrt(polynomial.variance) or 1.0)


def _style(ax: Axes, title: str, x: str, y: str) -> None:
    ax.set_title(title, loc="left", fontsize=10.5, color=INK)
    ax.set_xlabel(x, color=INK, fontsize=9)
    ax.set_ylabel(y, color=INK, fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8.5, labelcolor=INK)
