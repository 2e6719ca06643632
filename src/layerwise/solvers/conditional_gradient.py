"""Regression under the total variation of a measure on neurons: the space F1 of any activation.

Minimise over measures mu on the unit sphere, ``f(x) = alpha + int sigma(w'x) dmu(w)``,

    P(mu) = (1/n) sum_i (y_i - f(x_i))^2 + penalty |mu|

by fully corrective conditional gradient. Starting without neurons, with residuals r = y - f and theta = (2/n) r:

    1  find neurons w with large ``|h(w)| = |sum_i theta_i sigma(w'x_i)|``; mu is optimal if none exceeds ``penalty``
    2  add them, refit all weights (a lasso), and remove neurons of weight 0
    3  slide: minimise over weights and neurons jointly, which merges the clusters of neurons that a grid would leave
       (Boyd, Schiebinger, Recht 2017; Denoyelle, Duval, Peyré, Soubies 2019)

Step 1 is exact for ``sigma(t) = t^2``, where h(w) = w'[sum_i theta_i x_i x_i']w is maximised by an eigenvector.
For other activations the problem is hard (Bach 2017): the search is a heuristic, gradient ascent on the sphere from
many starts. The gap ``P - D(s theta)``, with s reduced until no neuron exceeds the penalty, is then computed from the
neurons found and is only a lower bound of the duality gap: it is small if no better neuron was found.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso

from layerwise.activations import Activation
from layerwise.solvers.neurons import NeuronFit, dual_value

#: The most neurons added in one iteration, and the correlation of features above which two neurons count as one.
MAX_ADDED, MAX_CORRELATION = 30, 0.99
#: Number of starts of the neuron search, and of random neurons of which each start is the best.
N_STARTS, DRAWN_PER_START = 64, 8
#: Steps of the ascent from each start, and iterations of the sliding.
ASCENT_STEPS, SLIDING_STEPS = 30, 30


def largest_penalty(X: np.ndarray, y: np.ndarray, activation: Activation, rng: np.random.RandomState) -> float:
    """Return the smallest penalty at which f is constant, as far as the neuron search can tell."""
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
    n_starts: int = N_STARTS,
) -> NeuronFit:
    """Minimise ``(1/n) sum_i (y_i - f(x_i))^2 + penalty sum_j |a_j|``, ``f(x) = alpha + sum_j a_j sigma(w_j'x)``.

    X (n_samples, d) and y (n_samples,) are in float64; a column of ones gives the neurons a bias. ``start`` has the
    initial neurons, ``tol`` is the gap at which to stop, as a fraction of the objective, and ``rng`` draws the
    ``n_starts`` starts of the search. Raises ValueError unless the penalty is positive.

    An iteration costs 4 n d flops for each start and step of the search (30), and for each neuron and iteration of the
    sliding (30). Memory: two arrays (n, 8 n_starts), and a few of shape (n, n_neurons).
    """
    if not penalty > 0:
        raise ValueError(f"penalty={penalty!r} must be > 0, or any number of neurons fits. Pass e.g. 0.1.")
    n = len(y)
    b = y - y.mean()
    a, W = (np.zeros(0), np.zeros((0, X.shape[1]))) if start is None else (start.coefficients, start.neurons)
    history: list[dict] = []
    iteration = 0
    while True:
        a, W = _slide(X, b, activation, penalty, *_reweigh(X, b, activation, penalty, a, W))
        a, W = _reweigh(X, b, activation, penalty, a, W)
        features = activation(X @ W.T)
        r = b - (features - features.mean(axis=0)) @ a
        theta = 2 / n * r
        found, heights = find_neurons(X, theta, activation, rng, n_starts)  # step 1
        excess = float(np.abs(np.append(heights, theta @ features)).max()) / penalty
        objective = float(r @ r) / n + penalty * float(np.abs(a).sum())
        gap = objective - dual_value(b, r, excess)
        history.append({"iteration": iteration, "objective": objective, "gap": gap, "neurons": len(a)})
        if gap <= tol * objective or iteration == max_iter:
            break
        new = found[np.abs(heights) > penalty][:MAX_ADDED]
        iteration += 1
        a, W = np.append(a, np.zeros(len(new))), np.vstack([W, new])
    alpha = float(np.mean(y - features @ a))
    return NeuronFit(a, W, alpha, objective, gap, bool(gap <= tol * objective), history)


def find_neurons(
    X: np.ndarray, theta: np.ndarray, activation: Activation, rng: np.random.RandomState, n_starts: int = N_STARTS
) -> tuple[np.ndarray, np.ndarray]:
    """Find unit neurons w with large ``|h(w)|``, ``h(w) = sum_i theta_i sigma(w'x_i)``, by decreasing ``|h|``.

    Returns w (n_neurons, d) and h (n_neurons,). For ``t^2`` they are exact, the eigenvectors of ``X' diag(theta) X``.
    Otherwise they come from gradient ascent started at the best of 8 n_starts random neurons; each start's step grows
    after a success and shrinks after a failure. Of neurons with nearly equal features only the first is kept.
    """
    if activation.is_square:
        heights, vectors = np.linalg.eigh(X.T @ (theta[:, None] * X))
        order = np.argsort(-np.abs(heights))
        return vectors.T[order], heights[order]
    W = _unit(rng.standard_normal((DRAWN_PER_START * n_starts, X.shape[1])))
    W = W[np.argsort(-np.abs(activation(W @ X.T) @ theta))[:n_starts]]
    T = W @ X.T
    heights, angles = activation(T) @ theta, np.full(len(W), 0.5)
    for _ in range(ASCENT_STEPS):
        slope = (np.sign(heights)[:, None] * activation.derivative(T) * theta) @ X
        ahead = _unit(W + angles[:, None] * _unit(_tangent(slope, W)))
        T_ahead = ahead @ X.T
        heights_ahead = activation(T_ahead) @ theta
        better = np.abs(heights_ahead) > np.abs(heights)
        W[better], heights[better], T[better] = ahead[better], heights_ahead[better], T_ahead[better]
        angles *= np.where(better, 1.5, 0.3)
        if angles.max() < 1e-6:
            break
    order = np.argsort(-np.abs(heights))
    features = activation(T[order])
    features = _unit(features - features.mean(axis=1)[:, None])
    alike = np.abs(features @ features.T) > MAX_CORRELATION
    kept = order[[j for j in range(len(order)) if not alike[j, :j].any()]]
    return W[kept], heights[kept]


def _reweigh(X, b, activation, penalty, a, W):
    """Step 2: the lasso on the neurons W, started at a; neurons of weight 0 are removed."""
    if not len(a):
        return a, W
    Z = activation(X @ W.T)
    Z -= Z.mean(axis=0)
    lasso = Lasso(alpha=penalty / 2, fit_intercept=False, precompute=Z.T @ Z, warm_start=True, tol=1e-8, max_iter=3000)
    lasso.coef_ = a.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the duality gap of the whole problem decides
        a = lasso.fit(np.asfortranarray(Z), b).coef_
    return a[a != 0], W[a != 0]


def _slide(X, b, activation, penalty, a, W):
    """Step 3: L-BFGS on the weights, whose signs are fixed, and on the neurons, which stay on the sphere."""
    k, n = len(a), len(b)
    if not k:
        return a, W
    signs = np.sign(a)

    def objective(x):
        a, U = signs * x[:k], x[k:].reshape(k, -1)
        lengths = np.linalg.norm(U, axis=1)[:, None]
        T = (U / lengths) @ X.T
        features = activation(T)
        r = a @ features - b
        r -= r.mean()
        slope_a = 2 / n * signs * (features @ r) + penalty
        slope_W = _tangent(2 / n * a[:, None] * ((activation.derivative(T) * r) @ X), U / lengths) / lengths
        return r @ r / n + penalty * x[:k].sum(), np.concatenate([slope_a, slope_W.ravel()])

    x = np.concatenate([np.abs(a), W.ravel()])
    bounds = [(0, None)] * k + [(None, None)] * W.size
    x = minimize(objective, x, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": SLIDING_STEPS}).x
    return signs * x[:k], _unit(x[k:].reshape(k, -1))


def _tangent(slope: np.ndarray, W: np.ndarray) -> np.ndarray:
    """Project each row of ``slope`` on the complement of the corresponding unit row of W."""
    return slope - np.sum(slope * W, axis=1)[:, None] * W


def _unit(W: np.ndarray) -> np.ndarray:
    """Scale rows to unit length; rows of zeros stay."""
    lengths = np.linalg.norm(W, axis=1)[:, None]
    return W / np.where(lengths > 0, lengths, 1)
