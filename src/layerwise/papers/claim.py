"""Claims: statements of a paper as statistics with confidence intervals, and ranges that were fixed beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

Verdict = Literal["supported", "contradicted", "not resolved", "not measured"]

LEVEL = 0.95  # confidence level of every interval
MIN_SEEDS = 5  # with fewer values, an interval over seeds is too uncertain for a verdict


@dataclass(frozen=True)
class Estimate:
    """A measured value with its confidence interval; NaN where it could not be measured."""

    value: float
    lower: float
    upper: float


def estimate(values: ArrayLike, *, log: bool = False) -> Estimate:
    """Return the mean over seeds with Student's 95 % interval.

    Parameters
    ----------
    values : array-like of shape (seeds,)
        One value per seed; NaN where a trial is missing or failed.
    log : bool
        Average logarithms, which gives the geometric mean; this suits risks and ratios.

    Returns
    -------
    Estimate
        NaN for fewer than 5 values.

    Examples
    --------
    >>> estimate([0.1, 0.2, 0.3, 0.2, 0.2])
    Estimate(value=0.2, lower=0.112..., upper=0.287...)
    """
    x = np.asarray(values, dtype=float).ravel()
    x = x[~np.isnan(x)]
    if len(x) < MIN_SEEDS:
        return Estimate(math.nan, math.nan, math.nan)
    x = np.log(np.maximum(x, np.finfo(float).tiny)) if log else x
    mean, half = x.mean(), stdtrit(len(x) - 1, (1 + LEVEL) / 2) * x.std(ddof=1) / math.sqrt(len(x))
    ends = (mean, mean - half, mean + half)
    return Estimate(*(float(np.exp(end) if log else end) for end in ends))


@dataclass(frozen=True)
class Test:
    """A measured quantity and the range in which it must lie.

    Parameters
    ----------
    quantity : str
        What is measured, and for which learner, target, dimension and sample size.
    statistic : callable
        Maps the result of a study, or the table of a measurement, to an `Estimate`, to one value per seed (whose mean
        is taken), or, for what is computed without random numbers, to a float.
    theory : float
        The value that the theory predicts in its limit, for comparison; the verdict does not depend on it.
    low, high : float
        The range in which the statement holds. With two finite bounds this is an equivalence test, with one it is a
        one-sided test.

    Notes
    -----
    The verdict is "supported" if the interval lies in the range, "contradicted" if it lies outside, "not resolved" if
    it contains a bound of the range, and "not measured" if there is no value.
    """

    quantity: str
    statistic: Callable[[Any], Estimate | ArrayLike]
    theory: float
    low: float = -math.inf
    high: float = math.inf

    __test__ = False  # not a test case of pytest

    def measure(self, result: Any) -> Estimate:
        """Evaluate the statistic."""
        value = self.statistic(result)
        if isinstance(value, Estimate):
            return value
        return Estimate(*[float(value)] * 3) if isinstance(value, int | float) else estimate(value)

    def verdict(self, measured: Estimate) -> Verdict:
        """Compare an interval with the range."""
        if math.isnan(measured.value):
            return "not measured"
        if self.low <= measured.lower and measured.upper <= self.high:
            return "supported"
        return "contradicted" if measured.upper < self.low or measured.lower > self.high else "not resolved"

    @property
    def expected(self) -> str:
        """The range as text."""
        if math.isinf(self.low):
            return f"≤ {self.high:g}"
        return f"≥ {self.low:g}" if math.isinf(self.high) else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of a paper, decided by one quantity or by several that must all lie in their ranges.

    Parameters
    ----------
    name : str
        Unique in its paper: letters, digits and hyphens.
    answers : str
        Numbers of the statements in ``docs/statements.md``, such as ``"D8 N5"``.
    source : str
        Section, theorem or figure of the paper.
    statement : str
        The statement in one sentence.
    tests : tuple of Test
        Every test must be able to fail: for a program that predicts the mean, the claim must not be supported.
    mutation : str
        Name of an error in the program that should turn the claim. The tests of the library run every such error
        against one claim that names it.
    """

    name: str
    answers: str = ""
    source: str = ""
    statement: str
    tests: tuple[Test, ...]
    mutation: str = ""

    def verdict(self, result: Any) -> Verdict:
        """Return "supported" if the verdict of every test is "supported", and "contradicted" if that of one is."""
        verdicts = [test.verdict(test.measure(result)) for test in self.tests]
        order: tuple[Verdict, ...] = ("contradicted", "not measured", "not resolved", "supported")
        return next(verdict for verdict in order if verdict in verdicts)
