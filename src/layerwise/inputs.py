"""Input distributions.

The theory assumes ``x ~ N(0, I)``; the other distributions measure how much of it holds elsewhere. All have mean 0 and,
unless a covariance is given, identity covariance, so that a target can be sampled under any of them.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layerwise._validation import as_integer, find_class, shown

__all__ = [
    "Elliptical",
    "Gaussian",
    "Hypercube",
    "Inputs",
    "Laplace",
    "Sphere",
    "StudentT",
    "UniformCube",
    "as_generator",
    "make_inputs",
]

Array: TypeAlias = NDArray[Any]
RandomState: TypeAlias = int | np.random.Generator | np.random.RandomState | np.random.SeedSequence | None


def as_generator(random_state: RandomState = None) -> np.random.Generator:
    """Return a generator for ``random_state``.

    Parameters
    ----------
    random_state : None, int, SeedSequence, Generator or RandomState
        None draws fresh entropy; a Generator is returned unchanged; a RandomState shares its stream.

    Raises
    ------
    TypeError
        If ``random_state`` is none of these.
    ValueError
        If it is a negative integer.
    """
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state._bit_generator)  # type: ignore[attr-defined]
    if random_state is None or isinstance(random_state, np.random.Generator | np.random.SeedSequence):
        return np.random.default_rng(random_state)
    try:
        seed = as_integer(random_state, "random_state")
    except TypeError:
        raise TypeError(
            f"random_state={shown(random_state)} must be None, an integer >= 0, or a NumPy SeedSequence, Generator or "
            "RandomState. Pass an integer for reproducible results."
        ) from None
    return np.random.default_rng(seed)


def given_parameters(owner: object) -> dict[str, Any]:
    """Constructor parameters as given, from the attribute ``_name`` if there is one, else ``name``."""
    kept = {
        name: f"_{name}" if hasattr(owner, f"_{name}") else name for name in inspect.signature(type(owner)).parameters
    }
    return {name: getattr(owner, attribute) for name, attribute in kept.items() if hasattr(owner, attribute)}


def describe(owner: object) -> str:
    """Return the class name with the parameters that differ from their defaults."""
    parts = []
    signature = inspect.signature(type(owner)).parameters
    for name, value in given_parameters(owner).items():
        default = signature[name].default
        if value is default or (default is not inspect.Parameter.empty and np.array_equal(value, default)):
            continue
        text = np.array2string(value, separator=", ", threshold=6) if isinstance(value, np.ndarray) else shown(value)
        parts.append(f"{name}={text}")
    return f"{type(owner).__name__}({', '.join(parts)})"


class Inputs(ABC):
    """A distribution on R^dim with mean 0.

    Parameters
    ----------
    dim : int
        Number of inputs.
    """

    def __init__(self, dim: int):
        self.dim = as_integer(dim, "dim", 1)

    @property
    def covariance(self) -> Array:
        """Covariance matrix, shape (dim, dim)."""
        return np.eye(self.dim)

    @abstractmethod
    def _draw(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n rows."""

    def sample(self, n: int, random_state: RandomState = None) -> Array:
        """Draw ``n`` independent rows, shape (n, dim)."""
        return self._draw(as_integer(n, "n", 1), as_generator(random_state))

    def __repr__(self) -> str:
        return describe(self)


def _square_root(covariance: ArrayLike | None, dim: int) -> Array | None:
    """Return L with L Lᵀ = covariance; None means the identity."""
    if covariance is None:
        return None
    C = np.asarray(covariance, dtype=float)
    if C.shape != (dim, dim):
        raise ValueError(
            f"covariance has shape {C.shape}; for dim={dim} it must be ({dim}, {dim}). "
            "Pass a full matrix (np.diag(variances) for independent inputs), or None for the identity."
        )
    if not np.all(np.isfinite(C)) or not np.allclose(C, C.T, rtol=1e-10, atol=1e-12 * np.abs(C).max()):
        raise ValueError("covariance must be a symmetric matrix of finite numbers. Symmetrise it: (C + C.T) / 2.")
    eigenvalues, Q = np.linalg.eigh(C)
    if eigenvalues[0] < -1e-10 * max(eigenvalues[-1], 0.0) or eigenvalues[-1] <= 0:
        raise ValueError(
            f"covariance has the eigenvalue {eigenvalues[0]:.3g}; it must be positive semidefinite and not zero. "
            "Clip the negative eigenvalues (np.linalg.eigh) first."
        )
    return Q * np.sqrt(np.clip(eigenvalues, 0.0, None))


def _check_df(df: object) -> float:
    if isinstance(df, bool) or not isinstance(df, Real) or not float(df) > 2:
        raise ValueError(f"df={shown(df)} must be a number > 2, as the variance is infinite otherwise. Pass e.g. df=5.")
    return float(df)


