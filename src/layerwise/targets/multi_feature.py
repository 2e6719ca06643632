"""Links of several feature polynomials at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from layerwise._validation import as_integer
from layerwise.hermite import HermitePolynomial, HermiteSeries
from layerwise.inputs import RandomState, as_generator
from layerwise.targets.base import Array, Target
from layerwise.targets.directions import orthonormal_span
from layerwise.targets.facts import Facts, PolynomialFacts
from layerwise.targets.lookup import FeatureLike, make_feature
from layerwise.targets.multi_index import as_multivariate_link

MAX_PRODUCTS = 3_000_000


class MultiFeature(Target):
    """A link of several features, ``f(x) = g(p_1(x), ..., p_R(x))``, E p_j = 0, E p_j^2 = 1.

    An open question of Wang et al. 2023: does layerwise training find several features?

    Parameters
    ----------
    dim : int
        Number of inputs.
    features : str, mapping, Feature, or list of these, default "balanced_sum"
        One feature, built ``n_features`` times on disjoint blocks of dim // n_features inputs; or a list of features of
        all inputs. Each as in `make_feature`.
    n_features : int, default 2
        R, if ``features`` is not a list.
    link : str, mapping, HermitePolynomial or callable, default "product"
        g, as in `as_multivariate_link`.
    rotate : bool, default False
        Rotate by a Haar-random orthogonal matrix.
    random_state : int, Generator, RandomState or None
        For features that are built here, and for ``rotate``.

    Attributes
    ----------
    features : list of Feature
        p_j in the coordinates in which it was built; its values at X are ``transform(X)[:, j]``.

    Notes
    -----
    Facts are exact for polynomial links if the product of the numbers of terms is at most 3e6.
    """

    def __init__(
        self,
        dim: int,
        features: FeatureLike | Sequence[FeatureLike] = "balanced_sum",
        n_features: int = 2,
        link: str | Mapping[str, Any] | HermitePolynomial | Callable[[Array], Array] = "product",
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        super().__init__(dim)
        self._features, self._link = features, link
        self.n_features = as_integer(n_features, "n_features", 1)
        self.rotate, self.random_state = rotate, random_state
        rng = as_generator(random_state)
        if isinstance(features, Sequence) and not isinstance(features, str):
            if len(features) == 0:
                raise ValueError("features=[] is empty; it must list at least one feature. Pass e.g. ['quadratic'].")
            self.features = [make_feature(spec, self.dim, rng) for spec in features]
            self.n_features = len(self.features)
            maps = [p.relevant_subspace for p in self.features]
        else:
            block = self.dim // self.n_features
            if block == 0:
                raise ValueError(f"n_features={n_features} must be <= dim={dim}. Raise dim or lower n_features.")
            self.features = [make_feature(features, block, rng) for _ in range(self.n_features)]
            maps = [p.relevant_subspace @ np.eye(block, self.dim, j * block) for j, p in enumerate(self.features)]
        frame = orthonormal_span(np.concatenate(maps))
        if len(frame) == self.dim:
            frame = np.eye(self.dim)
        self._maps = [S @ frame.T for S in maps]  # maps the coordinates of the frame to those of p_j
        self.set_frame(frame, rotate, rng)
        self.link, _ = as_multivariate_link(link, self.n_features)

    def transform(self, X: Array) -> Array:
        """Values of the features, shape (n, R)."""
        return self._feature_values(self._coordinates(X))

    def _feature_values(self, Z: Array) -> Array:
        columns = [p.evaluate(Z @ S.T.astype(Z.dtype)) for p, S in zip(self.features, self._maps, strict=True)]
        return np.stack(columns, axis=1)

    def evaluate(self, Z: Array) -> Array:
        """``g(p_1, ..., p_R)``."""
        return self.link(self._feature_values(Z))

    def compute_facts(self) -> Facts:
        """Facts from the Hermite expansion of f if it is small enough, else as in `Target`."""
        if isinstance(self.link, HermitePolynomial):
            pieces = [p.reduced_polynomial.rotate(S) for p, S in zip(self.features, self._maps, strict=True)]
            sizes = [len(piece.coefficients) for piece in pieces]
            largest = max(float(np.prod(np.power(sizes, alpha))) for alpha in self.link.exponents)
            if largest <= MAX_PRODUCTS:
                return PolynomialFacts(_substitute(self.link, pieces))
        return super().compute_facts()


def _substitute(g: HermitePolynomial, pieces: list[HermitePolynomial]) -> HermitePolynomial:
    """The polynomial ``g(p_1, ..., p_R) = sum_alpha c_alpha prod_j h_{alpha_j}(p_j)``."""
    total = HermitePolynomial.zero(pieces[0].dim)
    for alpha, c in zip(g.exponents, g.coefficients, strict=True):
        term = HermitePolynomial.constant(pieces[0].dim, float(c))
        for exponent, piece in zip(alpha, pieces, strict=True):
            if exponent:
                term = term * piece.compose(HermiteSeries.basis(int(exponent)))
        total = total + term
    return total
