"""The activations that have names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.polynomial.polynomial import polyder, polymul
from numpy.typing import NDArray
from scipy.special import erf, expit

from layerwise._validation import did_you_mean
from layerwise.activations.activation import Activation, Array, Elementwise, horner, relu, times
from layerwise.hermite import HermiteSeries


def _gaussian_times(z: Array, monomials: NDArray[np.float64]) -> Array:
    return np.exp(-z * z) * horner(z, monomials)


def _polynomial_of(z: Array, function: Elementwise, monomials: NDArray[np.float64]) -> Array:
    return horner(function(z), monomials)


def _autonomous(function: Elementwise, monomials: Sequence[float]) -> Activation:
    """A function g with ``g' = P(g)`` for a polynomial P, so that ``g'' = P'(g) P(g)`` and so on."""
    slope = [np.asarray(monomials, dtype=float)]
    for _ in range(2):
        slope.append(polymul(polyder(slope[-1]), slope[0]))
    derivatives = [partial(_polynomial_of, function=function, monomials=p) for p in slope]
    return Activation(function, derivatives=derivatives)


def _step(z: Array) -> Array:
    return (z > 0).astype(z.dtype)


def _indicator(z: Array) -> Array:
    return (z >= 0).astype(z.dtype)


def _half_square(z: Array) -> Array:
    return z * z / 2


def _half_square_relu(z: Array) -> Array:
    return _half_square(relu(z))


def _sixth_cube_relu(z: Array) -> Array:
    positive = relu(z)
    return positive * positive * positive / 6


def _power_positive(z: Array, exponent: float, slope: float) -> Array:
    return np.maximum(1 + slope * z, 0) ** exponent


def _make_clip(low: float = 0.0, high: float = 1.5) -> Activation:
    """``min(max(z, low), high)``."""
    if not low < high:
        raise ValueError(f"low={low} must be less than high={high} in 'clip'. Swap them.")
    return Activation(partial(np.clip, a_min=low, a_max=high), (low, high))


def _make_fatigue(exponent: float = 1.5, slope: float = 0.5) -> Activation:
    """``max(1 + slope z, 0)^exponent``."""
    return Activation(partial(_power_positive, exponent=exponent, slope=slope), (-1.0 / slope,))


def _make_square() -> Activation:
    derivatives = [partial(np.multiply, 2)]
    return Activation(np.square, derivatives=derivatives, polynomial=HermiteSeries.from_monomials([0.0, 0.0, 1.0]))


def _make_half_square() -> Activation:
    derivatives = (np.positive, np.ones_like, np.zeros_like)
    return Activation(_half_square, (), "", derivatives, HermiteSeries.from_monomials([0.0, 0.0, 0.5]))


def monomial(power: int) -> Activation:
    """The function ``z -> z^power``."""
    return Activation(HermiteSeries.from_monomials([0.0] * power + [1.0]), name=f"z^{power}")


_NEGATIVE_SIN, _NEGATIVE_COS = (partial(times, function=f, factor=-1.0) for f in (np.sin, np.cos))
_ERF_SLOPES = [2 / np.sqrt(np.pi) * np.array(monomials) for monomials in ([1.0], [0.0, -2.0], [-2.0, 0.0, 4.0])]
_NAMED: dict[str, Callable[..., Activation]] = {
    "identity": lambda: monomial(1),
    "square": _make_square,
    "quadratic": _make_square,
    "half-square": _make_half_square,
    "cube": lambda: monomial(3),
    "relu": lambda: Activation(relu, (0.0,), derivatives=[_step]),
    "relu-cubed": lambda: Activation(_sixth_cube_relu, (0.0,), derivatives=[_half_square_relu, relu, _step]),
    "indicator": lambda: Activation(_indicator, (0.0,)),
    "abs": lambda: Activation(np.abs, (0.0,), derivatives=[np.sign]),
    "sign": lambda: Activation(np.sign, (0.0,)),
    "sin": lambda: Activation(np.sin, derivatives=[np.cos, _NEGATIVE_SIN, _NEGATIVE_COS]),
    "cos": lambda: Activation(np.cos, derivatives=[_NEGATIVE_SIN, _NEGATIVE_COS, np.sin]),
    "tanh": lambda: _autonomous(np.tanh, [1.0, 0.0, -1.0]),
    "sigmoid": lambda: _autonomous(expit, [0.0, 1.0, -1.0]),
    "erf": lambda: Activation(erf, derivatives=[partial(_gaussian_times, monomials=p) for p in _ERF_SLOPES]),
    "clip": _make_clip,
    "fatigue": _make_fatigue,
}


def from_name(argument: str, name: str, /, **parameters: Any) -> Activation:
    """Look up one of the named functions, ``heK`` (monic He_K) or ``hK`` (orthonormal h_K)."""
    key = name.strip().lower()
    if match := re.fullmatch(r"(he|h)(\d{1,2})", key):
        degree = int(match[2])
        scale = float(np.sqrt(np.prod(np.arange(1, degree + 1, dtype=float)))) if match[1] == "he" else 1.0
        return Activation(HermiteSeries.basis(degree) * scale, name=key)
    if key not in _NAMED:
        raise ValueError(
            f"{argument}={name!r} must be a known name, a sequence of orthonormal Hermite coefficients, or a function."
            f"{did_you_mean(key, [*_NAMED, 'he4', 'h4'])} Any heK (monic Hermite) and hK (orthonormal) are known."
        )
    try:
        activation = _NAMED[key](**parameters)
    except TypeError as error:
        raise TypeError(f"{argument}={key!r} does not take these parameters: {error}. Leave them out.") from None
    activation.name = key
    return activation
