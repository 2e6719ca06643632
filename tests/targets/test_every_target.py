"""Properties of every target, checked against an oracle that is independent of how the facts are computed.

The oracle is plain Monte Carlo at 2^18 Gaussian points (2e3 for the degree spectrum) with standard errors; 7 of them
are allowed, so that a correct program fails with probability below 1e-6 over all cases.
"""

import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.activations import Activation
from layerwise.hermite import HermitePolynomial, degree_spectrum
from layerwise.targets import (
    AsianStraddle,
    BalancedSum,
    DeepLowRank,
    ExcessOfLoss,
    Fatigue,
    HermiteSingleIndex,
    Hierarchical,
    LognormalPDE,
    LowRankPolynomial,
    MultiFeature,
    MultiIndex,
    Quadratic,
    QuadraticFeature,
    RandomTensor,
    ReLUOfQuadratic,
    SingleIndex,
    Sparse,
    TwoLayerTeacher,
)

# Each with its information exponent, derived by hand.
ZOO = [
    (SingleIndex(5, "he2"), 2),
    (SingleIndex(5, "relu", direction=[1, 2, 0, 0, -1]), 1),
    (SingleIndex(5, [0.3, 0, 0, 0.5, 0.2], rotate=True, random_state=0), 3),
    (SingleIndex(5, Activation(lambda z: np.abs(z - 1), kinks=[1.0]), direction="random", random_state=1), 1),
    (HermiteSingleIndex(5, 3), 3),
    (LowRankPolynomial(5, 2, [3, 2], weights=[1, -0.5]), 1),
    (LowRankPolynomial(5, 3, 2, directions="random", random_state=2), 2),
    (TwoLayerTeacher(5, 4, "abs", directions="random", random_state=3), 2),
    (TwoLayerTeacher(5, 2, "tanh", weights=[1.0, 2.0], directions=[[1, 0, 0, 0, 0], [-2, 1, 0, 0, 0]]), 1),
    (MultiIndex(5, "product", 3), 3),
    (MultiIndex(5, "staircase", 3, rotate=True, random_state=4), 1),
    (MultiIndex(5, "norm", 3), 2),
    (MultiIndex(5, lambda Z: np.sin(Z[:, 0] * Z[:, 1]), 2, directions="random", random_state=5), 2),
    (MultiIndex(5, {"exponents": [[2, 0], [0, 3]], "coefficients": [0.5, 1.0]}), 2),
    (DeepLowRank(5), 2),
    (DeepLowRank(5, 1, 2, 2, 2, 2, linear_terms=True, rotate=True, random_state=6), 2),
    (BalancedSum(5, 2), 2),
    (BalancedSum(6, 3, "product", rotate=True, random_state=7), 3),
    (Sparse(5, 2), 2),
    (RandomTensor(5, 2, random_state=8), 2),
    (Quadratic(5, "gaussian", random_state=9), 2),
    (Hierarchical(5, {"name": "balanced_sum", "degree": 2}, [0, 1, 0.5], rotate=True, random_state=10), 2),
    (Hierarchical(6, {"name": "balanced_sum", "degree": 3, "kind": "product"}, "tanh"), 3),
    (Hierarchical(4, {"name": "random_tensor", "degree": 2}, "he2", random_state=11), 2),
    (QuadraticFeature(5, "abs", "gaussian", random_state=12), 2),
    (QuadraticFeature(6, "relu", rotate=True, random_state=13), 2),
    (ReLUOfQuadratic(6, random_state=14), 2),
    (MultiFeature(6, {"name": "balanced_sum", "degree": 2}), 4),
    (MultiFeature(5, ["quadratic", {"name": "sparse", "degree": 1}], link="max", random_state=15), 1),
    (AsianStraddle(5), 1),
    (LognormalPDE(5, amplitude=0.5, rotate=True, random_state=16), 1),
    (ExcessOfLoss(6), 2),
    (Fatigue(6, rotate=True, random_state=17), 2),
]
TARGETS = [target for target, _ in ZOO]
IDS = [re.sub(r" at 0x\w+", "", repr(target)) for target in TARGETS]  # the same in every test process
every_target = pytest.mark.parametrize("target", TARGETS, ids=IDS)


@every_target
def test_mean_variance_and_hessian(target):
    # Catches a wrong normalisation, a dropped cross term between neurons, a factor 2 on the diagonal of the Hessian.
    n = 2**18
    X, y = target.sample(n, random_state=123)
    assert abs(target.mean - y.mean()) <= 7 * y.std() / np.sqrt(n)
    centred = (y - target.mean) ** 2
    assert abs(target.variance - centred.mean()) <= 7 * (centred.std() / np.sqrt(n) + target.variance_error)
    centred = y - y.mean()
    H = target.expected_hessian()
    assert np.allclose(H, H.T, atol=1e-12)
    estimate = (X.T * centred) @ X / n - centred.mean() * np.eye(target.dim)
    spread = (X.T**2 * centred**2) @ X**2 / n
    assert np.all(
        np.abs(H - estimate) <= 7 * np.sqrt(2 * spread / n) + 7 * np.sqrt(spread / n) * (target.variance_error > 0)
    )


