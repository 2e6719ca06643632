"""What the arguments of `HierarchicalRegressor` and `refine` may be, and the degrees whose fit is within memory."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils import check_scalar

from layerwise.hermite import HermiteSeries, n_terms
from layerwise.hermite._checks import as_integer
from layerwise.learners._head import Auto, check_memory, check_number, check_solver
from layerwise.solvers.gram import BLOCK_BYTES, FeatureBlocks


class HierarchicalArguments:
    """The checks, mixed into the learner that has the arguments."""

    degree: Literal["auto"] | int
    width: int | None
    activation: HermiteSeries | None
    link_width: int
    max_degree: int
    split: Literal["leave-one-out"] | float
    n_steps: int | tuple[int, int] | None
    solver: Literal["exact", "gd"]
    refine: bool
    max_memory: int

    def _check_choices(self):
        if isinstance(self.degree, (str, bool)) and self.degree != "auto":
            raise ValueError(
                f"degree={self.degree!r} must be 'auto' or an integer >= 1. Give degree='auto', or e.g. 2."
            )
        if isinstance(self.activation, HermiteSeries) and not self.activation.coefficients[1:].any():
            raise ValueError(
                f"activation={self.activation!r} is constant, and its neurons would see nothing of X. Give a "
                "coefficient of degree 1 or more that is not 0."
            )
        if not isinstance(self.refine, (bool, np.bool_)):
            raise ValueError(f"refine={self.refine!r} must be True or False. Give refine=True to refine.")
        check_memory(self.max_memory)
        if self.width is not None:
            check_scalar(self.width, "width", Integral, min_val=1)
        check_scalar(self.link_width, "link_width", Integral, min_val=1)
        if self.split != "leave-one-out" and not (isinstance(self.split, Real) and 0 < self.split < 1):
            raise ValueError(
                f"split={self.split!r} must be 'leave-one-out' or the fraction of rows in D1, between 0 and 1. "
                "Give e.g. 0.5."
            )
        check_solver(self.solver, self.n_steps)
        if self.n_steps is None:
            return
        if np.shape(self.n_steps) not in ((), (2,)):
            raise ValueError(f"n_steps={self.n_steps!r} must be one number, or two: T_1 and T_2. Give e.g. (100, 50).")
        for n_steps in np.atleast_1d(self.n_steps).tolist():
            check_scalar(n_steps, "n_steps", Integral, min_val=0)
        if self.split == "leave-one-out":
            raise ValueError(
                f"n_steps={self.n_steps!r} with split='leave-one-out': leaving rows out has a closed form in the limit "
                "only. Give split=0.5 (the paper's D1 and D2), or n_steps=None."
            )

    def _degrees(self, n: int, d: int) -> list[int]:
        """The degrees to try, all of which fit in memory."""
        if self.degree != "auto":
            degrees = [check_scalar(self.degree, "degree", Integral, min_val=1)]
        elif isinstance(self.activation, HermiteSeries):
            degrees = [int(np.flatnonzero(self.activation.coefficients)[-1])]
        else:
            degrees = list(range(1, check_scalar(self.max_degree, "max_degree", Integral, min_val=1) + 1))
        affordable = [degree for degree in degrees if self._peak_bytes(n, d, degree) <= self.max_memory]
        if affordable:
            return affordable
        columns, peak = self._columns(d, degrees[0]), self._peak_bytes(n, d, degrees[0])
        raise ValueError(
            f"degree={degrees[0]} with {d} inputs needs a basis of {columns:.2g} columns ({peak:.2g} bytes to fit {n} "
            f"rows), over max_memory={self.max_memory / 2**30:.3g} GiB. Lower degree, give a width below that, project "
            "the inputs on fewer directions first, or use KernelRegressor, which never forms the basis."
        )

    def _peak_bytes(self, n: int, d: int, degree: int) -> int:
        """Of stage 1 and, where asked for, of the refinement, in which width does not matter."""
        columns, size = self._columns(d, degree), n_terms(d, degree)
        peak = ridge_bytes(n, columns, left_out=self.split == "leave-one-out")
        if self.width is None:
            entries = mixing_entries(d, degree)
            peak = max(peak + 16 * entries, 68 * entries + 56 * d * size)  # it kept, and it being made: as measured
        elif self.width > size:  # the reduction of the neurons to the basis
            peak = max(peak, 8 * 4 * size**2)
        return max(peak, ridge_bytes(n, size, left_out=True)) if self.refine else peak

    def _columns(self, d: int, degree: int) -> int:
        return n_terms(d, degree) if self.width is None else min(self.width, n_terms(d, degree))


def ridge_bytes(n: int, columns: int, *, left_out: bool) -> int:
    """Peak of ridge regression on n rows, in `solvers.linearised` where the features of each row are ``left_out``."""
    paths = 200 * n  # n floats for each penalty tried, a few times over
    if n > columns:
        return 8 * (4 * columns**2 + paths) + 3 * min(8 * n * columns, BLOCK_BYTES)
    return 8 * ((6 if left_out else 4) * n**2 + n * columns + paths)


def mixing_entries(d: int, degree: int) -> int:
    """Nonzeros of `infinite_mixing`: the sum of size^2 over its blocks.

    With j given variables odd, ``alpha = odd + 2 gamma`` has ``|gamma| <= (degree - j) // 2``.
    """
    return sum(comb(d, j) * n_terms(d, (degree - j) // 2) ** 2 for j in range(min(d, degree) + 1))


def penalty_path(penalty: Auto, name: str) -> list[float] | None:
    """None for "auto"; a number as a path of one, so that validation has its say on it too."""
    number = check_number(penalty, name, auto=True)
    return None if number is None else [number]


def check_refinement(features: FeatureBlocks, families: Sequence, tol: float, **counts: int) -> None:
    """Raise ValueError or TypeError for arguments that `refine` cannot take."""
    if not np.isfinite(features.X).all():
        raise ValueError("features hold NaN or infinity; they must be finite. Drop or impute these rows.")
    if not families:
        raise ValueError(f"families={families!r} is empty; it must hold a Link type. Give e.g. (SplineLink,).")
    check_number(tol, "tol", zero=True)
    for name, count in counts.items():
        as_integer(count, name)
