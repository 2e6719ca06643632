"""The Taylor terms, gradients and signs of the quadratic model."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.activations import as_activation
from layerwise.learners.quadratic_model.signed_sgd import LOSSES, gradient, norm_2_4, penalty_gradient
from layerwise.learners.quadratic_model.taylor import Linearised, Network, Quadratic, Start, moved

D, M, N = 5, 8, 7


def problem(activation="relu-cubed", seed=0):
    rng = np.random.default_rng(seed)
    start = Start(rng.standard_normal((M // 2, D)), rng.standard_normal(M // 2), as_activation(activation))
    return start, rng.standard_normal((N, D)), rng.standard_normal(N), 0.3 * rng.standard_normal((M, D)), rng


def all_signs():
    return [np.array(z, dtype=float) for z in product([-1, 1], repeat=M)]


def literal_terms(start, H, W, signs):
    """Neuron by neuron, row by row, for sigma(t) = relu(t)^3 / 6."""
    terms = np.zeros((4, len(H)))
    for i, h in enumerate(H):
        for r in range(M):
            a, half = (1, r) if r < M // 2 else (-1, r - M // 2)
            t, p = start.weights[half] @ h + start.biases[half], signs[r] * (W[r] @ h)
            relu = max(t, 0.0)
            terms[0, i] += a * relu**2 / 2 * p / np.sqrt(M)
            terms[1, i] += a * relu * p**2 / (2 * np.sqrt(M))
            terms[2, i] += a * (t > 0) * p**3 / (6 * np.sqrt(M))
            terms[3, i] += a * (max(t + p, 0.0) ** 3 - relu**3) / 6 / np.sqrt(M)
    return terms


def test_terms_are_the_literal_sums():
    """A sign of a_r, a factor of the Taylor series, or neurons paired with different starts."""
    start, H, _, W, rng = problem()
    signs = rng.choice([-1.0, 1.0], M)
    assert_allclose(start.terms(H, W, signs), literal_terms(start, H, W, signs), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("activation", ["relu-cubed", "half-square", "tanh"])
def test_odd_terms_have_mean_zero_over_all_signs_and_even_terms_do_not_depend_on_them(activation):
    """Signs shared between neurons or rows, or applied to the output instead of the movement."""
    start, H, _, W, _ = problem(activation)
    terms = [start.terms(H, W, z) for z in all_signs()]
    assert_allclose(np.mean([t.first for t in terms], axis=0), 0, atol=1e-14)
    assert_allclose(np.mean([t.third for t in terms], axis=0), 0, atol=1e-14)
    second = start.terms(H, W).second
    assert np.abs(second).max() > 0.01
    for t in terms:
        assert_allclose(t.second, second, rtol=1e-12)
    mean = np.mean([t.network for t in terms], axis=0)
    network = Network(start.activation, M, signed=True)
    assert_allclose(network.outputs(start.preactivations(H), moved(H, W)), mean, rtol=1e-12, atol=1e-14)


def test_variance_of_the_first_term_over_signs():
    """``Var_Z f^(1) = (1/m) sum_r sigma'(t_r)^2 (w_r.h)^2``, O(m^{-1/2}) where |w_r|^2 is."""
    start, H, _, W, _ = problem()
    first = [start.terms(H, W, z).first for z in all_signs()]
    slopes = np.tile(np.maximum(start.preactivations(H), 0) ** 2 / 2, 2)
    assert_allclose(np.var(first, axis=0), np.mean((slopes * (H @ W.T)) ** 2, axis=1), rtol=1e-10)


@pytest.mark.parametrize(("order", "ratio"), [(1, 2**2), (2, 2**3), (3, None)])
def test_taylor_remainders_have_the_next_order(order, ratio):
    """Remainders of orders 1 and 2 scale with the next power of W; that of order 3 is 0: sigma is piecewise cubic."""
    start, H, _, W, _ = problem()
    W = W * 1e-3  # no preactivation changes its sign

    def remainder(W):
        terms = start.terms(H, W)
        return terms.network - sum(terms[:order])

    assert np.all(np.abs(start.preactivations(H)).min() > np.abs(H @ W.T).max())
    if ratio is None:
        assert_allclose(remainder(W), 0, atol=1e-15)
    else:
        assert_allclose(remainder(W) / remainder(W / 2), ratio, rtol=0.02)


MODELS = {
    "linearised": lambda sigma: Linearised(sigma, M),
    "quadratic": lambda sigma: Quadratic(sigma, M),
    "network": lambda sigma: Network(sigma, M, signed=False),
    "signed network": lambda sigma: Network(sigma, M, signed=True),
}


