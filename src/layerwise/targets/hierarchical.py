"""Hierarchical targets: a link of a feature polynomial, ``h = g(p(x))``.

Facts come from the first of these methods that applies:

- p linear: h is a ridge function (`RidgeFacts`);
- g a polynomial, p a sum of independent pieces: generating functions, in any dimension (`IndependentSumFacts`);
- p a quadratic form with at most two distinct eigenvalues, any g: Laguerre quadrature (`RadialFacts`);
- g a polynomial and few enough terms: composition of Hermite expansions (`PolynomialFacts`);
- otherwise quadrature in few variables, or Monte Carlo with its standard error.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import ArrayLike

from layerwise._validation import Flag
from layerwise.activations import Activation, ActivationLike, as_activation
from layerwise.hermite import HermitePolynomial, n_terms
from layerwise.inputs import RandomState, as_generator
from layerwise.targets.base import Array, Target
from layerwise.targets.facts import Facts, IndependentSumFacts, PolynomialFacts, RadialFacts, RidgeFacts, distinct
from layerwise.targets.lookup import FeatureLike, make_feature
from layerwise.targets.quadratic import Quadratic

MAX_PRODUCTS = 3_000_000


class Hierarchical(Target):
    """Hierarchical polynomial ``h(x) = g(p(x))``, p of degree k with E p = 0, E p^2 = 1 (Wang et al. 2023).

    Learning p first takes about dim^k samples, kernels take dim^(k deg g).

    Parameters
    ----------
    dim : int
        Number of inputs.
    feature : str, mapping or Feature, default "balanced_sum"
        p, as in `make_feature`.
    link : str, sequence of float, mapping, callable or Activation, default [0, 1, 0.7, 0.7]
        g, as in `as_activation`; the default is ``z + .7 h_2(z) + .7 h_3(z)``.
    normalize : bool, default False
        Scale g so that E h^2 = 1.
    rotate : bool, default False
        Rotate by a Haar-random orthogonal matrix.
    random_state : int, Generator, RandomState or None
        For a feature that is built here, and for ``rotate``.

    Attributes
    ----------
    feature : Feature
        p, rotated as h is: ``h(X) = link(feature(X))``.
    link : Activation
        g, scaled if ``normalize``.
    scale : float
        The factor by which ``normalize`` multiplied the link; 1 otherwise.

    Notes
    -----
    For ``h = C_d p^3``, ``p = sum_i ±d^(-1/2) h_3(x_i)``, E h^2 = 1 (Wang et al. 2023, Figure 2): C_d = .057355,
    .078522, .096074, .110778 at d = 16, 24, 32, 40; ``P_3 h = C_d (3 + 90/d) p``, with share .245, .281, .312, .338 of
    the variance; P_0 h = P_2 h = 0.

    Examples
    --------
    >>> h = Hierarchical(16, {"name": "balanced_sum", "degree": 3}, "cube", normalize=True)
    >>> round(h.scale, 6), round(float(h.degree_energies(3)[3]), 3)
    (0.057355, 0.245)
    """

    def __init__(
        self,
        dim: int,
        feature: FeatureLike = "balanced_sum",
        link: ActivationLike = (0.0, 1.0, 0.7, 0.7),
        normalize: bool = False,
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        super().__init__(dim)
        self._feature, self._link = feature, link
        self.normalize, self.rotate, self.random_state = normalize, rotate, random_state
        rng = as_generator(random_state)
        self.feature = make_feature(feature, self.dim, rng)
        Flag().check(rotate, "rotate")
        Flag().check(normalize, "normalize")
        if rotate:
            self.feature = self.feature.rotated(rng)
        self.set_frame(self.feature._frame, False, rng)
        self.link = as_activation(link, "link")
        self.scale = 1.0
        if normalize:
            facts = self.compute_facts()
            self.scale = (facts.variance + facts.mean**2) ** -0.5
            self.link = self.link * self.scale

    def evaluate(self, Z: Array) -> Array:
        """``g(p)``."""
        return self.link(self.feature.evaluate(Z))

    def compute_facts(self) -> Facts:
        """Facts from the first method of the module's list that applies."""
        series, components = self.link.polynomial, self.feature.components
        rank = len(self.relevant_subspace)
        if self.feature.degree == 1 and rank == 1:  # p(x) = S x
            return RidgeFacts(np.ones(1), np.ones((1, 1)), [self.link])
        if components is not None:
            if series is not None:
                return IndependentSumFacts(components, series, rank)
            b = np.array([c.weight for c in components]) / np.sqrt(2.0)
            if self.feature.degree == 2 and len(b) == rank and len(distinct(b)[0]) <= 2:
                return RadialFacts(b, self.link)
        elif series is not None and self._products() <= MAX_PRODUCTS:
            return PolynomialFacts(self.feature.reduced_polynomial.compose(series))
        return super().compute_facts()

    def _products(self) -> float:
        """Approximate number of products of terms in the last multiplication of the composition."""
        assert self.link.polynomial is not None
        q, p = self.link.polynomial.degree, self.feature.reduced_polynomial
        terms = len(p.coefficients)
        before = min(n_terms(p.dim, p.degree * max(q - 1, 0)), comb(terms + max(q - 1, 0), max(q - 1, 0)))
        return float(before) * terms

    def polynomial(self) -> HermitePolynomial:
        """The polynomial h in the dim inputs, in the Hermite basis.

        Raises
        ------
        ValueError
            If the link is not a polynomial, or the composition is too large.
        """
        if self.link.polynomial is None:
            raise ValueError(
                f"{self.link!r} must be a polynomial for h to be one. Use degree_energies, which takes any link."
            )
        if self._products() > MAX_PRODUCTS:
            raise ValueError(
                f"the composition takes about {self._products():.2g} products of terms; it must take at most "
                f"{MAX_PRODUCTS:.2g}. Lower dim or the degrees, or use degree_energies, which does not form h."
            )
        h = self.feature.reduced_polynomial.compose(self.link.polynomial)
        return h if self._frame is None else h.rotate(self._frame)


