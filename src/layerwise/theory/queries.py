"""Correlational statistical queries: learning from answers ``E[f(x) phi(x)] ± tau`` instead of samples.

A query is a function phi with ``E phi(x)^2 = 1``. Gradient descent on the squared loss is such a learner, since its
gradients are correlations of f with functions of the network (plus terms that do not depend on f); an average over n
samples is an answer with a tolerance of about ``n^(-1/2)``.

Functions of few directions are integrated in the span of these directions and of those of the query by quadrature, so
that the only error of an answer is the one that the oracle adds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from layerwise._validation import Choice, Number, as_points, as_vector
from layerwise.hermite import HermiteSeries, gaussian_rule
from layerwise.inputs import Array, RandomState, as_generator
from layerwise.targets import Target
from layerwise.theory._subject import TargetLike, as_target

NODES = {1: 256, 2: 96, 3: 48, 4: 24}  # per axis, by the number of directions


class QueryOracle:
    """Answers correlational queries about a target up to a tolerance, and counts them.

    Parameters
    ----------
    target : Target or callable
        f, which is divided by its standard deviation after its mean is removed.
    tolerance : float
        tau >= 0.
    answers : {"adversarial", "noisy"}, default "adversarial"
        "adversarial" returns 0 if the correlation is at most tau in absolute value, else its exact value: it reveals
        nothing unless it must. "noisy" adds an independent uniform error in [-tau, tau].
    dim : int, optional
        Number of inputs; required for a function.
    random_state : int, Generator, RandomState or None
        Draws the errors of noisy answers.

    Attributes
    ----------
    n_queries : int
        Number of queries answered.
    n_informative : int
        Number of them whose correlation exceeded the tolerance.

    Notes
    -----
    The directions of f and of a query together must number at most 4. For polynomials of degree <= 6 the quadrature is
    exact to 1e-8 in three directions and to 1e-5 in four; for f with kinks, to about 1e-3.

    The adversary of Theorem 2 of Damian et al. 2022 answers with the average over a class of targets, which is 0 for
    all queries that do not single out the mean of the class. A learner that adds a known offset to its queries defeats
    the simpler adversary here; gradient descent does not do so.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, section 3.2 and Theorem 2.

    Examples
    --------
    >>> import numpy as np
    >>> from layerwise.targets import SingleIndex
    >>> oracle = QueryOracle(SingleIndex(8, link="h2"), tolerance=0.05)
    >>> along = lambda Z: (Z[:, 0] ** 2 - 1) / 2**0.5
    >>> round(oracle.query(along, np.eye(1, 8)), 6), oracle.query(along, np.eye(1, 8, 3)), oracle.n_queries
    (1.0, 0.0, 2)
    """

    def __init__(
        self,
        target: TargetLike,
        tolerance: float,
        answers: Literal["adversarial", "noisy"] = "adversarial",
        *,
        dim: int | None = None,
        random_state: RandomState = None,
    ):
        self.target: Target = as_target(target, dim)
        Number(zero=True).check(tolerance, "tolerance")
        Choice("adversarial", "noisy").check(answers, "answers")
        self.tolerance, self.answers = float(tolerance), answers
        self.dim = self.target.dim
        self.n_queries = self.n_informative = 0
        self._rng = as_generator(random_state)
        self._scale = float(np.sqrt(self.target.variance))

    def query(self, phi: Callable[[Array], Array], directions: ArrayLike) -> float:
        """Answer one query, ``E f(x) phi(V x) ± tau``.

        Parameters
        ----------
        phi : callable
            From coordinates ``V x`` (n, s) to values (n,); it is divided by its 2-norm.
        directions : array-like of shape (s, dim)
            V, with orthonormal rows.
        """
        V = as_points(directions, self.dim, "directions").astype(float)
        frame, X, weights, f = self._rule(V)
        values = np.asarray(phi(X @ (V @ frame.T).T))
        return float(self._answer(np.atleast_1d(weights @ (f * values) / np.sqrt(weights @ values**2)))[0])

    def query_gradient(self, w: ArrayLike, derivative: Callable[[Array], Array], basis: Array) -> Array:
        """Answer dim queries for the gradient of ``E f(x) sigma(w . x)`` with respect to w, in a basis.

        The i-th query is ``phi_i(x) = (v_i . x) sigma'(w . x) / |.|_2``, v_i the i-th row of the basis.

        Parameters
        ----------
        w : array-like of shape (dim,)
            A unit vector.
        derivative : callable
            sigma', elementwise.
        basis : ndarray of shape (dim, dim)
            Orthonormal rows.

        Returns
        -------
        ndarray of shape (dim,)
            Answers.
        """
        w = as_vector(w, "w", self.dim)
        frame, X, weights, f = self._rule(w[None, :])
        slopes = np.asarray(derivative(X @ (frame @ w)))
        signal = frame.T @ (X.T @ (weights * f * slopes))  # E f(x) sigma'(w . x) x lies in the span
        # E (v.x)^2 sigma'(w.x)^2 = a (1 - (v.w)^2) + b (v.w)^2
        along = basis @ w
        a, b = weights @ slopes**2, weights @ (slopes**2 * (X @ (frame @ w)) ** 2)
        return self._answer(basis @ signal / np.sqrt(a * (1.0 - along**2) + b * along**2))

    def _rule(self, V: Array) -> tuple[Array, Array, Array, Array]:
        """Frame (q, dim) of the span of V and of f's directions; nodes (n, q), weights, and values of f there."""
        S = self.target.relevant_subspace
        rest = S - S @ V.T @ V
        _, s, W = np.linalg.svd(rest, full_matrices=False)
        frame = np.concatenate([V, W[s > 1e-10]])
        q = len(frame)
        if q not in NODES:
            raise ValueError(
                f"the target and the query together depend on {q} directions; they must depend on at most "
                f"{max(NODES)}. Use a target with fewer directions (this one has {len(S)})."
            )
        nodes, weight = gaussian_rule(NODES[q] // 2, kinks=(0.0,))
        X = np.stack(np.meshgrid(*[nodes] * q, indexing="ij"), axis=-1).reshape(-1, q)
        weights = weight
        for _ in range(q - 1):
            weights = np.multiply.outer(weights, weight)
        f = (self.target(X @ frame) - self.target.mean) / self._scale
        return frame, X, weights.ravel(), f

    def _answer(self, correlations: Array) -> Array:
        informative = np.abs(correlations) > self.tolerance
        self.n_queries += len(correlations)
        self.n_informative += int(informative.sum())
        if self.answers == "adversarial":
            return np.where(informative, correlations, 0.0)
        return correlations + self._rng.uniform(-self.tolerance, self.tolerance, len(correlations))


def query_gradient_descent(
    oracle: QueryOracle,
    *,
    degree: int | None = None,
    max_queries: int = 10_000,
    n_steps: int = 20,
    random_state: RandomState = None,
) -> Array:
    """Find a direction by gradient steps on one neuron, from random starts, by correlational queries alone.

    Each step asks for the gradient of ``E f(x) sigma(w . x)`` in a random orthonormal basis (dim queries) and replaces
    w by its direction, as one step with weight decay that erases the initialisation does. A start is given up when a
    gradient is 0.

    Parameters
    ----------
    oracle : QueryOracle
    degree : int, optional
        sigma is the Hermite polynomial h_degree, which suits a target of that degree best. Default: ReLU.
    max_queries : int, default 10_000
        Largest number of queries.
    n_steps : int, default 20
        Steps from each start.
    random_state : int, Generator, RandomState or None
        Draws the starts and the bases.

    Returns
    -------
    ndarray of shape (dim,)
        The direction after ``n_steps`` from the first start none of whose gradients was 0; if there is none, that of
        the largest gradient, or 0 if all gradients were 0.

    References
    ----------
    Damian, Lee, Soltanolkotabi 2022, Algorithm 1, line 2.

    Examples
    --------
    >>> from layerwise.targets import SingleIndex
    >>> target = SingleIndex(16, link="h2", direction="random", random_state=0)
    >>> w = query_gradient_descent(QueryOracle(target, tolerance=1 / 32), random_state=1)
    >>> bool(abs(w @ target.direction) > 0.95)
    True
    """
    rng, d = as_generator(random_state), oracle.dim
    derivative = (lambda z: (z >= 0.0) * 1.0) if degree is None else HermiteSeries.basis(degree).derivative()
    best, size = np.zeros(d), 0.0
    while oracle.n_queries + d <= max_queries:
        w = _unit(rng.standard_normal(d))
        for _ in range(n_steps):
            if oracle.n_queries + d > max_queries:
                return best
            basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
            g = basis.T @ oracle.query_gradient(w, derivative, basis)
            if not np.any(g):
                break
            w = _unit(g)
            if np.linalg.norm(g) > size:
                best, size = w, float(np.linalg.norm(g))
        else:
            return w
    return best


def _unit(v: Array) -> Array:
    return v / np.linalg.norm(v)
