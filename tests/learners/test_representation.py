"""Representations shared by the learners that look for directions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.preprocessing import StandardScaler

from layerwise.learners import MomentRegressor, RecursiveFeatureRegressor
from layerwise.learners._representation import (
    RepresentationChoice,
    candidate_representations,
    hermite_degree,
    hermite_polynomials,
    representation_width,
)
from layerwise.representations import RandomFeatures


def inputs(n=60, d=3):
    return 2 + 3 * np.random.default_rng(0).standard_normal((n, d))


def test_directions_of_hermite_features_are_polynomials():
    """Directions paired with the wrong monomials, or a constant among them."""
    X = inputs()
    candidates = candidate_representations("hermite", 68, 3, 1e9)
    assert [hermite_degree(each) for each in candidates] == [2, 3, 4]
    assert [representation_width(each, 3) for each in candidates] == [9, 19, 34]
    for degree, candidate in zip((2, 3, 4), candidates, strict=True):
        phi = candidate.fit_transform(X)
        W = np.random.default_rng(1).standard_normal((2, phi.shape[1]))
        values = [p(X) for p in hermite_polynomials(W, degree, 3)]
        assert_allclose(values, W @ phi.T, rtol=1e-10)


def test_degrees_have_two_rows_for_each_feature():
    """A degree tried whose features outnumber half of the rows; no degree at all for few rows."""
    assert [len(candidate_representations("hermite", n, 3, 1e9)) for n in (5, 37, 38, 67, 68)] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("learner_class", "link"),
    [(MomentRegressor, lambda p: p + p**2 / 2), (RecursiveFeatureRegressor, np.tanh)],
    ids=["moments", "recursive features"],
)
def test_learners_of_directions_have_one_rule(learner_class, link):
    """Another set of degrees, or inputs that are not standardised, in one of the learners."""
    X = inputs(200)
    p = StandardScaler().fit_transform(X)[:, :2].prod(axis=1)
    model = learner_class(rank=1, representation="hermite", random_state=0).fit(X, link(p))
    assert model.rank_ == 1
    assert hermite_degree(model.representation_) == 2
    (feature,) = model.features_
    assert abs(np.corrcoef(feature(StandardScaler().fit_transform(X)), p)[0, 1]) > 0.99
    X = model.scaler_.transform(X)
    phi = model.representation_.transform(X)
    assert_allclose(phi, candidate_representations("hermite", 200, 3, 1e9)[0].fit_transform(X))


def test_a_transformer_is_cloned():
    """A user's transformer fitted in place, or a class taken for an object."""
    representation = RandomFeatures(7, random_state=0)
    (candidate,) = candidate_representations(representation, 60, 3, 1e9)
    candidate.fit(inputs())
    assert not hasattr(representation, "n_features_in_")
    assert candidate_representations(None, 60, 3, 1e9) == [None]
    for value in (None, "hermite", representation):
        RepresentationChoice().check(value, "representation")
    for value in ("fourier", RandomFeatures, np.zeros(3)):
        with pytest.raises(ValueError, match=r"representation=.* must be None or one of 'hermite', or a scikit-learn"):
            RepresentationChoice().check(value, "representation")
