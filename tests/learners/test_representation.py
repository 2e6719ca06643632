"""Representations shared by the learners that look for directions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.learners._representation import (
    RepresentationChoice,
    candidate_representations,
    hermite_polynomials,
    representation_width,
)
from layerwise.representations import RandomFeatures


def inputs(n=60, d=3):
    return 2 + 3 * np.random.default_rng(0).standard_normal((n, d))


def test_directions_of_hermite_features_are_polynomials():
    """Directions paired with the wrong monomials, or a constant among them."""
    X = inputs()
    candidates = candidate_representations("hermite", 60, 3, 1e9)
    assert [representation_width(each, 3) for each in candidates] == [9, 19, 34]
    for degree, candidate in zip((2, 3, 4), candidates, strict=True):
        phi = candidate.fit_transform(X)
        W = np.random.default_rng(1).standard_normal((2, phi.shape[1]))
        values = [p(X) for p in hermite_polynomials(W, degree, 3)]
        assert_allclose(values, W @ phi.T, rtol=1e-10)


def test_degrees_have_a_row_for_each_feature():
    """A degree tried whose features outnumber the rows; no degree at all for few rows."""
    assert [len(candidate_representations("hermite", n, 3, 1e9)) for n in (5, 18, 19, 33, 34)] == [1, 1, 2, 2, 3]


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
