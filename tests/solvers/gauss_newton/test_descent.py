"""Each line of the descent against its literal meaning."""

import numpy as np
from numpy.testing import assert_allclose

from layerwise.hermite import design_matrix
from layerwise.solvers import FeatureBlocks
from layerwise.solvers.gauss_newton.descent import (
    Options,
    State,
    descend,
    fit_stages,
    group_scales,
    restart_from_best_fold,
)
from layerwise.solvers.linearised import make_centred
from layerwise.solvers.link import PolynomialLink, SplineLink, fit_link
from layerwise.targets import Hierarchical

OPTIONS = Options((PolynomialLink, SplineLink), max_iter=30, patience=6, tol=1e-3)
ONE_STEP = OPTIONS._replace(max_iter=1)


def problem(n, noise=0.0):
    """H (n, 27) and standardised labels of a cubic of a quadratic."""
    target = Hierarchical(6, {"name": "balanced_sum", "degree": 2}, [0, 1, 0, 0.5])
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n + 8000, 6))
    y = target(X)[:n] + noise * rng.standard_normal(n)
    return design_matrix(X, 2)[:n, 1:], (y - y.mean()) / y.std()


def test_one_step_written_out():
    """Lines 1 to 4: a full step instead of half a step, in c or in the leave-one-out feature."""
    H, y = problem(120)
    candidates, _ = fit_stages(FeatureBlocks(H), y, ONE_STEP, None)
    centred = make_centred(H)
    first = centred.ridge(np.ones(120), y, intercept=True)
    centre, spread = first.feature.mean(), first.feature.std()
    c, z = first.coefficients / spread, (first.feature - centre) / spread
    link = fit_link(z, y, OPTIONS.families)
    slopes = link.derivative(z)
    second = centred.ridge(slopes, y - link(z) + slopes * (z + centre / spread))
    c, z = (c + second.coefficients) / 2, (z + centre / spread + second.feature) / 2
    assert_allclose(candidates[2].coefficients, c / z.std(), rtol=1e-8, atol=1e-10)
    assert_allclose(candidates[2].error, fit_link((z - z.mean()) / z.std(), y, OPTIONS.families).error, rtol=1e-8)


def test_line_5_continues_from_the_best_state():
    """A restart from ridge regression, which may end far away, or from a state that is not that of the candidate."""
    H, y = problem(120, 0.3)
    groups = np.repeat([1, 2], [6, 21])
    plain = make_centred(H)
    first = plain.ridge(np.ones(120), y, intercept=True)
    found, state, _ = descend(plain, y, State(first.coefficients, first.feature, first.penalty), OPTIONS)
    errors = [found[-1].error]
    for _ in range(2):
        again, state, _ = descend(make_centred(H, group_scales(state.coefficients, groups)), y, state, OPTIONS)
        assert_allclose(again[0].error, errors[-1], rtol=1e-8)  # the state is that of the candidate
        errors.append(again[-1].error)
    assert errors[0] > errors[1] > errors[2]
    candidates, history = fit_stages(FeatureBlocks(H), y, OPTIONS, groups)
    assert_allclose(candidates[2].coefficients, again[-1].coefficients, rtol=1e-8, atol=1e-10)
    assert_allclose(candidates[1].coefficients, found[0].coefficients, rtol=1e-8, atol=1e-10)
    assert_allclose(min(line["error"] for line in history[2:]), candidates[2].error, rtol=1e-8)


def test_an_in_sample_start_is_not_a_candidate():
    """Averaging with it, in c or in the leave-one-out feature, which would halve the apparent error."""
    H, y = problem(60, 0.5)
    start = np.linalg.lstsq(H, y, rcond=None)[0]
    z = H @ start - H.mean(axis=0) @ start
    centred = make_centred(H)
    candidates, _, history = descend(centred, y, State(start, z, np.nan, in_sample=True), ONE_STEP)
    centre, spread = z.mean(), z.std()
    link = fit_link((z - centre) / spread, y, OPTIONS.families)
    slopes = link.derivative((z - centre) / spread)
    step = centred.ridge(slopes, y - link((z - centre) / spread) + slopes * z / spread)
    assert len(candidates) == 1
    assert_allclose(candidates[0].coefficients, step.coefficients / step.feature.std(), rtol=1e-8, atol=1e-10)
    assert candidates[0].error > 2 * history[0]["error"]


def test_group_scales_are_root_mean_squares():
    scales = group_scales(np.array([3.0, 0.0, -4.0, 0.0, 1.0]), np.array(["b", "a", "b", "a", "c"]))
    assert_allclose(scales, [1, 0, 1, 0, 1 / 12.5**0.5])


def test_the_descent_restarts_from_a_better_fold():
    """The old candidate kept, a restart from ridge regression, or a restart although no fold is better."""
    H, y = problem(120)
    good = fit_stages(FeatureBlocks(H), y, OPTIONS, None)[0][-1]
    bad = good._replace(coefficients=np.zeros_like(good.coefficients), error=2 * good.error)
    again = restart_from_best_fold(FeatureBlocks(H), y, bad, [bad, good], ONE_STEP, None)
    assert again.error < bad.error
    assert np.corrcoef(again.coefficients, good.coefficients)[0, 1] > 0.99
    assert restart_from_best_fold(FeatureBlocks(H), y, good, [bad, good], OPTIONS, None) is good
