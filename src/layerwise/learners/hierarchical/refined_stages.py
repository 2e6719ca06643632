"""Refinement of the two stages of `HierarchicalRegressor`, in the Hermite basis of each degree that is tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import numpy as np
from sklearn.base import clone

from layerwise.activations import ActivationLike, as_polynomial
from layerwise.hermite import n_terms
from layerwise.learners.hierarchical.basis import basis_blocks, degree_of_terms
from layerwise.learners.hierarchical.function import HierarchicalFunction
from layerwise.learners.hierarchical.memory import feature_bytes, link_bytes, several_bytes
from layerwise.solvers import FeatureBlocks, ridge
from layerwise.solvers.gauss_newton import Candidate, FoldFit, Refinement, draw_folds, refine, standardise
from layerwise.solvers.linearised import make_centred
from layerwise.solvers.link import PolynomialLink, ReluLink, relu_features
from layerwise.solvers.squared_errors import mean_square

#: The largest number of features that n_features="auto" tries.
MAX_FEATURES = 4

#: Folds of the cross-validation.
N_FOLDS = 10

#: No larger degree is tried once the refined function has an error out of fold below this share of the variance of y.
EXPLAINED_SHARE = 0.1

#: With degree="auto", a degree is cross-validated only if its leave-one-out error is below that of both stages by this
#: share of the variance of y, or is less than half of it.
MIN_GAIN = 0.01

#: Steps without a decrease after which a descent ends.
PATIENCE = 3


class RefinedStages(HierarchicalFunction):
    """The choice of degrees and the refinement, for a learner with these parameters and fitted attributes."""

    degree: Literal["auto"] | int
    max_degree: int
    width: int | None
    link_width: int
    activation: ActivationLike | None
    split: Literal["leave-one-out"] | float
    refine: bool
    n_features: Literal["auto"] | int
    max_memory: float
    history_: list[dict]

    def memory_bytes(self, n_samples: int, n_features: int) -> int:
        """Peak memory of `fit` in bytes: the larger of stage 2 and stage 1, or the refinement.

        With degree="auto", that of the largest degree within ``max_memory``, or else of the lowest degree.
        """
        peaks = self._bytes_by_degree(n_samples, n_features)
        within = [peak for peak in peaks.values() if peak <= self.max_memory] or [min(peaks.values())]
        return max(link_bytes(n_samples, self.link_width), *within)

    def _bytes_by_degree(self, n: int, d: int) -> dict[int, int]:
        """Peak memory of stage 1 or the refinement for each degree that is considered."""
        if not isinstance(self.degree, str):
            degrees = [int(self.degree)]
        elif self.activation is not None:
            degrees = [int(np.flatnonzero(as_polynomial(self.activation).coefficients)[-1])]
        else:
            degrees = list(range(1, self.max_degree + 1))
        left_out = self.split == "leave-one-out"
        refine = self.refine or self.n_features != 1
        peaks = {k: feature_bytes(n, d, k, self.width, left_out=left_out, refine=refine) for k in degrees}
        most = MAX_FEATURES if isinstance(self.n_features, str) else int(self.n_features)
        return peaks if most == 1 else {k: max(peaks[k], several_bytes(n, d, k, most)) for k in degrees}

    def _degrees(self, n: int, d: int) -> list[int]:
        """The degrees to try: those whose fit is within ``max_memory``."""
        return [degree for degree, peak in self._bytes_by_degree(n, d).items() if peak <= self.max_memory]

    def _fold_fits(self, X: np.ndarray, y: np.ndarray, seed: int) -> FoldFits:
        """Both stages without each fold, fitted to standardised labels; the seed also is that of these fits."""
        labels, *_ = standardise(y)
        return FoldFits(draw_folds(X, N_FOLDS, seed), lambda out: self._fit_without(out, X, labels, seed))

    def _refine(self, X: np.ndarray, y: np.ndarray, folds: FoldFits) -> None:
        """Beyond the paper: refit feature and link together, beside the two stages.

        With degree="auto", those degrees are tried whose basis has at most n / 2 members (with fewer rows per member
        its unknowns cannot be told from noise); otherwise, and if there are none, the degree of stage 1.
        """
        n, d = X.shape
        few = [k for k in self._degrees(n, d) if 2 * n_terms(d, k) <= n] if self.degree == "auto" else []
        error = self.history_[-1]["validation_loss"]
        to_beat = max(error - MIN_GAIN * np.var(y, dtype=float), error / 2) if len(few) > 1 else np.inf
        degree, best, errors = refine_by_degree(X, y, few or [self.features_.degree], folds, to_beat)
        if "refinement" in best.weights and best.errors:  # there was a step, and rows enough for folds
            self.refinement_, self._refined_degree = best, degree
            self.degree_ = degree if best.mostly_refined else self.degree_
        stage, weights = (best.stage, best.weights) if best.errors else ("two-stage", {"two-stage": 1.0})
        record = {"stage": "refinement", "degree": degree, "chosen": stage, "weights": weights}
        self.history_.append(record | {"errors": errors, "loss": mean_square(self._predict(X) - y)})

    def _fit_without(self, out: np.ndarray, X: np.ndarray, labels: np.ndarray, seed: int) -> FoldFit:
        """Stage 1 and both stages, fitted without the rows ``out``."""
        if self.split == "leave-one-out":
            return self._fit_left_out(out, X, labels)
        plain = cast("Any", clone(cast("Any", self))).set_params(
            degree=self.features_.degree, refine=False, n_features=1, standardize=False, random_state=seed
        )
        plain.fit(X[~out], labels[~out].astype(X.dtype))
        g, scale = plain.feature_polynomial_, plain.feature_scale_ or 1.0
        coefficients = g.to_dense(plain.degree_)
        constant, c = coefficients[0], coefficients[1:]
        stages = [
            Candidate(c, -constant, PolynomialLink(np.array([0.0, 1.0])), np.nan),
            Candidate(c / scale, (plain.feature_mean_ - constant) / scale, plain._two_stage_link(), np.nan),
        ]
        return FoldFit(out, stages, np.array([g(X[out]), plain.predict(X[out])]))

    def _fit_left_out(self, out: np.ndarray, X: np.ndarray, labels: np.ndarray) -> FoldFit:
        """The same with the neurons and penalties of all rows, by one Cholesky factor for each stage."""
        y, penalties = labels[~out], [self.history_[stage]["penalty"] for stage in (1, 2)]
        H = make_centred(FeatureBlocks(X[~out], self.features_.transform, len(self.feature_coef_)))
        fitted = H.ridge_at(np.ones_like(y), y, penalties[0], intercept=True)
        constant = y.mean() - H.mean @ fitted.coefficients
        g = (y.mean() + fitted.feature).astype(X.dtype)
        mean, scale = float(g.mean()), float(g.std()) or 1.0
        c = self.link_coef_
        if c.any():
            blocks = relu_features((g - mean) / scale, self.link_signs_, self.link_biases_)
            c = ridge(blocks, y - g, penalties[1]).coefficients
        link = ReluLink(mean, scale, self.link_signs_, self.link_biases_, c)
        dense = (self.features_.polynomial(fitted.coefficients) + constant).to_dense(self.features_.degree)
        held_out = FeatureBlocks(X[out], self.features_.transform, len(self.feature_coef_)) @ fitted.coefficients
        stages = [
            Candidate(dense[1:], -dense[0], PolynomialLink(np.array([0.0, 1.0])), np.nan),
            Candidate(dense[1:] / scale, (mean - dense[0]) / scale, link, np.nan),
        ]
        return FoldFit(out, stages, np.array([held_out + constant, link((held_out + constant - mean) / scale)]))


class FoldFits(Sequence[FoldFit]):
    """Fits without each fold, each computed once by ``fit`` from the fold's mask, when it is first asked for."""

    def __init__(self, fold_of: np.ndarray, fit: Callable[[np.ndarray], FoldFit]) -> None:
        self._masks = [fold_of == fold for fold in range(1 + int(fold_of.max()))]
        self._fit = fit
        self._fits: dict[int, FoldFit] = {}

    def __len__(self) -> int:
        return len(self._masks)

    def __getitem__(self, fold: Any) -> Any:
        if fold not in self._fits:
            self._fits[fold] = self._fit(self._masks[fold])
        return self._fits[fold]


def refine_by_degree(
    X: np.ndarray, y: np.ndarray, degrees: Sequence[int], folds: Sequence[FoldFit], error_to_beat: float = np.inf
) -> tuple[int, Refinement, dict[int, dict[str, float]]]:
    """Refine at each degree in turn, until one explains most of y.

    Degrees whose leave-one-out error is not below ``error_to_beat``, or the error out of fold of a lower degree, are
    not cross-validated. Returns the degree with the smallest error out of fold, its refinement, and the errors of the
    stages by degree; if none was cross-validated, the degree with the smallest leave-one-out error.
    """
    found: dict[int, Refinement] = {}
    for k in degrees:
        groups = degree_of_terms(X.shape[1], k)
        found[k] = refine(
            basis_blocks(X, k), y, groups=groups, folds=folds, patience=PATIENCE, error_to_beat=error_to_beat
        )
        if found[k].errors:
            error_to_beat = min(error_to_beat, found[k].error)
        if found[k].stage == "refinement" and found[k].error < EXPLAINED_SHARE * np.var(y, dtype=float):
            break
    validated = [k for k in found if found[k].errors] or list(found)
    degree = min(validated, key=lambda k: found[k].error)
    return degree, found[degree], {k: refinement.errors for k, refinement in found.items()}
