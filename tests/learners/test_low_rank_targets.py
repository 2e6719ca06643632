"""Low-rank polynomials end to end: the facts that targets report against what moments of their samples find."""

from functools import partial
from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose

from layerwise import learners
from layerwise.hermite import degree_spectrum
from layerwise.learners import KernelRegressor
from layerwise.solvers.moment_tensors import second_moment
from layerwise.studies import LearnerSpec, Study, TargetSpec, run_study
from layerwise.targets import DeepLowRank, LowRankPolynomial, TwoLayerTeacher

#: The literal algorithm, as inputs are from N(0, I).
MomentRegressor = partial(learners.MomentRegressor, standardize=False)

#: ``(z^4 - 3) / sqrt(96) = sqrt(3/4) h_2 + sqrt(1/4) h_4``
QUARTIC = [0.0, 0.0, sqrt(0.75), 0.0, 0.5]

#: Targets, each with the number of directions it depends on.
TARGETS = [
    (LowRankPolynomial(10, 1, 4, rotate=True, random_state=0), 1),
    (LowRankPolynomial(10, 3, [2, 4, 3], weights=[0.5, 0.5, -1.0], rotate=True, random_state=1), 3),
    (TwoLayerTeacher(10, 3, QUARTIC, rotate=True, random_state=2), 3),
    (TwoLayerTeacher(10, 2, "relu", directions="random", random_state=3), 2),
    (DeepLowRank(10, rotate=True, random_state=4), 2),
    (DeepLowRank(10, linear_terms=True, rotate=True, random_state=5), 2),
    (DeepLowRank(10, width=4, rotate=True, random_state=6), 4),
]
every_target = pytest.mark.parametrize(("target", "rank"), TARGETS, ids=[repr(target)[:60] for target, _ in TARGETS])


def relative_risk(model, target):
    X = np.random.default_rng(10**6).standard_normal((20_000, target.dim))
    return np.mean((model.predict(X) - target(X)) ** 2) / target.variance


@every_target
def test_moments_find_the_subspace_that_a_kernel_cannot_exploit(target, rank):
    """Catches a frame other than that of the target's values, a wrong rank, or the variance of another function."""
    X, y = target.sample(2000, 0.05 * sqrt(target.variance), random_state=0)
    S = target.relevant_subspace
    assert S.shape == (rank, 10)
    model = MomentRegressor(rank=rank, random_state=0).fit(X, y)
    assert_allclose(model.directions_.T @ model.directions_, S.T @ S, atol=0.06)
    kernel = KernelRegressor("polynomial", degree=4, validation=0.2, random_state=0).fit(X[:1000], y[:1000])
    assert relative_risk(model, target) < min(0.02, 0.5 * relative_risk(kernel, target))


@every_target
def test_learnt_energies_equal_those_of_the_target(target, rank):
    """Energies by degree of the polynomial fitted to samples, against the exact ones that the target reports."""
    X, y = target.sample(4000, random_state=1)
    model = MomentRegressor(rank=rank, whiten=False, degree=6 if "relu" in repr(target) else 4, random_state=0)
    learnt = model.fit(X, y).polynomial_.degree_energies()[:5]
    assert_allclose(learnt, target.degree_energies(4), atol=0.03 * target.variance)


@every_target
def test_estimated_spectra_equal_those_of_the_target(target, rank):
    """Degree energies and Hessian estimated from samples, within 7 standard errors."""
    X, y = target.sample(2000, random_state=2)
    spectrum = degree_spectrum(X, y, 4)
    assert np.all(np.abs(spectrum.energies - target.degree_energies(4))[:3] <= 7 * spectrum.standard_errors[:3])
    terms = y[:, None, None] * (X[:, :, None] * X[:, None, :] - np.eye(10))
    error = terms.std(axis=0) / sqrt(len(y))
    assert np.all(np.abs(second_moment(X, y) - target.expected_hessian()) <= 7 * error)


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("dim", [10, 16, 20, 30])
def test_the_quartic_of_lee_2020(rank, dim):
    """f* = sum_s ((w_s.x)^4 - 3) / sqrt(96 r), orthonormal w_s: as a TwoLayerTeacher with mean 0 and variance 1."""
    target = TwoLayerTeacher(dim, width=rank, link=QUARTIC, rotate=True, random_state=0)
    X, y = target.sample(50, random_state=0)
    W = target.directions
    assert_allclose(W @ W.T, np.eye(rank), atol=1e-12)
    assert_allclose(y, np.sum((X @ W.T) ** 4 - 3, axis=1) / sqrt(96 * rank))
    assert_allclose(target.mean, 0, atol=1e-12)
    assert_allclose(target.variance, 1)
    assert_allclose(target.degree_energies(4), [0, 0, 0.75, 0, 0.25], atol=1e-12)


def test_the_quartic_of_lee_2020_as_a_study():
    """Targets and learners as plain data: d = 16, noise .1, r = 1, n = 500, where a quartic kernel has risk > .25."""
    study = Study(
        name="quartic",
        targets=[
            TargetSpec(label="r = 1", use="TwoLayerTeacher", params={"link": QUARTIC, "width": 1, "rotate": True})
        ],
        learners=[
            LearnerSpec(label="moments", use="MomentRegressor"),
            LearnerSpec(label="kernel", use="KernelRegressor", params={"kernel": "polynomial", "degree": 4}),
        ],
        dims=[16],
        n=[500],
        seeds=3,
        noise=0.1,
        n_test=5000,
    )
    rows = run_study(study).table
    risk = rows.groupby("learner")["risk"].median()
    assert risk["moments"] < 0.05
    assert risk["kernel"] > 0.25


@pytest.mark.parametrize("width", [2, 4, 8, 16])
def test_deeper_targets_have_a_smaller_quadratic_part(width):
    """DeepLowRank with outer and inner degree 2 and contrasts of even width w: energies by degree in closed form.

    f is u^2, scaled to E f^2 = 1, for the contrast ``u = sum_c s_c He_2(z_c)``, sum(s) = 0. By He_2^2 = He_4 + 4 He_2 +
    2 and E He_2^4 = 60: E u^4 = 12 w^2 + 48 w, E u^2 = 2 w, and the part of degree 2 is ``4 sum_c He_2(z_c)`` with
    energy 32 w: the share of degree 2 in E f^2 is 8 / (3 (w + 4)), which tends to 0 as the width grows.
    """
    total, zero, two = 12 * width**2 + 48 * width, 4 * width**2, 32 * width
    energies = DeepLowRank(20, width=width).degree_energies(4) * total
    assert_allclose(energies, [zero, 0, two, 0, total - zero - two], rtol=1e-9, atol=1e-9 * total)
