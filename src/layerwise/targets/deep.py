"""Deep low-rank polynomials: low-rank polynomials of low-rank polynomials (Lee 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from layerwise._validation import Flag, as_integer
from layerwise.hermite import HermitePolynomial, HermiteSeries, n_terms
from layerwise.inputs import RandomState, as_generator
from layerwise.targets.base import Array, Target
from layerwise.targets.directions import orthonormal_span, unit_directions
from layerwise.targets.facts import Facts, PolynomialFacts
from layerwise.targets.low_rank import as_degrees, as_weights, unit_power_norm

MAX_TERMS = 50_000


class DeepLowRank(Target):
    """Deep low-rank polynomial ``f(x) = sum_{s <= r} alpha_s (beta_s . g_s(x))^{p_s}`` (Lee 2020).

    Each coordinate of ``g_s : R^dim -> R^width`` is a low-rank polynomial,
    ``g_s(x)_c = sum_{t <= inner_rank} (w_sct . x)^{q_t} / inner_rank`` with ``E (w_sct . x)^{2 q_t} = 1``. The outer
    terms are normalised as in `LowRankPolynomial`: ``|alpha_s| <= 1`` and ``E (beta_s . g_s)^{2 p_s} = 1``. The easier
    variant with ``linear_terms`` adds ``sum_s v_s . g_s(x)``, in which the features g_s appear at their own degree.

    Parameters
    ----------
    dim : int
        Number of inputs; with directions along the axes, f depends on ``rank * width * inner_rank`` of them.
    rank : int, default 1
        r, the number of outer terms.
    width : int, default 2
        Number of coordinates of each g_s.
    inner_rank : int, default 1
        Number of directions of each coordinate.
    inner_degree : int or sequence of int, default 2
        q_t: one for all terms of a coordinate, or one for each of its ``inner_rank`` terms.
    outer_degree : int or sequence of int, default 2
        p_s: one for all outer terms, or one for each of the ``rank`` terms.
    linear_terms : bool, default False
        Add ``sum_s v_s . g_s(x)``.
    outer_weights : array-like of shape (rank,), optional
        alpha_s, |alpha_s| <= 1. Default: ones.
    inner_weights : array-like of shape (rank, width), optional
        beta_s, up to a scale set by the normalisation. Default: alternating signs.
    linear_weights : array-like of shape (rank, width), optional
        v_s, not rescaled. Default: beta_s scaled so that ``v_s . g_s`` has variance 1.
    directions : array-like of shape (rank * width * inner_rank, dim) or "random", optional
        w_sct in the order (s, c, t), of any length: they are normalised. Default: the axes.
    rotate, random_state
        As in `SingleIndex`.

    Notes
    -----
    All facts are exact: f is expanded into at most 50,000 Hermite polynomials of as many variables as there are
    independent directions.
    """

    def __init__(
        self,
        dim: int,
        rank: int = 1,
        width: int = 2,
        inner_rank: int = 1,
        inner_degree: int | Sequence[int] = 2,
        outer_degree: int | Sequence[int] = 2,
        linear_terms: bool = False,
        outer_weights: ArrayLike | None = None,
        inner_weights: ArrayLike | None = None,
        linear_weights: ArrayLike | None = None,
        directions: ArrayLike | str | None = None,
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        super().__init__(dim)
        self.rank, self.width = as_integer(rank, "rank", 1), as_integer(width, "width", 1)
        self.inner_rank = as_integer(inner_rank, "inner_rank", 1)
        self.inner_degree, self.outer_degree = inner_degree, outer_degree
        self._q = as_degrees(inner_degree, self.inner_rank, "inner_degree", "inner_rank")
        self._p = as_degrees(outer_degree, self.rank, "outer_degree", "rank")
        Flag().check(linear_terms, "linear_terms")
        self.linear_terms = linear_terms
        self._outer_weights, self._inner_weights, self._linear_weights = outer_weights, inner_weights, linear_weights
        self._directions, self.rotate, self.random_state = directions, rotate, random_state
        if linear_weights is not None and not linear_terms:
            raise ValueError("linear_weights must be None with linear_terms=False. Pass linear_terms=True.")
        rng = as_generator(random_state)

        self.outer_weights = as_weights(outer_weights, self.rank, 1.0, "outer_weights")
        largest = np.abs(self.outer_weights).max()
        if largest > 1:
            raise ValueError(f"outer_weights has an entry of size {largest:.4g}; |alpha_s| must be <= 1. Rescale f.")
        W = unit_directions(directions, self.rank * self.width * self.inner_rank, self.dim, rng)
        W = W / np.linalg.norm(W, axis=1, keepdims=True)
        frame = orthonormal_span(W)
        self._check_size(W)
        self.set_frame(frame, rotate, rng)
        self._units = (W @ frame.T).reshape(self.rank, self.width, self.inner_rank, -1)
        self._normalise(inner_weights, linear_weights)

    def _check_size(self, W: Array) -> None:
        """Refuse too many terms; with orthogonal directions, each outer term has variables of its own."""
        disjoint = np.allclose(W @ W.T, np.eye(len(W)), atol=1e-12)
        variables, copies = (self.width * self.inner_rank, self.rank) if disjoint else (min(W.shape), 1)
        degrees = [max(self._q) * p for p in self._p]
        size = sum(n_terms(variables, degree) for degree in degrees) if copies > 1 else n_terms(variables, max(degrees))
        if size > MAX_TERMS:
            raise ValueError(
                f"a polynomial of degree {max(degrees)} in {variables} directions has {size:.3g} terms; at most "
                f"{MAX_TERMS} are allowed. Lower the degrees, width or inner_rank."
            )

    def _normalise(self, inner_weights: ArrayLike | None, linear_weights: ArrayLike | None) -> None:
        """Scale beta_s to ``E (beta_s . g_s)^{2 p_s} = 1`` and v_s to ``Var v_s . g_s = 1``; build the polynomial."""
        contrast = np.tile((-1.0) ** np.arange(self.width), (self.rank, 1))
        beta = self._table(inner_weights, contrast, "inner_weights")
        v = self._table(linear_weights, contrast, "linear_weights")
        polynomial = HermitePolynomial.zero(self._units.shape[-1])
        for s in range(self.rank):
            g = [self._coordinate(s, c) for c in range(self.width)]
            feature = _combine(beta[s], g)
            power = HermiteSeries.from_monomials(np.eye(self._p[s] + 1)[self._p[s]])
            size = feature.compose(power).norm()
            if size == 0.0:
                raise ValueError(
                    f"inner_weights[{s}] makes beta_s . g_s vanish; it must have a nonzero entry. Pass other weights."
                )
            scale = size ** (-1.0 / self._p[s])
            beta[s] *= scale
            polynomial = polynomial + (feature * scale).compose(power) * self.outer_weights[s]
            if self.linear_terms:
                if linear_weights is None:
                    v[s] = beta[s] / np.sqrt((feature * scale).variance)
                polynomial = polynomial + _combine(v[s], g)
        self.inner_weights = beta
        self.linear_weights = v if self.linear_terms else np.zeros_like(v)
        self._polynomial = polynomial

    def _table(self, given: ArrayLike | None, default: Array, name: str) -> Array:
        flat = (default if given is None else np.asarray(given, dtype=float)).ravel()
        return as_weights(flat, self.rank * self.width, 1.0, name).reshape(self.rank, self.width).copy()

    def _coordinate(self, s: int, c: int) -> HermitePolynomial:
        """g_s(x)_c in the coordinates of the frame."""
        powers = [HermiteSeries.from_monomials(np.eye(q + 1)[q]) * unit_power_norm(q) ** q for q in self._q]
        return _combine(
            np.full(self.inner_rank, 1.0 / self.inner_rank),
            [HermitePolynomial.ridge(u, power) for u, power in zip(self._units[s, c], powers, strict=True)],
        )

    def features(self, X: ArrayLike) -> Array:
        """Values of the inner polynomials g_s(x)_c, shape (n, rank, width)."""
        return self._features(self._coordinates(X))

    def _features(self, Z: Array) -> Array:
        units = self._units.reshape(-1, Z.shape[1]).astype(Z.dtype)
        projections = (Z @ units.T).reshape(len(Z), self.rank, self.width, self.inner_rank)
        total = np.zeros(projections.shape[:-1], dtype=Z.dtype)
        for t, q in enumerate(self._q):
            total += (projections[..., t] * unit_power_norm(q)) ** q
        return total / self.inner_rank

    def evaluate(self, Z: Array) -> Array:
        """``sum_s alpha_s (beta_s . g_s)^{p_s} + v_s . g_s``."""
        g = self._features(Z)
        inner = np.einsum("nsl,sl->ns", g, self.inner_weights)
        return inner ** np.array(self._p) @ self.outer_weights + np.einsum("nsl,sl->n", g, self.linear_weights)

    def compute_facts(self) -> Facts:
        """Facts from the expansion."""
        return PolynomialFacts(self._polynomial)


def _combine(weights: Array, polynomials: list[HermitePolynomial]) -> HermitePolynomial:
    terms = (polynomial * weight for weight, polynomial in zip(weights, polynomials, strict=True))
    return sum(terms, start=HermitePolynomial.zero(polynomials[0].dim))
