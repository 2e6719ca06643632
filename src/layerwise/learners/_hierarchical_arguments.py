"""What the arguments of `HierarchicalRegressor` may be: their checks, and the degrees whose fit is within memory."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils import check_scalar

from layerwise.hermite import HermiteSeries, n_terms
from layerwise.learners._head import Auto, check_solver


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
    max_memory: int

    def _check_choices(self):
        if self.width is not None:
            check_scalar(self.width, "width", Integral, min_val=1)
        check_scalar(self.link_width, "link_width", Integral, min_val=1)
        if self.split != "leave-one-out" and not (isinstance(self.split, Real) and 0 < self.split < 1):
            raise ValueError(
                f"split={self.split!r} must be 'leave-one-out' or the fraction of rows in D1, between 0 and 1."
            )
        check_solver(self.solver, self.n_steps)
        if self.n_steps is None:
            return
        if np.shape(self.n_steps) not in ((), (2,)):
            raise ValueError(f"n_steps={self.n_steps!r} must be one number, or two: T_1 and T_2.")
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
            degrees = [max(self.activation.degree, 1)]
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
        columns, size = self._columns(d, degree), n_terms(d, degree)
        floats = 4 * min(n, columns) ** 2 + n * columns * (n < columns)
        if self.width is not None and self.width > size:  # the reduction of the neurons to the basis
            floats = max(floats, 4 * size**2)
        return 8 * floats

    def _columns(self, d: int, degree: int) -> int:
        return n_terms(d, degree) if self.width is None else min(self.width, n_terms(d, degree))


def penalty_path(penalty: Auto, name: str) -> list[float] | None:
    """None for "auto"; a number as a path of one, so that validation has its say on it too."""
    if isinstance(penalty, str) and penalty == "auto":
        return None
    return [float(check_scalar(penalty, name, Real, min_val=0, include_boundaries="neither"))]
