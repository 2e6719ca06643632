"""The hidden feature of index models."""

import numpy as np
from numpy.testing import assert_allclose

from layerwise.targets import SingleIndex


def test_the_link_of_the_hidden_feature_is_the_target():
    """u without the rotation or the normalisation; float32 converted to float64."""
    target = SingleIndex(6, "sin", direction=[3, 0, 4, 0, 0, 0], rotate=True, random_state=0)
    X = np.random.default_rng(1).standard_normal((50, 6))
    assert_allclose(target(X), np.sin(target.feature(X)), rtol=1e-12)
    assert_allclose(target.feature(np.eye(6)), target.direction, rtol=1e-12)
    assert target.feature(X.astype(np.float32)).dtype == np.float32
