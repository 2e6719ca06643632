"""Links: named, by coefficients, by function; their series against closed forms."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.hermite import HermiteSeries
from layerwise.targets.links import Link, as_link

Z = np.linspace(-3, 3, 13)


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ("identity", Z),
        ("square", Z**2),
        ("cube", Z**3),
        ("he2", Z**2 - 1),
        ("he4", Z**4 - 6 * Z**2 + 3),
        ("h4", (Z**4 - 6 * Z**2 + 3) / np.sqrt(24)),
        ("H2", (Z**2 - 1) / np.sqrt(2)),
        ("relu", np.maximum(Z, 0)),
        ("abs", np.abs(Z)),
        ("sign", np.sign(Z)),
        ("sin", np.sin(Z)),
        ("cos", np.cos(Z)),
        ("tanh", np.tanh(Z)),
        ("sigmoid", 1 / (1 + np.exp(-Z))),
        ("clip", np.clip(Z, 0, 1.5)),
        ({"name": "clip", "low": -1, "high": 2}, np.clip(Z, -1, 2)),
        ("fatigue", np.maximum(1 + Z / 2, 0) ** 1.5),
        ([0.5, 0, 2], 0.5 + 2 * (Z**2 - 1) / np.sqrt(2)),
        (np.exp, np.exp(Z)),
        (HermiteSeries.basis(1), Z),
    ],
)
def test_values(spec, values):
    assert np.allclose(as_link(spec)(Z), values, rtol=1e-12, atol=1e-12)


def test_series_against_closed_forms():
    # ReLU: the split at the kink is what makes quadrature exact. sin: e^{-1/2} (-1)^j / sqrt((2j+1)!).
    assert np.allclose(as_link("relu").series(40).coefficients, HermiteSeries.relu(40).coefficients, atol=1e-13)
    expected = np.zeros(8)
    expected[1::2] = np.exp(-0.5) * np.array([1, -1, 1, -1]) / np.sqrt([1.0, 6.0, 120.0, 5040.0])
    assert np.allclose(as_link("sin").series(7).coefficients, expected, atol=1e-13)
    assert np.allclose(as_link("cube").series(2).coefficients, [0, 3, 0])


@given(scale=st.floats(0.1, 3), factor=st.floats(-2, 2), shift=st.floats(-2, 2), name=st.sampled_from(["he3", "relu"]))
def test_scaling_a_link_moves_its_kinks_and_keeps_polynomials(scale, factor, shift, name):
    link = as_link(name)
    changed = link.scaled(scale) * factor + shift
    assert np.allclose(changed(Z), factor * link(scale * Z) + shift, atol=1e-9)
    assert (changed.polynomial is None) == (link.polynomial is None)
    # E relu(s z)^2 = s^2 / 2 only if the kink stayed where it is.
    assert np.isclose(
        as_link("clip").scaled(scale).expectation(),
        as_link(lambda z: np.clip(scale * z, 0, 1.5)).expectation(),
        atol=1e-3,
    )


def test_links_survive_pickling():
    for name in ("relu", "clip", "he4", "fatigue"):
        link = as_link(name).scaled(2.0) * 3.0 + 1.0
        assert np.allclose(pickle.loads(pickle.dumps(link))(Z), link(Z))


def test_float32_stays():
    for name in ("relu", "he4", "clip", "tanh", "fatigue"):
        assert as_link(name)(Z.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: as_link("rellu"), ValueError, "Did you mean 'relu'"),
        (lambda: as_link({"low": 1}), ValueError, "no 'name'"),
        (lambda: as_link({"name": "clip", "lo": 1}), TypeError, "clip"),
        (lambda: as_link({"name": "clip", "low": 2}), ValueError, "low=2 >= high=1.5"),
        (lambda: as_link([]), TypeError, "no link"),
        (lambda: as_link([np.inf]), TypeError, "no link"),
        (lambda: as_link(None), TypeError, "no link"),
        (lambda: Link(3), TypeError, "cannot be called"),
    ],
)
def test_bad_links_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
