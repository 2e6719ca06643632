"""Feature polynomials p of hierarchical targets: E p = 0, E p^2 = 1, purely of one degree k.

Each is a target of its own (it knows itself), and knows whether it is a sum of independent pieces.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from layerwise.hermite import HermitePolynomial, HermiteSeries, multi_indices, n_terms
from layerwise.inputs import RandomState, as_generator, check_count
from layerwise.targets.base import Array, Target
from layerwise.targets.facts import Component, Facts, PolynomialFacts

__all__ = ["BalancedSum", "Feature", "RandomTensor", "Sparse"]

MAX_TERMS = 2_000_000


class Feature(Target):
    """A polynomial p purely of degree k with E p = 0 and E p^2 = 1.

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
        """The polynomial p in the dim inputs; after ``rotate=True`` it has all C(dim + k - 1, k) terms."""
        return self.reduced_polynomial if self._frame is None else self.reduced_polynomial.rotate(self._frame)

    @cached_property
    def components(self) -> tuple[Component, ...] | None:
        """The independent pieces of p in the coordinates of the frame; None if it is no such sum."""
        return None

    def rotated(self, random_state: RandomState = None) -> Feature:
        """The feature ``x -> p(R x)``, R a Haar-random orthogonal matrix."""
        turned = copy(self)
        turned._see_through(self._frame, True, as_generator(random_state))
        return turned

    def _make_facts(self) -> Facts:
        return PolynomialFacts(self.reduced_polynomial)


class BalancedSum(Feature):
    """Balanced sum ``p(x) = L^(-1/2) sum_{i <= L} lambda_i psi_i(x)``, sum_i lambda_i^2 = L.

    Assumption 4 of Wang et al. 2023: each psi_i is purely of degree k with variance 1, different psi_i live on
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
        L. Default: as many as fit, dim (tensor) or dim // k (product).
    weights : {"alternating", "ones", "random"} or array-like of shape (L,), default "alternating"
        lambda_i: ±1 alternating, 1, independent signs, or numbers, which are rescaled to sum_i lambda_i^2 = L.
    rotate : bool, default False
        Rotate by a Haar-random orthogonal matrix.
    random_state : int, Generator, RandomState or None
        For "random" and ``rotate``.

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
        self.degree = check_count(degree, "degree")
        if kind not in ("tensor", "product"):
            raise ValueError(f"kind={kind!r} is unknown. Give 'tensor' (h_k(x_i)) or 'product' (disjoint products).")
        self.kind = kind
        each = 1 if kind == "tensor" else self.degree
        most = self.dim // each
        self._n_terms = n_terms
        self.n_terms = most if n_terms is None else check_count(n_terms, "n_terms")
        if not 1 <= self.n_terms <= most:
            raise ValueError(
                f"{max(self.n_terms, 1)} pieces of {each} variables each do not fit into dim={self.dim} inputs. "
                f"Give n_terms <= {most} or raise dim."
                if most
                else f"a product of degree={self.degree} needs that many inputs, dim={self.dim}. Raise dim."
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
        self._see_through(frame, rotate, rng)

    def _values(self, Z: Array) -> Array:
        scaled = self._pieces.astype(Z.dtype)
        if self.kind == "product":
            return Z.reshape(len(Z), len(scaled), self.degree).prod(axis=2) @ scaled
        return HermiteSeries.basis(self.degree)(Z) @ scaled

    @cached_property
    def components(self) -> tuple[Component, ...] | None:
        """The pieces lambda_i psi_i / sqrt(L) with lambda_i != 0; of degree 1 all are one."""
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
    """A balanced sum of few pieces, ``p(x) = L^(-1/2) sum_{i <= L} lambda_i psi_i(x)``, L fixed and small.

    Breaks Assumption 4 of Wang et al. 2023, which asks for L of order dim: the approximate Stein lemma then fails.

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
    """Random tensor ``p(x) = sum_{|alpha| = k} c_alpha h_alpha(x)``, c Gaussian, scaled to ``|c| = 1``.

    The general feature of Wang et al. 2023, for which the guarantee is conjectured; its law is rotation invariant.

    Parameters
    ----------
    dim : int
        Number of inputs.
    degree : int, default 3
        k; there are C(dim + k - 1, k) coefficients.
    rotate : bool, default False
        Rotate by a Haar-random orthogonal matrix.
    random_state : int, Generator, RandomState or None
        For the coefficients and ``rotate``.
    """

    def __init__(self, dim: int, degree: int = 3, rotate: bool = False, random_state: RandomState = None):
        super().__init__(dim)
        self.degree = check_count(degree, "degree")
        self.rotate, self.random_state = rotate, random_state
        below, size = n_terms(self.dim, self.degree - 1), n_terms(self.dim, self.degree)
        if size > MAX_TERMS:
            raise ValueError(
                f"degree={degree} in dim={dim} inputs has {size - below:.3g} coefficients; at most {MAX_TERMS} are "
                "drawn. Lower degree or dim, or take BalancedSum, which has dim terms."
            )
        rng = as_generator(random_state)
        c = rng.standard_normal(size - below)
        self._c = c / np.linalg.norm(c)
        self._see_through(None if self.degree > 1 else self._linear_form(), rotate, rng)

    def _linear_form(self) -> Array:
        """Degree 1 is one linear form: its direction, (1, dim), in whose coordinate it is the identity."""
        direction = HermitePolynomial(multi_indices(self.dim, 1)[1:], self._c).expected_gradient()[None, :]
        self._c = np.ones(1)
        return direction

    def _values(self, Z: Array) -> Array:
        return self.reduced_polynomial(Z)

    def _make_polynomial(self) -> HermitePolynomial:
        variables = self.dim if self.degree > 1 else 1
        return HermitePolynomial(multi_indices(variables, self.degree)[-len(self._c) :], self._c)


def _signs(weights: str | ArrayLike, n: int, rng: np.random.Generator) -> Array:
    """n weights with sum of squares n."""
    if isinstance(weights, str):
        if weights not in ("alternating", "ones", "random"):
            raise ValueError(f"weights={weights!r} is unknown. Give 'alternating', 'ones', 'random' or {n} numbers.")
        if weights == "random":
            return rng.integers(0, 2, n) * 2.0 - 1.0
        return np.ones(n) if weights == "ones" else (-1.0) ** np.arange(n)
    w = np.asarray(weights, dtype=float)
    if w.shape != (n,) or not np.all(np.isfinite(w)) or not np.any(w):
        raise ValueError(f"weights has shape {w.shape} (or is not finite, or all 0). Give {n} numbers, not all 0.")
    return w * np.sqrt(n / np.sum(w**2))
