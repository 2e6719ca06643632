"""Products computed by blocks of rows equal the same products of the whole array."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.solvers import FeatureBlocks, normal_equations
from layerwise.solvers.gram import feature_block, outer_gram


@pytest.fixture
def layer():
    rng = np.random.default_rng(0)
    X, W, b = rng.standard_normal((137, 5)), rng.standard_normal((300, 5)), rng.standard_normal(300)
    return X, W, b, np.maximum(X @ W.T + b, 0)


@pytest.mark.parametrize("rows_a_block", [1, 7, 137, 1000])
def test_streaming_equals_whole(layer, rows_a_block):
    """Catches a missing last block, a row counted twice, or a block combined with the labels of other rows."""
    X, W, b, Phi = layer
    y = np.arange(137.0)
    blocks = FeatureBlocks(X, lambda B: feature_block(B, W, b), 300, block_bytes=rows_a_block * 300 * 8)
    assert blocks.block_rows == rows_a_block
    gram, moment = normal_equations(blocks, y)
    assert_allclose(gram, Phi.T @ Phi, rtol=1e-12, atol=1e-12)
    assert_allclose(moment, Phi.T @ y, rtol=1e-12)
    assert_allclose(blocks @ np.ones(300), Phi.sum(axis=1), rtol=1e-12)
    K, whole = outer_gram(blocks)
    assert_allclose(K, Phi @ Phi.T, rtol=1e-12)
    assert_allclose(whole, Phi)


def test_held_out_rows_do_not_enter(layer):
    """Catches an inverted mask, and a mask applied by block instead of by row."""
    X, W, b, Phi = layer
    held_out = np.random.default_rng(1).random(137) < 0.3
    blocks = FeatureBlocks(X, lambda B: feature_block(B, W, b), 300, block_bytes=10 * 300 * 8)
    gram, moment = normal_equations(blocks, np.ones(137), held_out)
    assert_allclose(gram, Phi[~held_out].T @ Phi[~held_out], rtol=1e-12, atol=1e-12)
    assert_allclose(moment, Phi[~held_out].sum(axis=0), rtol=1e-12)


def test_products_of_float32_features_are_summed_in_float64(layer):
    """Catches small eigenvalues lost to rounding, because uncentred features have one large eigenvalue."""
    Phi = layer[-1].astype(np.float32)
    gram, moment = normal_equations(Phi, np.ones(137, dtype=np.float32))
    wide = Phi.astype(float)
    assert_allclose(gram, wide.T @ wide, rtol=1e-13)
    assert_allclose(moment, wide.sum(axis=0), rtol=1e-13)
    assert (FeatureBlocks(Phi) @ np.ones(300, dtype=np.float32)).dtype == np.float32


def test_transform_needs_its_width():
    with pytest.raises(TypeError, match="width="):
        FeatureBlocks(np.ones((3, 2)), np.tanh)


def test_memory_is_one_matrix_and_a_panel():
    """A second array of the size of the result, from a product that is added as a whole."""
    Phi = np.random.default_rng(0).standard_normal((1000, 2100))
    features = FeatureBlocks(Phi, block_bytes=2**22)
    tracemalloc.start()
    gram, _ = normal_equations(features, Phi[:, 0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.35 * (gram.nbytes + 2**22)  # a panel of 512 of 2100 columns
    assert_allclose(gram, Phi.T @ Phi, atol=1e-10)
