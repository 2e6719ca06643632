"""The global minimum of the quadratic model (Lee 2020), from a convex problem: what signed SGD is compared with."""

from dataclasses import replace

import numpy as np

from layerwise.solvers.neurons import NeuronFit
from layerwise.solvers.nuclear import largest_penalty, nuclear_norm_regression


def quadratic_model_regression(
    X: np.ndarray, y: np.ndarray, penalty: float, *, intercept: bool = False, tol: float = 1e-6, max_iter: int = 100
) -> NeuronFit:
    """Compute the global minimum of the quadratic model ``f(x) = (1 / (2 sqrt(m))) sum_r s_r (w_r'x)^2`` (Lee 2020).

    Minimise over W, for fixed signs s_r, m/2 >= d of them +1 and m/2 of them -1,

        (1/n) sum_i (y_i - f(x_i))^2 + penalty sum_r |w_r|^4

    Every ``M_+ >= 0`` is a sum of m/2 rank-one matrices of equal traces, so that the least ``sum_r |w_r|^4`` is
    ``8 ((tr M_+)^2 + (tr M_-)^2)`` (Bai & Lee 2019). This equals ``4 |M|_*^2`` only if both traces are equal. Its
    gradient is that of `nuclear_norm_regression` at the penalties ``(16 penalty tr M_+, 16 penalty tr M_-)``, a fixed
    point: traces fall as their penalties rise, so that the geometric mean of old and new penalties is a contraction.

    X holds the features h of the model. The iteration stops when the relative change of the penalties is below ``tol``,
    or unconverged after ``max_iter`` warm-started fits; objective and gap are those at the last two penalties.
    """
    top = largest_penalty(X, y, intercept=intercept)
    if top == 0:  # M = 0 at any penalty
        return nuclear_norm_regression(X, y, 1.0, intercept=intercept)
    both = np.full(2, top / 2)
    fit = nuclear_norm_regression(X, y, (both[0], both[1]), intercept=intercept, tol=tol / 10)
    for _ in range(max_iter):
        e = fit.coefficients
        proposed = 16 * penalty * np.array([e[e > 0].sum(), -e[e < 0].sum()])
        before, both = both, np.sqrt(both * np.maximum(proposed, 1e-9 * top))
        if np.all(np.abs(both - before) <= tol * before):
            return fit
        fit = nuclear_norm_regression(X, y, (both[0], both[1]), intercept=intercept, start=fit.matrix, tol=tol / 10)
    return replace(fit, converged=False)
