"""Links of several variables, fitted like those of one variable in `layerwise.solvers.link`.

Each is ``g(z) = sum_k c_k b_k(z)`` on R^r with a roughness ``R(g) = c'Pc`` that vanishes exactly for affine functions,
and is invariant under rotations of z, because features are identifiable up to linear maps only:

- polynomials of total degree <= m in the Hermite basis, ``R(g) = E |Hessian|_F^2 = sum |alpha| (|alpha| - 1) c^2``;
- polyharmonic splines ``a + b'z + sum_j w_j |z - t_j|^3`` with ``sum_j w_j = 0, sum_j w_j t_j = 0``, for which
  ``sum_jk w_j w_k |t_j - t_k|^3 >= 0`` in every dimension. For r = 1 this is the natural cubic smoothing spline (Duchon
  1977; Wahba 1990, section 2.4);
- Gaussian bumps ``a + b'z + sum_j w_j exp(-|z - t_j|^2 / (2 s^2))``, with the squared norm of the second part in the
  kernel's Hilbert space.

The knots t_j are rows of the data.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from layerwise.hermite import design_matrix, multi_indices, n_terms
from layerwise.solvers.link import Array, Criterion, SmoothLink
from layerwise.solvers.variable_projection import slope_coefficients

#: The largest number of knots.
MAX_KNOTS = 120
#: Added to the diagonal of the energy of radial functions, which is singular if knots coincide.
MIN_ENERGY = 1e-8
#: Largest total degree of a polynomial by the number of variables; 3 for more variables.
MAX_DEGREES = {1: 5, 2: 5, 3: 4, 4: 4}


@dataclass(frozen=True, eq=False)
class MultivariateLink(SmoothLink):
    """A function of ``dim`` variables: as `SmoothLink`, on arrays Z of shape (n_samples, dim)."""

    dim: int = 1

    @property
    @abstractmethod
    def description(self) -> str:
        """A description of the link."""

    @abstractmethod
    def derivative(self, z: ArrayLike) -> Array:
        """Evaluate the gradient before clipping, of shape (n_samples, dim)."""

    @property
    def one(self) -> Array:
        """The coefficients of the constant function 1: the first basis function is 1."""
        return np.eye(1, len(self.coefficients))[0]


@dataclass(frozen=True, eq=False)
class PolynomialSurface(MultivariateLink):
    """All ``h_alpha(z)`` with |alpha| <= ``degree``."""

    degree: int = 2

    @property
    def description(self) -> str:
        """See `MultivariateLink.description`."""
        return f"polynomial of degree {self.degree}"

    @classmethod
    def fit(cls, z: ArrayLike, y: ArrayLike, degree: int = 2, *, criterion: Criterion = "loo") -> Self:
        """Fit y (n_samples,) to z (n_samples, dim), whose columns should have mean 0 and variance 1."""
        r = np.shape(z)[1]
        k = multi_indices(r, degree).sum(axis=1)
        return cls(np.zeros(len(k)), dim=r, degree=degree)._fit(z, y, np.diag(k * (k - 1.0)), criterion)

    def basis(self, z: Array, derivative: int = 0) -> Array:
        """Evaluate ``h_alpha``, of shape (n_samples, q)."""
        return design_matrix(z, self.degree)

    def derivative(self, z):
        """See `MultivariateLink.derivative`."""
        slopes = slope_coefficients(self.dim, self.degree, self.coefficients)
        return design_matrix(np.asarray(z, dtype=float), self.degree - 1) @ slopes


@dataclass(frozen=True, eq=False)
class RadialLink(MultivariateLink):
    """An affine function plus ``sum_j w_j phi(|z - t_j|)``; w is ``transform @`` the other coefficients."""

    knots: Array = field(default_factory=lambda: np.zeros((0, 1)), repr=False)
    transform: Array = field(default_factory=lambda: np.zeros((0, 0)), repr=False)

    def basis(self, z: Array, derivative: int = 0) -> Array:
        """Evaluate 1, z, and the radial functions, of shape (n_samples, q)."""
        return np.column_stack([np.ones(len(z)), z, self._radial(cdist(z, self.knots)) @ self.transform])

    def derivative(self, z):
        """See `MultivariateLink.derivative`; phi is differentiated along z - t_j."""
        z = np.asarray(z, dtype=float)
        slope = self.coefficients[1 : 1 + self.dim]
        weights = self._slope(cdist(z, self.knots)) * (self.transform @ self.coefficients[1 + self.dim :])
        return slope + weights.sum(axis=1)[:, None] * z - weights @ self.knots

    @abstractmethod
    def _radial(self, distances: Array) -> Array:
        """``phi``."""

    @abstractmethod
    def _slope(self, distances: Array) -> Array:
        """``phi'(r) / r``."""

    def _fit_radial(self, z: ArrayLike, y: ArrayLike, energy: Array, criterion: Criterion) -> Self:
        """Fit all coefficients; ``energy`` is the quadratic form of those of the radial functions."""
        roughness = np.zeros((len(self.coefficients),) * 2)
        roughness[1 + self.dim :, 1 + self.dim :] = (energy + energy.T) / 2 + MIN_ENERGY * np.eye(len(energy))
        return self._fit(z, y, roughness, criterion)


