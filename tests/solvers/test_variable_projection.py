"""Variable projection agrees with finite differences and another optimiser, and recovers known targets."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import orth
from scipy.optimize import approx_fprime, least_squares

from layerwise.hermite import HermitePolynomial, design_matrix
from layerwise.solvers.variable_projection import _reduced, complement, joint_features, polish, polynomial_features


def problem(n=300, d=6, r=2, degree=3, noise=0.1, seed=0):
    """Sample a random polynomial of r directions, and draw a frame 20 to 30 degrees away from them."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    U = orth(rng.standard_normal((d, r))).T
    c = rng.standard_normal(design_matrix(np.zeros((1, r)), degree).shape[1])
    y = design_matrix(X @ U.T, degree) @ c + noise * rng.standard_normal(n)
    start = orth((U + 0.2 * rng.standard_normal((r, d))).T).T
    return X, y, U, start


def loss(X, y, frame, degree, penalty):
    """Compute L by NumPy's least squares on the data with rows for the penalty appended."""
    Phi, n = design_matrix(X @ frame.T, degree), len(y)
    A = np.vstack([Phi / np.sqrt(n), np.sqrt(penalty / 2) * np.eye(Phi.shape[1])])
    b = np.append(y / np.sqrt(n), np.zeros(Phi.shape[1]))
    c = np.linalg.lstsq(A, b, rcond=None)[0]
    return c, float(np.sum((A @ c - b) ** 2))


@pytest.mark.parametrize(("r", "degree"), [(1, 4), (2, 3), (3, 2)])
def test_gradient_is_that_of_finite_differences(r, degree):
    """Catches a derivative in the wrong variable, a missing sqrt(alpha), or columns of J in the wrong order."""
    X, y, _, frame = problem(r=r, degree=degree)
    c, _ = loss(X, y, frame, degree, 0.01)
    features = joint_features(X, frame, degree, c).toarray()
    D = len(c)
    assert_allclose(features[:, :D], polynomial_features(X, frame, degree).toarray())
    gradient = -2 / len(y) * features[:, D:].T @ (y - features[:, :D] @ c)

    def moved(theta):
        return loss(X, y, orth_rows(frame + theta.reshape(r, -1) @ complement(frame)), degree, 0.01)[1]

    numeric = approx_fprime(np.zeros(len(gradient)), moved, 1e-7)
    assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-4 * np.abs(gradient).max())


def orth_rows(A):
    Q, R = np.linalg.qr(A.T)
    return (Q * np.sign(np.diag(R))).T


def test_predictions_move_as_the_jacobian_says():
    """J agrees to 1e-6 with central differences of f(x; theta) at fixed c, over frames that are not orthonormal."""
    X, y, _, frame = problem(n=20)
    c, _ = loss(X, y, frame, 3, 0.01)
    J, N = joint_features(X, frame, 3, c).toarray()[:, len(c) :], complement(frame)
    for j in range(J.shape[1]):
        step = np.zeros(J.shape[1])
        step[j] = 1e-5
        up, down = (design_matrix(X @ (frame + s * step.reshape(2, -1) @ N).T, 3) @ c for s in (1, -1))
        assert_allclose(J[:, j], (up - down) / 2e-5, rtol=1e-6, atol=1e-6)


def test_complement_completes_the_frame():
    frame = problem()[3]
    whole = np.vstack([frame, complement(frame)])
    assert_allclose(whole @ whole.T, np.eye(6), atol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_same_minimum_as_another_optimiser(noise):
    """Minimise over frame and coefficients together by scipy.optimize.least_squares."""
    X, y, _, start = problem(noise=noise)
    found = polish(X, y, start, 3, 1e-12)

    def residuals(unknowns):
        return design_matrix(X @ unknowns[:12].reshape(2, 6).T, 3) @ unknowns[12:] - y

    c, _ = loss(X, y, start, 3, 1e-12)
    reference = least_squares(residuals, np.append(start.ravel(), c), x_scale="jac", ftol=1e-12, xtol=1e-12)
    assert_allclose(found.losses[-1], 2 * reference.cost / len(y), rtol=1e-3, atol=1e-10)
    assert_allclose(found.frame @ found.frame.T, np.eye(2), atol=1e-12)


def test_losses_fall_to_the_target_itself():
    X, y, U, start = problem(noise=0.0)
    found = polish(X, y, start, 3, 1e-14)
    assert_allclose(found.losses[0], loss(X, y, start, 3, 1e-14)[1], rtol=1e-9)
    assert np.all(np.diff(found.losses) < 0)
    assert_allclose(found.frame.T @ found.frame, U.T @ U, atol=1e-6)


def test_a_frame_of_all_inputs_has_nowhere_to_go():
    X, y, *_ = problem()
    found = polish(X, y, np.eye(6), 2, 0.1)
    assert_allclose(found.frame, np.eye(6))
    assert len(found.losses) == 1


def test_slopes_are_the_gradient_of_the_polynomial():
    """The slopes equal the derivatives that `HermitePolynomial` computes."""
    X, y, _, frame = problem()
    c, _ = loss(X, y, frame, 3, 0.01)
    J = joint_features(X, frame, 3, c).toarray()[:, len(c) :].reshape(len(X), 2, 4)
    gradient = HermitePolynomial.from_dense(2, 3, c).gradient()
    for s in range(2):
        expected = gradient[s](X @ frame.T)[:, None] * (X @ complement(frame).T)
        assert_allclose(J[:, s], expected, atol=1e-10)


@pytest.mark.parametrize(("r", "degree"), [(1, 4), (2, 3)])
def test_reduced_matrix_is_the_hessian_where_nothing_is_left(r, degree):
    """At zero residuals Gauss-Newton is exact: (2/n) A equals second differences of L with c refitted at each point.

    Without the Schur complement A would include changes that c compensates.
    """
    X, y, frame, _ = problem(r=r, degree=degree, noise=0.0)
    frame = orth_rows(frame)
    c, _ = loss(X, y, frame, degree, 1e-14)
    A, descent = _reduced(X, y, frame, degree, 1e-14, c)

    def moved(theta):
        return loss(X, y, orth_rows(frame + theta.reshape(r, -1) @ complement(frame)), degree, 1e-14)[1]

    k, h = len(A), 1e-4
    steps = h * np.eye(k)
    numeric = np.array([[moved(a + b) - moved(a - b) for b in steps] for a in steps]) / (2 * h**2)
    assert_allclose(2 / len(y) * A, numeric, atol=1e-3 * np.abs(numeric).max())
    assert_allclose(descent, 0, atol=1e-6 * len(y))
