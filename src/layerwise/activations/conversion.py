"""Conversion of names, coefficients and functions to an `Activation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from layerwise.activations.activation import Activation, Array, Elementwise
from layerwise.activations.named import from_name
from layerwise.hermite import HermiteSeries

ActivationLike: TypeAlias = (
    "str | Mapping[str, Any] | Sequence[float] | Array | HermiteSeries | Activation | Elementwise"
)


def as_activation(spec: ActivationLike, name: str = "activation", *, constant: bool = True) -> Activation:
    """Return the activation that ``spec`` stands for.

    Parameters
    ----------
    spec : str, mapping, sequence of float, HermiteSeries, callable or Activation
        A name: "identity", "square" and "quadratic" (both ``z^2``), "half-square" (``z^2 / 2``), "cube", "relu",
        "relu-cubed" (``max(z, 0)^3 / 6``), "indicator" (1 where ``z >= 0``), "abs", "sign", "sin", "cos", "tanh",
        "sigmoid", "erf", "clip", "fatigue", ``heK`` (monic Hermite polynomial) or ``hK`` (orthonormal); a mapping with
        a name and its parameters (``{"name": "clip", "low": 0, "high": 2}``); orthonormal Hermite coefficients
        ``[c_0, c_1, ...]``; or a function, which should come as ``Activation(function, kinks=...)`` if it has kinks.
    name : str
        The parameter's name, for messages.
    constant : bool
        Whether a constant polynomial is allowed.

    Raises
    ------
    ValueError
        If ``spec`` is none of these, or a constant where that is not allowed.
    TypeError
        If a name does not take the given parameters.
    """
    if isinstance(spec, Activation):
        activation = spec
    elif isinstance(spec, str):
        activation = from_name(name, spec)
    elif isinstance(spec, Mapping):
        if "name" not in spec:
            raise ValueError(f"{name}={dict(spec)!r} must have a 'name'. Pass e.g. {{'name': 'clip', 'high': 1}}.")
        activation = from_name(name, spec["name"], **{key: value for key, value in spec.items() if key != "name"})
    elif isinstance(spec, HermiteSeries):
        activation = Activation(spec, name=f"series of degree {spec.degree}")
    elif callable(spec):
        activation = Activation(spec, name=getattr(spec, "__name__", ""))
    else:
        activation = _from_coefficients(spec, name)
    if not constant and activation.polynomial is not None and not activation.polynomial.coefficients[1:].any():
        raise ValueError(
            f"{name}={spec!r} is constant; it must depend on its argument. Pass a nonzero coefficient of degree >= 1."
        )
    return activation


def _from_coefficients(spec: Any, name: str) -> Activation:
    try:
        coefficients = np.asarray(spec, dtype=float)
    except (TypeError, ValueError):
        coefficients = np.empty(0)
    if coefficients.ndim != 1 or coefficients.size == 0 or not np.all(np.isfinite(coefficients)):
        raise ValueError(
            f"{name}={spec!r} must be a name, a function of one array, a HermiteSeries, or a non-empty sequence of "
            "finite orthonormal Hermite coefficients. Pass e.g. 'relu', or (0, 0, 1) for h_2."
        )
    return Activation(HermiteSeries(coefficients), name=f"hermite{np.round(coefficients, 4).tolist()}")


def as_polynomial(spec: ActivationLike, name: str = "activation", *, constant: bool = False) -> HermiteSeries:
    """Return the polynomial that ``spec`` stands for, as its Hermite series; see `as_activation`.

    Raises
    ------
    ValueError
        If ``spec`` is not an activation, not a polynomial, or a constant where that is not allowed.
    """
    polynomial = as_activation(spec, name, constant=constant).polynomial
    if polynomial is None:
        raise ValueError(
            f"{name}={spec!r} must be a polynomial. Pass its orthonormal Hermite coefficients, e.g. (0, 0, 1) for h_2, "
            "or HermiteSeries.from_monomials([a_0, a_1, ...])."
        )
    return polynomial
