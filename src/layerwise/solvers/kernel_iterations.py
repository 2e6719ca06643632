"""Kernel ridge regression for matrices that do not fit in memory: preconditioned conjugate gradients.

``(K + r I) alpha = y`` with ``r = n penalty / 2`` is solved from products with K alone. The preconditioner is

    P = F F' + q I,    P^{-1} v = (v - F V (S + q)^{-1} V'F'v) / q,    F'F = V S V',    q = r + tr(K - F F') / n,

where F (n, k) is a pivoted Cholesky factor of K. Its pivots are drawn with probabilities proportional to the diagonal
of ``K - F F'``, several at a time (Chen, Epperly, Tropp, Webber 2022; Diaz, Epperly, Frangella, Tropp, Webber 2023).
There q = r. The mean eigenvalue of ``K - F F'`` is added here because in many dimensions a kernel of a wide network has
a bulk of eigenvalues of one size, which no F of low rank removes: the bulk then stays near 1 for small r as well.

All penalties of a path take their steps together, so that each step needs one product of K with a matrix. Vectors are
zero on the rows held out, and K times them gives predictions for these rows as well: the penalty is chosen without
further products. It is the largest penalty whose error is within `MIN_GAIN` of the smallest error. Only this one and
the next must be solved to convergence, or until further steps gain nothing. The iteration for this penalty
is then continued on all rows, from where it stopped.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import sqrt

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular
from sklearn.exceptions import ConvergenceWarning

from layerwise.solvers.ridge_path import RidgePath

#: Penalties tried by default, as multiples of the largest eigenvalue of 2 F F' / n.
RELATIVE_PENALTIES = np.logspace(-1, -9, 9)
#: Pivots drawn at a time.
PIVOTS = 128
#: The preconditioner has up to this number times sqrt(n) columns, for which it costs about as much as two products.
RANK_FACTOR = 10
#: Residuals at which a system is solved, relative to the root mean square error on held-out rows, or to y.
TOLERANCE, TOLERANCE_ALONE = 0.01, 1e-6
MAX_STEPS = 100
#: Relative gain in validation error for which a smaller penalty is preferred, or `PATIENCE` more steps are taken.
MIN_GAIN, PATIENCE = 2e-3, 5

Product = Callable[[np.ndarray], np.ndarray]


def iterations_bytes(n: int, rank: int) -> int:
    """Peak memory of `pivoted_cholesky` and `iterated_kernel_ridge`: F, matrices of its rank, and vectors."""
    return 8 * (n * (rank + 2 * PIVOTS) + 4 * rank**2 + 24 * n * len(RELATIVE_PENALTIES))


def rank_within(n: int, budget: float) -> int:
    """The rank of the preconditioner, the largest up to ``RANK_FACTOR sqrt(n)`` for which the memory suffices."""
    rank = min(int(RANK_FACTOR * sqrt(n)), n)
    while rank > 0 and iterations_bytes(n, rank) > budget:
        rank = rank * 9 // 10
    return rank


def pivoted_cholesky(
    diagonal: np.ndarray, columns: Callable[[np.ndarray], np.ndarray], rank: int, rng: np.random.RandomState
) -> tuple[np.ndarray, float]:
    """Compute F (n, k) with ``K - F F'`` positive semidefinite and of small trace, k <= rank; n k^2 flops.

    Return F and that trace divided by n. ``diagonal`` is that of K, and ``columns(rows)`` computes ``K[:, rows]``.
    """
    left, n = diagonal.astype(float), len(diagonal)
    total, tiny = left.sum(), 10 * np.finfo(diagonal.dtype).eps * diagonal.max(initial=0.0)
    F, k = np.empty((n, rank)), 0
    while k < rank and left.max() > tiny:
        seen = np.flatnonzero(left > tiny)
        size = min(PIVOTS, rank - k, len(seen))
        chosen = np.sort(rng.choice(seen, size, replace=False, p=left[seen] / left[seen].sum()))
        C = columns(chosen).astype(float, copy=False)
        C -= F[:, :k] @ F[chosen, :k].T
        block = C[chosen]
        block[np.diag_indices(size)] += tiny + 1e-14 * total / n
        L = cholesky((block + block.T) / 2, lower=True)
        F[:, k : k + size] = solve_triangular(L, C.T, lower=True).T
        left -= np.einsum("ij,ij->i", F[:, k : k + size], F[:, k : k + size])
        left[chosen] = 0
        np.maximum(left, 0, out=left)
        k += size
    return F[:, :k], float(left.mean())


def iterated_kernel_ridge(
    product: Product, F: np.ndarray, left: float, y: np.ndarray, penalty: float | None, held_out: np.ndarray
) -> RidgePath:
    """Solve for one penalty, or choose it from `RELATIVE_PENALTIES` on the rows held out, as `kernel_ridge` does.

    ``product(V)`` is ``K @ V`` for V (n, m), and ``left`` the trace of ``K - F F'`` divided by n. y (n,) is in float64,
    ``held_out`` (n,) a mask.
    """
    n, gram = len(y), F.T @ F
    if penalty is not None:
        system = _Systems(product, F, left, eigh(gram), y[:, None], np.array([n * penalty / 2]))
        system.solve(lambda: TOLERANCE_ALONE * np.sqrt(np.mean(y**2)))
        return RidgePath(system.alpha[:, 0], penalty, np.empty(0), np.empty(0))
    top = eigh(gram, eigvals_only=True, subset_by_index=[len(gram) - 1, len(gram) - 1])[0] if len(gram) else 0.0
    path = RELATIVE_PENALTIES * (2 / n * top if top > 0 else 1.0)
    kept = ~held_out
    spectrum = eigh(gram - F[held_out].T @ F[held_out])
    right = np.where(kept, y, 0.0)[:, None]
    system = _Systems(product, F, left, spectrum, right, kept.sum() / 2 * path, kept[:, None])

    history: list[np.ndarray] = []

    def solved(sizes: np.ndarray, tolerance: float) -> bool:
        history.append(system.errors(held_out, y))
        two = np.minimum(_chosen(history[-1]) + np.arange(2), len(path) - 1)
        ended = sizes[two] <= tolerance
        if len(history) > PATIENCE:
            ended |= (1 - MIN_GAIN) * history[-1 - PATIENCE][two] <= history[-1][two]
        return bool(ended.all())

    system.solve(lambda: TOLERANCE * np.sqrt(system.errors(held_out, y).min()), solved)
    errors = system.errors(held_out, y)
    best = _chosen(errors)
    start = system.alpha[:, [best]], system.products[:, [best]]
    whole = _Systems(product, F, left, eigh(gram), y[:, None], np.array([n / 2 * path[best]]), start=start)
    whole.solve(lambda: TOLERANCE * np.sqrt(errors[best]), max_steps=len(history))
    return RidgePath(whole.alpha[:, 0], float(path[best]), path, errors)


def _chosen(errors: np.ndarray) -> int:
    """The first penalty, of a decreasing path, whose error is within `MIN_GAIN` of the smallest."""
    return int(np.argmax((1 - MIN_GAIN) * errors <= errors.min()))


class _Systems:
    """Conjugate gradients for several shifts: ``(K + shift I) alpha = right`` on the rows where ``kept``."""

    def __init__(
        self,
        product: Product,
        F,
        left: float,
        spectrum,
        right,
        shifts: np.ndarray,
        kept: np.ndarray | float = 1.0,
        start=None,
    ):
        self.multiply, self.F, self.left, (self.values, self.vectors) = product, F, left, spectrum
        self.shifts, self.kept = shifts, kept
        zero = np.zeros((len(F), len(shifts)))
        self.alpha, self.products = start or (zero, zero.copy())
        self.residuals = right - kept * (self.products + shifts * self.alpha)

    def errors(self, rows: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Mean squared errors of the predictions for some rows."""
        return np.mean((y[rows, None] - self.products[rows]) ** 2, axis=0)

    def solve(
        self,
        tolerance: Callable[[], float],
        solved: Callable[[np.ndarray, float], bool] = lambda sizes, tolerance: bool(sizes.max() <= tolerance),
        max_steps: int = MAX_STEPS,
    ) -> None:
        """Take steps until ``solved(root mean squares of the residuals, tolerance())``."""
        z = self._precondition(self.residuals, self.shifts)
        p, rz = z, np.sum(self.residuals * z, axis=0)
        for step in range(max_steps + 1):
            sizes = np.sqrt(np.mean(self.residuals**2, axis=0))
            if solved(sizes, tolerance()):
                return
            if step == max_steps:
                break
            active = np.flatnonzero(sizes > tolerance() / 10)  # the others need no more steps
            Kp = self.multiply(p[:, active])
            Ap = self.kept * Kp + self.shifts[active] * p[:, active]
            curvature = np.sum(p[:, active] * Ap, axis=0)
            length = np.divide(rz[active], curvature, out=np.zeros(len(active)), where=curvature > 0)
            self.alpha[:, active] += length * p[:, active]
            self.products[:, active] += length * Kp
            self.residuals[:, active] -= length * Ap
            z = self._precondition(self.residuals[:, active], self.shifts[active])
            following = np.sum(self.residuals[:, active] * z, axis=0)
            ratio = np.divide(following, rz[active], out=np.zeros(len(active)), where=rz[active] > 0)
            p[:, active] = z + ratio * p[:, active]
            rz[active] = following
        if max_steps == MAX_STEPS:
            warnings.warn(
                f"conjugate gradients stopped after {max_steps} steps with residuals above {tolerance():.2g}, which "
                "regularises the fit further. Raise max_memory, for a better preconditioner, or the penalty.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _precondition(self, v: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        q, inner = shifts + self.left, self.vectors.T @ (self.F.T @ v)
        inner /= np.maximum(self.values, 0)[:, None] + q
        return (v - self.kept * (self.F @ (self.vectors @ inner))) / q
