"""What the learners that end in ridge regression share: the choice of penalty, the head, the checks of arguments."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from numbers import Real
from typing import Literal

import numpy as np

from layerwise._validation import Memory, as_integer
from layerwise.learners._linear_part import LinearPart, check_linear, fit_linear_part
from layerwise.solvers import FeatureBlocks, largest_stable_step, literal, normal_equations, ridge
from layerwise.solvers.gradient_descent import largest_eigenvalue, polynomial_product

#: "loo", or the fraction of rows held out.
Validation = Literal["loo"] | float
#: A number, or chosen from the data.
Auto = Literal["auto"] | float
#: What scikit-learn takes as a source of randomness.
RandomState = int | np.random.RandomState | None
#: Mean squares of y between which there is room for errors above and below it.
SQUARES = (1e-300, 1e300)
#: Columns that vary by no more than so many roundings of their mean are constant.
CONSTANT = 100


def held_out_rows(validation: Validation, n: int, rng: np.random.RandomState) -> np.ndarray | None:
    """Mask of the rows that choose the penalty, None for leave-one-out.

    Raises
    ------
    ValueError
        Unless ``validation`` is "loo" or a fraction that leaves at least one row on either side.
    """
    if isinstance(validation, str) and validation == "loo":
        return None
    if not isinstance(validation, Real) or not 0 < validation < 1:
        raise ValueError(
            f"validation={validation!r} is neither 'loo' (leave-one-out) nor a fraction of rows between 0 and 1. Give "
            "validation='loo', or e.g. 0.2."
        )
    n_out = round(validation * n)
    if not 0 < n_out < n:
        raise ValueError(
            f"validation={validation} holds out {n_out} of n_samples={n} rows; at least one must be held out and one "
            "kept. Give more samples or use validation='loo'."
        )
    mask = np.zeros(n, dtype=bool)
    mask[rng.permutation(n)[:n_out]] = True
    return mask


def mean_square(residuals: np.ndarray) -> float:
    """``mean(residuals^2)``, in float64, where squares of float32 would overflow.

    Raises
    ------
    ValueError
        Where the squares leave float64 too, and errors would be infinite or 0 whatever is fitted.
    """
    with np.errstate(over="ignore", under="ignore"):
        mean = float(np.mean(np.square(residuals, dtype=float)))
    if SQUARES[0] < mean < SQUARES[1] or not np.any(residuals):
        return mean
    raise ValueError(
        f"y, or what is left of it, has values up to {float(np.max(np.abs(residuals))):.2g}, whose squares leave "
        "float64; their root mean square must be between 1e-150 and 1e150. Divide y by its standard deviation."
    )


def column_scales(centred: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Root mean squares of columns of which ``mean`` was taken, 1 where they are constant."""
    scales = np.sqrt(np.mean(np.square(centred, dtype=float), axis=0))
    return np.where(scales > CONSTANT * np.finfo(centred.dtype).eps * np.abs(mean), scales, 1.0)


def check_number(value: object, name: str, *, zero: bool = False, auto: bool = False) -> float | None:
    """A finite number > 0 (or 0, where ``zero``) as a float; None for "auto", where ``auto``.

    Raises
    ------
    ValueError
        For anything else.
    """
    if auto and isinstance(value, str) and value == "auto":
        return None
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        if isfinite(number) and (number > 0 or (zero and number == 0)):
            return number
    or_auto = "'auto' or " if auto else ""
    raise ValueError(
        f"{name}={value!r} must be {or_auto}a finite number {'>=' if zero else '>'} 0. "
        + (f"Give {name}='auto', which takes it from the data." if auto else f"Give e.g. {name}=0.1.")
    )


def check_memory(max_memory: object) -> None:
    """Raise ValueError unless ``max_memory`` is a number of bytes > 0."""
    Memory().check(max_memory, "max_memory")


def check_penalty(penalty: Auto) -> float | None:
    """A penalty as a number, None for "auto"."""
    return check_number(penalty, "penalty", zero=True, auto=True)


def penalty_path(penalty: Auto, name: str) -> list[float] | None:
    """None for "auto"; a number as a path of one, so that validation has its say on it too."""
    number = check_number(penalty, name, auto=True)
    return None if number is None else [number]


def check_solver(solver: str, n_steps: object) -> None:
    """Raise ValueError for an unknown solver, or for the literal loop without a number of steps."""
    if solver not in ("exact", "gd"):
        raise ValueError(f"solver={solver!r} must be 'exact' or 'gd'. Give solver='exact', whose weights are the same.")
    if n_steps is None and solver == "gd":
        raise ValueError(
            "solver='gd' with n_steps=None: the limit of infinitely many steps has no loop. Give n_steps, or use "
            "solver='exact'."
        )


class LinearPartAndHead:
    """First and last line of a network that learns ``f(x) = alpha + beta'x + a'features(x)`` a layer at a time.

    Mixed into learners with the parameters below; sets ``intercept_`` (alpha), ``linear_coef_`` (beta), ``head_coef_``
    (a) and ``history_``.
    """

    step_size: Auto
    linear: LinearPart
    n_steps: int | None
    head_step_size: Auto
    penalty: Auto
    validation: Validation
    solver: Literal["exact", "gd"]

    def _check_linear_part_and_head(self) -> None:
        check_linear(self.linear)
        check_solver(self.solver, self.n_steps)
        if self.n_steps is not None:
            as_integer(self.n_steps, "n_steps")
        check_number(self.step_size, "step_size", auto=True)
        check_number(self.head_step_size, "head_step_size", auto=True)
        check_penalty(self.penalty)

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
        """Fit a on the candidate features of least validation error; returns which they are, and a line of history.

        By ridge regression, or by ``n_steps`` steps towards it from ``start``, shape (width,).
        """
        penalty, held_out = check_penalty(self.penalty), held_out_rows(self.validation, len(y), rng)
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
        """a after the T steps, and their size: "auto" is half the largest stable one. Forms one Gram matrix."""
        n, T, gram, moment = len(y), int(self.n_steps or 0), None, None
        if self.solver == "gd":
            stable = largest_stable_step(features, penalty)
        else:
            gram, moment = normal_equations(features, y)
            curvature = 2 / n * largest_eigenvalue(gram) + penalty
            stable = 2 / curvature if curvature > 0 else 1.0  # as `largest_stable_step`, of the Gram matrix at hand
        step = stable / 2 if self.head_step_size == "auto" else float(self.head_step_size)
        if step > stable:
            raise ValueError(
                f"head_step_size={step:.3g} makes gradient descent diverge; it must be at most {stable:.3g} here. Give "
                "head_step_size='auto'."
            )
        if gram is None:
            return literal(features, y, T, step, penalty, start), step
        a = start.astype(float)
        a += polynomial_product(gram, 2 / n * (moment - gram @ a) - penalty * a, n, T, step, penalty)
        return a.astype(features.dtype), step
