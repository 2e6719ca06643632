"""Streamed products against the same products on the whole array."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise.solvers import FeatureBlocks, normal_equations
from layerwise.solvers.gram import add_gram, feature_block, fill_lower, outer_gram


@pytest.fixture
def layer():
    rng = np.random.default_rng(0)
    X, W, b = rng.standard_normal((137, 5)), rng.standard_normal((300, 5)), rng.standard_normal(300)
    return X, W, b, np.maximum(X @ W.T + b, 0)


@pytest.mark.parametrize("rows_a_block", [1, 7, 137, 1000])
def test_streaming_equals_whole(layer, rows_a_block):
    """A lost last block, a row counted twice, or a block's labels taken from another's rows."""
    X, W, b, Phi = layer
    y = np.arange(137.0)
    blocks = FeatureBlocks(X, lambda B: feature_block(B, W, b), 300, block_bytes=rows_a_block * 300 * 8)
    assert blocks.block_rows == rows_a_block
    gram, moment = normal_equations(blocks, y)
    assert_allclose(gram, Phi.T @ Phi, rtol=1e-12, atol=1e-12)
    assert_allclose(moment, Phi.T @ y, rtol=1e-12)
    assert_allclose(blocks @ np.ones(300), Phi.sum(axis=1), rtol=1e-12)
    assert_allclose(blocks.transpose_dot(y), Phi.T @ y, rtol=1e-12)
    K, whole = outer_gram(blocks)
    assert_allclose(K, Phi @ Phi.T, rtol=1e-12)
    assert_allclose(whole, Phi)


def test_held_out_rows_do_not_enter(layer):
    """The mask applied to the wrong side, or by block instead of by row."""
    X, W, b, Phi = layer
    held_out = np.random.default_rng(1).random(137) < 0.3
    blocks = FeatureBlocks(X, lambda B: feature_block(B, W, b), 300, block_bytes=10 * 300 * 8)
    gram, moment = normal_equations(blocks, np.ones(137), held_out)
    assert_allclose(gram, Phi[~held_out].T @ Phi[~held_out], rtol=1e-12, atol=1e-12)
    assert_allclose(moment, Phi[~held_out].sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_add_gram_in_either_memory_order(order, dtype):
    """The wrong transpose flag for one of the two layouts, or a silent change of dtype."""
    A = np.asarray(np.random.default_rng(2).standard_normal((40, 600)), dtype=dtype, order=order)
    gram = fill_lower(add_gram(A, np.zeros((600, 600), dtype=dtype, order="F")))
    assert gram.dtype == dtype
    assert_allclose(gram, A.T @ A, atol=200 * np.finfo(dtype).eps)
    assert np.array_equal(gram, gram.T)


def test_transform_needs_its_width():
    with pytest.raises(TypeError, match="width="):
        FeatureBlocks(np.ones((3, 2)), np.tanh)
