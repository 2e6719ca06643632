import numpy as np
from numpy.testing import assert_allclose

from layerwise.kernels import ArcCosineKernel
from layerwise.representations import RandomFeatures


def test_features_average_to_the_arc_cosine_kernel():
    """Weights of the wrong scale or biases forgotten: 2 E[relu relu] within 6 standard errors over 2e5 neurons."""
    X = np.random.default_rng(0).standard_normal((6, 5))
    H = RandomFeatures(200_000, random_state=1).fit_transform(X)
    products = 2 * H[:, None] * H[None]
    error = products.std(axis=2) / np.sqrt(H.shape[1])
    assert np.all(np.abs(products.mean(axis=2) - ArcCosineKernel(1, bias=1.0)(X)) < 6 * error)


def test_any_elementwise_activation():
    X = np.random.default_rng(0).standard_normal((6, 5))
    layer = RandomFeatures(10, activation=np.tanh, random_state=0).fit(X)
    assert_allclose(layer.transform(X), np.tanh(X @ layer.weights_.T + layer.biases_))


def test_float32_stays():
    X = np.ones((3, 2), dtype=np.float32)
    assert RandomFeatures(4).fit_transform(X).dtype == np.float32
