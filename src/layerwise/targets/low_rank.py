"""Low-rank polynomials and two-layer teachers: the sums of ridge functions of Lee 2020."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import factorial2

from layerwise._validation import as_integer
from layerwise.activations import Activation, ActivationLike, as_activation, monomial
from layerwise.inputs import RandomState, as_generator
from layerwise.targets.base import Array
from layerwise.targets.directions import unit_directions
from layerwise.targets.index import RidgeSum


def unit_power_norm(degree: int) -> float:
    """Length |w| for which ``E (w . x)^(2p) = |w|^(2p) (2p-1)!!`` is 1, where p is the degree."""
    return float(factorial2(2 * degree - 1)) ** (-1.0 / (2 * degree))


def as_weights(weights: ArrayLike | None, n: int, default: float, name: str = "weights") -> Array:
    """Return n finite weights; None stands for n copies of the default."""
    a = np.full(n, default) if weights is None else np.asarray(weights, dtype=float)
    if a.shape != (n,) or not np.all(np.isfinite(a)):
        raise ValueError(
            f"{name} has shape {a.shape}, or is not finite; it must be {n} finite numbers. Pass one per term."
        )
    return a


def as_degrees(degree: int | Sequence[int], n: int, name: str = "degree", count: str = "rank") -> list[int]:
    """Return n degrees, given one for all or one for each."""
    each = [degree] * n if np.ndim(degree) == 0 else list(np.asarray(degree))
    if len(each) != n:
        raise ValueError(
            f"{name} has {len(each)} entries; it must be an integer, or {count}={n} of them. Pass one per term."
        )
    return [as_integer(p, name, 1) for p in each]


class LowRankPolynomial(RidgeSum):
    """Low-rank polynomial ``f(x) = sum_{s <= r} a_s (w_s . x)^{p_s}``, |a_s| <= 1, E (w_s . x)^{2 p_s} <= 1.

    The class of Lee 2020 and Chen et al. 2020: kernels take dim^p samples, a neural representation dim^ceil(p/2).

    Parameters
    ----------
    dim : int
        Number of inputs.
    rank : int, default 1
        r.
    degree : int or sequence of int, default 4
        p_s: one for all terms, or one for each.
    weights : array-like of shape (r,), optional
        a_s. Default: ones.
    directions : array-like of shape (r, dim) or "random", optional
        w_s; an array is not rescaled, but its row lengths are checked. Default: the first r axes; "random": random
        directions. Both have the length for which E (w_s . x)^{2 p_s} = 1.
    rotate, random_state
        As in `SingleIndex`.
    """

    def __init__(
        self,
        dim: int,
        rank: int = 1,
        degree: int | Sequence[int] = 4,
        weights: ArrayLike | None = None,
        directions: ArrayLike | str | None = None,
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        super().__init__(dim)
        self.rank, self.degree = as_integer(rank, "rank", 1), degree
        self._weights, self._directions = weights, directions
        self.rotate, self.random_state = rotate, random_state
        rng = as_generator(random_state)

        powers = as_degrees(degree, self.rank)
        a = as_weights(weights, self.rank, 1.0)
        if np.abs(a).max() > 1:
            raise ValueError(f"weights has an entry of size {np.abs(a).max():.4g}; |a_s| must be <= 1. Rescale f.")
        longest = np.array([unit_power_norm(p) for p in powers])
        W = unit_directions(directions, self.rank, self.dim, rng)
        if directions is None or isinstance(directions, str):
            W = W * longest[:, None]
        excess = np.linalg.norm(W, axis=1) / longest
        if excess.max() > 1 + 1e-9:
            s = int(np.argmax(excess))
            raise ValueError(
                f"directions[{s}] has length {np.linalg.norm(W[s]):.4g}; it must be at most {longest[s]:.4g}, so that "
                f"E (w . x)^{2 * powers[s]} <= 1. Shorten it, or pass directions=None."
            )
        table: dict[int, Activation] = {p: monomial(p) for p in powers}
        self._set_terms(a, W, [table[p] for p in powers], rotate, rng)


class TwoLayerTeacher(RidgeSum):
    """Two-layer network ``f(x) = sum_{j <= m} a_j g(w_j . x)`` (Lee 2020).

    Parameters
    ----------
    dim : int
        Number of inputs.
    width : int, default 3
        m, the number of neurons.
    link : str, sequence of float, mapping, callable or Activation, default "relu"
        g, as in `as_activation`.
    weights : array-like of shape (m,), optional
        a_j. Default: 1 / sqrt(m).
    directions : array-like of shape (m, dim) or "random", optional
        w_j, of any length. Default: the first m axes; "random": random unit vectors, not orthogonal in general.
    rotate, random_state
        As in `SingleIndex`.
    """

    def __init__(
        self,
        dim: int,
        width: int = 3,
        link: ActivationLike = "relu",
        weights: ArrayLike | None = None,
        directions: ArrayLike | str | None = None,
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        super().__init__(dim)
        self.width = as_integer(width, "width", 1)
        self._link, self.link = link, as_activation(link, "link")
        self._weights, self._directions = weights, directions
        self.rotate, self.random_state = rotate, random_state
        rng = as_generator(random_state)
        W = unit_directions(directions, self.width, self.dim, rng)
        a = as_weights(weights, self.width, self.width**-0.5)
        self._set_terms(a, W, [self.link] * self.width, rotate, rng)
