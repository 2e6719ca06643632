"""What a trial costs, before it runs: orders of magnitude, for which trials go first and how many fit at once.

With m the number of features the learner solves for (its ``width``, the n columns of a kernel matrix, a polynomial's
coefficients up to its ``degree``, otherwise the d inputs themselves),

    flops  2 (n + n_test) d m + 2 n m min(n, m)         features, then least squares on them
    bytes  8 (3 (n + n_test) d + 4 min(n, m)^2 + 4096 m)  data, the square matrices, one block of rows

Where trials of a learner have told their peak, that of the largest of them corrects the formula for all, upwards
(`Memory`); a process of its own comes on top. Nothing that is stored depends on these numbers.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from statistics import median
from typing import Any, TypeGuard

from layerwise.hermite import n_terms
from layerwise.studies.definition.lookup import LEARNERS, StudyError, find
from layerwise.studies.definition.trial import Trial
from layerwise.studies.trials.metrics import PREDICT_ROWS
from layerwise.studies.trials.run import Outcome

NOISE = 2**25  # bytes by which a process may grow for reasons of its own


def flops(trial: Trial) -> float:
    """Floating-point operations of a trial, by the formula above."""
    n, m = trial.n, _features(trial)
    return 2.0 * (n + trial.n_test) * trial.dim * m + 2.0 * n * m * min(n, m)


def peak_bytes(trial: Trial) -> float:
    """Memory a trial holds at its peak, by the formula above."""
    n, m = trial.n, _features(trial)
    return 8.0 * (3 * (n + trial.n_test) * trial.dim + 4 * min(n, m) ** 2 + PREDICT_ROWS * m)


class Memory:
    """What trials will hold: the formula's bytes, times what they were too low by where that has been seen.

    Parameters
    ----------
    process : float, default=0
        Bytes of a process before its first trial, which the peaks that are seen include.
    each : bool, default=False
        Whether every trial has such a process of its own.
    """

    def __init__(self, process: float = 0.0, *, each: bool = False) -> None:
        self._process = process
        self._each = process if each else 0.0
        self._seen: dict[str, tuple[float, float]] = {}  # by learner: bytes by formula of the largest, and the ratio

    def learn(self, trial: Trial, outcome: Outcome) -> None:
        """Take in what a trial held."""
        if outcome.peak_bytes is None:
            return
        formula = peak_bytes(trial)
        ratio = max(1.0, (outcome.peak_bytes - self._process - NOISE) / formula)
        self._seen[trial.learner] = max((formula, ratio), self._seen.get(trial.learner, (0.0, 1.0)))

    def needed(self, trial: Trial) -> float:
        """Bytes to be kept free for a trial."""
        return self._each + peak_bytes(trial) * self._seen.get(trial.learner, (0.0, 1.0))[1]


def longest_first(missing: Sequence[Trial], trials: Sequence[Trial], outcomes: Mapping[str, Outcome]) -> list[Trial]:
    """The missing trials, those that take longest first.

    Parameters
    ----------
    missing, trials : sequence of Trial
        What is to be run, and the whole study.
    outcomes : mapping
        What is known, by key: the seconds of earlier fits say what a flop of each learner costs.

    Returns
    -------
    list of Trial
        Longest first; equals stay in the order of the definition.
    """
    known = [(trial, outcomes[trial.key].fit_seconds) for trial in trials if trial.key in outcomes]
    speed = seconds_a_flop(known)
    return sorted(missing, key=lambda trial: flops(trial) * speed(trial), reverse=True)


def seconds_a_flop(known: Sequence[tuple[Trial, float]]) -> Callable[[Trial], float]:
    """How long a flop takes, as a function of the trial: the median of its learner's fits, else that of all.

    Parameters
    ----------
    known : sequence of (Trial, float)
        Trials and the seconds of their fits; NaN is left out.

    Returns
    -------
    callable
        From a trial to seconds; 1e-9 where nothing is known.
    """
    by_learner: dict[str, list[float]] = defaultdict(list)
    for trial, seconds in known:
        if seconds > 0:
            by_learner[trial.learner].append(seconds / flops(trial))
    everything = [rate for rates in by_learner.values() for rate in rates]
    overall = median(everything) if everything else 1e-9
    medians = {learner: median(rates) for learner, rates in by_learner.items()}
    return lambda trial: medians.get(trial.learner, overall)


def _features(trial: Trial) -> int:
    """The m of the formulas."""
    given = _defaults(trial.learner) | trial.learner_params
    if _whole(width := given.get("width")):
        return width
    if "kernel" in given:
        return trial.n
    for name in ("degree", "max_degree"):
        if _whole(degree := given.get(name)):
            return n_terms(trial.dim, degree)
    return trial.dim


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


@lru_cache(maxsize=1024)
def _defaults(path: str) -> dict[str, Any]:
    """A learner's parameters as they stand in its signature; empty where it cannot be seen, as the trial will tell."""
    try:
        parameters = inspect.signature(find(path, LEARNERS)).parameters.values()
    except (StudyError, TypeError, ValueError):
        return {}
    return {p.name: p.default for p in parameters}
