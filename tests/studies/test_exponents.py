"""The exponent of n* in d and the learning rate: exact curves, literal computations, coverage."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from curves import SIZES, made_up, power_law
from scipy import stats

from layerwise.studies import Exponent, StudyResult, fit_exponent, fit_rate, sample_complexity
from layerwise.studies.analysis.lines import Variance, bounded_line, half_width

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from bench_exponent_coverage import coverage


class TestFitExponent:
    def test_exact_on_power_laws(self):
        # catches: different logarithms on the two sides, regression of log d on log n*
        (fit,) = fit_exponent(made_up(power_law, seeds=3), 0.5)
        assert fit.exponent == pytest.approx(1.7, abs=1e-10)
        assert fit.constant == pytest.approx(6.0, rel=1e-9)
        assert 1.6 < fit.lower < 1.7 < fit.upper < 1.8  # the seeds agree, but the grid is coarse
        assert (fit.n_dims, fit.n_censored) == (3, 0)

    def test_the_scatter_determines_the_interval_of_points_off_the_line(self):
        # catches: intervals from noiseless seeds alone although the points do not lie on a line
        off = {8: 1.0, 16: 1.3, 32: 0.8, 64: 1.0}
        (fit,) = fit_exponent(made_up(lambda _, d, n, s: 20 * off[d] * d / n, dims=off, seeds=3), 0.5)
        line = stats.linregress(np.log(list(off)), [math.log(40 * d * off[d]) for d in off])
        half = stats.t.ppf(0.975, 2) * line.stderr
        np.testing.assert_allclose((fit.exponent, fit.lower, fit.upper), line.slope + half * np.array([0, -1, 1]))

    def test_half_width_takes_the_larger_variance(self):
        # catches: the smaller estimate used; the scatter with the degrees of freedom of the seeds
        t = stats.t(4).ppf(0.975), stats.t(1).ppf(0.975)
        assert half_width(Variance(4.0, 4), Variance(1.0, 1), 0.95) == pytest.approx((2.0, t[0]))
        assert half_width(Variance(4.0, 4), Variance(9.0, 1), 0.95) == pytest.approx((3.0, t[1]))
        assert half_width(Variance(math.nan, 0), Variance(9.0, 1), 0.95) == pytest.approx((3.0, t[1]))
        assert half_width(Variance(math.nan, 0), Variance(math.nan, 0), 0.95)[0] == math.inf

    def test_bounded_line_without_bounds_is_least_squares(self):
        # catches: a likelihood interval that differs from that of the normal model
        x, y = np.array([0.0, 1, 2, 4]), np.array([0.1, 0.8, 2.3, 3.9])
        line = bounded_line(x, y, np.zeros(4), 0.3, 2.5)
        slope, intercept = np.polyfit(x, y, 1)
        half = 2.5 * 0.3 / np.linalg.norm(x - x.mean())
        np.testing.assert_allclose(line, (slope, intercept, slope - half, slope + half), atol=1e-6)

    def test_bounded_line_against_a_grid(self):
        # catches: a wrong sign in Phi, sides interchanged, wrong factors in the deviance
        x, y, side = np.array([0.0, 1, 2, 3]), np.array([-0.3, 1.2, 1.9, 2.5]), np.array([-1, 0, 0, 1])
        line = bounded_line(x, y, side, 0.5, 2.0)
        a, b = np.meshgrid(np.linspace(-6, 6, 1201), np.linspace(-2, 6, 1601), indexing="ij")
        z = (a[..., None] + b[..., None] * x - y) / 0.5
        logs = np.stack(
            [stats.norm.logsf(z[..., 0]), *(-0.5 * z[..., 1:3] ** 2).T.swapaxes(1, 2), stats.norm.logcdf(z[..., 3])]
        )
        profile = (-2 * logs.sum(axis=0)).min(axis=0)
        inside = b[0][profile <= profile.min() + 4]
        np.testing.assert_allclose(
            (line.slope, line.lower, line.upper), (b[0][profile.argmin()], inside[0], inside[-1]), atol=0.02
        )

    def test_a_dimension_not_reached_is_not_dropped(self):
        # catches: censored dimensions left out of the fit, which makes the exponent too small
        def risk(_, d, n, seed):
            return d**2 / n * math.exp(0.3 * math.sin(9.0 * seed + d))

        dims = (8, 16, 32, 64)
        censored = fit_exponent(made_up(risk, dims=dims, seeds=5, n=[2**k for k in range(5, 11)]), 0.5)[0]
        dropped = fit_exponent(made_up(risk, dims=(8, 16), seeds=5, n=[2**k for k in range(5, 11)]), 0.5)[0]
        assert censored.not_reached == (32, 64)
        assert (censored.n_dims, censored.n_censored) == (4, 2)
        assert censored.lower > dropped.lower  # dimensions that are not reached bound the exponent from below
        assert "; not reached at d = 32, 64" in censored.verdict(2)

    def test_reached_at_one_dimension_only(self):
        # catches: an exponent from a single point; bounds that are ignored
        def risk(_, d, n, seed):
            return d**3 / n * math.exp(0.1 * math.sin(9.0 * seed))

        (fit,) = fit_exponent(made_up(risk, dims=(8, 32), seeds=5, n=[256, 512, 1024, 2048]), 0.5)
        assert math.isnan(fit.exponent)
        assert math.isinf(fit.upper)
        assert 0 < fit.lower < math.log(2048 / 1024) / math.log(4)  # n* = 1024 at d = 8, > 2048 at d = 32
        assert fit.verdict() == f"at least {fit.lower:.2g}; not reached at d = 32"
        assert fit.verdict(3).startswith("agrees with 3: at least")
        assert fit.verdict(0).startswith("differs from 0: at least")

    def test_never_reached(self):
        # catches: a crash, or a learner missing from the result
        (fit,) = fit_exponent(made_up(lambda _, d, n, s: 0.9, seeds=3), 0.5)
        assert math.isnan(fit.exponent)
        assert (fit.lower, fit.upper) == (-math.inf, math.inf)
        assert fit.verdict(2) == "not reached at d = 8, 16, 32"
        (fit,) = fit_exponent(made_up(lambda _, d, n, s: 0.1, seeds=3), 0.5)
        assert fit.verdict() == "below the grid at d = 8, 16, 32"

    def test_one_dimension(self):
        # catches: division by zero
        (fit,) = fit_exponent(made_up(power_law, dims=[8], seeds=3), 0.5)
        assert fit.verdict(2) == "one dimension gives no exponent"

    def test_one_seed_and_two_dimensions_give_no_interval(self):
        # catches: a finite interval for a line through two points
        (fit,) = fit_exponent(made_up(power_law, dims=[8, 16]), 0.5)
        assert fit.exponent == pytest.approx(1.7)
        assert (fit.lower, fit.upper) == (-math.inf, math.inf)

    def test_predictions_and_verdicts(self):
        # catches: predictions of another learner; a misspelt label that is ignored
        result = made_up(lambda learner, d, n, s: {"a": 20 * d, "b": d**2}[learner] / n, learners=("a", "b"), seeds=3)
        a, b = fit_exponent(result, 0.5, predicted={"a": 1, ("t", "b"): 3})
        assert (a.predicted, b.predicted) == (1, 3)
        assert b.verdict() == "differs from 3: 2.00 [2, 2]"
        assert a.exponent == pytest.approx(1, abs=1e-10)
        with pytest.raises(ValueError, match=r"predicted has the key 'c'; it must be a learner .*Known names: a, b\."):
            fit_exponent(result, 0.5, predicted={"c": 1})

    def test_verdict_in_words(self):
        # catches: a prediction at the end of the interval excluded; a prediction of zero taken for None
        fit = Exponent("t", "a", 1.934, 1.66, 2.24, 0.95, 1.0, 4, (), ())
        assert fit.verdict(2) == "agrees with 2: 1.93 [1.7, 2.2]"
        assert fit.verdict(2.24) == "agrees with 2.24: 1.93 [1.66, 2.24]"
        assert fit.verdict(0) == "differs from 0: 1.93 [1.7, 2.2]"
        assert fit.verdict() == "1.93 [1.7, 2.2]"

    def test_the_printed_interval_agrees_with_the_verdict(self):
        # catches: "differs from 2: 2.25 [2, 2.5]", where the printed interval contains 2 and the true one does not
        fit = Exponent("t", "a", 2.2512, 2.0004, 2.502, 0.95, 1.0, 4, (), ())
        assert fit.verdict(2) == "differs from 2: 2.2512 [2.0004, 2.502]"
        assert fit.verdict(2.51) == "differs from 2.51: 2.25 [2, 2.5]"
        assert fit.verdict(2.5) == "agrees with 2.5: 2.25 [2, 2.5]"
        assert replace(fit, predicted=2).interval == "2.2512 [2.0004, 2.502]"  # used in the legend of the figure
        steep = replace(fit, exponent=14.0, lower=12.3, upper=15.7)
        assert (steep.verdict(12), steep.verdict(14)) == (
            "differs from 12: 14.00 [12.3, 15.7]",
            "agrees with 14: 14.00 [12, 16]",
        )
        bound = replace(fit, exponent=math.nan, lower=2.0004, upper=math.inf)
        assert bound.verdict(2) == "differs from 2: at least 2.0004"

    def test_a_dimension_where_all_trials_failed_is_reported(self):
        # catches: an exponent from three dimensions reported as if it were from five
        failing = made_up(lambda _, d, n, s: None if d == 16 else d**2 / n, dims=(8, 16, 32, 64, 128), seeds=3)
        outcomes = {t.key: failing.outcomes[t.key] for t in failing.study.trials() if t.dim != 128}
        result = StudyResult(failing.study, outcomes)
        table = sample_complexity(result, 0.5)
        assert list(table["dim"]) == [8, 16, 32, 64]
        assert list(table["censored"]) == ["", "failed", "", ""]
        assert np.isnan(table["n_star"][1])
        assert table.loc[1, ["lower", "upper", "seeds"]].tolist() == [0, math.inf, 0]
        (fit,) = fit_exponent(result, 0.5, predicted={"a": 2})
        (without,) = fit_exponent(made_up(lambda _, d, n, s: d**2 / n, dims=(8, 32, 64), seeds=3), 0.5)
        assert (fit.exponent, fit.lower, fit.upper) == (without.exponent, without.lower, without.upper)
        assert (fit.n_dims, fit.failed, fit.not_run) == (3, (16,), (128,))
        missing = "; 2 of 5 dimensions missing (all trials failed at d = 16, none run yet at d = 128)"
        assert fit.verdict() == f"agrees with 2: {fit.interval}{missing}"

    def test_everything_failed(self):
        # catches: a learner missing from the result; a crash without any dimension
        (fit,) = fit_exponent(made_up(lambda _, d, n, s: None, seeds=3), 0.5, predicted={"a": 2})
        assert math.isnan(fit.exponent)
        assert fit.verdict() == "3 of 3 dimensions missing (all trials failed at d = 8, 16, 32)"
        assert fit.interval == ""


class TestFitRate:
    def test_exact_on_power_laws(self):
        # catches: a wrong sign of beta, different logarithms, a range that is ignored
        result = made_up(lambda _, d, n, s: n**-0.5 if n <= 512 else 512**1.0 * n**-1.5, seeds=3)
        for n_range, rate, sizes in (((0, 512), 0.5, 4), ((512, math.inf), 1.5, 5)):
            table = fit_rate(result, n_range=n_range)
            np.testing.assert_allclose(table[["rate", "lower", "upper"]], rate, atol=1e-10)
            assert set(table["sizes"]) == {sizes}

    def test_interval_against_a_literal_loop(self):
        # catches: every size of a seed counted as independent; slopes of medians
        result = made_up(lambda _, d, n, s: 5 * n ** -(1 + 0.1 * s), seeds=4, dims=[8])
        slopes = [
            stats.linregress(np.log(SIZES), [-(1 + 0.1 * s) * math.log(n) for n in SIZES]).slope for s in range(4)
        ]
        ends = stats.ttest_1samp(-np.array(slopes), 0).confidence_interval(0.9)
        row = fit_rate(result, level=0.9).iloc[0]
        np.testing.assert_allclose((row["rate"], row["lower"], row["upper"]), (1.15, *ends))

    def test_curves_that_are_not_power_laws_have_wide_intervals(self):
        # catches: a narrow interval where risk is not a power of n
        row = fit_rate(made_up(lambda _, d, n, s: 1 / (1 + n / 500), seeds=3, dims=[8])).iloc[0]
        assert row["upper"] - row["lower"] > 0.1

    def test_few_sizes_or_seeds(self):
        # catches: division by zero; a failed seed that removes its cell
        def risk(_, d, n, seed):
            return None if (seed, n) == (0, 64) else 1 / n

        row = fit_rate(made_up(risk, seeds=3, dims=[8])).iloc[0]
        assert (row["rate"], row["seeds"]) == (pytest.approx(1), 2)
        row = fit_rate(made_up(risk, seeds=1, dims=[8]), n_range=(128, 256)).iloc[0]
        assert (row["rate"], row["lower"], row["upper"]) == (pytest.approx(1), -math.inf, math.inf)
        with pytest.raises(ValueError, match=r"n_range=\(9, 3\) must be a smaller and a larger n\. Pass \(0"):
            fit_rate(made_up(risk), n_range=(np.int64(9), 3))


@pytest.mark.slow
@pytest.mark.parametrize("setting", [{"shared": 0.0, "noise": 0.3}, {"shared": 1.0, "sizes": 5, "reach": 1.5}])
def test_coverage(setting):
    """The 95 % intervals contain kappa in at least 90 % of 200 studies, and n* in 90 % of their cells.

    The true coverages are above 0.97 (benchmarks/bench_exponent_coverage.py prints them). With a coverage of 0.97 the
    probability of more than 20 misses in 200 studies is 7e-7. A study has 4 dimensions and 5 seeds.
    """
    # catches: intervals that neglect the seeds, the interpolation, the degrees of freedom or the censoring
    found = coverage(200, random_state=7, **setting)
    assert stats.binom.sf(20, 200, 0.03) < 1e-6
    assert found["exponent"] >= 0.9
    assert found["n_star"] >= 0.9
    assert (found["censored"] > 0.1) == ("reach" in setting)