@every_target
def test_degree_energies(target):
    X, y = target.sample(2000, random_state=321)
    spectrum = degree_spectrum(X, y, 4)
    energies, std = target.degree_energies(4, return_std=True)
    assert np.all(np.abs(energies - spectrum.energies) <= 7 * np.hypot(spectrum.standard_errors, std) + 1e-12)
    assert np.isclose(energies[0], target.mean**2, rtol=1e-9, atol=7 * std[0] + 1e-12)
    assert energies[1:].sum() <= target.variance * (1 + 1e-9) + 7 * (std.sum() + target.variance_error)
    # Energy of degree 2 is half the squared norm of the expected Hessian.
    H = target.expected_hessian()
    assert np.isclose(energies[2], 0.5 * np.sum(H**2), rtol=1e-9, atol=7 * std[2] + 1e-12)


@pytest.mark.parametrize(("target", "exponent"), ZOO, ids=IDS)
def test_information_exponent(target, exponent):
    assert target.information_exponent == exponent


@every_target
def test_relevant_subspace_is_necessary_and_sufficient(target):
    S = target.relevant_subspace
    assert np.allclose(S @ S.T, np.eye(len(S)), atol=1e-12)
    X = np.random.default_rng(1).standard_normal((50, target.dim))
    assert np.allclose(target(X), target(X @ S.T @ S), rtol=1e-9, atol=1e-9)
    # Each of its directions is needed: f is not constant along any of them.
    step = target(X[:, None, :].repeat(len(S), 1).reshape(-1, target.dim) + np.tile(S, (50, 1))).reshape(50, -1)
    assert np.all(np.abs(step - target(X)[:, None]).max(axis=0) > 1e-6)


@every_target
def test_float32_is_kept_and_rows_are_independent(target):
    X = np.random.default_rng(2).standard_normal((7, target.dim))
    y = target(X)
    assert y.shape == (7,)
    assert y.dtype == np.float64
    single = target(X.astype(np.float32))
    assert single.dtype == np.float32
    assert np.allclose(single, y, rtol=2e-3, atol=2e-3)
    assert np.allclose(target(X[3:4]), y[3:4])
    assert target(X[:0]).shape == (0,)


@every_target
def test_repr_shows_the_parameters_as_given(target):
    assert repr(target).startswith(type(target).__name__ + f"(dim={target.dim}")
    assert target.parameters["dim"] == target.dim


def test_pickling_preserves_the_function():
    X = np.random.default_rng(3).standard_normal((5, 6))
    for target in (ReLUOfQuadratic(6, random_state=0), MultiFeature(6), TwoLayerTeacher(6, 3, rotate=True)):
        assert np.array_equal(pickle.loads(pickle.dumps(target))(X), target(X))


ROTATABLE = [
    lambda seed, rotate: SingleIndex(4, "relu", rotate=rotate, random_state=seed),
    lambda seed, rotate: HermiteSingleIndex(4, 2, rotate=rotate, random_state=seed),
    lambda seed, rotate: LowRankPolynomial(4, 2, 3, rotate=rotate, random_state=seed),
    lambda seed, rotate: TwoLayerTeacher(4, 3, rotate=rotate, random_state=seed),
    lambda seed, rotate: MultiIndex(4, "staircase", 3, rotate=rotate, random_state=seed),
    lambda seed, rotate: DeepLowRank(4, rotate=rotate, random_state=seed),
    lambda seed, rotate: BalancedSum(4, 3, rotate=rotate, random_state=seed),
    lambda seed, rotate: Sparse(4, 2, rotate=rotate, random_state=seed),
    lambda seed, rotate: Quadratic(4, rotate=rotate, random_state=seed),
    lambda seed, rotate: Hierarchical(4, rotate=rotate, random_state=seed),
    lambda seed, rotate: QuadraticFeature(4, rotate=rotate, random_state=seed),
    lambda seed, rotate: MultiFeature(4, {"name": "balanced_sum", "degree": 2}, rotate=rotate, random_state=seed),
    lambda seed, rotate: LognormalPDE(4, rotate=rotate, random_state=seed),
    lambda seed, rotate: ExcessOfLoss(4, rotate=rotate, random_state=seed),
    lambda seed, rotate: Fatigue(4, rotate=rotate, random_state=seed),
    lambda seed, rotate: AsianStraddle(4, rotate=rotate, random_state=seed),
]


