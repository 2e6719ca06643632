"""Joint ridge regression of several features: leave-one-out against refits, both sides, finite differences."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.solvers.gram import FeatureBlocks
from layerwise.solvers.linearised import make_centred
from layerwise.solvers.linearised_several import JointlyCentred, jacobian
from layerwise.solvers.multivariate_link import GaussianBumps


def problem(n=40, D=6, R=2, seed=0):
    rng = np.random.default_rng(seed)
    H = rng.standard_normal((n, D)) + 1.0
    return H, rng.standard_normal((n, R)), rng.standard_normal(n)


@pytest.mark.parametrize(("n", "D"), [(40, 6), (20, 15)], ids=["J'J", "JJ'"])
def test_leave_one_out_is_a_refit_without_the_row(n, D):
    """A sign or an index of the wrong feature in the change of c, or a residual in place of another."""
    H, slopes, target = problem(n, D)
    centred = JointlyCentred(FeatureBlocks(H, block_bytes=8 * D * 7))
    fit = centred.joint_ridge(slopes, target)
    J = jacobian(H - H.mean(axis=0), slopes)
    for i in range(n):
        kept = np.arange(n) != i
        A = J[kept].T @ J[kept] + n * fit.penalty / 2 * np.eye(2 * D)
        c = np.linalg.solve(A, J[kept].T @ target[kept]).reshape(2, D)
        assert_allclose(fit.residuals[i], target[i] - J[i] @ c.ravel(), rtol=1e-8)
        assert_allclose(fit.features[i], c @ (H[i] - H.mean(axis=0)), rtol=1e-8)


def test_both_sides_agree():
    """A factor n, a transpose, or a penalty scaled differently on one of the sides."""
    H, slopes, target = problem(60, 20, 3)
    centred = JointlyCentred(FeatureBlocks(H), np.linspace(0.5, 1, 20))
    for tall, wide in zip(centred._tall(slopes, target), centred._wide(slopes, target), strict=True):
        assert_allclose(tall, wide, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n", [50, 12])
def test_one_feature_is_the_existing_solver(n):
    """The regression of one feature, which has tests of its own."""
    H, slopes, target = problem(n, 15, 1)
    joint = JointlyCentred(FeatureBlocks(H)).joint_ridge(slopes, target)
    single = make_centred(H).ridge(slopes[:, 0], target)
    assert_allclose(joint.coefficients[0], single.coefficients, rtol=1e-7, atol=1e-10)
    assert_allclose(n / (n - 1) * joint.features[:, 0], single.feature, rtol=1e-7, atol=1e-10)
    assert_allclose(joint.residuals, single.residuals, rtol=1e-7, atol=1e-10)


def test_jacobian_by_finite_differences():
    """J is the derivative of g(H c') in c, feature by feature."""
    H, Z, y = problem(30, 4, 2)
    link = GaussianBumps.fit(Z, np.sin(Z[:, 0]) * Z[:, 1] + 0.1 * y)
    C = np.random.default_rng(1).standard_normal((2, 4)) / 3
    J, step = jacobian(H, link.derivative(H @ C.T)), 1e-5

    def predict(C):
        return link.basis(H @ C.T) @ link.coefficients

    for k in range(8):
        E = step * np.eye(8)[k].reshape(2, 4)
        assert_allclose(J[:, k], (predict(C + E) - predict(C - E)) / (2 * step), rtol=1e-6, atol=1e-8)
