"""Links: functions g of one variable, by name, by Hermite coefficients, or as a callable.

A link knows its kinks (points where a derivative jumps), because quadrature that is split there is exact to rounding
and quadrature that is not loses ten digits; and it knows whether it is a polynomial, because algebra is then exact.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf, expit

from layerwise.hermite import HermiteSeries, gaussian_rule

__all__ = ["Link", "LinkLike", "as_link"]

Array: TypeAlias = NDArray[Any]


class Link:
    """A function g of one variable, with what quadrature must know about it.

    Parameters
    ----------
    function : callable or HermiteSeries
        Takes and returns arrays of one shape. A HermiteSeries is a polynomial link: everything about it is exact.
    kinks : sequence of float, default ()
        Points where g or a derivative of g jumps.
    name : str, default ""
        Shown by repr.
    """

    def __init__(self, function: Callable[[Array], Array] | HermiteSeries, kinks: Sequence[float] = (), name: str = ""):
        if not callable(function):
            raise TypeError(
                f"function={function!r} cannot be called. Give a function of one array (or use as_link for names)."
            )
        self.function = function
        self.kinks = tuple(sorted(float(kink) for kink in kinks))
        self.name = name

    @property
    def polynomial(self) -> HermiteSeries | None:
        """The link as a series if it is a polynomial, else None."""
        return self.function if isinstance(self.function, HermiteSeries) else None

    def __call__(self, z: ArrayLike) -> Array:
        """Evaluate g, elementwise."""
        return np.asarray(self.function(np.asarray(z)))

    def series(self, degree: int) -> HermiteSeries:
        """Series ``sum_k c_k h_k`` up to ``degree``, ``c_k = E g(z) h_k(z)``; a polynomial is cut, not projected."""
        if self.polynomial is not None:
            return HermiteSeries(np.asarray(self.polynomial.coefficients)[: degree + 1])
        return HermiteSeries.from_function(self.function, degree, kinks=self.kinks_or_split)

    def expectation(self, power: int = 1) -> float:
        """E g(z)^power for standard Gaussian z, by quadrature split at the kinks."""
        nodes, weights = gaussian_rule(128, kinks=self.kinks_or_split)
        return float(weights @ self(nodes) ** power)

    def scaled(self, scale: float) -> Link:
        """The link z -> g(scale z)."""
        if scale == 1.0:
            return self
        name = f"{self.name}({scale:.4g} z)"
        if self.polynomial is not None:
            a = np.asarray(self.polynomial.to_monomials(), dtype=float)
            return Link(HermiteSeries.from_monomials(a * float(scale) ** np.arange(len(a))), name=name)
        kinks = tuple(kink / scale for kink in self.kinks) if scale != 0.0 else ()
        return Link(partial(_at_scale, function=self.function, scale=scale), kinks, name)

    def __mul__(self, factor: float) -> Link:
        """The link z -> factor g(z)."""
        name = f"{factor:.6g} {self.name}"
        if self.polynomial is not None:
            return Link(self.polynomial * factor, name=name)
        return Link(partial(_times, function=self.function, factor=factor), self.kinks, name)

    def __add__(self, constant: float) -> Link:
        """The link z -> g(z) + constant."""
        name = f"{self.name}{constant:+.6g}"
        if self.polynomial is not None:
            return Link(self.polynomial + constant, name=name)
        return Link(partial(_lifted, function=self.function, constant=constant), self.kinks, name)

    @property
    def kinks_or_split(self) -> tuple[float, ...]:
        """A split at 0 does no harm to a smooth link and buys Gauss–Legendre pieces that reach high degrees."""
        return self.kinks or (0.0,)

    def __repr__(self) -> str:
        return f"Link({self.name!r})" if self.name else f"Link({self.function!r})"


LinkLike: TypeAlias = (
    "str | Mapping[str, Any] | Sequence[float] | Array | HermiteSeries | Link | Callable[[Array], Array]"
)


def _at_scale(z: Array, function: Callable[[Array], Array], scale: float) -> Array:
    return function(scale * z)


def _lifted(z: Array, function: Callable[[Array], Array], constant: float) -> Array:
    return function(z) + constant


def _times(z: Array, function: Callable[[Array], Array], factor: float) -> Array:
    return factor * function(z)


def _relu(z: Array) -> Array:
    return np.maximum(z, 0)


def _clip(z: Array, low: float, high: float) -> Array:
    return np.clip(z, low, high)


def _power_positive(z: Array, exponent: float, slope: float) -> Array:
    return np.maximum(1 + slope * z, 0) ** exponent


def _make_clip(low: float = 0.0, high: float = 1.5) -> Link:
    """clip(z, low, high)."""
    if not low < high:
        raise ValueError(f"the link clip has low={low} >= high={high}. Give low < high.")
    return Link(partial(_clip, low=low, high=high), (low, high), "clip")


def _make_fatigue(exponent: float = 1.5, slope: float = 0.5) -> Link:
    """max(1 + slope z, 0)^exponent."""
    return Link(partial(_power_positive, exponent=exponent, slope=slope), (-1.0 / slope,), "fatigue")


def monomial(power: int, name: str = "") -> Link:
    """The link z -> z^power."""
    return Link(HermiteSeries.from_monomials([0.0] * power + [1.0]), name=name or f"z^{power}")


_NAMED: dict[str, Callable[..., Link]] = {
    "identity": lambda: monomial(1, "identity"),
    "square": lambda: monomial(2, "square"),
    "cube": lambda: monomial(3, "cube"),
    "relu": lambda: Link(_relu, (0.0,), "relu"),
    "abs": lambda: Link(np.abs, (0.0,), "abs"),
    "sign": lambda: Link(np.sign, (0.0,), "sign"),
    "sin": lambda: Link(np.sin, (), "sin"),
    "cos": lambda: Link(np.cos, (), "cos"),
    "tanh": lambda: Link(np.tanh, (), "tanh"),
    "sigmoid": lambda: Link(expit, (), "sigmoid"),
    "erf": lambda: Link(erf, (), "erf"),
    "clip": _make_clip,
    "fatigue": _make_fatigue,
}


def _named(name: str, **parameters: Any) -> Link:
    """Link by name: one of the table, ``heK`` (monic He_K) or ``hK`` (orthonormal h_K)."""
    key = name.strip().lower()
    if match := re.fullmatch(r"(he|h)(\d{1,2})", key):
        degree = int(match[2])
        scale = float(np.sqrt(np.prod(np.arange(1, degree + 1, dtype=float)))) if match[1] == "he" else 1.0
        return Link(HermiteSeries.basis(degree) * scale, name=key)
    if key not in _NAMED:
        close = difflib.get_close_matches(key, _NAMED, n=1, cutoff=0.0)[0]
        raise ValueError(
            f"unknown link {name!r}. Known: {', '.join(_NAMED)}, heK (monic Hermite, as he4), "
            f"hK (orthonormal, as h4). Did you mean {close!r}? "
            "A list of orthonormal Hermite coefficients or a function also works."
        )
    try:
        return _NAMED[key](**parameters)
    except TypeError as error:
        raise TypeError(f"the link {key!r} does not take these parameters: {error}. Leave them out.") from None


def as_link(link: LinkLike) -> Link:
    """Return the link that ``link`` stands for.

    Parameters
    ----------
    link : str, mapping, sequence of float, HermiteSeries, callable or Link
        A name (``"relu"``, ``"he4"``, ``"h2"``, ...), a mapping with the name and its parameters
        (``{"name": "clip", "low": 0, "high": 2}``), orthonormal Hermite coefficients ``[c_0, c_1, ...]``,
        or a function. A function with kinks should come as ``Link(function, kinks=...)``.
    """
    if isinstance(link, Link):
        return link
    if isinstance(link, str):
        return _named(link)
    if isinstance(link, Mapping):
        if "name" not in link:
            raise ValueError(f"the link {dict(link)!r} has no 'name'. Give {{'name': 'clip', 'high': 1}}.")
        return _named(**link)
    if isinstance(link, HermiteSeries):
        return Link(link, name=f"series of degree {link.degree}")
    if callable(link):
        return Link(link, name=getattr(link, "__name__", ""))
    try:
        coefficients = np.asarray(link, dtype=float)
    except (TypeError, ValueError):
        coefficients = np.empty(0)
    if coefficients.ndim != 1 or coefficients.size == 0 or not np.all(np.isfinite(coefficients)):
        raise TypeError(
            f"link={link!r} is no link. Give a name, a non-empty list of finite orthonormal Hermite coefficients, "
            "a HermiteSeries, or a function of one array."
        )
    return Link(HermiteSeries(coefficients), name=f"hermite{np.round(coefficients, 4).tolist()}")
