"""Multi-index models: functions of a few directions at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from layerwise._validation import as_integer, did_you_mean
from layerwise.hermite import HermitePolynomial
from layerwise.inputs import RandomState, as_generator
from layerwise.targets.base import Array, Target
from layerwise.targets.directions import unit_directions
from layerwise.targets.facts import Facts, PolynomialFacts


def _norm(Z: Array) -> Array:
    return np.linalg.norm(Z, axis=1)


def _max(Z: Array) -> Array:
    return Z.max(axis=1)


_NAMED: dict[str, Callable[[int], HermitePolynomial | Callable[[Array], Array]]] = {
    "product": lambda rank: HermitePolynomial.basis(np.ones(rank, dtype=int)),
    "staircase": lambda rank: HermitePolynomial(np.tri(rank, dtype=int), np.full(rank, rank**-0.5)),
    "norm": lambda rank: _norm,
    "max": lambda rank: _max,
}


def as_multivariate_link(
    link: str | Mapping[str, Any] | HermitePolynomial | Callable[[Array], Array], rank: int | None
) -> tuple[Callable[[Array], Array], int]:
    """Return g and its number of variables.

    Parameters
    ----------
    link : str, mapping, HermitePolynomial or callable
        "product" (``z_1 ... z_r``), "staircase" (``(z_1 + z_1 z_2 + ... + z_1...z_r) / sqrt(r)``), "norm", "max";
        ``{"exponents": [[2, 0], [1, 1]], "coefficients": [0.5, 1.0]}`` in the orthonormal Hermite basis; a
        HermitePolynomial; or a function from (n, r) to (n,).
    rank : int or None
        r; None takes it from a polynomial, and is 2 for a name.
    """
    if isinstance(link, str):
        if link not in _NAMED:
            raise ValueError(
                f"unknown link {link!r} of several variables.{did_you_mean(link, _NAMED)} "
                "A HermitePolynomial or a function from (n, r) to (n,) also works."
            )
        rank = 2 if rank is None else rank
        return _NAMED[link](rank), rank
    if isinstance(link, Mapping):
        if set(link) != {"exponents", "coefficients"}:
            raise ValueError(
                f"link has the keys {sorted(link)}; they must be 'exponents' and 'coefficients'. Pass these two."
            )
        link = HermitePolynomial(np.asarray(link["exponents"], dtype=int), link["coefficients"])
    if isinstance(link, HermitePolynomial):
        if rank not in (None, link.dim):
            raise ValueError(
                f"link is a polynomial in {link.dim} variables, but rank={rank}; they must agree. Pass rank={link.dim}."
            )
        return link, link.dim
    if not callable(link):
        raise TypeError(
            f"link={link!r} must be a name, a HermitePolynomial, or a function of an (n, r) array. Pass e.g. 'product'."
        )
    if rank is None:
        raise ValueError("rank=None must be an integer for a function of unknown dimension. Pass rank=r or directions.")
    return link, rank


class MultiIndex(Target):
    """Multi-index model ``f(x) = g(U x)``, U of shape (r, dim) with orthonormal rows.

    The target of Damian et al. 2022, a function of r directions; their Assumption 2 is that E Hessian f has rank r.
    With ``rank=dim`` it is an arbitrary function g.

    Parameters
    ----------
    dim : int
        Number of inputs.
    link : str, mapping, HermitePolynomial or callable, default "product"
        g, as in `as_multivariate_link`.
    rank : int, optional
        r. Default: the number of variables of the polynomial or of ``directions``; 2 for a name.
    directions : array-like of shape (r, dim) or "random", optional
        U. Default: the first r axes. Rows must be orthonormal ("random": Haar).
    rotate, random_state
        As in `SingleIndex`.

    Notes
    -----
    Facts are exact for polynomials. For other g they come from tensor quadrature if g is smooth and r <= 4, else from
    Monte Carlo in R^r.

    Examples
    --------
    >>> import numpy as np
    >>> target = MultiIndex(10, lambda Z: np.sin(Z[:, 0] * Z[:, 1]), rank=2)
    >>> target.information_exponent, round(target.variance, 6)
    (2, 0.276393)
    """

    def __init__(
        self,
        dim: int,
        link: str | Mapping[str, Any] | HermitePolynomial | Callable[[Array], Array] = "product",
        rank: int | None = None,
        directions: ArrayLike | str | None = None,
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        super().__init__(dim)
        self._link, self._rank, self._directions = link, rank, directions
        self.rotate, self.random_state = rotate, random_state
        rng = as_generator(random_state)
        if rank is None and directions is not None and not isinstance(directions, str):
            rank = len(np.atleast_2d(np.asarray(directions)))
        self.link, self.rank = as_multivariate_link(link, None if rank is None else as_integer(rank, "rank", 1))
        U = unit_directions(directions, self.rank, self.dim, rng)
        if isinstance(directions, str):
            unit_directions(None, self.rank, self.dim, rng)  # refuses rank > dim
            U = np.linalg.qr(U.T)[0].T
        self.set_frame(U, rotate, rng)

    def evaluate(self, Z: Array) -> Array:
        """``g(z)``."""
        return self.link(Z)

    def compute_facts(self) -> Facts:
        """Facts from the coefficients of a polynomial, else as in `Target`."""
        if isinstance(self.link, HermitePolynomial):
            return PolynomialFacts(self.link)
        return super().compute_facts()
