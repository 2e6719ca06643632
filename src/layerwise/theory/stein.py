"""The approximate Stein lemma: for ``h = g(p)``, the part of degree k of h is close to ``E[g'] p``.

Let p be a polynomial of degree exactly k with E p = 0, E p^2 = 1. If p is close to Gaussian, Stein's lemma gives
``E[h p] = E[g(z) z] = E g'(z)``, and h has little energy in degrees below k. The first stage of the layerwise algorithm
estimates ``P_{<=k} h``, which is the feature up to the errors

    |P_{<k} (h - E g(z))|        and        |P_k h - E[g'] p|,

both O(d^(-1/2)) under the assumptions of Wang et al. With ``|P_k h|^2`` and ``<P_k h, p> = E[g(p) p]`` known,

    |P_k h - E[g'] p|^2 = |P_k h|^2 - 2 E[g'] <P_k h, p> + E[g']^2,      cos(P_k h, p) = <P_k h, p> / |P_k h|.

``E[g(p) p]`` is the mean of the hierarchical target with the link z g(z), which has exact facts wherever h has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from layerwise.activations import Activation
from layerwise.hermite import HermiteSeries
from layerwise.targets import Hierarchical
from layerwise.targets.facts import MonteCarloFacts
from layerwise.theory.measurements import Measured, sample_mean

ROUNDING = 1e-12  # relative to |h|^2: smaller differences of energies count as 0


@dataclass(frozen=True)
class SteinAlignment:
    """How well ``P_{<=k} h`` agrees with the feature p of ``h = g(p)``.

    Attributes
    ----------
    dim, degree : int
        d and k.
    slope : float
        ``E g'(z)`` for standard Gaussian z.
    lower_norm : float
        ``|P_{<k} (h - E g(z))|``.
    residual_norm : float
        ``|P_k h - E[g'] p|``.
    cosine : float
        ``cos(P_k h, p)``; NaN if ``P_k h = 0``.
    lower_error, residual_error, cosine_error : float
        Standard errors of these numbers; 0 where they are exact (to about 1e-6 for norms, which are square roots of
        differences).
    """

    dim: int
    degree: int
    slope: float
    lower_norm: float
    residual_norm: float
    cosine: float
    lower_error: float = 0.0
    residual_error: float = 0.0
    cosine_error: float = 0.0


def stein_alignment(target: Hierarchical) -> SteinAlignment:
    """Measure the two errors of the approximate Stein lemma.

    Parameters
    ----------
    target : Hierarchical
        ``h = g(p)``.

    Returns
    -------
    SteinAlignment
        Exact for polynomial links of a sum of independent pieces, for any link of a quadratic form with two distinct
        eigenvalues, and for polynomial links of small features; otherwise Monte Carlo with standard errors.

    Raises
    ------
    TypeError
        If the target is not of the form ``g(p)``.

    References
    ----------
    Wang, Nichani, Lee 2023, approximate Stein lemma.

    Examples
    --------
    For ``h = C p^3`` and ``p = d^(-1/2) sum_i ±h_3(x_i)``, ``P_3 h = C (3 + 90/d) p`` exactly, and ``P_{<3} h`` has
    degree 1 only, with norm ``C E[h_3^3 h_1] / d``.

    >>> h = Hierarchical(24, {"name": "balanced_sum", "degree": 3}, "cube", normalize=True)
    >>> s = stein_alignment(h)
    >>> round(s.cosine, 9), round(s.residual_norm / (90 / 24 * h.scale), 6)
    (1.0, 1.0)
    """
    if not isinstance(target, Hierarchical):
        raise TypeError(
            f"target={target!r} must be a Hierarchical target, a link of a feature polynomial. Pass "
            "Hierarchical(dim, feature, link)."
        )
    k = target.feature.degree
    c = np.append(target.link.series(1).coefficients, 0.0)
    shift, slope = float(c[0]), float(c[1])
    energies, errors = target.degree_energies(k, return_std=True)
    floor = ROUNDING * (target.variance + target.mean**2)
    inner = _inner_product(target)

    lower = energies[:k].copy()
    lower[0] = (target.mean - shift) ** 2
    lower_square = _positive(float(lower.sum()), floor)
    lower_square_error = float(np.linalg.norm(errors[:k]))
    residual_square = _positive(float(energies[k]) - 2.0 * slope * inner.value + slope**2, floor)
    residual_square_error = float(np.hypot(errors[k], 2.0 * slope * inner.error))
    size = float(np.sqrt(energies[k]))
    cosine, cosine_error = np.nan, 0.0
    if energies[k] > floor:
        cosine = min(inner.value / size, 1.0)
        cosine_error = float(np.hypot(inner.error / size, cosine * errors[k] / (2.0 * energies[k])))
    return SteinAlignment(
        target.dim,
        k,
        slope,
        float(np.sqrt(lower_square)),
        float(np.sqrt(residual_square)),
        float(cosine),
        _root_error(lower_square, lower_square_error),
        _root_error(residual_square, residual_square_error),
        cosine_error,
    )


def stein_exponent(
    family: Callable[[int], Hierarchical],
    dims: Sequence[int],
    quantity: Literal["lower_norm", "residual_norm"] = "residual_norm",
) -> float:
    """Return the slope of log error against log d, which the approximate Stein lemma bounds by -1/2.

    Parameters
    ----------
    family : callable
        ``family(d)`` is the target in d inputs.
    dims : sequence of int
        At least two dimensions.
    quantity : {"lower_norm", "residual_norm"}
        The attribute of `SteinAlignment`. The slope is ``-inf`` if it is 0 in every dimension.

    Examples
    --------
    >>> family = lambda d: Hierarchical(d, {"name": "balanced_sum", "degree": 2, "weights": "ones"})
    >>> stein_exponent(family, [4, 6, 8, 12]) < -0.5
    True
    """
    if len(dims) < 2:
        raise ValueError(f"dims={list(dims)} must have at least two dimensions for a slope. Pass e.g. [4, 6, 8, 12].")
    values = np.array([getattr(stein_alignment(family(d)), quantity) for d in dims])
    if not np.any(values):
        return -np.inf
    return float(np.polyfit(np.log(dims), np.log(values), 1)[0])


def _inner_product(target: Hierarchical) -> Measured:
    """``E[h p]``: the mean of ``p g(p)``."""
    link, series = target.link, target.link.polynomial
    if series is not None:
        product = Activation(series * HermiteSeries.basis(1))
    else:
        product = Activation(lambda z: z * link(z), kinks=link.kinks)
    facts = Hierarchical(target.dim, target.feature, product).facts
    if not isinstance(facts, MonteCarloFacts):
        return Measured(facts.mean)
    return sample_mean(lambda X: product(target.feature(X)), target.dim)


def _positive(square: float, floor: float) -> float:
    """A squared norm computed as a difference: 0 below rounding."""
    return square if square > floor else 0.0


def _root_error(square: float, error: float) -> float:
    """Error of the square root: by linearisation, or its size where the square is not resolved."""
    if error == 0.0:
        return 0.0
    return float(error / (2.0 * np.sqrt(square)) if square > error else np.sqrt(error))
