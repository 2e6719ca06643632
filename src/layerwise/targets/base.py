"""What every target is: a function of r coordinates seen through an orthonormal frame, that knows itself.

    f(x) = f_0(S x),      S of shape (r, dim), S S' = I.

Rotating a target by an orthogonal R, ``x -> f(R x)``, replaces S by S R: f_0 stays, and with it every degree energy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import ortho_group

from layerwise.inputs import (
    Inputs,
    RandomState,
    as_generator,
    check_count,
    check_flag,
    describe,
    given_parameters,
    make_inputs,
)
from layerwise.targets.facts import Facts, facts_about

__all__ = ["Target", "haar_rotation", "orthonormal_span", "unit_directions"]

Array: TypeAlias = NDArray[Any]


class Target(ABC):
    """A function to be learnt, which knows itself under standard Gaussian inputs.

    Parameters
    ----------
    dim : int
        Number of inputs.
    """

    dim: int

    def __init__(self, dim: int):
        self.dim = check_count(dim, "dim")
        self._frame: Array | None = None

    def _see_through(self, frame: Array | None, rotate: bool, rng: np.random.Generator) -> None:
        """Set S = frame R, with R Haar-random if ``rotate`` (None stands for the identity)."""
        if check_flag(rotate, "rotate"):
            R = haar_rotation(self.dim, rng)
            frame = R if frame is None else frame @ R
        self._frame = frame

    @abstractmethod
    def _values(self, Z: Array) -> Array:
        """f_0 at the rows of Z (n, r)."""

    def _make_facts(self) -> Facts:
        """Facts about f_0; subclasses that know better say so."""
        rank = self.dim if self._frame is None else len(self._frame)
        return facts_about(self._values, rank)

    @cached_property
    def _facts(self) -> Facts:
        return self._make_facts()

    # -- evaluating and sampling

    def __call__(self, X: ArrayLike) -> Array:
        """Values at the rows of ``X`` (n, dim), shape (n,); float32 stays float32."""
        Z = self._coordinates(X)
        return self._values(Z).astype(Z.dtype, copy=False)

    def _coordinates(self, X: ArrayLike) -> Array:
        """S x for each row, in the dtype of X."""
        X = check_points(X, self.dim)
        return X if self._frame is None else X @ self._frame.T.astype(X.dtype)

    def sample(
        self,
        n: int,
        noise: float = 0.0,
        random_state: RandomState = None,
        *,
        inputs: Inputs | str | None = None,
        noise_distribution: Literal["gaussian", "rademacher"] = "gaussian",
    ) -> tuple[Array, Array]:
        """Draw ``y = f(x) + noise * xi``; the same seed gives the same inputs whatever the noise.

        Parameters
        ----------
        n : int
            Number of rows.
        noise : float, default 0
            Standard deviation of the label noise.
        random_state : int, Generator, RandomState or None
            Source of randomness.
        inputs : Inputs or str, optional
            Distribution of x; default: standard Gaussian.
        noise_distribution : {"gaussian", "rademacher"}
            xi standard normal, or ±1 with equal chance.

        Returns
        -------
        X : ndarray of shape (n, dim)
        y : ndarray of shape (n,)
        """
        if isinstance(noise, bool) or not isinstance(noise, Real) or not 0.0 <= float(noise) < np.inf:
            raise ValueError(f"noise={noise!r} is no standard deviation. Give a finite number >= 0.")
        if noise_distribution not in ("gaussian", "rademacher"):
            raise ValueError(f"noise_distribution={noise_distribution!r} is unknown. Give 'gaussian' or 'rademacher'.")
        rng = as_generator(random_state)
        X = make_inputs(inputs, self.dim).sample(n, rng)
        y = self(X)
        if noise:
            xi = rng.standard_normal(n) if noise_distribution == "gaussian" else rng.integers(0, 2, n) * 2.0 - 1.0
            y = y + float(noise) * xi
        return X, y

    # -- what the target knows of itself, under N(0, I)

    @property
    def mean(self) -> float:
        """E f(x)."""
        return self._facts.mean

    @property
    def variance(self) -> float:
        """Var f(x)."""
        return self._facts.variance

    @property
    def variance_error(self) -> float:
        """Error bound or standard error of `variance`; 0 where it is exact to rounding."""
        return self._facts.variance_error

    def degree_energies(self, max_degree: int = 6, *, return_std: bool = False) -> Any:
        """Energies ``|P_k f|^2`` for k = 0..max_degree.

        Parameters
        ----------
        max_degree : int, default 6
            Largest degree.
        return_std : bool, default False
            Also return the error of each energy: 0 where it is exact to rounding; what a coarser rule changes where
            quadrature has not converged; standard error and bias bound together where it is a Monte Carlo estimate.

        Returns
        -------
        energies : ndarray of shape (max_degree + 1,)
        std : ndarray of shape (max_degree + 1,)
            Only if ``return_std``.
        """
        energies, std = self._facts.degree_energies(check_count(max_degree, "max_degree", least=0))
        return (energies, std) if return_std else energies

    @cached_property
    def information_exponent(self) -> int | None:
        """Least k >= 1 with ``|P_k f|^2 > 0``, beyond rounding or 6 standard errors.

        None if no degree is seen: a constant, or a target so high in degree that its Monte Carlo energies (degree <= 6)
        do not rise above their errors.
        """
        return self._facts.information_exponent()

    def expected_hessian(self) -> Array:
        """E Hessian f(x), shape (dim, dim): ``S' (E Hessian f_0) S``, symmetric, its kinks in the weak sense."""
        H = self._facts.expected_hessian()
        return H if self._frame is None else self._frame.T @ H @ self._frame

    @property
    def relevant_subspace(self) -> Array:
        """Orthonormal rows (r, dim) spanning all the directions that f depends on: ``f(x) = f(S' S x)``."""
        return np.eye(self.dim) if self._frame is None else self._frame.copy()

    @property
    def parameters(self) -> dict[str, Any]:
        """The constructor's parameters, as given."""
        return given_parameters(self)

    def __repr__(self) -> str:
        return describe(self)


