"""Estimates by formula: the right order of magnitude, and the longest trials first."""

import math

import pytest
from throwaway import Features, Mean, small_study

from layerwise.hermite import n_terms
from layerwise.studies import LearnerSpec, Outcome
from layerwise.studies.execution import cost

MIB = 2**20


def trial_of(use, n=1000, dim=20, **params):
    spec = LearnerSpec(label="a", use=use, params=params)
    return small_study(learners=[spec], n=[n], dims=[dim], seeds=1).trials()[0]


@pytest.mark.parametrize(
    ("trial", "m"),
    [
        (trial_of(Features, width=256), 256),
        (trial_of(Features), 64),  # of the signature
        (trial_of(Mean), 20),
        (trial_of("KernelRegressor"), 1000),
        (trial_of("sklearn.kernel_ridge.KernelRidge"), 1000),
        (trial_of("HierarchicalRegressor", degree=2), n_terms(20, 2)),
        (trial_of("HierarchicalRegressor"), n_terms(20, 3)),
    ],
)
def test_flops_and_bytes_by_the_formula(trial, m):
    # catches: a kernel priced as a linear fit; a default width taken for none
    n, n_test, d = 1000, 500, 20
    assert cost.flops(trial) == 2 * (n + n_test) * d * m + 2 * n * m * min(n, m)
    assert cost.peak_bytes(trial) == 8 * (3 * (n + n_test) * d + 4 * min(n, m) ** 2 + 4096 * m)


def test_a_learner_that_is_gone_still_has_a_price():
    # catches: a study that stops before its failed rows are written
    trial = trial_of(Mean)
    object.__setattr__(trial, "learner", "throwaway.Gone")
    assert cost.flops(trial) > 0


def test_longest_first_and_by_what_is_known():
    # catches: small trials first, so that one long one ends the night; earlier fits that teach nothing
    wide, mean = trial_of(Features, width=256), trial_of(Mean)
    wide_next, mean_next = trial_of(Features, n=2000, width=256), trial_of(Mean, n=2000)
    trials = [mean, wide, mean_next, wide_next]
    assert cost.longest_first(trials, trials, {}) == [wide_next, wide, mean_next, mean]
    known = {mean.key: Outcome(1.0, 100.0), wide.key: Outcome(1.0, 0.001)}
    assert cost.longest_first([wide_next, mean_next], trials, known) == [mean_next, wide_next]
    failed = {mean.key: Outcome(math.nan, math.nan, "E"), wide.key: Outcome(1.0, 0.001)}
    assert cost.longest_first([mean_next, wide_next], trials, failed) == [wide_next, mean_next]


def test_memory_goes_by_the_largest_trial_seen():
    # catches: a learner's estimate raised for another one; a small trial's noise multiplied for a large one
    small, large, other = trial_of(Mean, n=100), trial_of(Mean, n=10**6), trial_of(Features, n=10**6)
    memory = cost.Memory(100 * MIB, each=True)
    before = {trial.key: memory.needed(trial) for trial in (small, large, other)}
    assert before[large.key] == 100 * MIB + cost.peak_bytes(large)
    memory.learn(small, Outcome(0.5, 0.1, peak_bytes=120 * MIB))  # as a process grows
    memory.learn(small, Outcome(0.5, 0.1))
    assert memory.needed(large) == before[large.key]
    memory.learn(large, Outcome(0.5, 0.1, peak_bytes=int(100 * MIB + cost.NOISE + 3 * cost.peak_bytes(large))))
    memory.learn(small, Outcome(0.5, 0.1, peak_bytes=1000 * MIB))
    assert memory.needed(large) == pytest.approx(100 * MIB + 3 * cost.peak_bytes(large))
    assert memory.needed(other) == before[other.key]
    memory.learn(large, Outcome(0.5, 0.1, peak_bytes=1))
    assert memory.needed(large) > before[large.key]
