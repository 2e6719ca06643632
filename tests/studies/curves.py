"""Synthetic results: a study whose risks are given by a formula."""

import math

from throwaway import Quadratic, Witness, small_study

from layerwise.studies import LearnerSpec, Outcome, StudyResult, TargetSpec

SIZES = tuple(2**k for k in range(6, 14))


def made_up(risk, *, dims=(8, 16, 32), n=SIZES, seeds=1, learners=("a",), metrics=lambda *_: {}):
    """Return a result with risk and metrics by (learner, dim, n, seed); a risk of None is a failed trial."""
    study = small_study(
        targets=[TargetSpec(label="t", use=Quadratic)],
        learners=[LearnerSpec(label=label, use=Witness, params={"mark": i}) for i, label in enumerate(learners)],
        dims=list(dims),
        n=list(n),
        seeds=seeds,
    )
    outcomes = {}
    for _, learner, trial in study.cells():
        cell = (learner, trial.dim, trial.n, trial.seed)
        value, failed = risk(*cell), Outcome(math.nan, math.nan, "Error: no")
        outcomes[trial.key] = failed if value is None else Outcome(value, 0.1, metrics=metrics(*cell))
    return StudyResult(study, outcomes)


def power_law(_, d, n, seed=0):
    return 3.0 * d**1.7 / n
