"""The base class of targets: a function of r coordinates, which an orthonormal frame maps from the inputs.

    f(x) = f_0(S x),      S of shape (r, dim), S S' = I.

Rotating a target by an orthogonal R, ``x -> f(R x)``, replaces S by S R; f_0 and the degree energies do not change.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from layerwise._validation import Choice, Flag, Number, as_integer, as_points
from layerwise.inputs import Array, Inputs, RandomState, as_generator, describe, given_parameters, make_inputs
from layerwise.targets.directions import haar_rotation
from layerwise.targets.facts import Facts, facts_about, generative_exponent


class UnreliableVarianceWarning(UserWarning):
    """The variance of a target could not be estimated, so that errors cannot be measured relative to it."""


class Target(ABC):
    """A function to be learnt, with facts about it under standard Gaussian inputs.

    A subclass defines `evaluate`. What follows from it, the facts (`mean`, `variance`, `degree_energies`, ...), is
    computed by quadrature for functions of at most four variables and by Monte Carlo for others, each with its error.
    A subclass may define `compute_facts` where more is known, and call `set_frame` in its constructor where it depends
    on few directions. Constructor parameters should be kept as attributes of the same names.

    Parameters
    ----------
    dim : int
        Number of inputs.

    Warns
    -----
    UnreliableVarianceWarning
        When facts are computed and the variance is not reliable.

    See Also
    --------
    MultiIndex : takes an arbitrary function, ``MultiIndex(dim, function, rank=dim)``.

    Examples
    --------
    A product of cosines. Without `compute_facts`, its facts would be Monte Carlo estimates; here the closed forms of
    its mean and variance are stated, and only the other facts are estimated.

    >>> import numpy as np
    >>> from layerwise.targets import StatedFacts, Target
    >>> class Cosines(Target):
    ...     def __init__(self, dim, frequency=0.5):
    ...         super().__init__(dim)
    ...         self.frequency = frequency
    ...
    ...     def evaluate(self, Z):
    ...         return np.cos(self.frequency * Z).prod(axis=1)
    ...
    ...     def compute_facts(self):
    ...         mean = np.exp(-self.dim * self.frequency**2 / 2)
    ...         square = ((1 + np.exp(-2 * self.frequency**2)) / 2) ** self.dim
    ...         return StatedFacts(super().compute_facts(), mean=mean, variance=square - mean**2)
    >>> target = Cosines(10)
    >>> target
    Cosines(dim=10)
    >>> round(target.variance, 6), target.variance_error
    (0.029753, 0.0)
    >>> X, y = target.sample(100, random_state=0)
    >>> X.shape, y.shape
    ((100, 10), (100,))
    """

    dim: int

    def __init__(self, dim: int):
        self.dim = as_integer(dim, "dim", 1)
        self._frame: Array | None = None

    @abstractmethod
    def evaluate(self, Z: Array) -> Array:
        """Evaluate f_0 at rows of coordinates.

        Parameters
        ----------
        Z : ndarray of shape (n, r), float32 or float64
            The inputs, ``r = dim``; after `set_frame`, their coordinates ``S x``.

        Returns
        -------
        ndarray of shape (n,)
            Finite values.
        """

    def compute_facts(self) -> Facts:
        """Compute facts about f_0; called once, when a fact is first read.

        Override it to return exact facts (`PolynomialFacts`, `RidgeFacts`, ... of `layerwise.targets.facts`), or
        ``StatedFacts(super().compute_facts(), variance=...)`` where some values are known.

        Returns
        -------
        Facts
            By default, quadrature where it converges and Monte Carlo elsewhere.
        """
        return facts_about(self._checked, self.dim if self._frame is None else len(self._frame))

    def set_frame(self, frame: Array | None, rotate: bool = False, random_state: RandomState = None) -> None:
        """Set the coordinates S x in which `evaluate` is written.

        Parameters
        ----------
        frame : ndarray of shape (r, dim) or None
            Orthonormal rows; None stands for the identity.
        rotate : bool, default False
            Replace S by S R, where R is a Haar-random orthogonal matrix.
        random_state : int, Generator, RandomState or None
            Source of randomness for R.

        Raises
        ------
        ValueError
            If the rows are not orthonormal vectors of length dim.
        """
        Flag().check(rotate, "rotate")
        if frame is not None:
            if frame.ndim != 2 or frame.shape[1] != self.dim:
                raise ValueError(
                    f"frame has shape {frame.shape}; it must be (r, {self.dim}). Pass one row per direction."
                )
            off = float(np.abs(frame @ frame.T - np.eye(len(frame))).max(initial=0.0))
            if off > 1e-8:
                raise ValueError(
                    f"the rows of the frame are not orthonormal (S S' differs from the identity by {off:.2g}). "
                    "Use np.linalg.qr(S.T)[0].T and apply the change of coordinates in the function."
                )
        if rotate:
            R = haar_rotation(self.dim, as_generator(random_state))
            frame = R if frame is None else frame @ R
        self._frame = frame

    @cached_property
    def facts(self) -> Facts:
        """Facts about f_0, each with its error."""
        self(np.random.default_rng(0).standard_normal((16, self.dim)))  # raises, naming the target, for wrong values
        facts = self.compute_facts()
        name = type(self).__name__
        if not np.isfinite(facts.variance):
            raise ValueError(
                f"the variance of {name} under N(0, I) is {facts.variance}; it must be finite. Check that the function "
                "is finite and square-integrable for Gaussian inputs."
            )
        if not facts.variance_reliable:
            warnings.warn(
                f"the variance of {name}, {facts.variance:.3g} with error {facts.variance_error:.3g}, is not reliable. "
                "Define compute_facts if it is known in closed form; otherwise use absolute errors, not risks.",
                UnreliableVarianceWarning,
                stacklevel=4,
            )
        return facts

    # -- evaluating and sampling

    def __call__(self, X: ArrayLike) -> Array:
        """Evaluate f at the rows of ``X`` (n, dim); returns shape (n,), float32 if X is."""
        Z = self._coordinates(X)
        values = self._checked(Z)
        finite = np.isfinite(values)
        if not finite.all():
            if not np.isfinite(Z).all():
                raise ValueError("X contains NaN or infinity; its entries must be finite. Remove or impute them.")
            raise self._wrong_values(f"{len(Z) - finite.sum()} values that are NaN or infinite", len(Z))
        return values.astype(Z.dtype, copy=False)

    def _checked(self, Z: Array) -> Array:
        """Values of `evaluate`, of the right type and shape."""
        values: Any = self.evaluate(Z)
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub":
            kind = f" of dtype {values.dtype}" if isinstance(values, np.ndarray) else ""
            raise self._wrong_values(f"an object of type {type(values).__name__}{kind}", len(Z))
        if values.shape != (len(Z),):
            raise self._wrong_values(f"an array of shape {values.shape}", len(Z))
        return values

    def _wrong_values(self, what: str, n: int) -> ValueError:
        return ValueError(
            f"{type(self).__name__}.evaluate returned {what} for {n} rows; it must return a NumPy array of shape "
            f"({n},), one finite number per row. Use np.asarray(values).ravel() on a list or column; clip or mask NaN."
        )

    def _coordinates(self, X: ArrayLike) -> Array:
        """S x for each row, in the dtype of X."""
        X = as_points(X, self.dim)
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
        """Draw ``y = f(x) + noise * xi``; the inputs depend on the seed, not on the noise.

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
            xi is standard normal, or ±1 with equal probability.

        Returns
        -------
        X : ndarray of shape (n, dim)
        y : ndarray of shape (n,)
        """
        Number(zero=True).check(noise, "noise")
        Choice("gaussian", "rademacher").check(noise_distribution, "noise_distribution")
        rng = as_generator(random_state)
        X = make_inputs(inputs, self.dim).sample(n, rng)
        y = self(X)
        if noise:
            xi = rng.standard_normal(n) if noise_distribution == "gaussian" else rng.integers(0, 2, n) * 2.0 - 1.0
            y = y + float(noise) * xi
        return X, y

    # -- facts under N(0, I)

    @property
    def mean(self) -> float:
        """E f(x)."""
        return self.facts.mean

    @property
    def variance(self) -> float:
        """Var f(x)."""
        return self.facts.variance

    @property
    def variance_error(self) -> float:
        """Error bound or standard error of `variance`: 0 where it is exact to rounding, inf where it is unknown."""
        return self.facts.variance_error

    @property
    def variance_reliable(self) -> bool:
        """Whether `variance` is known well enough to divide by it: its error is at most a third of it."""
        return self.facts.variance_reliable

    def degree_energies(self, max_degree: int = 6, *, return_std: bool = False) -> Any:
        """Energies ``|P_k f|^2`` for k = 0..max_degree.

        Parameters
        ----------
        max_degree : int, default 6
            Largest degree.
        return_std : bool, default False
            Also return the error of each energy: 0 where it is exact to rounding, the difference to a coarser rule
            where quadrature has not converged, standard error and bias bound combined for Monte Carlo estimates, and
            inf where that of the variance is.

        Returns
        -------
        energies : ndarray of shape (max_degree + 1,)
        std : ndarray of shape (max_degree + 1,)
            Only if ``return_std``.
        """
        energies, std = self.facts.degree_energies(as_integer(max_degree, "max_degree"))
        return (energies, std) if return_std else energies

    @cached_property
    def information_exponent(self) -> int | None:
        """Smallest k >= 1 with ``|P_k f|^2 > 0``, beyond rounding and 6 standard errors.

        None if there is no such degree: for a constant, or where no Monte Carlo energy (degree <= 6) exceeds 6 standard
        errors.
        """
        return self.facts.information_exponent()

    @cached_property
    def generative_exponent(self) -> int | None:
        """Smallest k >= 1 in which some transform T of y shows a direction: ``P_k T(f) != 0``.

        Exact for polynomials of one direction: 2 if the link is even, else 1. Otherwise numerically, with the
        tolerances of `layerwise.targets.facts.generative_exponent`; None if no degree is seen, as for a constant. For
        several directions it is, as the information exponent, the degree that shows the first of them.
        """
        rank = self.dim if self._frame is None else len(self._frame)
        return generative_exponent(self._checked, rank, self.facts)

    def expected_hessian(self) -> Array:
        """E Hessian f(x), shape (dim, dim): ``S' (E Hessian f_0) S``, symmetric, its kinks in the weak sense."""
        H = self.facts.expected_hessian()
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