class _Correlated(Inputs):
    """Inputs L z with a given covariance L Lᵀ; z is Gaussian unless a subclass draws otherwise."""

    def _correlate(self, covariance: ArrayLike | None) -> None:
        self._root = _square_root(covariance, self.dim)
        self._covariance = covariance

    @property
    def covariance(self) -> Array:
        """Covariance matrix, shape (dim, dim)."""
        return np.eye(self.dim) if self._covariance is None else np.asarray(self._covariance, dtype=float)

    def _draw(self, n: int, rng: np.random.Generator) -> Array:
        Z = rng.standard_normal((n, self.dim))
        return Z if self._root is None else Z @ self._root.T


class Gaussian(_Correlated):
    """x ~ N(0, covariance).

    Parameters
    ----------
    dim : int
    covariance : array-like of shape (dim, dim), optional
        Default: the identity.
    """

    def __init__(self, dim: int, covariance: ArrayLike | None = None):
        super().__init__(dim)
        self._correlate(covariance)


class Elliptical(_Correlated):
    """Multivariate Student-t distribution ``x = L z sqrt((df-2)/chi2_df)``: one radius per row, shared by its inputs.

    Parameters
    ----------
    dim : int
        Number of inputs.
    df : float, default 5
        Degrees of freedom, > 2; the factor makes the covariance L Lᵀ.
    covariance : array-like of shape (dim, dim), optional
        Default: the identity.
    """

    def __init__(self, dim: int, df: float = 5.0, covariance: ArrayLike | None = None):
        super().__init__(dim)
        self.df = _check_df(df)
        self._correlate(covariance)

    def _draw(self, n: int, rng: np.random.Generator) -> Array:
        return super()._draw(n, rng) * np.sqrt((self.df - 2.0) / rng.chisquare(self.df, size=(n, 1)))


class Sphere(Inputs):
    """Uniform on the sphere of radius sqrt(dim)."""

    def _draw(self, n: int, rng: np.random.Generator) -> Array:
        Z = rng.standard_normal((n, self.dim))
        return Z * (np.sqrt(self.dim) / np.linalg.norm(Z, axis=1, keepdims=True))


class Hypercube(Inputs):
    """Independent signs, uniform on {-1, 1}^dim."""

    def _draw(self, n: int, rng: np.random.Generator) -> Array:
        return rng.integers(0, 2, size=(n, self.dim)) * 2.0 - 1.0


class UniformCube(Inputs):
    """Independent uniforms on [-sqrt(3), sqrt(3)] (variance 1)."""

    def _draw(self, n: int, rng: np.random.Generator) -> Array:
        return rng.uniform(-np.sqrt(3.0), np.sqrt(3.0), size=(n, self.dim))


class StudentT(Inputs):
    """Independent Student-t inputs scaled by sqrt((df-2)/df) to variance 1.

    Parameters
    ----------
    dim : int
        Number of inputs.
    df : float, default 5
        Degrees of freedom, > 2.
    """

    def __init__(self, dim: int, df: float = 5.0):
        super().__init__(dim)
        self.df = _check_df(df)

    def _draw(self, n: int, rng: np.random.Generator) -> Array:
        return rng.standard_t(self.df, size=(n, self.dim)) * np.sqrt((self.df - 2.0) / self.df)


class Laplace(Inputs):
    """Independent two-sided exponentials of scale 1/sqrt(2) (variance 1)."""

    def _draw(self, n: int, rng: np.random.Generator) -> Array:
        return rng.laplace(scale=np.sqrt(0.5), size=(n, self.dim))


_KINDS: dict[str, type[Inputs]] = {
    kind.__name__: kind for kind in (Gaussian, Elliptical, Sphere, Hypercube, UniformCube, StudentT, Laplace)
}


def make_inputs(spec: Inputs | str | None, dim: int) -> Inputs:
    """Return the input distribution that ``spec`` names.

    Parameters
    ----------
    spec : Inputs, str or None
        A distribution on R^dim, a class name in any spelling ("StudentT", "student_t"), or None (Gaussian).
    dim : int
        Number of inputs.

    Raises
    ------
    TypeError
        If ``spec`` is none of these.
    ValueError
        If the name is unknown, or the distribution has another number of inputs.
    """
    if spec is None:
        return Gaussian(dim)
    if isinstance(spec, Inputs):
        if spec.dim != dim:
            raise ValueError(f"inputs={spec!r} has {spec.dim} columns; it must have {dim}. Build it with dim={dim}.")
        return spec
    if not isinstance(spec, str):
        raise TypeError(f"inputs={spec!r} must be a name or an Inputs object. Known names: {', '.join(_KINDS)}.")
    return find_class(spec, _KINDS, "inputs")(dim)
