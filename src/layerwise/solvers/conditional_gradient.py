"""Regression under the total variation of a measure on neurons: the space F1 of any activation.

Minimise over measures mu on the unit sphere, ``f(x) = alpha + int sigma(w'x) dmu(w)``,

    P(mu) = (1/n) sum_i (y_i - f(x_i))^2 + penalty |mu|

by fully corrective conditional gradient. From no neurons at all, with residuals r = y - f and theta = (2/n) r:

    1  find neurons w at which ``|h(w)| = |sum_i theta_i sigma(w'x_i)|`` is large; the minimum is where none exceeds
       ``penalty``
    2  add them; fit all weights again (a lasso), and forget neurons of weight 0
    3  slide: descend in weights and neurons together, which leaves few neurons where a grid would leave clusters
       (Denoyelle et al. 2019)

Step 1 is exact for ``sigma(t) = t^2``, where h(w) = w'[sum_i theta_i x_i x_i']w and an eigenvector is the answer.
For other activations the problem is hard (Bach 2017): the neuron search is a heuristic, ascent on the sphere from many
starts. The gap ``P - D(s theta)``, s shrunk until no neuron exceeds the penalty, is then computed with the
neurons found, and is a lower bound of the duality gap: small where nothing better was found, not where nothing exists.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso

from layerwise.solvers.neurons import Activation, NeuronFit, Square, dual_value

#: Neurons added in one iteration, and the correlation of features above which two are one neuron.
ADDED, ALIKE = 30, 0.99
#: Steps of the ascent from each start, and of the sliding.
ASCENT_STEPS, SLIDING_STEPS = 30, 30


def largest_penalty(X: np.ndarray, y: np.ndarray, activation: Activation, rng: np.random.RandomState) -> float:
    """The least penalty at which f is constant, as far as the neuron search sees."""
    theta = 2 / len(y) * (y - y.mean())
    return float(np.abs(find_neurons(X, theta, activation, rng)[1]).max())


def total_variation_regression(
    X: np.ndarray,
    y: np.ndarray,
    activation: Activation,
    penalty: float,
    rng: np.random.RandomState,
    *,
    start: NeuronFit | None = None,
    tol: float = 0.05,
    max_iter: int = 50,
    n_starts: int = 64,
) -> NeuronFit:
    """Minimise ``(1/n) sum_i (y_i - f(x_i))^2 + penalty sum_j |a_j|``, ``f(x) = alpha + sum_j a_j sigma(w_j'x)``.

    An iteration costs 4 n d flops for each start and step of the search (30), and for each neuron and step of the
    sliding (30). Memory: a few arrays (n, n_starts) and (n, n_neurons).

    Parameters
    ----------
    X : ndarray of shape (n_samples, d)
        A column of ones gives neurons a bias. In float64.
    y : ndarray of shape (n_samples,)
    activation : Activation
        sigma.
    penalty : float
        > 0.
    rng : RandomState
        Draws the starts of the search.
    start : NeuronFit, optional
        Neurons to begin with.
    tol : float
        The gap to reach, as a fraction of the objective.
    max_iter : int
    n_starts : int
        Of the neuron search.

    Returns
    -------
    NeuronFit

    Raises
    ------
    ValueError
        Unless the penalty is positive.

    References
    ----------
    Bach 2017; Denoyelle, Duval, Peyré, Soubies 2019 (sliding); Boyd, Schiebinger, Recht 2017.
    """
    if not penalty > 0:
        raise ValueError(f"penalty={penalty!r} must be > 0: without it any number of neurons fits.")
    n = len(y)
    b = y - y.mean()
    a, W = (np.zeros(0), np.zeros((0, X.shape[1]))) if start is None else (start.coefficients, start.neurons)
    history: list[dict] = []
    iteration = 0
    while True:
        a, W = _slide(X, b, activation, penalty, *_reweigh(X, b, activation, penalty, a, W))
        a, W = _reweigh(X, b, activation, penalty, a, W)
        features = activation.values(X @ W.T)
        r = b - (features - features.mean(axis=0)) @ a
        theta = 2 / n * r
        found, heights = find_neurons(X, theta, activation, rng, n_starts)  # line 1
        excess = float(np.abs(np.append(heights, theta @ features)).max()) / penalty
        objective = float(r @ r) / n + penalty * float(np.abs(a).sum())
        gap = objective - dual_value(b, r, excess)
        history.append({"iteration": iteration, "objective": objective, "gap": gap, "neurons": len(a)})
        if gap <= tol * objective or iteration == max_iter:
            break
        new = found[np.abs(heights) > penalty][:ADDED]
        iteration += 1
        a, W = np.append(a, np.zeros(len(new))), np.vstack([W, new])
    alpha = float(np.mean(y - features @ a))
    return NeuronFit(a, W, alpha, objective, gap, bool(gap <= tol * objective), history)


def find_neurons(
    X: np.ndarray,
    theta: np.ndarray,
    activation: Activation,
    rng: np.random.RandomState,
    n_starts: int = 64,
) -> tuple[np.ndarray, np.ndarray]:
    """Unit neurons w of large ``|h(w)|``, ``h(w) = sum_i theta_i sigma(w'x_i)``, and their h: the largest first.

    Exact for ``t^2``: the eigenvectors of ``X' diag(theta) X``. Otherwise ascent from the best of 8 n_starts random
    neurons, the step of each start grown or shrunk by its success. Of neurons whose features are alike the first is
    kept.
    """
    if isinstance(activation, Square):
        heights, vectors = np.linalg.eigh(X.T @ (theta[:, None] * X))
        order = np.argsort(-np.abs(heights))
        return vectors.T[order], heights[order]
    W = _unit(rng.standard_normal((8 * n_starts, X.shape[1])))
    W = W[np.argsort(-np.abs(activation.values(W @ X.T) @ theta))[:n_starts]]
    T = W @ X.T
    heights, angles = activation.values(T) @ theta, np.full(len(W), 0.5)
    for _ in range(ASCENT_STEPS):
        slope = (np.sign(heights)[:, None] * activation.slopes(T) * theta) @ X
        ahead = _unit(W + angles[:, None] * _unit(_tangent(slope, W)))
        T_ahead = ahead @ X.T
        heights_ahead = activation.values(T_ahead) @ theta
        better = np.abs(heights_ahead) > np.abs(heights)
        W[better], heights[better], T[better] = ahead[better], heights_ahead[better], T_ahead[better]
        angles *= np.where(better, 1.5, 0.3)
        if angles.max() < 1e-6:
            break
    order = np.argsort(-np.abs(heights))
    alike = np.abs(_correlations(activation.values(T[order]))) > ALIKE
    kept = order[[j for j in range(len(order)) if not alike[j, :j].any()]]
    return W[kept], heights[kept]


def _correlations(features: np.ndarray) -> np.ndarray:
    """Of rows; 0 with a constant one."""
    features = _unit(features - features.mean(axis=1)[:, None])
    return features @ features.T


def _reweigh(X, b, activation, penalty, a, W):
    """Line 2: the lasso on the neurons W, from a; those of weight 0 are left out."""
    if not len(a):
        return a, W
    Z = activation.values(X @ W.T)
    Z -= Z.mean(axis=0)
    lasso = Lasso(alpha=penalty / 2, fit_intercept=False, precompute=Z.T @ Z, warm_start=True, tol=1e-8, max_iter=3000)
    lasso.coef_ = a.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the gap of the whole problem is what counts
        a = lasso.fit(np.asfortranarray(Z), b).coef_
    return a[a != 0], W[a != 0]


def _slide(X, b, activation, penalty, a, W):
    """Line 3: L-BFGS on weights, which keep their signs, and neurons, which stay on the sphere."""
    k, n = len(a), len(b)
    if not k:
        return a, W
    signs = np.sign(a)

    def objective(x):
        a, U = signs * x[:k], x[k:].reshape(k, -1)
        lengths = np.linalg.norm(U, axis=1)[:, None]
        T = (U / lengths) @ X.T
        features = activation.values(T)
        r = a @ features - b
        r -= r.mean()
        slope_a = 2 / n * signs * (features @ r) + penalty
        slope_W = _tangent(2 / n * a[:, None] * ((activation.slopes(T) * r) @ X), U / lengths) / lengths
        return r @ r / n + penalty * x[:k].sum(), np.concatenate([slope_a, slope_W.ravel()])

    x = np.concatenate([np.abs(a), W.ravel()])
    bounds = [(0, None)] * k + [(None, None)] * W.size
    x = minimize(objective, x, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": SLIDING_STEPS}).x
    return signs * x[:k], _unit(x[k:].reshape(k, -1))


def _tangent(slope: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Rows of ``slope`` without their parts along the unit rows of W."""
    return slope - np.sum(slope * W, axis=1)[:, None] * W


def _unit(W: np.ndarray) -> np.ndarray:
    """Rows of unit length; those of length 0 stay."""
    lengths = np.linalg.norm(W, axis=1)[:, None]
    return W / np.where(lengths > 0, lengths, 1)
