"""Estimates with intervals, tests against margins, and verdicts."""

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import t

from layerwise.papers import Claim, Estimate, Test, estimate
from layerwise.papers.statistics import Cell, column, dim_slope, exponent, largest, rate, risk, risk_ratio, slope, times
from layerwise.studies import LearnerSpec, Outcome, Sizes, Study, StudyResult, TargetSpec


def test_the_interval_is_students():
    # catches: the normal quantile, the standard deviation with n instead of n - 1, or without the root of n
    x = np.array([0.3, 0.5, 0.4, 0.7, 0.2, 0.4])
    low, high = t.interval(0.95, 5, x.mean(), x.std(ddof=1) / math.sqrt(6))
    assert_allclose([*vars(estimate(x)).values()], [x.mean(), low, high])
    logs = np.log(x)
    expected = np.exp([logs.mean(), *t.interval(0.95, 5, logs.mean(), logs.std(ddof=1) / math.sqrt(6))])
    assert_allclose([*vars(estimate(x, log=True)).values()], expected)


def test_the_interval_covers_the_mean():
    """Of 4000 intervals from 5 normal values, 95 % cover; the standard error of the share is .0034."""
    draws = np.random.default_rng(0).standard_normal((4000, 5))
    covered = [e.lower <= 0 <= e.upper for e in map(estimate, draws)]
    assert abs(np.mean(covered) - 0.95) < 5 * 0.0035


def test_fewer_than_five_seeds_give_no_estimate():
    # catches: a verdict from three seeds, or from five of which one failed
    assert math.isnan(estimate([1.0, 1.1, 0.9, 1.0]).value)
    assert math.isnan(estimate([1.0, 1.1, 0.9, 1.0, math.nan]).value)
    assert not math.isnan(estimate([1.0, 1.1, 0.9, 1.0, math.nan, 1.0]).value)


@pytest.mark.parametrize(
    ("low", "high", "interval", "verdict"),
    [
        (0.0, 1.0, (0.2, 0.8), "supported"),
        (0.0, 1.0, (0.8, 1.2), "not resolved"),
        (0.0, 1.0, (-1.0, 2.0), "not resolved"),
        (0.0, 1.0, (1.1, 1.2), "contradicted"),
        (-math.inf, 0.1, (-0.5, 0.05), "supported"),
        (-math.inf, 0.1, (0.2, 0.3), "contradicted"),
        (2.0, math.inf, (1.0, 3.0), "not resolved"),
        (0.0, 0.0, (0.0, 0.0), "supported"),
        (0.0, 1.0, (math.nan, math.nan), "not measured"),
    ],
)
def test_verdict_of_an_interval(low, high, interval, verdict):
    # catches: a range that only the value, not its interval, must lie in; ends interchanged
    test = Test("q", lambda result: Estimate(np.mean(interval), *interval), 0.5, low, high)
    assert test.verdict(test.measure(None)) == verdict


def test_verdict_of_several_tests():
    # catches: a claim supported although one of its tests is not
    def test(value):
        return Test("q", lambda result: value, 0.0, 0.0, 1.0)

    inside, outside, missing = test(0.5), test(2.0), test(math.nan)
    unclear = Test("q", lambda result: Estimate(0.9, 0.8, 1.2), 0.0, 0.0, 1.0)
    for tests, verdict in (
        ((inside, inside), "supported"),
        ((inside, unclear), "not resolved"),
        ((inside, missing, unclear), "not measured"),
        ((missing, outside, inside), "contradicted"),
    ):
        assert Claim(name="c", statement="s", tests=tests).verdict(None) == verdict


def result(risk_of, **changes):
    """Return a result with the risks ``risk_of(learner, d, n, seed)``."""
    study = Study(
        **{
            "name": "made up",
            "targets": [TargetSpec(label="target", use="SingleIndex", params={"link": "he2"})],
            "learners": [
                LearnerSpec(label="a", use="KernelRegressor"),
                LearnerSpec(label="b", use="KernelRegressor", params={"bias": 0.0}, n=[10]),
            ],
            "dims": [4, 8],
            "n": Sizes(times=[2, 4]),
            "seeds": 6,
        }
        | changes
    )
    return StudyResult(
        study,
        {trial.key: Outcome(risk_of(label, trial.dim, trial.n, trial.seed), 1.0) for _, label, trial in study.cells()},
    )


def test_cells_by_position_and_by_value():
    # catches: positions among the sizes of all learners or dimensions, instead of those of the cell
    data = result(lambda learner, d, n, seed: 1000 * d + n + 1e-3 * seed)
    assert_allclose(Cell("a")(data)[0], 8032)
    assert_allclose(Cell("a", dim=0, n=0)(data)[2], 4008.002)
    assert_allclose(Cell("a", dim=4, n=times(4))(data)[0], 4016)
    assert_allclose(Cell("b")(data)[0], 8010)
    assert len(Cell("a", n=7)(data)) == 0
    with pytest.raises(ValueError, match="learner=None matches"):
        Cell()(data)


def test_statistics_of_a_study():
    # catches: arithmetic instead of geometric means, seeds of a ratio not paired, exponents of another learner
    data = result(lambda learner, d, n, seed: (2 if learner == "a" else 1) * 2.0**seed * d / n)
    assert_allclose(risk("a")(data).value, 2 * 8 / 32 * 2**2.5)
    ratio = risk_ratio(Cell("a", dim=0, n=0), Cell("a", dim=0, n=-1))(data)
    assert_allclose([ratio.value, ratio.lower, ratio.upper], 2)
    same = result(lambda learner, d, n, seed: 3 * d**2 / n**2)
    assert_allclose(rate("a")(same).value, 2)
    assert_allclose(exponent(3 / 9, "a")(same).value, 1, atol=1e-6)
    assert_allclose(dim_slope("a", n=10_000)(same).value, math.nan)
    assert_allclose(dim_slope("b", n=10)(same).value, 2)
    assert math.isnan(exponent(0.1, "missing")(same).value)


def test_statistics_of_a_measurement():
    # catches: rows of other values, slopes of all seeds together
    rows = [
        {"seed": s, "m": m, "k": k, "error": (1 + s) * k * m**-0.5} for s in range(5) for m in (4, 16) for k in (1, 2)
    ]
    table = pd.DataFrame(rows)
    measured = slope("error", "m", k=2)(table)
    assert_allclose([measured.value, measured.lower, measured.upper], -0.5)
    assert_allclose(column("error", m=-1, k=1)(table).value, 3 / 4)
    assert_allclose(largest("error", m=4)(table), 5 * 2 / 2)
    assert_allclose(slope("error", "m", k=1)(table.drop(columns="seed")).value, -0.5)
