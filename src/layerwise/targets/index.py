"""Index models: functions of one direction, and sums of them.

    f(x) = sum_j a_j g_j(w_j . x)

A single-index model has one term. All facts about the sum reduce to one-variable quadrature (`RidgeFacts`). Functions
of several directions at once are in `multi_index`, sums with the normalisation of a paper in `low_rank`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from layerwise._validation import as_integer, as_points
from layerwise.activations import Activation, ActivationLike, as_activation
from layerwise.inputs import RandomState, as_generator
from layerwise.targets.base import Array, Target
from layerwise.targets.directions import orthonormal_span, unit_directions
from layerwise.targets.facts import Facts, RidgeFacts


class RidgeSum(Target):
    """Base of the index models: a sum of ridge functions ``f(x) = sum_j a_j g_j(w_j . x)``."""

    def _set_terms(
        self, weights: Array, W: Array, links: Sequence[Activation], rotate: bool, rng: np.random.Generator
    ) -> None:
        """Set a_j, w_j and g_j; the frame is the span of those w_j that f depends on."""
        self._coefficients = weights
        active = np.flatnonzero(weights)
        terms = [links[int(j)] for j in active]
        needed = _needed_directions(weights[active], W[active], terms)
        rank = len(orthonormal_span(needed))
        frame = orthonormal_span(np.concatenate([needed, W]))  # the others last: only `directions` uses them
        self.set_frame(frame, rotate, rng)
        self._span = self.relevant_subspace
        self._given = W @ frame.T  # w_j in the coordinates of the span, (m, rank of W)
        self._frame = self._span[:rank]
        self._active, self._links, self._reduced = weights[active], terms, self._given[active, :rank]

    @property
    def weights(self) -> Array:
        """The weights a_j, shape (m,)."""
        return self._coefficients.copy()

    @property
    def directions(self) -> Array:
        """The directions w_j after any rotation, shape (m, dim)."""
        return self._given @ self._span

    def evaluate(self, Z: Array) -> Array:
        """``sum_j a_j g_j(w_j . z)``."""
        total = np.zeros(len(Z), dtype=Z.dtype)
        for a, w, link in zip(self._active, self._reduced, self._links, strict=True):
            values = link(Z @ w.astype(Z.dtype))
            if values.shape != total.shape:
                return values  # `Target` raises for the shape, naming the class
            total += (a * values).astype(Z.dtype, copy=False)
        return total

    def compute_facts(self) -> Facts:
        """Facts by quadrature of each link."""
        if not self._links:
            return RidgeFacts(np.zeros(1), np.zeros((1, 0)), [as_activation([0.0])])
        norms = np.linalg.norm(self._reduced, axis=1)
        scaled: dict[tuple[int, float], Activation] = {}
        for link, norm in zip(self._links, norms, strict=True):
            scaled.setdefault((id(link), round(float(norm), 12)), link.scaled(float(norm)))
        links = [scaled[id(link), round(float(norm), 12)] for link, norm in zip(self._links, norms, strict=True)]
        return RidgeFacts(self._active, self._reduced / np.where(norms > 0.0, norms, 1.0)[:, None], links)


def _needed_directions(weights: Array, W: Array, links: Sequence[Activation]) -> Array:
    """Rows that span the directions f depends on; all links of degree <= 1 together count as one linear form."""
    slopes, curved = np.zeros(len(W)), np.ones(len(W), dtype=bool)
    for j, link in enumerate(links):
        c = None if link.polynomial is None else link.polynomial.coefficients
        if c is not None and not np.any(c[2:]):
            curved[j] = False
            slopes[j] = weights[j] * c[1] if len(c) > 1 else 0.0
    linear = slopes @ W
    size = float(np.abs(slopes) @ np.linalg.norm(W, axis=1))
    if np.linalg.norm(linear) <= 1e-12 * size:  # no linear links, or they cancel
        return W[curved]
    return np.concatenate([W[curved], linear[None, :]])


class SingleIndex(RidgeSum):
    """Single-index model ``f(x) = g(u . x)``, |u| = 1.

    The target of Damian et al. 2022 and Nichani et al. 2023, among others; its information exponent is that of g.

    Parameters
    ----------
    dim : int
        Number of inputs.
    link : str, sequence of float, mapping, callable or Activation, default "he4"
        g, as in `as_activation`.
    direction : array-like of shape (dim,) or "random", optional
        u, of any length: it is normalised. Default: the first axis.
    rotate : bool, default False
        Rotate by a Haar-random orthogonal matrix.
    random_state : int, Generator, RandomState or None
        For "random" and ``rotate``.

    Attributes
    ----------
    link : Activation
        g.

    Examples
    --------
    >>> target = SingleIndex(10, link=[0, 0, 0.5**0.5, 0, 0.5**0.5])
    >>> target.degree_energies(4).round(6).tolist()
    [0.0, 0.0, 0.5, 0.0, 0.5]
    >>> target.information_exponent
    2
    """

    def __init__(
        self,
        dim: int,
        link: ActivationLike = "he4",
        direction: ArrayLike | str | None = None,
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        super().__init__(dim)
        self._link, self.link = link, as_activation(link, "link")
        self._direction = direction
        self.rotate, self.random_state = rotate, random_state
        rng = as_generator(random_state)
        u = unit_directions(direction, 1, self.dim, rng)
        self._set_terms(np.ones(1), u / np.linalg.norm(u), [self.link], rotate, rng)

    @property
    def direction(self) -> Array:
        """The unit vector u, shape (dim,)."""
        return self.directions[0]

    def feature(self, X: ArrayLike) -> Array:
        """Values of the hidden feature ``u . x`` at the rows of X (n, dim): ``f(X) = link(feature(X))``."""
        X = as_points(X, self.dim)
        return X @ self.direction.astype(X.dtype)


class HermiteSingleIndex(SingleIndex):
    """One Hermite polynomial along one direction, ``f(x) = h_p(u . x)``.

    The class of Theorem 2 of Damian et al. 2022: to distinguish its members, correlational queries need a tolerance
    below dim^(-p/4), the accuracy of about dim^(p/2) samples. The variance is 1, all of it in degree p.

    Parameters
    ----------
    dim : int
        Number of inputs.
    degree : int, default 4
        p >= 1.
    direction, rotate, random_state
        As in `SingleIndex`.
    """

    def __init__(
        self,
        dim: int,
        degree: int = 4,
        direction: ArrayLike | str | None = None,
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        self.degree = as_integer(degree, "degree", 1)
        super().__init__(dim, f"h{self.degree}", direction, rotate, random_state)