@pytest.mark.parametrize("activation", ["relu-cubed", "half-square", "tanh"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", MODELS)
def test_gradients_against_finite_differences(name, loss, activation):
    """A factor 2 of a loss, a sign z_r or a_r missing in the chain rule, halves swapped."""
    start, H, y, W, rng = problem(activation)
    model, table = MODELS[name](start.activation), None
    table = model.table(start.preactivations(H))
    signs = rng.choice([-1.0, 1.0], M) if name == "signed network" else None
    _, by_formula, by_constant = gradient(model, LOSSES[loss], table, H, y, W, 0.2, signs)
    step = 1e-5

    def value(W, constant=0.2):
        return gradient(model, LOSSES[loss], table, H, y, W, constant, signs)[0]

    numeric = np.zeros_like(W)
    for index in np.ndindex(*W.shape):
        E = np.zeros_like(W)
        E[index] = step
        numeric[index] = (value(W + E) - value(W - E)) / (2 * step)
    assert_allclose(by_formula, numeric, rtol=1e-6, atol=1e-8)
    assert np.abs(by_formula).max() > 1e-2
    assert_allclose(by_constant, (value(W, 0.2 + step) - value(W, 0.2 - step)) / (2 * step), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_slopes_and_outputs_are_those_of_the_terms(name):
    """Training and prediction use different models, or not the term of that name."""
    start, H, _, W, rng = problem()
    model = MODELS[name](start.activation)
    table, P = model.table(start.preactivations(H)), moved(H, W)
    signs = rng.choice([-1.0, 1.0], M) if name == "signed network" else None
    terms = start.terms(H, W, signs)
    expected = {"linearised": terms.first, "quadratic": terms.second}.get(name, terms.network)
    assert_allclose(model.slopes(table, P, signs)[0], expected, rtol=1e-12, atol=1e-14)
    if name != "signed network":
        assert_allclose(model.outputs(table, P), expected, rtol=1e-12, atol=1e-14)


def test_penalty_gradient():
    """``4 |w_r|^2 w_r``, against its formula and against differences of ``|W|_{2,4}^4``."""
    W = problem()[3]
    assert_allclose(penalty_gradient(W, 0.7, False), [0.7 * 4 * (w @ w) * w for w in W], rtol=1e-12)
    E, step = np.random.default_rng(1).standard_normal(W.shape), 1e-5
    slope = (norm_2_4(W + step * E) ** 4 - norm_2_4(W - step * E) ** 4) / (2 * step)
    assert_allclose(np.vdot(penalty_gradient(W, 1.0, False), E), slope, rtol=1e-8)
    assert_allclose(penalty_gradient(W, 0.7, True), 0.7 * W)


def test_whitened_coordinates_are_the_weighted_norm_on_the_features():
    """h = S g, v = S w with S = Sigma^{-1/2}: the function and the penalty are the same, gradients multiplied by S."""
    start, _, y, W, rng = problem()
    G = rng.standard_normal((N, D)) @ rng.standard_normal((D, D))
    root = np.linalg.cholesky(G.T @ G / N)
    Q, s, _ = np.linalg.svd(root)
    S, S_inverse = Q / s @ Q.T, Q * s @ Q.T
    model = Quadratic(start.activation, M)
    on_g = Start(start.weights @ S, start.biases, start.activation)
    table = model.table(start.preactivations(G @ S))
    assert_allclose(model.table(on_g.preactivations(G)), table, rtol=1e-8, atol=1e-10)
    V = W @ S
    value, slope, _ = gradient(model, LOSSES["square"], table, G @ S, y, W, 0.0)
    value_g, slope_g, _ = gradient(model, LOSSES["square"], table, G, y, V, 0.0)
    assert_allclose(value_g, value, rtol=1e-10)
    assert_allclose(slope_g @ S, slope, rtol=1e-6, atol=1e-9)
    assert_allclose(norm_2_4(V @ S_inverse), norm_2_4(W), rtol=1e-10)


def test_half_square_activation_is_a_matrix_and_the_penalty_its_squared_nuclear_norms():
    """``min sum |w_r|^4 = 8 (|M+|_*^2 + |M-|_*^2)``: attained by neurons of equal length, less than for other W."""
    start, H, _, W, rng = problem("half-square")
    signs = np.repeat([1.0, -1.0], M // 2)
    form = (W.T * signs) @ W / (2 * np.sqrt(M))
    assert_allclose(start.terms(H, W).second, np.einsum("ij,jk,ik->i", H, form, H), rtol=1e-12)

    eigenvalues = np.linalg.eigvalsh(form)
    least = 8 * (eigenvalues[eigenvalues > 0].sum() ** 2 + eigenvalues[eigenvalues < 0].sum() ** 2)
    assert norm_2_4(W) ** 4 > least
    hadamard = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2  # rows of equal squares
    Q = np.linalg.qr(rng.standard_normal((D, D)))[0]
    plus, minus = np.array([3.0, 1.0, 0.5, 0.0]), np.array([2.0, 0, 0, 0])

    def spread(part, directions):
        """m/2 neurons of equal length whose sum of w w' / (2 sqrt m) has these eigenvalues and eigenvectors."""
        return hadamard @ (np.sqrt(2 * np.sqrt(M) * part)[:, None] * directions)

    plus, minus = np.array([3.0, 1.0, 0.5, 0.0]), np.array([2.0, 0, 0, 0])
    even = np.concatenate([spread(plus, Q[:4]), spread(minus, Q[[4, 1, 2, 3]])])
    form = (even.T * signs) @ even / (2 * np.sqrt(M))
    assert_allclose(np.sort(np.linalg.eigvalsh(form)), [-2, 0, 0.5, 1, 3], atol=1e-10)
    assert_allclose(norm_2_4(even) ** 4, 8 * (4.5**2 + 2**2), rtol=1e-10)
    cancelling = np.concatenate([spread(plus, Q[:4]), spread(minus, Q[:4])])  # -2 taken from the eigenvalue 3
    assert norm_2_4(cancelling) ** 4 > 1.5 * 8 * (1 + 1 + 0.5) ** 2
