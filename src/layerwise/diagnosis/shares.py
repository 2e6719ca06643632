"""How much of the variance of the target simple models explain, and how much is noise.

All figures are shares of the variance of y. The models are fitted by ridge regression, and predict each row from the
others (leave-one-out in closed form, with rows of equal inputs left out together), so that their shares are not
inflated by overfitting; a model that explains nothing has a share of about 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import SplineTransformer

from layerwise.diagnosis.sample import Sample, standardised
from layerwise.hermite import degree_kernel, degree_spectrum, design_matrix, n_terms
from layerwise.solvers import FeatureBlocks, ridge
from layerwise.solvers.ridge_path import kernel_ridge

#: Degrees of the spectrum.
DEGREES = (1, 2, 3)
N_KNOTS = 6
#: The largest eigenvalue problem of the models; beyond it, this many random rows are used.
MAX_SOLVE = 2500
#: Ratio of the constant feature to the root mean square norm of the others.
INTERCEPT = 10.0
#: Degrees of freedom from which repeated rows give the noise.
MIN_REPEATS = 10
#: Rows per coordinate of the directions, from which neighbours along them give a bound on the noise.
ROWS_PER_COORDINATE = 20


@dataclass(frozen=True)
class Share:
    """A share of the variance of the target: an estimate, its standard error, and the number of rows used."""

    value: float
    standard_error: float
    n_samples: int

    def __str__(self) -> str:
        """Return the estimate with its standard error, such as ``0.80 ± 0.02``."""
        return f"{round(self.value, 2) + 0.0:.2f} ± {self.standard_error:.2f}"


@dataclass(frozen=True)
class NoiseFloor:
    """An estimate of the share of noise, the method, and whether its expectation is only an upper bound."""

    share: Share
    method: str
    upper_bound: bool


def degree_shares(sample: Sample) -> tuple[Share, ...]:
    """Shares of the Hermite degrees 1, 2, 3 of the whitened normal scores.

    The U-statistic of `layerwise.hermite.degree_spectrum`, with standard errors by the jackknife over single rows, is
    unbiased for known Gaussian inputs. Here the covariance is estimated from the same rows, and biases it in two ways.
    Whitening by the sample covariance makes degree 1 smaller by the factor 1 - d/n; this is corrected, with d times
    (1 - shrinkage)^2. And the linear part of y leaks into the other degrees: they are those of the leave-one-out
    residuals of ridge regression. The standard errors leave the errors of scores and covariance out, and normal scores
    have lighter tails than the inputs: for h_3 of a single direction with .16 of the variance, degree 3 is .11 on
    average at n = 400 and .14 at n = 1500. O(n^2 d) time; O(n) memory.
    """
    n, d = sample.white.shape
    residuals = _left_out(sample, _with_constant(sample.white, d, lambda block: block), np.arange(n))
    linear = degree_spectrum(sample.white, sample.y, 1, n_groups=n)
    rest = degree_spectrum(sample.white, residuals, DEGREES[-1], n_groups=n)
    factor = max(1 - (1 - sample.shrinkage) ** 2 * d / n, 0.5)
    energies = np.append(linear.energies[1] / factor, rest.energies[2:])
    errors = np.append(linear.standard_errors[1] / factor, rest.standard_errors[2:])
    return tuple(Share(float(value), float(error), n) for value, error in zip(energies, errors, strict=True))


def linear_share(sample: Sample, rng: np.random.RandomState) -> Share:
    """Share of a linear function of the columns."""
    rows = _rows(sample, sample.X.shape[1], rng)
    return _explained(sample, _with_constant(sample.X[rows], sample.X.shape[1], lambda block: block), rows)


def additive_share(sample: Sample, rng: np.random.RandomState) -> Share:
    """Share of a sum of functions of single columns: cubic splines of the normal scores, and the columns themselves."""
    d = sample.X.shape[1]
    width = (N_KNOTS + 2) * d
    rows = _rows(sample, width, rng)
    splines = SplineTransformer(N_KNOTS, extrapolation="linear", include_bias=False).fit(sample.scores)
    both = np.hstack([sample.X, sample.scores])[rows]
    blocks = _with_constant(both, width, lambda block: np.hstack([block[:, :d], splines.transform(block[:, d:])]))
    return _explained(sample, blocks, rows)


def quadratic_share(sample: Sample, rng: np.random.RandomState) -> Share:
    """Share of a quadratic polynomial of the normal scores, with the columns themselves."""
    d = sample.X.shape[1]
    width = d + n_terms(d, 2)
    rows = _rows(sample, width, rng)
    if len(rows) <= width:
        return _explained(sample, None, rows)
    both = np.hstack([sample.X, sample.scores])[rows]
    blocks = _with_constant(both, width, lambda block: np.hstack([block[:, :d], design_matrix(block[:, d:], 2)]))
    return _explained(sample, blocks, rows)


def noise_floor(sample: Sample, directions: np.ndarray, explained: dict[str, Share]) -> NoiseFloor:
    """Estimate the share of noise from repeated inputs or, without them, the smallest of several upper bounds.

    Repeats: the variance of y within groups of rows with equal inputs, unbiased. Otherwise half the mean squared
    difference between the labels of nearest neighbours, in all columns and along the directions found (shape
    (n_directions, n_features), of the normal scores); and what each model of ``explained`` leaves unexplained. Each of
    these is at least the noise in expectation.
    """
    y, n = sample.y, len(sample.y)
    counts = np.bincount(sample.group)
    freedom = n - len(counts)
    if freedom >= MIN_REPEATS:
        means = np.bincount(sample.group, y) / counts
        within = np.bincount(sample.group, (y - means[sample.group]) ** 2)
        value = within.sum() / freedom
        error = np.sqrt(np.sum((within - value * (counts - 1)) ** 2)) / freedom
        return NoiseFloor(Share(float(value), float(error), n), f"{freedom} repeated rows", False)
    bounds = {"nearest neighbours in all columns": neighbour_share(sample.scores, y)}
    r = len(directions)
    if 0 < r < sample.X.shape[1] and n >= ROWS_PER_COORDINATE * r * sample.X.shape[1]:
        along = standardised(sample.scores @ directions.T)
        bounds[f"nearest neighbours along the {r} direction{'s' * (r > 1)} found"] = neighbour_share(along, y)
    for name, share in explained.items():
        bounds[f"what the {name} model leaves"] = Share(1 - share.value, share.standard_error, share.n_samples)
    method = min(bounds, key=lambda name: bounds[name].value)
    return NoiseFloor(bounds[method], method, True)


def neighbour_share(X: np.ndarray, y: np.ndarray) -> Share:
    """Half the mean squared difference of labels (of variance 1) between each row and its nearest neighbour.

    The noise, plus half the mean squared difference of the regression function (Devroye, Györfi, Lugosi, Walk 2013).
    The standard error is that of n/2 independent pairs.
    """
    nearest = NearestNeighbors(n_neighbors=1).fit(X).kneighbors(return_distance=False)[:, 0]
    halves = (y - y[nearest]) ** 2 / 2
    return Share(float(halves.mean()), float(halves.std(ddof=1) * np.sqrt(2 / len(y))), len(y))


def _rows(sample: Sample, width: int, rng: np.random.RandomState) -> np.ndarray:
    """All rows, or `MAX_SOLVE` random ones if the eigenvalue problem would be larger."""
    n = len(sample.y)
    return np.arange(n) if min(n, width) <= MAX_SOLVE else np.sort(rng.permutation(n)[:MAX_SOLVE])


def _with_constant(inputs: np.ndarray, width: int, features: Callable[[np.ndarray], np.ndarray]) -> FeatureBlocks:
    """Features of ``inputs`` by blocks, and before them a constant so large that its coefficient is hardly penalised.

    Without it, features and labels with mean 0 would give away the row that is left out: minus the sum of the others.
    """
    size = INTERCEPT * np.sqrt(width)
    return FeatureBlocks(inputs, lambda block: np.insert(features(block), 0, size, axis=1), width + 1)


def _left_out(sample: Sample, features: FeatureBlocks | None, rows: np.ndarray) -> np.ndarray:
    """Leave-one-out residuals of the labels of the rows, by ridge regression; None is the quadratic kernel.

    One row for each distinct input, with the mean of its labels, is fitted; each row is predicted from those with other
    inputs.
    """
    y = sample.y[rows]
    _, first, group = np.unique(sample.group[rows], return_index=True, return_inverse=True)
    labels = np.bincount(group, y) / np.bincount(group)
    centred = labels - labels.mean()
    if features is None:
        Z, X = sample.scores[rows][first], sample.X[rows][first]
        K = X @ X.T
        K += degree_kernel(Z, degree=2).sum(axis=0)
        K += INTERCEPT**2 * (X.shape[1] + n_terms(X.shape[1], 2))
        path = kernel_ridge(K, centred)
    else:
        path = ridge(FeatureBlocks(features.X[first], features.transform, features.shape[1]), centred)
    assert path.residuals is not None
    return y - (labels - path.residuals)[group]


def _explained(sample: Sample, features: FeatureBlocks | None, rows: np.ndarray) -> Share:
    """R² of the predictions of `_left_out`; the standard error is that of a ratio of means over rows."""
    y = sample.y[rows]
    errors, squares = _left_out(sample, features, rows) ** 2, (y - y.mean()) ** 2
    unexplained = errors.mean() / squares.mean()
    error = np.std(errors - unexplained * squares, ddof=1) / (squares.mean() * np.sqrt(len(y)))
    return Share(float(1 - unexplained), float(error), len(y))
