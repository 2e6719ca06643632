"""Expected memory: from the estimator's own formula, corrected by measurements; the longest trials run first."""

import math

import pytest
from throwaway import Features, Mean, small_study

from layerwise.studies import LearnerSpec, Outcome
from layerwise.studies.execution import cost

MIB = 2**20


def trial_of(use, n=1000, dim=20, **params):
    spec = LearnerSpec(label="a", use=use, params=params)
    return small_study(learners=[spec], n=[n], dims=[dim], seeds=1).trials()[0]


class Raises(Mean):
    def memory_bytes(self, n_samples, n_features):
        raise RuntimeError


@pytest.mark.parametrize(
    ("trial", "own"),
    [
        (trial_of(Features, width=256), 8 * 256 * 1256),
        (trial_of(Features), 8 * 64 * 1064),  # the default width
        (trial_of(Mean), 0),
        (trial_of("sklearn.kernel_ridge.KernelRidge"), 0),
        (trial_of(Raises), 0),
    ],
)
def test_memory_is_that_of_the_data_and_of_the_estimator(trial, own):
    # catches: a learner's parameters, or its own formula, ignored; an estimator without the formula refused
    assert cost.peak_bytes(trial) == 24 * (1000 + 500) * 20 + own


def test_a_learner_that_cannot_be_imported_still_has_a_cost():
    # catches: a study that stops before its failed rows are written
    trial = trial_of(Mean)
    object.__setattr__(trial, "learner", "throwaway.Gone")
    assert cost.peak_bytes(trial) > 0


def test_longest_first_by_memory_and_known_seconds():
    # catches: small trials first, so that one long trial runs alone at the end; seconds of earlier fits ignored
    wide, mean = trial_of(Features, width=256), trial_of(Mean)
    wide_next, mean_next = trial_of(Features, n=2000, width=256), trial_of(Mean, n=2000)
    trials = [mean, wide, mean_next, wide_next]
    assert cost.longest_first(trials, trials, {}) == [wide_next, wide, mean_next, mean]
    known = {mean.key: Outcome(1.0, 100.0), wide.key: Outcome(1.0, 0.001)}
    assert cost.longest_first([wide_next, mean_next], trials, known) == [mean_next, wide_next]
    failed = {mean.key: Outcome(math.nan, math.nan, "E"), wide.key: Outcome(1.0, 0.001)}
    assert cost.longest_first([mean_next, wide_next], trials, failed) == [wide_next, mean_next]


def test_the_largest_measured_trial_corrects_the_estimate():
    # catches: the estimate of one learner raised for another; the noise of a small trial multiplied for a large one
    small, large, other = trial_of(Mean, n=100), trial_of(Mean, n=10**6), trial_of(Features, n=10**6)
    memory = cost.Memory(100 * MIB, each=True)
    before = {trial.key: memory.needed(trial) for trial in (small, large, other)}
    assert before[large.key] == 100 * MIB + cost.peak_bytes(large)
    memory.learn(small, Outcome(0.5, 0.1, peak_bytes=120 * MIB))  # within the growth of a process
    memory.learn(small, Outcome(0.5, 0.1))
    assert memory.needed(large) == before[large.key]
    measured = int(100 * MIB + cost.PROCESS_GROWTH + 3 * cost.peak_bytes(large))
    memory.learn(large, Outcome(0.5, 0.1, peak_bytes=measured))
    memory.learn(small, Outcome(0.5, 0.1, peak_bytes=1000 * MIB))
    assert memory.needed(large) == pytest.approx(100 * MIB + 3 * cost.peak_bytes(large))
    assert memory.needed(other) == before[other.key]
    memory.learn(large, Outcome(0.5, 0.1, peak_bytes=1))
    assert memory.needed(large) > before[large.key]
