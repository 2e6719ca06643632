"""Activations of all kinds: values, series against closed forms, derivatives against differences."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.activations import Activation, as_activation, as_polynomial
from layerwise.hermite import HermiteSeries

Z = np.linspace(-3, 3, 13)


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ("identity", Z),
        ("square", Z**2),
        ("quadratic", Z**2),
        ("half-square", Z**2 / 2),
        ("relu-cubed", np.maximum(Z, 0) ** 3 / 6),
        ("indicator", (Z >= 0).astype(float)),
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
    assert np.allclose(as_activation(spec)(Z), values, rtol=1e-12, atol=1e-12)


def test_series_against_closed_forms():
    # ReLU: the split at the kink is what makes quadrature exact. sin: e^{-1/2} (-1)^j / sqrt((2j+1)!).
    assert np.allclose(as_activation("relu").series(40).coefficients, HermiteSeries.relu(40).coefficients, atol=1e-13)
    expected = np.zeros(8)
    expected[1::2] = np.exp(-0.5) * np.array([1, -1, 1, -1]) / np.sqrt([1.0, 6.0, 120.0, 5040.0])
    assert np.allclose(as_activation("sin").series(7).coefficients, expected, atol=1e-13)
    assert np.allclose(as_activation("cube").series(2).coefficients, [0, 3, 0])


@given(scale=st.floats(0.1, 3), factor=st.floats(-2, 2), shift=st.floats(-2, 2), name=st.sampled_from(["he3", "relu"]))
def test_scaling_moves_kinks_and_keeps_polynomials(scale, factor, shift, name):
    link = as_activation(name)
    changed = link.scaled(scale) * factor + shift
    assert np.allclose(changed(Z), factor * link(scale * Z) + shift, atol=1e-9)
    assert (changed.polynomial is None) == (link.polynomial is None)
    # E relu(s z)^2 = s^2 / 2 only if the kink stayed where it is.
    assert np.isclose(
        as_activation("clip").scaled(scale).expectation(),
        as_activation(lambda z: np.clip(scale * z, 0, 1.5)).expectation(),
        atol=1e-3,
    )


def test_activations_survive_pickling():
    for name in ("relu", "clip", "he4", "fatigue"):
        link = as_activation(name).scaled(2.0) * 3.0 + 1.0
        assert np.allclose(pickle.loads(pickle.dumps(link))(Z), link(Z))


def test_float32_stays():
    for name in ("relu", "he4", "clip", "tanh", "fatigue"):
        assert as_activation(name)(Z.astype(np.float32)).dtype == np.float32


DERIVATIVES = {"relu": 1, "abs": 1, "relu-cubed": 3, "half-square": 3, "quadratic": 3, "cube": 3, "h4": 3}
DERIVATIVES |= dict.fromkeys(("sin", "cos", "tanh", "sigmoid", "erf"), 3)


@pytest.mark.parametrize(("name", "orders"), DERIVATIVES.items())
def test_derivatives_against_differences(name, orders):
    """Catches a sign or a factor of the chain rule; a derivative of another order."""
    z, step = np.linspace(-2.3, 2.1, 30), 1e-5
    g = as_activation(name)
    for order in range(1, orders + 1):
        above, below = (g.derivative(each, order - 1) if order > 1 else g(each) for each in (z + step, z - step))
        assert np.allclose(g.derivative(z, order), (above - below) / (2 * step), rtol=1e-8, atol=1e-8), order
        assert g.derivative(z.astype(np.float32), order).dtype == np.float32


def test_evaluation_by_monomials_is_the_same_polynomial():
    """Catches coefficients in another basis or order; the derivative of the series instead of that of the monomials."""
    h = as_activation([0.5, -1, 2, 0, 0.3])
    assert np.allclose(h.by_monomials()(Z), h(Z), rtol=1e-12)
    assert np.allclose(h.by_monomials().derivative(Z), h.derivative(Z), rtol=1e-12)
    assert h.by_monomials().polynomial is h.polynomial


def test_one_meaning_for_each_name():
    """`activation="quadratic"` was t^2 in one learner and t^2 / 2 in another."""
    assert as_activation("quadratic").is_square
    assert as_activation("square").is_square
    assert not as_activation("half-square").is_square
    assert as_activation("relu").is_relu
    for name in ("square", "half-square", "cube", "identity"):
        series = as_polynomial(name)
        assert np.allclose(series(Z), as_activation(name)(Z), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: as_activation("rellu"), ValueError, "activation='rellu' must be .* Did you mean 'relu'"),
        (lambda: as_activation("rellu", "link"), ValueError, "link='rellu' must be"),
        (lambda: as_activation({"low": 1}), ValueError, "must have a 'name'"),
        (lambda: as_activation({"name": "clip", "lo": 1}), TypeError, "clip"),
        (lambda: as_activation({"name": "clip", "low": 2}), ValueError, "low=2 must be less than high=1.5"),
        (lambda: as_activation([]), ValueError, r"activation=\[\] must be a name, a function"),
        (lambda: as_activation([np.inf]), ValueError, "must be a name, a function"),
        (lambda: as_activation(None), ValueError, "activation=None must be a name, a function"),
        (lambda: as_activation((1.0, 0.0), constant=False), ValueError, "is constant"),
        (lambda: as_polynomial("relu"), ValueError, "activation='relu' must be a polynomial"),
        (lambda: as_polynomial([2.0]), ValueError, "is constant"),
        (lambda: as_activation(np.exp).derivative(1.0), ValueError, "has 0 known derivatives; 1 are needed"),
        (lambda: Activation(3), TypeError, "must be callable"),
    ],
)
def test_bad_activations_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
