"""Hermite series in one variable: ``f(z) = sum_k c_k h_k(z)``, ``h_k = He_k / sqrt(k!)``.

The h_k are orthonormal under N(0, 1), so that ``c_k = E f(z) h_k(z)`` and ``E f^2 = sum_k c_k^2``. They obey

    h_{k+1} = (z h_k - sqrt(k) h_{k-1}) / sqrt(k+1),      h_k' = sqrt(k) h_{k-1},
    h_m h_n = sum_j sqrt(C(m,j) C(n,j) C(m+n-2j, m-j)) h_{m+n-2j}          (linearisation),

where the last follows from He_m He_n = sum_j C(m,j) C(n,j) j! He_{m+n-2j} by normalisation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from typing import Any

import numpy as np
from numpy.polynomial import hermite_e
from numpy.typing import ArrayLike, NDArray

from layerwise._validation import as_floats, as_integer, as_vector
from layerwise.hermite.quadrature import gaussian_rule

MAX_PRODUCT_DEGREE = 400
ROUNDING = 64 * float(np.finfo(np.float64).eps)  # error of a zero coefficient by quadrature, relative to the norm


def hermite_values(z: ArrayLike, degree: int) -> NDArray[Any]:
    """Evaluate the orthonormal polynomials h_0, ..., h_degree.

    Parameters
    ----------
    z : array_like
        Points, of any shape; float32 and float64 are preserved.
    degree : int
        Largest degree.

    Returns
    -------
    ndarray of shape (degree + 1, *z.shape)
    """
    z = as_floats(z, "z")
    degree = as_integer(degree, "degree")
    values = np.empty((degree + 1, *z.shape), dtype=z.dtype)
    values[0] = 1
    if degree:
        values[1] = z
    for k in range(1, degree):
        following = values[k + 1 : k + 2].reshape(z.shape)
        np.multiply(z, values[k], out=following)
        following -= np.sqrt(k, dtype=z.dtype) * values[k - 1]
        following /= np.sqrt(k + 1, dtype=z.dtype)
    return values


@lru_cache(maxsize=64)
def linearisation(m_max: int, n_max: int) -> NDArray[np.float64]:
    """Return the table L[m, n, j] in ``h_m h_n = sum_j L[m, n, j] h_{m+n-2j}``, zero for j > min(m, n)."""
    if m_max + n_max > MAX_PRODUCT_DEGREE:
        raise ValueError(
            f"the linearisation coefficients of a product of degrees {m_max} and {n_max} overflow; the sum of the "
            f"degrees must be at most {MAX_PRODUCT_DEGREE}. Truncate the factors first."
        )
    pascal = np.zeros((m_max + n_max + 1, m_max + n_max + 1))
    pascal[:, 0] = 1
    for row in range(1, len(pascal)):
        pascal[row, 1:] = pascal[row - 1, 1:] + pascal[row - 1, :-1]
    m, n, j = np.ogrid[: m_max + 1, : n_max + 1, : min(m_max, n_max) + 1]
    allowed = (j <= m) & (j <= n)
    total, left = np.where(allowed, m + n - 2 * j, 0), np.where(allowed, m - j, 0)
    table = np.where(allowed, np.sqrt(pascal[m, j] * pascal[n, j] * pascal[total, left]), 0.0)
    table.flags.writeable = False
    return table


def sqrt_factorials(degree: int) -> NDArray[np.float64]:
    """Return ``sqrt(k!)`` for k = 0..degree."""
    return np.cumprod(np.sqrt(np.maximum(np.arange(degree + 1), 1.0)), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class HermiteSeries:
    """A function of one variable, ``f(z) = sum_k c_k h_k(z)``, h_k orthonormal under N(0, 1).

    Supports ``+``, ``-``, ``*`` with series and scalars, ``/`` by a scalar; compare with `isclose`.

    Parameters
    ----------
    coefficients : array_like of shape (degree + 1,)
        ``c_0, ..., c_degree``; trailing zeros are preserved.

    Examples
    --------
    >>> cube = HermiteSeries.from_monomials([0, 0, 0, 1])
    >>> cube.coefficients.round(6).tolist()  # z^3 = 3 h_1 + sqrt(6) h_3
    [0.0, 3.0, 0.0, 2.44949]
    >>> round(float(cube(2.0)), 12)
    8.0
    """

    coefficients: NDArray[np.float64]
    __array_ufunc__ = None  # NumPy scalars on the left defer to this class

    def __post_init__(self) -> None:
        coefficients = as_vector(self.coefficients, "coefficients")
        if len(coefficients) == 0:
            raise ValueError("coefficients is empty; it must contain at least c_0. Pass [0.0] for the zero series.")
        coefficients.flags.writeable = False
        object.__setattr__(self, "coefficients", coefficients)

    @classmethod
    def basis(cls, k: int) -> HermiteSeries:
        """Return the basis function h_k."""
        return cls(np.eye(1, as_integer(k, "k") + 1, k)[0])

    @classmethod
    def relu(cls, degree: int) -> HermiteSeries:
        """Return the series of ReLU: c_0 = 1/sqrt(2 pi), c_1 = 1/2, c_k = He_{k-2}(0) / sqrt(2 pi k!)."""
        degree = as_integer(degree, "degree")
        k = np.arange(2, degree + 1)
        at_zero = hermite_values(0.0, max(degree - 2, 0))  # He_{k-2}(0) / sqrt(k!) = h_{k-2}(0) / sqrt(k (k-1))
        tail = at_zero[: len(k)] / np.sqrt(2 * np.pi * k * (k - 1))
        return cls(np.concatenate([[1 / np.sqrt(2 * np.pi), 0.5], tail])[: degree + 1])

    @classmethod
    def from_function(
        cls,
        g: Callable[[NDArray[np.float64]], ArrayLike],
        degree: int,
        kinks: Sequence[float] = (),
        n_nodes: int | None = None,
    ) -> HermiteSeries:
        """Project g on degree <= ``degree``: ``c_k = E g(z) h_k(z)`` by quadrature.

        Parameters
        ----------
        g : callable
            Maps an array of points to an array of values, elementwise.
        degree : int
            Largest degree of the series.
        kinks : sequence of float
            Points where g or a derivative jumps; see `gaussian_rule`.
        n_nodes : int, optional
            ``max(128, 2 * degree + 2)`` by default; exact for polynomials of degree < 2 n_nodes - degree.

        Notes
        -----
        Coefficients below 64 machine epsilons of ``sqrt(E g^2)`` are rounding errors and set to 0.
        """
        degree = as_integer(degree, "degree")
        nodes, weights = gaussian_rule(max(128, 2 * degree + 2) if n_nodes is None else n_nodes, kinks)
        values = np.asarray(g(nodes), dtype=np.float64)
        if values.ndim == 0:
            values = np.full_like(nodes, values)
        if values.shape != nodes.shape:
            raise ValueError(
                f"g returned shape {values.shape} for {len(nodes)} points; it must be elementwise. "
                "Wrap it in np.vectorize if it takes one number."
            )
        if not np.isfinite(values).all():
            where = nodes[~np.isfinite(values)][0]
            raise ValueError(f"g({where:.6g}) is not finite; g must be finite. Clip g, or pass a smaller n_nodes.")
        coefficients = hermite_values(nodes, degree) @ (weights * values)
        coefficients[np.abs(coefficients) <= ROUNDING * np.sqrt(weights @ values**2)] = 0
        return cls(coefficients)

    @classmethod
    def from_monomials(cls, a: ArrayLike) -> HermiteSeries:
        """Return the series of the polynomial ``sum_k a_k z^k``."""
        he = hermite_e.poly2herme(as_vector(a, "a"))
        return cls(he * sqrt_factorials(len(he) - 1))

    def to_monomials(self) -> NDArray[np.float64]:
        """Return a with ``f(z) = sum_k a_k z^k``; ill-conditioned beyond degree 30 or so."""
        return np.asarray(hermite_e.herme2poly(self.coefficients / sqrt_factorials(self.degree)), dtype=np.float64)

    @property
    def degree(self) -> int:
        """Number of coefficients minus 1."""
        return len(self.coefficients) - 1

    @property
    def energies(self) -> NDArray[np.float64]:
        """Energy by degree, ``c_k^2``."""
        return self.coefficients**2

    @property
    def mean(self) -> float:
        """``E f(z) = c_0``."""
        return float(self.coefficients[0])

    @property
    def variance(self) -> float:
        """``Var f(z) = sum_{k >= 1} c_k^2``."""
        return float(self.energies[1:].sum())

    @property
    def information_exponent(self) -> int | None:
        """The smallest k >= 1 with ``|c_k|`` above 1e-10 of the norm; None for a constant."""
        present = np.flatnonzero(np.abs(self.coefficients[1:]) > 1e-10 * self.norm())
        return int(present[0]) + 1 if len(present) else None

    def norm(self) -> float:
        """Return ``sqrt(E f(z)^2)``."""
        return float(np.sqrt(self.energies.sum()))

    def isclose(self, other: HermiteSeries, rtol: float = 1e-10, atol: float = 1e-14) -> bool:
        """Return whether ``norm(f - g) <= atol + rtol * norm(g)``."""
        return (self - other).norm() <= atol + rtol * other.norm()

    def __call__(self, z: ArrayLike) -> Any:
        """Evaluate f, elementwise, in the dtype of z."""
        z = as_floats(z, "z")
        c = self.coefficients.astype(z.dtype)
        previous, current, total = np.zeros_like(z), np.ones_like(z), np.full_like(z, c[0])
        for k in range(self.degree):
            following = (z * current - np.sqrt(k, dtype=z.dtype) * previous) / np.sqrt(k + 1, dtype=z.dtype)
            previous, current = current, following
            total += c[k + 1] * current
        return total[()]

    def derivative(self) -> HermiteSeries:
        """Return f', using ``h_k' = sqrt(k) h_{k-1}``."""
        if self.degree == 0:
            return HermiteSeries(np.zeros(1))
        return HermiteSeries(self.coefficients[1:] * np.sqrt(np.arange(1, self.degree + 1)))

    def compose(self, inner: HermiteSeries) -> HermiteSeries:
        """Return the exact series of ``z -> self(inner(z))``, of degree ``self.degree * inner.degree``."""
        previous, current = HermiteSeries(np.zeros(1)), HermiteSeries(np.ones(1))
        total = HermiteSeries(self.coefficients[:1])
        for k in range(self.degree):
            previous, current = current, (inner * current - previous * np.sqrt(k)) / np.sqrt(k + 1)
            total = total + current * self.coefficients[k + 1]
        return total

    def __neg__(self) -> HermiteSeries:
        return HermiteSeries(-self.coefficients)

    def __add__(self, other: HermiteSeries | float) -> HermiteSeries:
        if isinstance(other, Real):
            other = HermiteSeries(np.array([float(other)]))
        if not isinstance(other, HermiteSeries):
            return NotImplemented
        total = np.zeros(max(self.degree, other.degree) + 1)
        total[: self.degree + 1] += self.coefficients
        total[: other.degree + 1] += other.coefficients
        return HermiteSeries(total)

    def __sub__(self, other: HermiteSeries | float) -> HermiteSeries:
        return self + (-other)

    def __rsub__(self, other: float) -> HermiteSeries:
        return -self + other

    def __mul__(self, other: HermiteSeries | float) -> HermiteSeries:
        if isinstance(other, Real):
            return HermiteSeries(self.coefficients * float(other))
        if not isinstance(other, HermiteSeries):
            return NotImplemented
        table = linearisation(self.degree, other.degree)
        total = np.zeros(self.degree + other.degree + 1)
        for j in range(table.shape[2]):
            products = np.multiply.outer(self.coefficients[j:], other.coefficients[j:]) * table[j:, j:, j]
            m, n = np.indices(products.shape)
            np.add.at(total, m + n, products)  # (m+j) + (n+j) - 2j
        return HermiteSeries(total)

    def __truediv__(self, scalar: float) -> HermiteSeries:
        if not isinstance(scalar, Real):
            return NotImplemented
        return HermiteSeries(self.coefficients / float(scalar))

    __radd__ = __add__
    __rmul__ = __mul__
