"""The joint descent of several features, the first guesses for one more, and the choice of their number."""

import numpy as np
import pytest

from layerwise.hermite import design_matrix
from layerwise.solvers.gauss_newton import FoldFit
from layerwise.solvers.gauss_newton.growth import refine_several
from layerwise.solvers.gauss_newton.new_features import first_states, next_states
from layerwise.solvers.gauss_newton.several import SeveralState, descend_several, rotate_to_use, whitener
from layerwise.solvers.gram import FeatureBlocks
from layerwise.solvers.linearised_several import JointlyCentred


def problem(n=300, D=20, seed=0, noise=0.0):
    """Y = z_1 + z_1 z_2 in two of D Gaussian features."""
    rng = np.random.default_rng(seed)
    H, theta = rng.standard_normal((n, D)), np.linalg.qr(rng.standard_normal((D, 2)))[0].T
    Z = H @ theta.T
    y = (Z[:, 0] + Z[:, 0] * Z[:, 1]) / np.sqrt(2)
    return FeatureBlocks(H), y + noise * rng.standard_normal(n), theta


def overlap(C, theta):
    return np.sum((np.linalg.qr(C.T)[0].T @ theta.T) ** 2) / len(theta)


@pytest.mark.parametrize("n", [300, 36], ids=["J'J", "JJ'"])
def test_a_descent_from_a_rough_start_is_exact(n):
    """An error in the linearisation: the descent would stop at the precision of the start."""
    features, y, theta = problem(n, 20 if n > 40 else 12)
    H = JointlyCentred(features)
    C = theta + 0.15 * np.random.default_rng(1).standard_normal(theta.shape)
    found, state = descend_several(H, y, SeveralState(C, H.whole @ C.T, in_sample=True))
    rotated = rotate_to_use(H, y, found, state)
    assert overlap(found.coefficients, theta) > 1 - 1e-6
    assert np.mean((rotated.predict(features) - y) ** 2) < 1e-6 * y.var()
    slopes = rotated.link.derivative(rotated.features(features))
    moment = slopes.T @ slopes / n
    assert abs(moment[0, 1]) < 0.1 * moment[1, 1] < 0.1 * moment[0, 0]


def test_the_next_feature_is_found_from_varying_slopes_and_curvature():
    """Moments of the wrong residual: some start must have the second feature in its span."""
    features, y, theta = problem()
    H = JointlyCentred(features)
    assert max(overlap(start.coefficients, theta[:1]) for start in first_states(H, y)) > 0.5
    C = theta[:1]
    found = descend_several(H, y, SeveralState(C, H.whole @ C.T, in_sample=True), max_iter=2)
    overlaps = [overlap(start.coefficients, theta) for start in next_states(H, y, *found)]
    assert max(overlaps) > 0.7


def test_whitener():
    """Covariance I, a bounded inverse for dependent columns, None for constant ones."""
    Z = np.random.default_rng(0).standard_normal((100, 2)) @ [[2.0, 1.0], [0.0, 0.5]]
    np.testing.assert_allclose(np.cov((Z @ whitener(Z)).T, bias=True), np.eye(2), atol=1e-10)
    assert np.all(np.isfinite(whitener(Z[:, [0, 0]])))
    assert whitener(np.ones((10, 2))) is None


def mean_reference(y):
    return lambda fold: np.full((1, fold.held_out.sum()), y[~fold.held_out].mean())


def test_the_number_of_features_is_found():
    """Two of two; none in permuted labels."""
    features, y, theta = problem(noise=0.1)
    folds = [FoldFit(np.arange(300) % 5 == v) for v in range(5)]
    found = refine_several(features, y, folds, mean_reference(y), None, 3)
    assert found.n_features == 2
    assert overlap(found.candidate.coefficients, theta) > 0.99
    shuffled = np.random.default_rng(3).permutation(y)
    assert refine_several(features, shuffled, folds, mean_reference(shuffled), None, 3).candidate is None


def test_features_of_degree_two_with_two_slopes():
    """The basis of degree two, whose columns are not Gaussian."""
    X = np.random.default_rng(0).standard_normal((400, 5))
    y = np.maximum(X[:, 0] * X[:, 1], X[:, 2] * X[:, 3])
    features = FeatureBlocks(design_matrix(X, 2)[:, 1:])
    folds = [FoldFit(np.arange(400) % 5 == v) for v in range(5)]
    found = refine_several(features, (y - y.mean()) / y.std(), folds, mean_reference(y * 0), 2, 2)
    assert found.n_features == 2
    assert found.error < 0.02
