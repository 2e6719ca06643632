"""An elementwise function with its kinks, its derivatives and its Hermite series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, TypeAlias

import numpy as np
from numpy.polynomial.polynomial import polyder, polyval
from numpy.typing import ArrayLike, NDArray

from layerwise.hermite import HermiteSeries, gaussian_rule

Array: TypeAlias = NDArray[Any]
Elementwise: TypeAlias = Callable[[Array], Array]


class Activation:
    """An elementwise function of one variable.

    Parameters
    ----------
    function : callable or HermiteSeries
        Takes and returns arrays of one shape. A HermiteSeries is a polynomial: everything about it is exact.
    kinks : sequence of float, default ()
        Points where the function or a derivative of it jumps.
    name : str, default ""
        Shown by ``repr``.
    derivatives : sequence of callable, default ()
        The first, second, ... derivative, as ``function``. Polynomials do without.
    polynomial : HermiteSeries, optional
        The series of a polynomial whose ``function`` is another way to evaluate it.

    Raises
    ------
    TypeError
        If ``function`` is not callable.

    Examples
    --------
    >>> cubic = Activation(lambda z: z**3, derivatives=[lambda z: 3 * z**2])
    >>> float(cubic.derivative(2.0))
    12.0
    >>> cubic.series(3).coefficients.round(3).tolist()  # z^3 = 3 h_1 + sqrt(6) h_3
    [0.0, 3.0, 0.0, 2.449]
    """

    def __init__(
        self,
        function: Elementwise | HermiteSeries,
        kinks: Sequence[float] = (),
        name: str = "",
        derivatives: Sequence[Elementwise] = (),
        polynomial: HermiteSeries | None = None,
    ):
        if not callable(function):
            raise TypeError(
                f"function={function!r} must be callable. Pass a function of one array, or use as_activation for names."
            )
        self.function = function
        self.kinks = tuple(sorted(float(kink) for kink in kinks))
        self.name = name
        self.derivatives = tuple(derivatives)
        self.polynomial = function if isinstance(function, HermiteSeries) else polynomial

    def __call__(self, z: ArrayLike) -> Array:
        """Evaluate the function, elementwise."""
        return np.asarray(self.function(np.asarray(z)))

    def derivative(self, z: ArrayLike, order: int = 1) -> Array:
        """Evaluate the derivative of that order, elementwise; raises ValueError where it is not known."""
        self.require_derivatives(order)
        if order <= len(self.derivatives):
            return np.asarray(self.derivatives[order - 1](np.asarray(z)))
        assert self.polynomial is not None
        series = self.polynomial
        for _ in range(order):
            series = series.derivative()
        return np.asarray(series(z))

    def require_derivatives(self, order: int) -> None:
        """Raise ValueError unless the derivatives up to ``order`` are known."""
        if self.polynomial is None and order > len(self.derivatives):
            raise ValueError(
                f"activation={self!r} has {len(self.derivatives)} known derivatives; {order} are needed. Pass "
                "Activation(function, derivatives=[first, ...]), or the Hermite coefficients of a polynomial."
            )

    @property
    def is_relu(self) -> bool:
        """Whether this is ``max(z, 0)``, for which closed forms exist."""
        return self.function is relu

    @property
    def is_square(self) -> bool:
        """Whether this is ``z^2``, with which networks are quadratic forms."""
        return self.function is np.square

    @cached_property
    def monomials(self) -> NDArray[np.float64]:
        """Coefficients a of a polynomial ``sum_k a_k z^k``; ill-conditioned beyond degree 30 or so."""
        assert self.polynomial is not None
        return self.polynomial.to_monomials()

    def series(self, degree: int) -> HermiteSeries:
        """Hermite series ``sum_k c_k h_k`` with ``c_k = E g(z) h_k(z)``, truncated at ``degree``."""
        if self.polynomial is not None:
            return HermiteSeries(np.asarray(self.polynomial.coefficients)[: degree + 1])
        return HermiteSeries.from_function(self.function, degree, kinks=self.kinks_or_split)

    def expectation(self, power: int = 1) -> float:
        """``E g(z)^power`` for standard Gaussian z, by quadrature split at the kinks."""
        nodes, weights = gaussian_rule(128, kinks=self.kinks_or_split)
        return float(weights @ self(nodes) ** power)

    @property
    def kinks_or_split(self) -> tuple[float, ...]:
        """The kinks, or 0: a split there does no harm and makes quadrature exact to high degrees."""
        return self.kinks or (0.0,)

    def by_monomials(self) -> Activation:
        """The same polynomial evaluated from its monomials: fewer operations, accurate up to degree 30 or so."""
        derivatives = [partial(horner, monomials=np.asarray(polyder(self.monomials), dtype=float))]
        return Activation(partial(horner, monomials=self.monomials), (), self.name, derivatives, self.polynomial)

    def scaled(self, scale: float) -> Activation:
        """The function ``z -> g(scale z)``."""
        if scale == 1.0:
            return self
        name = f"{self.name}({scale:.4g} z)"
        if self.polynomial is not None:
            a = np.asarray(self.polynomial.to_monomials(), dtype=float)
            return Activation(HermiteSeries.from_monomials(a * float(scale) ** np.arange(len(a))), name=name)
        kinks = tuple(kink / scale for kink in self.kinks) if scale != 0.0 else ()
        return Activation(partial(_at_scale, function=self.function, scale=scale), kinks, name)

    def __mul__(self, factor: float) -> Activation:
        """The function ``z -> factor g(z)``."""
        name = f"{factor:.6g} {self.name}"
        if self.polynomial is not None:
            return Activation(self.polynomial * factor, name=name)
        return Activation(partial(times, function=self.function, factor=factor), self.kinks, name)

    def __add__(self, constant: float) -> Activation:
        """The function ``z -> g(z) + constant``."""
        name = f"{self.name}{constant:+.6g}"
        if self.polynomial is not None:
            return Activation(self.polynomial + constant, name=name)
        return Activation(partial(_plus, function=self.function, constant=constant), self.kinks, name)

    def __repr__(self) -> str:
        return f"Activation({self.name!r})" if self.name else f"Activation({self.function!r})"


def _at_scale(z: Array, function: Elementwise, scale: float) -> Array:
    return function(scale * z)


def _plus(z: Array, function: Elementwise, constant: float) -> Array:
    return function(z) + constant


def times(z: Array, function: Elementwise, factor: float) -> Array:
    """``factor * function(z)``."""
    return factor * function(z)


def horner(z: Array, monomials: NDArray[np.float64]) -> Array:
    """Evaluate the polynomial ``sum_k monomials[k] z^k``, in the dtype of z."""
    return polyval(z, monomials.astype(z.dtype))


def relu(z: Array) -> Array:
    """``max(z, 0)``."""
    return np.maximum(z, 0)
