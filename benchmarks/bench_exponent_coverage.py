"""Coverage of the 95 % intervals for n* and for its exponent in d, over synthetic studies with a known truth.

The risk of every trial is ``1 / (1 + (n / (C d^kappa))^a)`` times lognormal noise. The share ``shared`` of the noise
variance is common to all n of a seed. ``scatter`` is the standard deviation of a normal variable added to the log n* of
each dimension, so that the dimensions do not lie on a line. The offset of the grid from n* is random. Run:
python benchmarks/bench_exponent_coverage.py [studies [first [last]]]
"""

import math
import sys
import warnings

import numpy as np
import pandas as pd

from layerwise.studies import LearnerSpec, Study, StudyResult, TargetSpec, fit_exponent, sample_complexity

KAPPA, THRESHOLD = 2.0, 0.5


class Synthetic(StudyResult):
    """A result with a given table; only the labels of its study are used."""

    def __init__(self, table):
        target = TargetSpec(label="target", use="HermiteSingleIndex", params={"degree": 2})
        learner = LearnerSpec(label="learner", use="sklearn.dummy.DummyRegressor")
        super().__init__(Study(name="s", targets=[target], learners=[learner], dims=[1], n=[1], seeds=1), {})
        self.table = table


def synthetic_study(
    rng, *, dims=(8, 12, 16, 24), sizes=7, seeds=5, a=1.0, noise=0.2, shared=0.5, scatter=0.0, reach=2.0
):
    """Return the result of a study and its true n* by dimension.

    The grid of n is the same for all dimensions and doubles from ``n*(smallest d) / 2^u``, where u has mean ``reach``.
    """
    dims = np.array(dims)
    log_stars = KAPPA * np.log(dims / dims[0]) + 10 + scatter * rng.standard_normal(len(dims))
    log_n = 10 + math.log(2) * (np.arange(sizes) - reach + rng.uniform(-0.5, 0.5))
    centres = log_stars - math.log(1 / THRESHOLD - 1) / a
    logs = -np.log1p(np.exp(a * (log_n - centres[:, None])))[:, :, None]
    own, common = rng.standard_normal((len(dims), sizes, seeds)), rng.standard_normal((len(dims), 1, seeds))
    logs = logs + noise * (math.sqrt(1 - shared) * own + math.sqrt(shared) * common)
    index = pd.MultiIndex.from_product([dims, np.exp(log_n), range(seeds)], names=["dim", "n", "seed"])
    table = pd.DataFrame({"risk": np.exp(logs).ravel()}, index=index).reset_index()
    return Synthetic(table.assign(target="target", learner="learner")), np.exp(log_stars)


def coverage(studies, random_state=0, **setting):
    """Return coverages of n* and exponent, median widths, errors of the exponent, and the share of censored cells."""
    rng = np.random.default_rng(random_state)
    covered, widths, censored, exponents = [], [], [], []
    for _ in range(studies):
        result, stars = synthetic_study(rng, **setting)
        table = sample_complexity(result, THRESHOLD)
        covered.append(np.mean((table["lower"] <= stars) & (stars <= table["upper"])))
        with np.errstate(divide="ignore"):
            widths += list(np.log(table["upper"]) - np.log(table["lower"]))  # inf for open intervals
        censored.append(np.mean(table["censored"] != ""))
        exponents += fit_exponent(result, THRESHOLD)
    return {
        "n_star": np.mean(covered),
        "width": np.median(widths),
        "exponent": np.mean([fit.lower <= KAPPA <= fit.upper for fit in exponents]),
        "half width": np.median([fit.upper - fit.lower for fit in exponents]) / 2,
        "deviation": np.nanstd([fit.exponent for fit in exponents]),
        "bias": np.nanmean([fit.exponent for fit in exponents]) - KAPPA,
        "censored": np.mean(censored),
    }


SETTINGS = [
    {"shared": 0.0},
    {"shared": 0.5},
    {"shared": 1.0},
    {"shared": 0.5, "noise": 0.05},
    {"shared": 0.5, "a": 0.5, "noise": 0.1},
    {"shared": 0.0, "a": 2.0, "noise": 0.3},
    {"shared": 0.5, "a": 4.0, "noise": 0.3},
    {"shared": 0.5, "a": 16.0, "noise": 0.3},
    {"seeds": 3},
    {"seeds": 10},
    {"seeds": 10, "a": 4.0},
    {"dims": (8, 16, 24)},
    {"dims": (8, 12, 16, 24, 32), "sizes": 8},
    {"sizes": 5, "reach": 1.5},
    {"sizes": 5, "reach": 1.5, "shared": 0.0, "a": 2.0},
    {"sizes": 5, "reach": 0.5, "a": 2.0},
    {"scatter": 0.1},
    {"scatter": 0.3},
    {"scatter": 0.3, "dims": (8, 16, 24)},
]


def main(studies=500, first=0, last=None):
    warnings.simplefilter("error")
    columns = ("n_star", "width", "exponent", "half width", "deviation", "bias", "censored")
    print(f"{studies} studies per row; standard error of a coverage of 0.95: {math.sqrt(0.95 * 0.05 / studies):.3f}")
    print(f"{'setting':<58}" + "".join(f"{name:>12}" for name in columns))
    for setting in SETTINGS[first:last]:
        row = coverage(studies, **setting)
        name = ", ".join(f"{key}={value}" for key, value in setting.items())
        print(f"{name:<58}" + "".join(f"{row[column]:>12.3f}" for column in columns), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
