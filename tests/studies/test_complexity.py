"""The samples needed, n*: exact curves, invariances, and intervals against a literal computation."""

import math

import numpy as np
import pytest
from curves import SIZES, made_up, power_law
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from throwaway import Mean, small_study

from layerwise.studies import LearnerSpec, Outcome, StudyResult, fit_exponent, fit_rate, sample_complexity
from layerwise.studies.analysis.complexity import first_crossing, sign_test_rank


def noisy(learner, d, n, seed):
    return d**2 / (d**2 + n) * math.exp(0.2 * math.sin(37.0 * seed + 11.0 * math.log(n) + d))


def test_exact_on_power_laws():
    # catches: a crossing in n instead of log n, or in risk instead of log risk; a cubic that bends straight lines
    table = sample_complexity(made_up(power_law), 0.5)
    np.testing.assert_allclose(table["n_star"], 6 * table["dim"].to_numpy() ** 1.7, rtol=1e-11)
    assert list(table["censored"]) == [""] * 3
    assert set(zip(table["n_min"], table["n_max"], table["seeds"], strict=True)) == {(64, 8192, 1)}


def test_the_interval_of_a_single_seed_is_unbounded():
    # catches: an interval of width zero for a single run
    table = sample_complexity(made_up(power_law), 0.5)
    assert (list(table["lower"]), list(table["upper"])) == ([0] * 3, [math.inf] * 3)


def test_smooth_curves_between_grid_points():
    # catches: linear interpolation of a curved function, which is off by 3 %; the nearest grid point taken for n*
    table = sample_complexity(made_up(lambda _, d, n, s: 1 / (1 + n / (1.4 * d**2)), seeds=2), 0.5)
    true = 1.4 * table["dim"] ** 2
    np.testing.assert_allclose(table["n_star"], true, rtol=5e-3)
    assert np.all((table["lower"] <= true) & (true <= table["upper"]))


@pytest.mark.parametrize(("threshold", "censored"), [(1e-3, "right"), (0.9, "left")])
def test_censored_cells(threshold, censored):
    # catches: extrapolation; censored cells dropped; an interval that excludes possible values of n*
    result = made_up(lambda _, d, n, seed: 0.5 / math.log(n) * math.exp(0.01 * seed), seeds=5)
    for row in sample_complexity(result, threshold).to_dict("records"):
        assert row["censored"] == censored
        assert math.isnan(row["n_star"])
        ends = (8192, math.inf) if censored == "right" else (0, 64)
        np.testing.assert_allclose((row["lower"], row["upper"]), ends)


def test_open_ends():
    # catches: an upper end at n_max although some seeds do not reach the threshold within the grid
    result = made_up(lambda _, d, n, seed: (200 / n) ** 0.1 * math.exp(0.3 * (seed - 2)), seeds=5)
    row = sample_complexity(result, 0.8).iloc[0]
    assert 64 < row["n_star"] < 8192
    assert (row["lower"], row["upper"]) == (0, math.inf)


def test_interval_against_a_literal_band():
    # catches: standard errors of the mean, t with S degrees of freedom, ends interchanged
    result = made_up(noisy, seeds=5, dims=[16])
    x = np.log(SIZES)
    logs = np.log([[noisy("", 16, n, seed) for seed in range(5)] for n in SIZES])
    curves = {"lower": [], "n_star": [], "upper": []}
    for row in logs:
        half = stats.t.ppf(0.95, 4) * math.sqrt(
            sum((v - sum(row) / 5) ** 2 for v in row) / 4 * math.pi / (2 * 5 + math.pi - 2)
        )
        curves["lower"].append(min(sorted(row)[2] - half, min(row)))  # has coverage 15/16
        curves["n_star"].append(sorted(row)[2])
        curves["upper"].append(max(sorted(row)[2] + half, max(row)))
    row = sample_complexity(result, 0.4, level=0.9).iloc[0]
    for i, (name, curve) in enumerate(curves.items()):
        expected = first_crossing(x, np.array(curve), math.log(0.4))[i]
        assert math.log(row[name]) == pytest.approx(expected, rel=1e-10)


