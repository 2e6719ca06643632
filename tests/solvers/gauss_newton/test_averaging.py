"""The average of features: which members it keeps, its sign and scale, and its error."""

import numpy as np
from numpy.testing import assert_allclose

from layerwise.solvers import FeatureBlocks
from layerwise.solvers.gauss_newton.averaging import average_features
from layerwise.solvers.gauss_newton.descent import Candidate
from layerwise.solvers.link import PolynomialLink

LINK = PolynomialLink(np.array([0.0, 1.0]), error=0.0)


def member(coefficients, offset=0.0, error=1.0):
    return Candidate(np.asarray(coefficients, dtype=float), offset, LINK, error)


def test_average_of_equal_features_is_the_first():
    """A sign or a scale that is not removed: -2 c is the same feature as c."""
    H = FeatureBlocks(np.random.default_rng(0).standard_normal((200, 4)))
    c = np.array([1.0, -2, 0.5, 3])
    found = average_features(
        H, [member(c, 0.3, error=0.2), member(-2 * c, -0.6), member(0.1 * c, 0.03), member(np.zeros(4))]
    )
    assert_allclose(found.coefficients, c, rtol=1e-12)
    assert_allclose(found.offset, 0.3, rtol=1e-12)
    assert found.error == 0.2
    assert found.link is LINK


def test_uncorrelated_features_are_left_out():
    """An average over descents that ended elsewhere."""
    H = FeatureBlocks(np.random.default_rng(0).standard_normal((200, 2)))
    found = average_features(H, [member([1.0, 0.0]), member([0.0, 5.0]), member([1.0, 1.0])])
    assert_allclose(found.coefficients, [1.0, 0.0], rtol=1e-12)


def test_average_is_closer_than_its_members():
    """An average of something other than features: the noise of 10 members falls to a tenth."""
    rng = np.random.default_rng(0)
    X, c = rng.standard_normal((500, 40)), np.eye(40)[0]
    members = [member(c + np.sqrt(0.05 / 40) * rng.standard_normal(40)) for _ in range(10)]

    def angle(u):
        return 1 - u @ c / np.linalg.norm(u)

    found = average_features(FeatureBlocks(X), members)
    assert angle(found.coefficients) < 0.3 * min(angle(each.coefficients) for each in members)
    assert_allclose(np.std(X @ found.coefficients), np.std(X @ members[0].coefficients), rtol=1e-10)
