"""The step on the middle layer, against the gradient of the network and its limits in width and samples."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.kernels import PolynomialActivationKernel
from layerwise.representations import MiddleStep


def data(n=60, d=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


@pytest.mark.parametrize("activation", ["relu", (0.1, 0.5, 1.0), "tanh"])
def test_the_step_moves_every_neuron_along_phi(activation):
    """Central differences of L at W = 0: w_i.h(x) is a multiple of phi where b_i > 0, and 0 where b_i < 0."""
    X, y = data()
    step = MiddleStep(7, activation=activation, random_state=0).fit(X, y)
    rng = np.random.default_rng(1)
    a, b = rng.choice([-1.0, 1.0], 5), np.array([0.5, -0.5, 1.0, 2.0, -1.0])
    z = X @ step.weights_.T
    if isinstance(activation, str):
        H = np.maximum(z, 0) if activation == "relu" else np.tanh(z)
    else:
        H = 0.1 + 0.5 * z + (z**2 - 1) / np.sqrt(2)

    a_paired, b_paired = np.concatenate([a, -a]), np.concatenate([b, b])  # f = 0 at W = 0

    def loss(W):
        return np.mean((np.maximum(H @ W.T + b_paired, 0) @ a_paired / 10 - y) ** 2)

    W, h = np.zeros((10, 7)), 1e-6
    gradient = np.zeros_like(W)
    for index in np.ndindex(*W.shape):
        E = np.zeros_like(W)
        E[index] = h
        gradient[index] = (loss(W + E) - loss(W - E)) / (2 * h)
    phi = step.transform(X)[:, 0]
    for i in range(10):
        # -grad = (2 / m_1) a_i 1{b_i > 0} (1/n) sum_j y_j h(x_j), and phi = <(1/n) sum_j y_j h(x_j), h> / m_2
        expected = 2 / 10 * a_paired[i] * (b_paired[i] > 0) * 7 * phi
        assert_allclose(-H @ gradient[i], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("activation", ["relu", (0.3, 0.2, 1.0, 0.5)])
def test_infinite_width_is_the_limit_of_finite_widths(activation):
    """A factor between the closed-form kernel and the average over neurons: within 6 standard errors over 20 draws."""
    X, y = data()
    X_new = data(seed=3)[0][:5]
    exact = MiddleStep(activation=activation).fit(X, y).transform(X_new)[:, 0]
    draws = np.array(
        [MiddleStep(5000, activation=activation, random_state=s).fit(X, y).transform(X_new)[:, 0] for s in range(20)]
    )
    assert np.all(np.abs(draws.mean(axis=0) - exact) < 6 * draws.std(axis=0, ddof=1) / np.sqrt(20))


def test_population_limit_is_the_kernel_applied_to_the_target():
    """phi -> K f* = 2 x'Ax / (d (d + 2)) for f* = x'Ax, tr A = 0, sigma_2 = h_2: within 6 standard errors."""
    rng = np.random.default_rng(0)
    A = np.diag([1.0, -1.0, 0.5, -0.5])
    X, Z = rng.standard_normal((2, 200_000, 4))
    x = rng.standard_normal((3, 4))
    kernel = PolynomialActivationKernel((0.0, 0.0, 1.0), 4)
    terms = kernel(x, Z) * np.einsum("ni,ij,nj->n", Z, A, Z)
    phi = MiddleStep().fit(X, np.einsum("ni,ij,nj->n", X, A, X)).transform(x)[:, 0]
    error = np.sqrt(2) * terms.std(axis=1) / np.sqrt(200_000)
    assert np.all(np.abs(phi - terms.mean(axis=1)) < 6 * error)
    # closed form: E h_2(v.x') x'Ax' = sqrt 2 v'Av, and E_v h_2(v.x) sqrt 2 v'Av = 2 x'Ax / (d (d + 2)) for tr A = 0
    assert np.all(np.abs(phi - 2 * np.einsum("ni,ij,nj->n", x, A, x) / (4 * 6)) < 6 * error)


def relu_step_on_a_quadratic(x):
    """``K f*`` for ``f* = h_2(x_1)``, sigma_2 = ReLU, d = 3, where v.x / |x| is uniform on [-1, 1].

    E relu(v.x') h_2(x_1') = c_2 v_1^2 with c_2 = 1 / (2 sqrt pi), and E_v relu(v.x) v_1^2 = (|x| + x_1^2 / |x|) / 16.
    """
    r = np.linalg.norm(x, axis=1)
    return (r + x[:, 0] ** 2 / r) / (32 * np.sqrt(np.pi))


@pytest.mark.parametrize(
    ("activation", "target", "limit"),
    [
        ("relu", lambda X: (X[:, 0] ** 2 - 1) / np.sqrt(2), relu_step_on_a_quadratic),
        ((0.0, 0.0, 1.0), lambda X: X[:, 0] ** 2 - X[:, 1] ** 2, lambda x: 2 * (x[:, 0] ** 2 - x[:, 1] ** 2) / 15),
    ],
    ids=["relu", "h2"],
)
def test_phi_converges_to_the_population_limit_at_the_rate_of_a_mean(activation, target, limit):
    """``|phi - K f*|`` falls like n^(-1/2), as the mean of n terms must: any other limit leaves a floor.

    n E|phi - K f*|^2 does not depend on n: over 100 draws the slope is within .1 of -1/2 (fixed seeds).
    """
    x, sizes, errors = np.random.default_rng(5).standard_normal((20, 3)), (500, 2000, 8000), []
    for n in sizes:
        squares = []
        for seed in range(100):
            X = np.random.default_rng([seed, n]).standard_normal((n, 3))
            phi = MiddleStep(activation=activation).fit(X, target(X)).transform(x)[:, 0]
            squares.append(np.mean((phi - limit(x)) ** 2))
        errors.append(np.sqrt(np.mean(squares)))
    assert abs(np.polyfit(np.log(sizes), np.log(errors), 1)[0] + 0.5) < 0.1
    assert errors[-1] < 0.15 * np.sqrt(np.mean(limit(x) ** 2))


def test_float32_and_blocks():
    X, y = (a.astype(np.float32) for a in data())
    for width in (None, 9):
        assert MiddleStep(width, random_state=0).fit(X, y).transform(X).dtype == np.float32


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"activation": "tanh"}, "must be 'relu' or a polynomial.*finite width"),
        ({"activation": "tahn"}, "Did you mean 'tanh'"),
        ({"activation": (1.0,)}, "is constant.* nonzero coefficient of degree >= 1"),
        ({"width": 0}, "width=0 must be None or an integer >= 1. None stands for infinitely many"),
        ({"width": np.inf}, "width=inf must be"),
    ],
)
def test_bad_parameters_say_what_is_allowed(params, message):
    with pytest.raises(ValueError, match=message):
        MiddleStep(**params).fit(*data())