def check_points(X: ArrayLike, dim: int) -> Array:
    """Return X as a float array of shape (n, dim), float32 or float64, or say what is wrong with it."""
    X = np.asarray(X)
    if X.dtype.kind not in "fiub":
        raise TypeError(f"X has dtype {X.dtype}. Give an array of real numbers of shape (n, {dim}).")
    if X.ndim != 2 or X.shape[1] != dim:
        raise ValueError(f"X has shape {X.shape}, but the target takes (n, {dim}). One row is X[None, :].")
    return X if X.dtype in (np.float32, np.float64) else X.astype(np.float64)


def haar_rotation(dim: int, rng: np.random.Generator) -> Array:
    """Orthogonal matrix drawn from the Haar measure on O(dim)."""
    if dim == 1:
        return np.array([[rng.integers(0, 2) * 2.0 - 1.0]])
    return np.asarray(ortho_group.rvs(dim, random_state=rng))


def orthonormal_span(W: Array) -> Array:
    """Orthonormal rows with the span of the rows of W; rows of distinct axes come back as those axes."""
    kept: list[Array] = []
    for w in W:
        norm = np.linalg.norm(w)
        rest = w.copy()
        for _ in range(2):  # twice is enough (Kahan)
            for q in kept:
                rest -= (q @ rest) * q
        if norm > 0.0 and np.linalg.norm(rest) > 1e-10 * norm:
            kept.append(rest / np.linalg.norm(rest))
    return np.array(kept).reshape(len(kept), W.shape[1])


def unit_directions(directions: ArrayLike | str | None, n: int, dim: int, rng: np.random.Generator) -> Array:
    """Rows for n directions in R^dim: the first n axes (None), random unit rows ("random"), or the rows given."""
    if directions is None:
        if n > dim:
            raise ValueError(
                f"{n} directions do not fit along the axes of dim={dim} inputs. Lower their number to <= {dim}, "
                "raise dim, or give directions='random' (unit vectors that need not be orthogonal)."
            )
        return np.eye(n, dim)
    if isinstance(directions, str):
        if directions != "random":
            raise ValueError(f"directions={directions!r} is unknown. Give None (axes), 'random' or an array of rows.")
        W = rng.standard_normal((n, dim))
        return W / np.linalg.norm(W, axis=1, keepdims=True)
    W = np.atleast_2d(np.asarray(directions, dtype=float))
    if W.shape != (n, dim) or not np.all(np.isfinite(W)) or not np.all(np.linalg.norm(W, axis=1) > 0):
        raise ValueError(
            f"directions has shape {W.shape} (or an entry that is not finite, or a zero row); {n} non-zero rows of "
            f"{dim} numbers are needed, one row a direction. Transpose it if its columns are the directions."
        )
    return W