def test_ranks_of_the_sign_test():
    # catches: a rank that is too large; the values follow from the binomial distribution
    assert list(sign_test_rank(np.array([2, 5, 6, 8, 9, 10, 20]), 0.95)) == [1, 1, 1, 1, 2, 2, 6]


def test_seeds_whose_risk_drops_abruptly():
    # catches: intervals that assume normal noise where each seed drops from 0.95 to 0.03 at its own n. The coverage is
    # 98.5 % (more than 15 misses in 150 have a probability below 1e-8).
    rng = np.random.default_rng(0)
    dims = range(1, 151)
    stars = {d: 2 ** rng.uniform(8, 11) for d in dims}
    jumps = {(d, seed): stars[d] * math.exp(0.3 * rng.standard_normal()) for d in dims for seed in range(5)}
    result = made_up(lambda _, d, n, seed: 0.95 if n < jumps[d, seed] else 0.03, dims=dims, seeds=5)
    table = sample_complexity(result, 0.5)
    true = table["dim"].map(stars)
    assert ((table["lower"] <= true) & (true <= table["upper"])).mean() >= 0.9


def test_the_interval_of_a_drop_reaches_to_both_neighbouring_sizes():
    # catches: a narrow interval where the data do not determine n* between two sizes
    row = sample_complexity(made_up(lambda _, d, n, s: 1.0 if n < 500 else 0.01, seeds=3, dims=[8]), 0.5).iloc[0]
    np.testing.assert_allclose((row["lower"], row["upper"]), (256, 512))


def test_the_crossing_of_a_curve_that_rises_again_is_the_last_one():
    # catches: the first dip below the threshold taken for the crossing
    y = np.array([0.0, -1.0, 0.0, -0.2, -2.0])
    earliest, best, latest = first_crossing(np.arange(5.0), y, -0.6)
    assert 3 < earliest < best < latest < 4


def test_failed_trials_are_ignored():
    # catches: NaN medians; a size at which all trials failed treated as measured
    def risk(_, d, n, seed):
        return None if n == 8192 or (n == 128 and seed == 0) else power_law(_, d, n)

    table = sample_complexity(made_up(risk, seeds=3, dims=[8]), 0.5)
    np.testing.assert_allclose(table["n_star"], 6 * 8**1.7)
    assert (table["n_max"][0], table["seeds"][0]) == (4096, 2)
    assert (table["failed_n"][0], table["not_run_n"][0]) == ((8192,), ())


def only(result, keep):
    """Return the same study with the outcomes of some trials only."""
    trials = {trial.key: trial for trial in result.study.trials()}
    return StudyResult(result.study, {key: o for key, o in result.outcomes.items() if keep(trials[key])})


def test_sizes_not_run_yet_are_not_outside_of_the_grid():
    # catches: "below the grid" although smaller sizes, which are run last, are missing; the same at the upper end
    whole = made_up(power_law, seeds=3, dims=[8, 16])
    n_star = sample_complexity(whole, 0.5)["n_star"]
    for side, keep in (("not run below", lambda t: t.n >= 4096), ("not run above", lambda t: t.n <= 128)):
        table = sample_complexity(only(whole, keep), 0.5)
        assert list(table["censored"]) == [side, side]
        assert table["n_star"].isna().all()
        assert ((table["lower"] <= n_star) & (n_star <= table["upper"])).all()
    assert table["not_run_n"][0] == SIZES[2:]
    (fit,) = fit_exponent(only(whole, lambda t: t.n >= 1024 or t.dim == 16), 0.5)
    assert fit.unfinished == ((8, "not run below n = 1,024"),)
    assert fit.verdict() == "; ".join(
        ["one dimension gives no exponent", "1 of 2 dimensions missing (not run below n = 1,024 at d = 8)"]
    )
    finished = sample_complexity(made_up(power_law, seeds=3, dims=[8], n=[4096, 8192]), 0.5)
    assert list(finished["censored"]) == ["left"]


