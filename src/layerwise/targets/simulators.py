"""Simulators: models from applications in closed form, with standard Gaussian inputs.

Two have no hierarchical structure by construction (an option, a random medium), two are links of a quadratic form. Each
docstring states the shares of variance by degree, which are exact or given with a standard error.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import roots_legendre

from layerwise._validation import Number
from layerwise.inputs import RandomState, as_generator
from layerwise.targets.base import Array, Target
from layerwise.targets.facts import ExponentialFacts, Facts
from layerwise.targets.hierarchical import Hierarchical

BLOCK_BYTES = 2**24  # size of temporary arrays


def by_blocks(function: Callable[[Array], Array], Z: Array, row_bytes: int) -> Array:
    """Apply a row-wise function to blocks of rows whose temporary arrays take at most BLOCK_BYTES."""
    rows = max(1, BLOCK_BYTES // max(row_bytes, 1))
    parts = [function(Z[i : i + rows]) for i in range(0, len(Z), rows)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=Z.dtype)


class AsianStraddle(Target):
    """Payoff of an Asian straddle, ``f(x) = |mean_t S_t - 1|``, ``S_t = exp(v sum_{i<=t} x_i / sqrt(dim))``.

    The inputs are the increments of the price path S, one per time step. f is nearly a function of one direction: at
    dim = 50 the degrees 1, 2 and 3 hold .085, .807 and .010 of the variance (errors .001, .007 and .001), and the
    largest eigenvalue of E Hessian f accounts for 99 % of its squared norm, to within the standard error of 1 %.

    Parameters
    ----------
    dim : int, default 50
        Number of time steps.
    volatility : float, default 0.3
        v, the volatility over the whole path.
    rotate, random_state
        As in `SingleIndex`.
    """

    def __init__(self, dim: int = 50, volatility: float = 0.3, rotate: bool = False, random_state: RandomState = None):
        super().__init__(dim)
        Number().check(volatility, "volatility")
        self.volatility = float(volatility)
        self.rotate, self.random_state = rotate, random_state
        self.set_frame(None, rotate, as_generator(random_state))

    def evaluate(self, Z: Array) -> Array:
        """``|mean_t S_t - 1|``."""
        return by_blocks(self._payoff, Z, 2 * self.dim * Z.itemsize)

    def _payoff(self, Z: Array) -> Array:
        path = np.cumsum(Z, axis=1)
        path *= Z.dtype.type(self.volatility / np.sqrt(self.dim))
        np.exp(path, out=path)
        return np.abs(path.mean(axis=1) - 1)


class LognormalPDE(Target):
    """Flow through a lognormal random medium, ``f(x) = u(1) = int_0^1 (1 - t) exp(-a(t)) dt``.

    The value at t = 1 of the solution of ``-(e^a u')' = 1`` on [0, 1], u(0) = 0, u'(1) = 0. The log-conductivity a is
    ``amplitude`` times a centred Gaussian field with covariance exp(-|s-t|/length), truncated to ``dim`` Karhunen–Loève
    modes, whose coordinates are the inputs. f is a sum of exponentials of linear forms, so that all facts are exact
    (`ExponentialFacts`): at the defaults, degrees 1..6 hold .174 .221 .214 .167 .110 .062 of the variance, degrees >= 3
    hold .604, and the three largest eigenvalues of E Hessian f account for .84, .12 and .03 of its squared norm. The
    tails are heavy: the sample variance of 2e5 draws varies by tens of per cent.

    Parameters
    ----------
    dim : int, default 50
        Number of modes.
    length : float, default 0.3
        Correlation length.
    amplitude : float, default 2
        Standard deviation of a before truncation.
    rotate, random_state
        As in `SingleIndex`.

    Notes
    -----
    Eigenpairs of exp(-|s-t|/length) on [0, 1] in closed form (`exponential_modes`); 200 Gauss–Legendre nodes in t.
    """

    def __init__(
        self,
        dim: int = 50,
        length: float = 0.3,
        amplitude: float = 2.0,
        rotate: bool = False,
        random_state: RandomState = None,
    ):
        super().__init__(dim)
        Number().check(length, "length")
        Number().check(amplitude, "amplitude")
        self.length, self.amplitude = float(length), float(amplitude)
        self.rotate, self.random_state = rotate, random_state
        nodes, weights = roots_legendre(max(200, 4 * self.dim))
        t = (1.0 + nodes) / 2.0
        self._weights = weights / 2.0 * (1.0 - t)
        eigenvalues, modes = exponential_modes(t, self.dim, self.length)
        self._loadings = -self.amplitude * modes * np.sqrt(eigenvalues)  # -a(t) = loadings x, (nodes, dim)
        self.set_frame(None, rotate, as_generator(random_state))

    def evaluate(self, Z: Array) -> Array:
        """u(1), by quadrature in t."""
        return by_blocks(self._solve, Z, 2 * len(self._weights) * Z.itemsize)

    def _solve(self, Z: Array) -> Array:
        field = Z @ self._loadings.T.astype(Z.dtype)
        np.exp(field, out=field)
        return field @ self._weights.astype(Z.dtype)

    def compute_facts(self) -> Facts:
        """Exact facts about the quadrature sum."""
        return ExponentialFacts(self._weights, self._loadings)


@lru_cache(maxsize=32)
def _frequencies(n: int, c: float) -> Array:
    """The first n roots of ``tan w = 2 c w / (w^2 - c^2)``: one in each (j pi, (j + 1) pi)."""
    roots = np.empty(n)
    for j in range(n):
        # On [-1/2, 1/2] even modes cos(w t) have c cos(w/2) = w sin(w/2), odd ones sin(w t) -w cos(w/2) = c sin(w/2).
        def condition(w: float, odd: int = j % 2) -> float:
            return w * np.cos(w / 2) + c * np.sin(w / 2) if odd else c * np.cos(w / 2) - w * np.sin(w / 2)

        roots[j] = np.asarray(brentq(condition, j * np.pi, (j + 1) * np.pi, xtol=1e-13))
    return roots


def exponential_modes(t: Array, n: int, length: float) -> tuple[Array, Array]:
    """Karhunen–Loève expansion of the covariance exp(-|s-t|/length) on [0, 1], in closed form.

    With c = 1/length: ``eigenvalue = 2 c / (w^2 + c^2)``, eigenfunctions cos and sin of ``w (t - 1/2)`` in turn,
    divided by ``sqrt(1/2 ± sin(w) / (2 w))``. Return the decreasing eigenvalues (n,) and the modes (len(t), n), which
    are orthonormal in L2[0, 1].
    """
    c = 1.0 / length
    w = _frequencies(n, c)
    angle = np.multiply.outer(t - 0.5, w)
    even = np.arange(n) % 2 == 0
    sign = np.where(even, 1.0, -1.0)
    modes = np.where(even, np.cos(angle), np.sin(angle)) / np.sqrt(0.5 + sign * np.sin(w) / (2.0 * w))
    return 2.0 * c / (w**2 + c**2), modes


class ExcessOfLoss(Hierarchical):
    """Excess-of-loss layer ``f(x) = clip(p(x), 0, 1.5)``, ``p(x) = sum_i ±(x_i^2 - 1) / sqrt(2 dim)``.

    p is a balanced quadratic form, so that f depends on all directions. Degrees 2, 4, 6 hold .748, .126, .049 of the
    variance at dim = 30 (all facts are exact). With dim = 20 it is the target T2 of the refinement tests.

    Parameters
    ----------
    dim : int, default 30
        Number of inputs.
    rotate, random_state
        As in `SingleIndex`.
    """

    def __init__(self, dim: int = 30, rotate: bool = False, random_state: RandomState = None):
        super().__init__(dim, {"name": "balanced_sum", "degree": 2}, "clip", False, rotate, random_state)


class Fatigue(Hierarchical):
    """Fatigue damage ``f(x) = max(1 + p(x)/2, 0)^1.5``, ``p(x) = sum_i (x_i^2 - 1) / sqrt(2 dim)``.

    A radial function, a power of the energy |x|^2. Degrees 2 and 4 hold .970 and .029 of the variance at dim = 30 (all
    facts are exact).

    Parameters
    ----------
    dim : int, default 30
        Number of inputs.
    rotate : bool, default False
        Rotate by a Haar-random orthogonal matrix, which does not change f.
    random_state : int, Generator, RandomState or None
        For ``rotate``.
    """

    def __init__(self, dim: int = 30, rotate: bool = False, random_state: RandomState = None):
        feature = {"name": "balanced_sum", "degree": 2, "weights": "ones"}
        super().__init__(dim, feature, "fatigue", False, rotate, random_state)