@settings(max_examples=40, deadline=None)
@given(make=st.sampled_from(ROTATABLE), seed=st.integers(0, 2**31))
def test_rotation_changes_the_frame_and_not_the_energies(make, seed):
    plain, rotated = make(seed, False), make(seed, True)
    X = np.random.default_rng(seed).standard_normal((6, 4))
    S, T = plain.relevant_subspace, rotated.relevant_subspace
    assert np.allclose(rotated(X), plain(X @ T.T @ S))  # f_0(T x) against f_0(S x)
    assert np.allclose(rotated.degree_energies(4), plain.degree_energies(4), atol=1e-12)
    eigenvalues = np.linalg.eigvalsh(rotated.expected_hessian())
    assert np.allclose(eigenvalues, np.linalg.eigvalsh(plain.expected_hessian()), atol=1e-10)


def test_noise_and_inputs():
    target = SingleIndex(3, "he2")
    X, y = target.sample(500, random_state=0)
    assert np.array_equal(y, target(X))
    for kind in ("gaussian", "rademacher"):
        X2, y2 = target.sample(500, noise=2.0, random_state=0, noise_distribution=kind)
        assert np.array_equal(X, X2)
        xi = (y2 - y) / 2.0
        assert np.allclose(np.abs(xi), 1.0) == (kind == "rademacher")
        assert 0.6 < xi.std() < 1.4
    X, _ = target.sample(50, random_state=0, inputs="hypercube")
    assert set(np.unique(X)) == {-1.0, 1.0}


class TestBadInput:
    target = SingleIndex(3)

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda t: t(np.zeros((2, 4))), ValueError, "X has 4 columns; 3 are needed"),
            (lambda t: t(np.zeros(3)), ValueError, r"X\[None, :\]"),
            (lambda t: t([["a", "b", "c"]]), TypeError, "real numbers"),
            (lambda t: t.sample(-1), ValueError, "n=-1"),
            (lambda t: t.sample(5, noise=-1.0), ValueError, "noise=-1.0"),
            (lambda t: t.sample(5, noise="loud"), ValueError, "noise='loud'"),
            (lambda t: t.sample(5, noise=np.nan), ValueError, "noise=nan"),
            (lambda t: t.sample(5, noise_distribution="cauchy"), ValueError, "'cauchy'"),
            (lambda t: t.sample(5, inputs="cauchy"), ValueError, "unknown inputs 'cauchy'"),
            (lambda t: t.degree_energies(-1), ValueError, "max_degree=-1"),
            (lambda t: t.degree_energies(2.5), TypeError, "max_degree=2.5"),
            (lambda t: SingleIndex(0), ValueError, "dim=0"),
            (lambda t: SingleIndex(3, direction=[1, 0]), ValueError, r"shape \(1, 2\)"),
            (lambda t: SingleIndex(3, direction=[0, 0, 0]), ValueError, "zero row"),
            (lambda t: SingleIndex(3, direction="east"), ValueError, "'east'"),
            (lambda t: SingleIndex(3, rotate="yes"), ValueError, "rotate='yes' must be True or False"),
            (lambda t: HermiteSingleIndex(3, 0), ValueError, "degree=0"),
            (lambda t: LowRankPolynomial(2, 3), ValueError, "3 directions do not fit"),
            (lambda t: LowRankPolynomial(3, 2, [1, 2, 3]), ValueError, "3 entries; it must be an integer, or rank=2"),
            (lambda t: LowRankPolynomial(3, 1, 2, weights=[1.5]), ValueError, "size 1.5"),
            (lambda t: LowRankPolynomial(3, 1, 2, directions=[[1, 0, 0]]), ValueError, "at most 0.7598"),
            (lambda t: TwoLayerTeacher(3, 2, weights=[1, 2, 3]), ValueError, "must be 2 finite numbers"),
            (lambda t: MultiIndex(3, directions=[[1, 1, 0], [0, 1, 0]]), ValueError, "not orthonormal"),
            (lambda t: MultiIndex(3, "prodct"), ValueError, "Did you mean 'product'"),
            (lambda t: MultiIndex(3, np.sum), ValueError, "rank"),
            (lambda t: MultiIndex(3, HermitePolynomial.basis([1, 1]), 3), ValueError, "2 variables, but rank=3"),
            (
                lambda t: MultiIndex(3, lambda Z: Z, 2)(np.zeros((4, 3))),
                ValueError,
                r"MultiIndex.evaluate returned an array of shape \(4, 2\) for 4 rows",
            ),
            (lambda t: MultiIndex(3, {"exponents": [[1]]}), ValueError, "'coefficients'"),
            (lambda t: DeepLowRank(3, 2), ValueError, "4 directions do not fit"),
            (lambda t: DeepLowRank(3, outer_weights=[2.0]), ValueError, "alpha_s"),
            (lambda t: DeepLowRank(3, linear_weights=[1, 1]), ValueError, "linear_terms=True"),
            (lambda t: DeepLowRank(3, inner_weights=[0, 0]), ValueError, "vanish"),
            (lambda t: DeepLowRank(12, 1, 6, 2, 3, 3), ValueError, "Lower the degrees"),
        ],
    )
    def test_messages_name_the_argument(self, call, error, message):
        with pytest.raises(error, match=message):
            call(self.target)