class PolyharmonicSpline(RadialLink):
    """``phi(r) = r^3``: smooth links, and links with kinks; close to affine beyond the data."""

    @property
    def description(self) -> str:
        """See `MultivariateLink.description`."""
        return "spline"

    @classmethod
    def fit(cls, z: ArrayLike, y: ArrayLike, *, criterion: Criterion = "loo") -> Self:
        """Fit y (n_samples,) to z (n_samples, dim)."""
        knots = choose_knots(z)
        m, r = knots.shape
        affine = np.column_stack([np.ones(m), knots])
        N = np.linalg.qr(affine, mode="complete")[0][:, r + 1 :]  # orthonormal, orthogonal to affine functions
        link = cls(np.zeros(1 + r + N.shape[1]), dim=r, knots=knots, transform=N)
        return link._fit_radial(z, y, N.T @ cdist(knots, knots) ** 3 @ N, criterion)

    def _radial(self, distances):
        return distances * distances * distances

    def _slope(self, distances):
        return 3 * distances


@dataclass(frozen=True, eq=False)
class GaussianBumps(RadialLink):
    """``phi(r) = exp(-r^2 / (2 s^2))``, s = ``length``: analytic links, for which a spline converges more slowly."""

    length: float = 1.0

    @property
    def description(self) -> str:
        """See `MultivariateLink.description`."""
        return "Gaussian kernel function"

    @classmethod
    def fit(cls, z: ArrayLike, y: ArrayLike, length: float = 1.0, *, criterion: Criterion = "loo") -> Self:
        """Fit y (n_samples,) to z (n_samples, dim), whose columns should have variance 1."""
        knots = choose_knots(z)
        m, r = knots.shape
        link = cls(np.zeros(1 + r + m), dim=r, knots=knots, transform=np.eye(m), length=length)
        return link._fit_radial(z, y, link._radial(cdist(knots, knots)), criterion)

    def _radial(self, distances):
        return np.exp(-0.5 * (distances / self.length) ** 2)

    def _slope(self, distances):
        return -self._radial(distances) / self.length**2


def choose_knots(z: ArrayLike) -> Array:
    """At most `MAX_KNOTS` rows of z (n_samples, r), equally spaced in rank along its first column."""
    z = np.asarray(z, dtype=float)
    ranks = np.linspace(0, len(z) - 1, min(MAX_KNOTS, len(z))).round().astype(int)
    return z[np.lexsort(z.T[::-1])[ranks]]


Fit = Callable[[Array, Array], MultivariateLink]


def families(dim: int, n: int) -> Sequence[Fit]:
    """The fits that are compared for ``dim`` variables and n rows; quadratic polynomials are always among them."""
    degree = MAX_DEGREES.get(dim, 3)
    larger = [degree] if 4 * n_terms(dim, degree) <= n else []
    polynomials = [partial(PolynomialSurface.fit, degree=k) for k in (2, *larger)]
    return [*polynomials, PolyharmonicSpline.fit, *(partial(GaussianBumps.fit, length=s) for s in (1.0, 2.0))]


def fit_surface(z: Array, y: Array) -> MultivariateLink:
    """Fit a link of each family to z (n_samples, dim) and return that of least leave-one-out error."""
    return min((fit(z, y) for fit in families(z.shape[1], len(y))), key=lambda link: link.error)