def test_the_grid_of_a_learner_with_its_own_sizes():
    # catches: a learner with fewer sizes of its own reported as unfinished
    study = small_study(learners=[LearnerSpec(label="a", use=Mean, n=[40])], n=[40, 160])
    result = StudyResult(study, {trial.key: Outcome(0.9, 0.1) for trial in study.trials()})
    assert list(sample_complexity(result, 0.5)["censored"]) == ["right", "right"]


def test_sizes_at_which_all_trials_failed_are_listed():
    # catches: failures at all sizes below 256 missing from the verdict
    def risk(_, d, n, seed):
        return None if d == 8 and n < 256 else power_law(_, d, n)

    (fit,) = fit_exponent(made_up(risk, seeds=3), 0.5)
    assert fit.failed_sizes == ((8, (64, 128)),)
    assert fit.verdict().endswith("; below the grid at d = 8; all trials failed at d = 8, n = 64, 128")


def test_a_risk_of_zero():
    # catches: log 0
    table = sample_complexity(made_up(lambda _, d, n, s: float(n < 100 * d), seeds=3), 0.5)
    assert np.all((table["n_star"] > 25 * table["dim"]) & (table["n_star"] < 200 * table["dim"]))


@given(factor=st.integers(2, 1000), threshold=st.floats(0.1, 0.7))
@settings(max_examples=15, deadline=None)
def test_scaling_n_scales_n_star_and_its_interval(factor, threshold):
    # catches: a computation that depends on n itself rather than on ratios
    small = sample_complexity(made_up(noisy, seeds=4), threshold)
    scaled = made_up(
        lambda learner, d, n, seed: noisy(learner, d, n // factor, seed), n=[factor * n for n in SIZES], seeds=4
    )
    large = sample_complexity(scaled, threshold)
    for column in ("n_star", "lower", "upper", "n_min", "n_max"):
        np.testing.assert_allclose(large[column], factor * small[column], rtol=1e-9)
    assert list(large["censored"]) == list(small["censored"])
    one, other = fit_exponent(made_up(noisy, seeds=4), threshold)[0], fit_exponent(scaled, threshold)[0]
    for name in ("exponent", "lower", "upper"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-5, atol=1e-6)


@given(power=st.floats(0.2, 5))
@settings(max_examples=15, deadline=None)
def test_n_star_is_invariant_under_powers_of_risk_and_threshold(power):
    # catches: averages of risks instead of their logarithms
    plain = sample_complexity(made_up(noisy, seeds=4), 0.3)
    raised = sample_complexity(made_up(lambda *cell: noisy(*cell) ** power, seeds=4), 0.3**power)
    np.testing.assert_allclose(raised["n_star"], plain["n_star"], rtol=1e-9)
    steep, flat = (raised, plain) if power > 1 else (plain, raised)  # a steeper curve is less determined by the grid
    assert np.all((steep["lower"] <= flat["lower"] * (1 + 1e-9)) & (steep["upper"] >= flat["upper"] * (1 - 1e-9)))


def test_invalid_thresholds_and_levels():
    # catches: a threshold that no risk can reach; a level in percent
    result = made_up(power_law)
    for call in (sample_complexity, fit_exponent):
        for threshold in (0, -1, math.nan, np.float64("inf")):
            message = rf"threshold={threshold} must be a finite number > 0\. .* e\.g\. threshold=0\.5"
            with pytest.raises(ValueError, match=message):
                call(result, threshold)
        with pytest.raises(ValueError, match=r"level=95 must be a fraction strictly between 0 and 1\. .* level=0\.95"):
            call(result, 0.5, level=95)


def test_a_study_that_has_not_run():
    # catches: a crash for a store without outcomes
    empty = StudyResult(small_study(), {})
    assert sample_complexity(empty, 0.5).empty
    assert list(sample_complexity(empty, 0.5).columns) == list(sample_complexity(made_up(power_law), 0.5).columns)
    assert fit_exponent(empty, 0.5) == []
    assert fit_rate(empty).empty
