"""Ridge regression as the last step of a learner: held-out rows, the choice of the penalty, the head of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from layerwise._validation import Choice, Constraint, Integer, Number
from layerwise.learners._base import (
    CONSTANT_ROUNDINGS,
    PENALTY_OR_ZERO,
    SOLVER,
    VALIDATION,
    Auto,
    Validation,
    as_number,
)
from layerwise.learners._linear_part import LinearPart, fit_linear_part
from layerwise.solvers import FeatureBlocks, largest_stable_step, literal, normal_equations, ridge
from layerwise.solvers.gradient_descent import largest_eigenvalue, polynomial_product
from layerwise.solvers.ridge_path import ridge_bytes
from layerwise.solvers.squared_errors import mean_square

#: Of the parameters of `LinearPartAndHead`.
HEAD_CONSTRAINTS: dict[str, Constraint] = {
    "step_size": Number(auto=True),
    "linear": Choice("moment", "ridge", "none"),
    "n_steps": Integer(none=True),
    "head_step_size": Number(auto=True),
    "penalty": PENALTY_OR_ZERO,
    "validation": VALIDATION,
    "solver": SOLVER,
}


def held_out_rows(validation: Validation, n: int, rng: np.random.RandomState) -> np.ndarray | None:
    """Draw the mask of the rows on which the penalty is chosen; None for leave-one-out.

    Raises ValueError if the fraction does not leave at least one row on either side.
    """
    if isinstance(validation, str):
        return None
    n_out = round(validation * n)
    if not 0 < n_out < n:
        raise ValueError(
            f"validation={validation} holds out {n_out} of n_samples={n} rows; at least one row must be held out and "
            "one kept. Pass more samples or validation='loo'."
        )
    mask = np.zeros(n, dtype=bool)
    mask[rng.permutation(n)[:n_out]] = True
    return mask


def some_rows(fraction: float, n: int, rng: np.random.RandomState) -> np.ndarray:
    """Draw the mask of a fraction of n rows: at least one, and not all."""
    return rng.permutation(n) < min(max(round(fraction * n), 1), n - 1)


def column_scales(centred: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Root mean squares of columns from which ``mean`` was subtracted, 1 for constant columns."""
    scales = np.sqrt(np.mean(np.square(centred, dtype=float), axis=0))
    return np.where(scales > CONSTANT_ROUNDINGS * np.finfo(centred.dtype).eps * np.abs(mean), scales, 1.0)


def check_steps(solver: str, n_steps: object) -> None:
    """Raise ValueError for the literal loop without a number of steps."""
    if n_steps is None and solver == "gd":
        raise ValueError(
            "solver='gd' with n_steps=None must have a number of steps: their limit is not a loop. Pass n_steps, or "
            "solver='exact'."
        )


class LinearPartAndHead:
    """The first and last steps of a network that learns ``f(x) = alpha + beta'x + a'features(x)`` layer by layer.

    A mixin for learners with the parameters below. It sets ``intercept_`` (alpha), ``linear_coef_`` (beta),
    ``head_coef_`` (a) and ``history_``.
    """

    width: int
    step_size: Auto
    linear: LinearPart
    n_steps: int | None
    head_step_size: Auto
    penalty: Auto
    validation: Validation
    solver: Literal["exact", "gd"]

    def _linear_part_and_head_bytes(self, n: int, d: int) -> int:
        """Peak memory of the two steps."""
        peak = ridge_bytes(n, self.width, left_out=False)
        if self.n_steps is not None and self.solver == "gd":
            peak += 8 * n * self.width
        elif self.n_steps is not None:
            peak = max(peak, 8 * 6 * self.width**2)
        return max(peak, ridge_bytes(n, d, left_out=True) if self.linear == "ridge" else 0)

    def _remove_linear_part(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``y - alpha - beta'x``, shape (n_samples,)."""
        self.history_ = [{"stage": "mean", "loss": mean_square(y - y.mean())}]
        self.intercept_, self.linear_coef_ = fit_linear_part(X, y, self.linear)
        residual = y - self.intercept_ - X @ self.linear_coef_
        self.history_.append({"stage": "linear part", "loss": mean_square(residual)})
        return residual

    def _train_head(
        self, candidates: Sequence[FeatureBlocks], y: np.ndarray, rng: np.random.RandomState, start: np.ndarray
    ) -> tuple[int, dict]:
        """Fit a on the candidate features with the lowest validation error; return their index and a history entry.

        The fit is ridge regression, or ``n_steps`` steps towards it from ``start``, of shape (width,).
        """
        penalty, held_out = as_number(self.penalty), held_out_rows(self.validation, len(y), rng)
        best, features, record = 0, candidates[0], {"stage": "head", "penalty": penalty}
        if penalty is None or self.n_steps is None or len(candidates) > 1:
            penalties = penalty if penalty is None or len(candidates) == 1 else [penalty]  # a path is validated
            paths = [ridge(each, y, penalties, held_out=held_out) for each in candidates]
            best = int(np.argmin([path.errors.min(initial=np.inf) for path in paths]))
            features, record, penalty = candidates[best], paths[best].summary(), paths[best].penalty
            self.head_coef_ = paths[best].coefficients
        if self.n_steps is not None:
            self.head_coef_, step = self._descend(features, y, penalty, start)
            record |= {"n_steps": int(self.n_steps), "head_step_size": step}
        return best, record | {"loss": mean_square(features @ self.head_coef_ - y)}

    def _descend(self, features: FeatureBlocks, y, penalty: float, start: np.ndarray) -> tuple[np.ndarray, float]:
        """Take the T steps; return a and their size ("auto" is half the largest stable one). Forms one Gram matrix."""
        n, T, gram, moment = len(y), int(self.n_steps or 0), None, None
        if self.solver == "gd":
            stable = largest_stable_step(features, penalty)
        else:
            gram, moment = normal_equations(features, y)
            curvature = 2 / n * largest_eigenvalue(gram) + penalty
            stable = 2 / curvature if curvature > 0 else 1.0  # as `largest_stable_step`, from the Gram matrix at hand
        step = stable / 2 if self.head_step_size == "auto" else float(self.head_step_size)
        if step > stable:
            raise ValueError(
                f"head_step_size={step:.3g} makes gradient descent diverge; it must be at most {stable:.3g} here. Pass "
                "head_step_size='auto'."
            )
        if gram is None:
            return literal(features, y, T, step, penalty, start), step
        a = start.astype(float)
        a += polynomial_product(gram, 2 / n * (moment - gram @ a) - penalty * a, n, T, step, penalty)
        return a.astype(features.dtype), step
