"""Feature polynomials p of hierarchical targets: E p = 0, E p^2 = 1, all of it in one Hermite degree k.

Each is itself a target; sums of independent pieces list these pieces, from which the facts about g(p) are computed.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from layerwise._validation import Choice, as_integer
from layerwise.hermite import HermitePolynomial, HermiteSeries, multi_indices, n_terms
from layerwise.inputs import RandomState, as_generator
from layerwise.targets.base import Array, Target
from layerwise.targets.facts import Component, Facts, PolynomialFacts

MAX_TERMS = 2_000_000


class Feature(Target):
    """A polynomial p in the Hermite space of degree k, with E p^2 = 1.

    Attributes
    ----------
    degree : int
        k.
    """

    degree: int

    @cached_property
    def reduced_polynomial(self) -> HermitePolynomial:
        """The polynomial p in the coordinates of the frame, ``p(x) = reduced_polynomial(S x)``."""
        return self._make_polynomial()

    def _make_polynomial(self) -> HermitePolynomial:
        raise NotImplementedError

    def polynomial(self) -> HermitePolynomial:
        """The polynomial p in the dim inputs; with ``rotate=True`` it has all C(dim + k - 1, k) terms."""
        return self.reduced_polynomial if self._frame is None else self.reduced_polynomial.rotate(self._frame)

    @cached_property
    def components(self) -> tuple[Component, ...] | None:
        """The independent pieces of p in the coordinates of the frame; None if p is not a sum of such pieces."""
        return None

    def rotated(self, random_state: RandomState = None) -> Feature:
        """Return the feature ``x -> p(R x)`` for a Haar-random orthogonal matrix R."""
        rotated = copy(self)
        rotated.set_frame(self._frame, True, as_generator(random_state))
        return rotated

    def compute_facts(self) -> Facts:
        """Facts from the Hermite coefficients of p."""
        return PolynomialFacts(self.reduced_polynomial)


class BalancedSum(Feature):
    """Balanced sum ``p(x) = L^(-1/2) sum_{i <= L} lambda_i psi_i(x)``, sum_i lambda_i^2 = L.

    Assumption 4 of Wang et al. 2023: each psi_i has Hermite degree k and variance 1, different psi_i depend on
    orthogonal directions, L is of order dim and max |lambda_i| of order 1.

    Parameters
    ----------
    dim : int
        Number of inputs.
    degree : int, default 3
        k.
    kind : {"tensor", "product"}, default "tensor"
        ``psi_i = h_k(x_i)`` (orthogonal tensor) or ``psi_i = x_{ki+1} ... x_{ki+k}`` (disjoint products).
    n_terms : int, optional
        L. Default: the largest number, dim (tensor) or dim // k (product).
    weights : {"alternating", "ones", "random"} or array-like of shape (L,), default "alternating"
        lambda_i: alternating ±1, ones, independent random signs, or numbers, rescaled to sum_i lambda_i^2 = L.
    rotate, random_state
        As in `SingleIndex`.

    Examples
    --------
    >>> p = BalancedSum(16, degree=3)
    >>> p.mean, round(p.variance, 12), p.degree_energies(3).round(6).tolist()
    (0.0, 1.0, [0.0, 0.0, 0.0, 1.0])
    """

    def __init__(
        self,
        dim: int,
        degree: int = 3,
        kind: Literal["tensor", "product"] = "tensor",
        n_terms: int | None = None,
        weights: str | ArrayLike = "alternating",
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        super().__init__(dim)
        self.degree = as_integer(degree, "degree", 1)
        Choice("tensor", "product").check(kind, "kind")
        self.kind = kind
        each = 1 if kind == "tensor" else self.degree
        most = self.dim // each
        self._n_terms = n_terms
        self.n_terms = most if n_terms is None else as_integer(n_terms, "n_terms", 1)
        if not 1 <= self.n_terms <= most:
            raise ValueError(
                f"n_terms={self.n_terms} must be <= {most}, as each term has {each} of the dim={self.dim} inputs. "
                f"Pass n_terms <= {most} or raise dim."
                if most
                else f"degree={self.degree} of a product must be <= dim={self.dim}. Raise dim."
            )
        self._weights = weights
        self.rotate, self.random_state = rotate, random_state
        rng = as_generator(random_state)
        self.weights = _signs(weights, self.n_terms, rng)
        kept = np.flatnonzero(self.weights)
        self._pieces = self.weights[kept] / np.sqrt(self.n_terms)
        used = (each * kept[:, None] + np.arange(each)).ravel()
        frame = None if len(used) == self.dim else np.eye(self.dim)[used]
        if self.degree == 1:  # one linear form: one direction
            frame, self._pieces = self._pieces[None, :] @ np.eye(self.dim)[used], np.ones(1)
        self.set_frame(frame, rotate, rng)

    def evaluate(self, Z: Array) -> Array:
        """``sum_i lambda_i psi_i / sqrt(L)``."""
        scaled = self._pieces.astype(Z.dtype)
        if self.kind == "product":
            return Z.reshape(len(Z), len(scaled), self.degree).prod(axis=2) @ scaled
        return HermiteSeries.basis(self.degree)(Z) @ scaled

    @cached_property
    def components(self) -> tuple[Component, ...] | None:
        """The pieces lambda_i psi_i / sqrt(L) with lambda_i != 0; those of degree 1 form a single piece."""
        each = 1 if self.kind == "tensor" else self.degree
        one = HermitePolynomial.basis([self.degree] if self.kind == "tensor" else np.ones(each, dtype=int))
        axes = np.arange(each * len(self._pieces)).reshape(-1, each)
        return tuple(Component(float(w), tuple(row), one) for w, row in zip(self._pieces, axes.tolist(), strict=True))

    def _make_polynomial(self) -> HermitePolynomial:
        if self.kind == "tensor":
            exponents = self.degree * np.eye(len(self._pieces), dtype=int)
        else:
            exponents = np.repeat(np.eye(len(self._pieces), dtype=int), self.degree, axis=1)
        return HermitePolynomial(exponents, self._pieces)


class Sparse(BalancedSum):
    """Sum of a few pieces, ``p(x) = L^(-1/2) sum_{i <= L} lambda_i psi_i(x)``, with L fixed and small.

    Violates Assumption 4 of Wang et al. 2023, which requires L of order dim: the approximate Stein lemma fails.

    Parameters
    ----------
    dim : int
        Number of inputs.
    degree : int, default 3
        k.
    n_terms : int, default 2
        L.
    kind, weights, rotate, random_state
        As in `BalancedSum`.
    """

    def __init__(
        self,
        dim: int,
        degree: int = 3,
        n_terms: int = 2,
        kind: Literal["tensor", "product"] = "tensor",
        weights: str | ArrayLike = "alternating",
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        super().__init__(dim, degree, kind, n_terms, weights, rotate, random_state)


class RandomTensor(Feature):
    """Random tensor ``p(x) = sum_{|alpha| = k} c_alpha h_alpha(x)`` with Gaussian c, scaled to ``|c| = 1``.

    The general feature of Wang et al. 2023, for which the guarantee is conjectured. Its distribution is invariant under
    rotations.

    Parameters
    ----------
    dim : int
        Number of inputs.
    degree : int, default 3
        k; there are C(dim + k - 1, k) coefficients.
    rotate, random_state
        As in `SingleIndex`; the seed also determines the coefficients.
    """

    def __init__(self, dim: int, degree: int = 3, rotate: bool = False, random_state: RandomState = None):
        super().__init__(dim)
        self.degree = as_integer(degree, "degree", 1)
        self.rotate, self.random_state = rotate, random_state
        below, size = n_terms(self.dim, self.degree - 1), n_terms(self.dim, self.degree)
        if size > MAX_TERMS:
            raise ValueError(
                f"degree={degree} in dim={dim} inputs has {size - below:.3g} coefficients; there must be at most "
                f"{MAX_TERMS}. Lower degree or dim, or use BalancedSum, which has dim terms."
            )
        rng = as_generator(random_state)
        c = rng.standard_normal(size - below)
        self._c = c / np.linalg.norm(c)
        self.set_frame(None if self.degree > 1 else self._linear_form(), rotate, rng)

    def _linear_form(self) -> Array:
        """Direction (1, dim) of the linear form that p is for degree 1; in its coordinate, p is the identity."""
        direction = HermitePolynomial(multi_indices(self.dim, 1)[1:], self._c).expected_gradient()[None, :]
        self._c = np.ones(1)
        return direction

    def evaluate(self, Z: Array) -> Array:
        """``sum_alpha c_alpha h_alpha``."""
        return self.reduced_polynomial(Z)

    def _make_polynomial(self) -> HermitePolynomial:
        variables = self.dim if self.degree > 1 else 1
        return HermitePolynomial(multi_indices(variables, self.degree)[-len(self._c) :], self._c)


def _signs(weights: str | ArrayLike, n: int, rng: np.random.Generator) -> Array:
    """Weights lambda_1, ..., lambda_n with sum of squares n."""
    if isinstance(weights, str):
        Choice("alternating", "ones", "random").check(weights, "weights")
        if weights == "random":
            return rng.integers(0, 2, n) * 2.0 - 1.0
        return np.ones(n) if weights == "ones" else (-1.0) ** np.arange(n)
    w = np.asarray(weights, dtype=float)
    if w.shape != (n,) or not np.all(np.isfinite(w)) or not np.any(w):
        raise ValueError(
            f"weights has shape {w.shape}, or is not finite, or is 0; it must be {n} numbers. Pass e.g. 'ones'."
        )
    return w * np.sqrt(n / np.sum(w**2))
