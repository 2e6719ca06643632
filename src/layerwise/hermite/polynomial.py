"""Sparse polynomials in many variables, ``f(x) = sum_alpha c_alpha h_alpha(x)``, with exact algebra.

With h_alpha orthonormal under N(0, I): ``E f^2 = sum c_alpha^2``; ``P_k f`` keeps the terms with |alpha| = k;
``d_i h_alpha = sqrt(alpha_i) h_{alpha - e_i}``; products follow from the linearisation of h_m h_n in each
variable; and by Stein's lemma ``E Hessian f = E f(x) (x x' - I)`` follows from the terms of degree 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layerwise._validation import as_integer, as_points, as_vector
from layerwise.hermite import _sparse
from layerwise.hermite.multivariate import index_ranks, multi_indices, n_terms
from layerwise.hermite.univariate import HermiteSeries

MAX_DEGREE = 2**13


@dataclass(frozen=True, eq=False)
class HermitePolynomial:
    """A polynomial of several variables in the orthonormal Hermite basis.

    Supports ``+``, ``-``, ``*`` with polynomials and scalars, ``/`` by a scalar; compare with `isclose`.

    Parameters
    ----------
    exponents : array_like of int, shape (n_terms, dim)
        One multi-index per row. Rows are sorted by total degree, then colexicographically; equal rows are merged
        and zero terms dropped.
    coefficients : array_like of shape (n_terms,)

    Examples
    --------
    >>> p = HermitePolynomial([[2, 0], [0, 2]], [1.0, -1.0])  # (x_1^2 - x_2^2) / sqrt(2)
    >>> q = p.compose(HermiteSeries.from_monomials([0, 0, 1]))  # p^2
    >>> q.mean, q.degree
    (2.0, 4)
    """

    exponents: NDArray[np.int64]
    coefficients: NDArray[np.float64]
    __array_ufunc__ = None  # NumPy scalars on the left defer to this class

    def __post_init__(self) -> None:
        exponents, coefficients = np.asarray(self.exponents), as_vector(self.coefficients, "coefficients")
        if exponents.ndim != 2 or exponents.shape[1] == 0:
            raise ValueError(
                f"exponents has shape {exponents.shape}; it must be (n_terms, dim >= 1), one "
                "multi-index per row. Use zero(dim) for no terms, basis(alpha) for one."
            )
        if exponents.dtype.kind not in "iu":
            raise TypeError(f"exponents has dtype {exponents.dtype}; it must hold integers. Use .astype(int).")
        if exponents.size and (exponents.min() < 0 or exponents.sum(axis=1).max() > MAX_DEGREE):
            raise ValueError(
                f"exponents range from {exponents.min()} to a total degree of {exponents.sum(axis=1).max()}; they "
                f"must be >= 0 with a total of at most {MAX_DEGREE}. Drop or correct the other terms."
            )
        if len(exponents) != len(coefficients):
            raise ValueError(
                f"exponents has {len(exponents)} rows and coefficients {len(coefficients)} entries; they must "
                "be equal in number. Pass one coefficient per row."
            )
        exponents, coefficients = _sparse.merge(exponents, coefficients)
        exponents.flags.writeable = coefficients.flags.writeable = False
        object.__setattr__(self, "exponents", exponents)
        object.__setattr__(self, "coefficients", coefficients)

    @classmethod
    def zero(cls, dim: int) -> HermitePolynomial:
        """Return the polynomial 0."""
        return cls.constant(dim, 0.0)

    @classmethod
    def constant(cls, dim: int, c: float) -> HermitePolynomial:
        """Return the constant c."""
        return cls(np.zeros((1, as_integer(dim, "dim", minimum=1)), dtype=np.int64), np.array([c]))

    @classmethod
    def basis(cls, alpha: ArrayLike) -> HermitePolynomial:
        """Return the basis function h_alpha."""
        return cls(np.atleast_2d(np.asarray(alpha)), np.ones(1))

    @classmethod
    def ridge(cls, direction: ArrayLike, series: HermiteSeries) -> HermitePolynomial:
        """Return ``x -> series(direction . x)``, |direction| = 1; h_beta has c_k sqrt(k!/beta!) direction^beta."""
        direction = as_vector(direction, "direction")
        one = cls(np.arange(series.degree + 1)[:, None], series.coefficients)
        return one.rotate(direction[None, :])

    @classmethod
    def from_dense(cls, dim: int, degree: int, coefficients: ArrayLike) -> HermitePolynomial:
        """Build from one coefficient for each row of ``multi_indices(dim, degree)``."""
        size = n_terms(dim, degree)
        coefficients = as_vector(coefficients, "coefficients", length=size)
        return cls(multi_indices(dim, degree), coefficients)

    def to_dense(self, degree: int | None = None) -> NDArray[np.float64]:
        """Return one coefficient for each row of ``multi_indices(dim, degree)``; ``degree`` defaults to its own."""
        degree = self.degree if degree is None else as_integer(degree, "degree")
        if degree < self.degree:
            raise ValueError(
                f"degree={degree} is below the polynomial's degree {self.degree}; it must be at least that. "
                f"Use truncate({degree}).to_dense({degree}) to drop the rest."
            )
        dense = np.zeros(n_terms(self.dim, degree))
        dense[index_ranks(self.exponents)] = self.coefficients
        return dense

    def __repr__(self) -> str:
        return f"HermitePolynomial(dim={self.dim}, degree={self.degree}, n_terms={len(self.coefficients)})"

    @property
    def dim(self) -> int:
        """Number of variables."""
        return self.exponents.shape[1]

    @cached_property
    def _degrees(self) -> NDArray[np.int64]:
        return self.exponents.sum(axis=1)

    @property
    def degree(self) -> int:
        """Largest |alpha| of its terms; 0 for the zero polynomial."""
        return int(self._degrees.max(initial=0))

    @property
    def mean(self) -> float:
        """``E f(x)``."""
        return float(self.coefficients[self._degrees == 0].sum())

    @property
    def variance(self) -> float:
        """``Var f(x)``, the energy in degrees >= 1."""
        return float((self.coefficients[self._degrees > 0] ** 2).sum())

    def degree_energies(self) -> NDArray[np.float64]:
        """Return ``|P_k f|^2`` for k = 0..degree."""
        energies = np.zeros(self.degree + 1)
        np.add.at(energies, self._degrees, self.coefficients**2)
        return energies

    def norm(self) -> float:
        """Return ``sqrt(E f(x)^2)``."""
        # Pairwise sums, here and in `inner`: more exact than BLAS, and the same bits on any number of threads.
        return float(np.sqrt(np.sum(self.coefficients**2)))

    def inner(self, other: HermitePolynomial) -> float:
        """Return ``E f(x) g(x)``."""
        self._check_same_dim(other)
        _, places = _sparse.unique_rows(np.concatenate([self.exponents, other.exponents]))
        mine = np.zeros(int(places.max(initial=-1)) + 1)
        mine[places[: len(self.exponents)]] = self.coefficients
        return float(np.sum(mine[places[len(self.exponents) :]] * other.coefficients))

    def isclose(self, other: HermitePolynomial, rtol: float = 1e-10, atol: float = 1e-14) -> bool:
        """Return whether ``norm(f - g) <= atol + rtol * norm(g)``."""
        return (self - other).norm() <= atol + rtol * other.norm()

    @cached_property
    def _evaluate(self) -> _sparse.Evaluator:
        return _sparse.Evaluator(self.exponents, self.coefficients)

    def __call__(self, X: ArrayLike) -> NDArray[Any]:
        """Evaluate at the rows of X (n, dim), in its dtype, by row blocks of about a megabyte."""
        return self._evaluate(as_points(X, self.dim))

    def _where(self, keep: NDArray[np.bool_]) -> HermitePolynomial:
        return HermitePolynomial(self.exponents[keep], self.coefficients[keep])

    def project(self, k: int) -> HermitePolynomial:
        """Return ``P_k f``, the part of degree exactly k."""
        return self._where(self._degrees == as_integer(k, "k"))

    def truncate(self, k: int) -> HermitePolynomial:
        """Return ``P_{<=k} f``, the part of degree at most k."""
        return self._where(self._degrees <= as_integer(k, "k"))

    def derivative(self, i: int) -> HermitePolynomial:
        """Return the derivative with respect to variable i, using ``d_i h_alpha = sqrt(alpha_i) h_{alpha - e_i}``."""
        i = as_integer(i, "i")
        if i >= self.dim:
            raise ValueError(f"i={i} must be in 0..{self.dim - 1}. Variables are counted from 0.")
        present = self.exponents[:, i] > 0
        lowered = self.exponents[present].copy()
        weights = np.sqrt(lowered[:, i])
        lowered[:, i] -= 1
        return HermitePolynomial(lowered, weights * self.coefficients[present])

    def gradient(self) -> list[HermitePolynomial]:
        """Return the partial derivatives, one per variable."""
        return [self.derivative(i) for i in range(self.dim)]

    def expected_gradient(self) -> NDArray[np.float64]:
        """Return ``E grad f(x) = E f(x) x``, of shape (dim,): the coefficients of degree 1."""
        linear = self._degrees == 1
        gradient = np.zeros(self.dim)
        gradient[_sparse.last_variable(self.exponents[linear])] = self.coefficients[linear]
        return gradient

    def expected_hessian(self) -> NDArray[np.float64]:
        """Return ``E Hessian f(x) = E f(x) (x x' - I)``: sqrt(2) c_{2 e_i} on the diagonal, c_{e_i + e_j} off it."""
        quadratic = self._degrees == 2
        rows, c = self.exponents[quadratic], self.coefficients[quadratic]
        i, j = np.argmax(rows != 0, axis=1), _sparse.last_variable(rows)
        hessian = np.zeros((self.dim, self.dim))
        hessian[i, j] = hessian[j, i] = np.where(i == j, np.sqrt(2.0), 1.0) * c
        return hessian

    def compose(self, g: HermiteSeries) -> HermitePolynomial:
        """Return ``g(f(x))``, using ``h_{k+1}(f) = (f h_k(f) - sqrt(k) h_{k-1}(f)) / sqrt(k+1)``.

        Notes
        -----
        The algebra is exact; rounding errors are small if f has mean 0 and variance about 1.
        """
        previous, current = HermitePolynomial.zero(self.dim), HermitePolynomial.constant(self.dim, 1.0)
        total = current * g.coefficients[0]
        for k in range(g.degree):
            previous, current = current, (self * current - previous * np.sqrt(k)) / np.sqrt(k + 1)
            total = total + current * g.coefficients[k + 1]
        return total

    def rotate(self, U: ArrayLike) -> HermitePolynomial:
        """Return ``x -> f(U x)`` for U (self.dim, d) with orthonormal rows, a polynomial in d variables.

        Notes
        -----
        A term of degree m becomes up to C(d + m - 1, m) terms of that degree, unless U is a (signed) permutation or
        embedding of the axes, which maps terms to terms.
        """
        U = as_points(U, name="U").astype(np.float64)
        if U.shape[0] != self.dim:
            raise ValueError(
                f"U has {U.shape[0]} rows; it must have one for each of the {self.dim} variables. Pass U of shape "
                "(dim, d), or its transpose if the directions are columns."
            )
        off = float(np.abs(U @ U.T - np.eye(self.dim)).max())
        if not off <= 1e-6:
            raise ValueError(
                f"U U' differs from the identity by {off:.2g}; the rows of U must be orthonormal (to 1e-6). "
                "Take U = np.linalg.qr(A.T)[0].T, or divide a single direction by its norm."
            )
        return HermitePolynomial(*_sparse.rotate(self.exponents, self.coefficients, U))

    def _check_same_dim(self, other: HermitePolynomial) -> None:
        if self.dim != other.dim:
            raise ValueError(
                f"the polynomials have {self.dim} and {other.dim} variables; both must have the same number. "
                "Embed the smaller: f.rotate(np.eye(f.dim, d))."
            )

    def __neg__(self) -> HermitePolynomial:
        return self * -1.0

    def __add__(self, other: HermitePolynomial | float) -> HermitePolynomial:
        if isinstance(other, Real):
            other = HermitePolynomial.constant(self.dim, float(other))
        if not isinstance(other, HermitePolynomial):
            return NotImplemented
        self._check_same_dim(other)
        return HermitePolynomial(
            np.concatenate([self.exponents, other.exponents]), np.concatenate([self.coefficients, other.coefficients])
        )

    def __sub__(self, other: HermitePolynomial | float) -> HermitePolynomial:
        return self + other * -1.0

    def __rsub__(self, other: float) -> HermitePolynomial:
        return self * -1.0 + other

    def __mul__(self, other: HermitePolynomial | float) -> HermitePolynomial:
        if isinstance(other, Real):
            return HermitePolynomial(self.exponents, self.coefficients * float(other))
        if not isinstance(other, HermitePolynomial):
            return NotImplemented
        self._check_same_dim(other)
        return HermitePolynomial(
            *_sparse.multiply(self.exponents, self.coefficients, other.exponents, other.coefficients)
        )

    def __truediv__(self, scalar: float) -> HermitePolynomial:
        if not isinstance(scalar, Real):
            return NotImplemented
        return HermitePolynomial(self.exponents, self.coefficients / float(scalar))

    __radd__ = __add__
    __rmul__ = __mul__
