"""The models that are compared, the cheapest first, with the time that each takes and the rows that it needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor

from layerwise.hermite import n_terms
from layerwise.learners.automatic.baselines import FeatureRidge, RadialRidge
from layerwise.learners.automatic.grown import GrownFeatures, rows_needed
from layerwise.learners.hierarchical import HierarchicalRegressor
from layerwise.learners.hierarchical.refit import refit as refit_hierarchical
from layerwise.learners.moments import MomentRegressor
from layerwise.learners.quadratic_model import QuadraticModelRegressor
from layerwise.learners.recursive_features import RecursiveFeatureRegressor
from layerwise.learners.recursive_features.refit import refit as refit_recursive
from layerwise.learners.three_layer import ThreeLayerRegressor
from layerwise.learners.two_layer import TwoLayerRegressor

#: Floating-point operations per second of the reference core: expected times are stated for it.
FLOPS = 1.5e10
#: Largest number of columns of the feature matrices of additive splines and quadratic ridge regression.
MAX_FEATURES = 20_000


class Candidate(NamedTuple):
    """A model to be compared.

    Attributes
    ----------
    name : str
    make : callable
        Maps a seed to an unfitted estimator for standardised columns.
    seconds : callable
        Maps the numbers of rows and columns to the expected time of `fit`, in seconds on the reference core.
    refit_share : float
        Time of a fit with the choices of an earlier fit, relative to that fit.
    rows : callable
        Maps the number of columns to the number of rows that the model needs.
    learns : bool
        Whether it learns features or directions. Such a model is skipped if it is expensive and no cheaper one predicts
        better than the mean.
    """

    name: str
    make: Callable[[int], Any]
    seconds: Callable[[int, int], float]
    refit_share: float = 1.0
    rows: Callable[[int], int] = lambda d: 2
    learns: bool = False


def refit(model: Any, X: np.ndarray, y: np.ndarray) -> Any:
    """A copy of a fitted model with its choices (penalties, degrees, ranks), fitted to X and y."""
    if isinstance(model, RecursiveFeatureRegressor):
        return refit_recursive(model, X, y)
    if isinstance(model, HierarchicalRegressor):
        return refit_hierarchical(model, X, y)
    if isinstance(model, MomentRegressor):
        return _refit_moments(model, X, y)
    if isinstance(model, TwoLayerRegressor | ThreeLayerRegressor):
        fixed = {"penalty": model.history_[-1]["penalty"]}
        if isinstance(model, ThreeLayerRegressor) and model.step_size_ > 0:
            fixed["step_size"] = model.step_size_
        return cast("Any", clone(model)).set_params(**fixed).fit(X, y)
    return model.refit(X, y) if hasattr(model, "refit") else cast("Any", clone(model)).fit(X, y)


def candidates(n_samples: int, n_features: int, *, thorough: bool = False) -> list[Candidate]:
    """The candidates for a matrix of this shape, in increasing order of their expected time.

    The numbers of rows needed are at most about half of those of `layerwise.diagnosis.requirements`: a number that is
    too small costs time, but no accuracy.
    """
    D2 = partial(n_terms, degree=2)
    inf = np.inf
    raw: dict[str, Any] = {"standardize": False, "max_memory": inf}  # the columns are standardised already
    boosting: Any = partial(HistGradientBoostingRegressor, early_stopping=cast("Any", False))
    found = [
        Candidate("mean", lambda seed: DummyRegressor(), lambda n, d: 0.0),
        Candidate("ridge", lambda seed: FeatureRidge("linear"), lambda n, d: _gram(n, d), 0.3),
        Candidate("additive splines", lambda seed: FeatureRidge("additive"), _additive, 0.2),
        Candidate("quadratic ridge", lambda seed: FeatureRidge("quadratic"), lambda n, d: _gram(n, D2(d)), 0.2),
        Candidate("boosting", lambda seed: boosting(random_state=seed), lambda n, d: 0.3 + 1.2e-5 * n * d),
        Candidate("kernel ridge", lambda seed: RadialRidge(), _kernel, 0.1),
        Candidate(
            "two-layer",
            lambda seed: TwoLayerRegressor(**raw, random_state=seed),
            lambda n, d: _gram(n, 1000) + 4000 * n * d / FLOPS,
            0.2,
            rows=lambda d: max(30, d),
            learns=True,
        ),
        Candidate(
            "moments",
            lambda seed: MomentRegressor(label_transform="auto", max_memory=inf, random_state=seed),
            lambda n, d: 0.3 + 1.5 * (n / 2000) * (d / 50) + 60 * 50 * d**3 / FLOPS,
            0.4,
            rows=lambda d: max(40, 3 * d),
            learns=True,
        ),
        Candidate(
            "three-layer",
            lambda seed: ThreeLayerRegressor(**raw, random_state=seed),
            lambda n, d: 5 * _gram(n, 1000) + 2 * n * n * d / FLOPS,
            0.1,
            rows=lambda d: max(50, d * d // 2),
            learns=True,
        ),
        Candidate(
            "recursive features",
            lambda seed: RecursiveFeatureRegressor(folds=3, max_rounds=5, **raw, random_state=seed),
            lambda n, d: 0.2 + 16 * (n / 2000) ** 3 * (0.5 + d / 100),
            0.12,
            rows=lambda d: max(50, 2 * d),
            learns=True,
        ),
        Candidate(
            "hierarchical",
            lambda seed: HierarchicalRegressor(max_degree=2, refine=True, **raw, random_state=seed),
            lambda n, d: 0.3 + 12 * _gram(n, D2(d)) + 350 * _steps(n, D2(d) if 2 * D2(d) <= n else d),
            0.12,
            rows=lambda d: max(60, 3 * d),
            learns=True,
        ),
        Candidate(
            "quadratic model",
            lambda seed: QuadraticModelRegressor("hermite", standardize=False, max_memory=2**40, random_state=seed),
            lambda n, d: 1 + 100 * 4 * n * D2(d) * 400 / FLOPS + 20 * D2(d) ** 3 / FLOPS,
            rows=lambda d: max(100, D2(d) // 2),
            learns=True,
        ),
        Candidate(
            "several directions",
            lambda seed: GrownFeatures(1, random_state=seed),
            lambda n, d: 2.5 + 12 * n / 2000 + 600 * _steps(n, 2 * d),
            0.05,
            rows=lambda d: rows_needed(d, 1),
            learns=True,
        ),
        Candidate(
            "several features",
            lambda seed: GrownFeatures(2, random_state=seed),
            lambda n, d: 2 + 5 * n / 2000 + 400 * _steps(n, 2 * D2(d)),
            0.05,
            rows=lambda d: rows_needed(d, 2),
            learns=True,
        ),
    ]
    if thorough:
        found += [
            Candidate(
                "boosting, slow",
                lambda seed: boosting(max_iter=500, learning_rate=0.03, min_samples_leaf=10, random_state=seed),
                lambda n, d: 1.5 + 6e-5 * n * d,
            ),
            Candidate(
                "hierarchical, degree 3",
                lambda seed: HierarchicalRegressor(3, refine=True, **raw, random_state=seed),
                lambda n, d: 0.3 + 350 * _steps(n, n_terms(d, 3)),
                0.12,
                rows=lambda d: max(60, 2 * n_terms(d, 3)),
                learns=True,
            ),
        ]
    wide = {"additive splines": 10 * n_features, "quadratic ridge": n_terms(n_features, 2)}
    found = [each for each in found if wide.get(each.name, 0) <= MAX_FEATURES]
    return sorted(found, key=lambda each: each.seconds(n_samples, n_features))


def _refit_moments(model: MomentRegressor, X: np.ndarray, y: np.ndarray) -> MomentRegressor:
    """A copy with the same rank and degree, which are not searched again, fitted to X and y."""
    other: Any = clone(model)
    if model.rank_:
        transform = "auto" if model.transformed_ else None
        other.set_params(rank=model.rank_, degree=model.polynomial_.degree, label_transform=transform)
    else:
        other.set_params(max_rank=1, label_transform=None)
    return other.fit(X, y)


def _gram(n: int, width: int) -> float:
    """Expected seconds of ridge regression with leave-one-out errors."""
    m = min(n, width)
    return (4 * n * width * m + 12 * m**3) / FLOPS


def _steps(n: int, width: int) -> float:
    """Expected seconds of one Gauss-Newton step."""
    m = min(n, width)
    return (4 * n * width * m + 2 * m**3) / FLOPS


def _additive(n: int, d: int) -> float:
    return sum(_gram(n, (k + 3) * d) for k in (4, 8, 16))


def _kernel(n: int, d: int) -> float:
    chosen = 7 * 9 * min(n, 700) ** 3 + (9 * n**3 if n <= 1300 else 0)
    return (chosen + n**3 / 3 + 20 * n * n + 2 * n * n * d) / FLOPS