class QuadraticFeature(Hierarchical):
    """A link of a quadratic form, ``f(x) = g(x'Ax)``, tr A = 0, E (x'Ax)^2 = 1 (Nichani et al. 2023).

    Parameters
    ----------
    dim : int
        Number of inputs.
    link : str, sequence of float, mapping, callable or Activation, default "relu"
        g, as in `as_activation`.
    matrix : {"alternating", "gaussian", "orthogonal"} or array-like of shape (dim, dim), default "alternating"
        A up to scale, as in `Quadratic`; the named matrices have ``|A|_op`` of order dim^(-1/2).
    normalize : bool, default False
        Scale g so that E f^2 = 1.
    rotate, random_state
        As in `SingleIndex`; the seed also determines the matrix.
    """

    feature: Quadratic

    def __init__(
        self,
        dim: int,
        link: ActivationLike = "relu",
        matrix: str | ArrayLike = "alternating",
        normalize: bool = False,
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        rng = as_generator(random_state)
        self._matrix = matrix
        super().__init__(dim, Quadratic(dim, matrix, random_state=rng), link, normalize, rotate, rng)
        self.random_state = random_state

    @property
    def matrix(self) -> Array:
        """A after scaling and rotation, shape (dim, dim)."""
        return self.feature.matrix


class ReLUOfQuadratic(QuadraticFeature):
    """Target of the depth separation of Nichani et al. 2023, ``f(x) = ReLU(x'Ax) - c``, E f = 0.

    ``A`` is proportional to ``[[0, Q], [Q', 0]]`` with Q a Haar-random orthogonal matrix of size dim/2 and
    E (x'Ax)^2 = 1; ``c = E ReLU(x'Ax)``, which tends to 1/sqrt(2 pi) as dim grows.

    Parameters
    ----------
    dim : int
        Number of inputs, even.
    rotate, random_state
        As in `SingleIndex`; the seed also determines the matrix Q.

    Attributes
    ----------
    offset : float
        c.

    Notes
    -----
    A learner of the quadratic part alone is left with the risk ``1 - |P_2 f|^2 / Var f`` from degrees 4, 6, ...: .207,
    .233, .249, .258 at dim = 8, 16, 32, 64, and ``1 - (1/4) / (1/2 - 1/(2 pi)) = .2665`` in the limit. A risk below .05
    therefore requires the link. ``P_2 f`` is the sum of x'Ax / 2 and a multiple of ``|x|^2 - dim`` whose energy decays
    like 1/dim.
    """

    def __init__(self, dim: int, rotate: bool = False, random_state: RandomState = None):
        super().__init__(dim, "relu", "orthogonal", False, rotate, random_state)
        self.offset = self.compute_facts().mean
        self.link: Activation = self.link + -self.offset
