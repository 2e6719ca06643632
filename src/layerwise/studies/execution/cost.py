"""Expected memory and time of trials, which determine their order and how many run at once.

The memory of a trial is that of its data plus what its learner reports by ``memory_bytes(n_samples, n_features)``,

    bytes  8 * 3 (n + n_test) d + memory_bytes(n, d)

or that of the data alone for an estimator without this method. If peaks of a learner's trials were measured, the peak
of the largest trial corrects the estimates for all of its trials upwards (`Memory`). The memory of the process is
added. Times are assumed to be proportional to these bytes, at a rate for each learner. Stored results never depend on
these numbers.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import median

from layerwise.studies.definition.lookup import LEARNERS
from layerwise.studies.definition.trial import Trial, canonical_json
from layerwise.studies.trials.run import Outcome, build

PROCESS_GROWTH = 2**25  # bytes by which a process may grow for reasons unrelated to its trial


def peak_bytes(trial: Trial) -> float:
    """Return the expected peak memory of a trial in bytes, by the formula above."""
    data = 24.0 * (trial.n + trial.n_test) * trial.dim
    return data + _learner_bytes(trial.learner, canonical_json(trial.learner_params), trial.n, trial.dim)


@lru_cache(maxsize=4096)
def _learner_bytes(path: str, params: str, n: int, dim: int) -> float:
    """Return what a learner reports by ``memory_bytes``, 0 where it has no such method or cannot be built."""
    try:
        return float(build(path, LEARNERS, json.loads(params), 0).memory_bytes(n, dim))
    except Exception:  # a user's class may raise anything; the trial reports it
        return 0.0


class Memory:
    """The memory that trials will need: `peak_bytes`, times the factor by which it was too low where that was measured.

    ``process`` is the bytes of a process before its first trial, which measured peaks include; ``each`` tells that
    every trial runs in such a process of its own.
    """

    def __init__(self, process: float = 0.0, *, each: bool = False) -> None:
        self._process = process
        self._each = process if each else 0.0
        self._largest: dict[str, tuple[float, float]] = {}  # by learner: expected bytes of the largest, and the factor

    def learn(self, trial: Trial, outcome: Outcome) -> None:
        """Take the measured peak of a trial into account."""
        if outcome.peak_bytes is None:
            return
        expected = peak_bytes(trial)
        factor = max(1.0, (outcome.peak_bytes - self._process - PROCESS_GROWTH) / expected)
        self._largest[trial.learner] = max((expected, factor), self._largest.get(trial.learner, (0.0, 1.0)))

    def needed(self, trial: Trial) -> float:
        """Return the bytes that must be free for a trial to start."""
        return self._each + peak_bytes(trial) * self._largest.get(trial.learner, (0.0, 1.0))[1]


def longest_first(missing: Sequence[Trial], trials: Sequence[Trial], outcomes: Mapping[str, Outcome]) -> list[Trial]:
    """Sort the missing trials of a study by expected duration, the longest first; ties keep their order.

    The fit times of known outcomes (by key) give each learner's rate, or the rate of all learners where it has none.
    """
    by_learner: dict[str, list[float]] = defaultdict(list)
    for trial in trials:
        if trial.key in outcomes and (seconds := outcomes[trial.key].fit_seconds) > 0:
            by_learner[trial.learner].append(seconds / peak_bytes(trial))
    rates = {learner: median(values) for learner, values in by_learner.items()}
    overall = median([rate for values in by_learner.values() for rate in values] or [1.0])
    return sorted(missing, key=lambda trial: peak_bytes(trial) * rates.get(trial.learner, overall), reverse=True)
