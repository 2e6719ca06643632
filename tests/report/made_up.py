"""Studies with invented outcomes, which are exact and take no time."""

from __future__ import annotations

import math

from throwaway import Quadratic, Witness, small_study

from layerwise.studies import LearnerSpec, Outcome, StudyResult, TargetSpec

LAWS = {"linear": lambda d: 10 * d, "cubic": lambda d: 0.5 * d**3, "never": lambda d: 1e9}
SIZES = [64, 128, 256, 512, 1024, 2048, 4096]


def made_up(
    learners=tuple(LAWS), targets=("t",), name="made up", seeds=3, dims=(8, 16, 32), failing=None, error="Error: no"
):
    """Return a result with risks n*(d) / (2 n) and slight noise by seed; trials with `failing(label, n)` fail."""
    study = small_study(
        name=name,
        targets=[TargetSpec(label=label, use=Quadratic, params={"slope": float(i)}) for i, label in enumerate(targets)],
        learners=[LearnerSpec(label=label, use=Witness, params={"mark": i}) for i, label in enumerate(learners)],
        dims=list(dims),
        n=SIZES,
        seeds=seeds,
    )
    laws = [*LAWS.values()]
    outcomes = {}
    for target, label, trial in study.cells():
        law = laws[learners.index(label) % len(laws)]
        risk = 0.5 * (1 + targets.index(target)) * law(trial.dim) / trial.n * math.exp(0.1 * (trial.seed - 1))
        if failing is not None and failing(label, trial.n):
            outcomes[trial.key] = Outcome(math.nan, math.nan, error)
        else:
            metrics = {"feature_correlation": 1 / (1 + risk)} if label == learners[0] else {}
            outcomes[trial.key] = Outcome(risk, 0.1, metrics=metrics)
    return StudyResult(study, outcomes)


def keep(result, store):
    """Store a result as a run of its study would."""
    store.keep_study(result.study)
    store.add_all(
        [(trial, result.outcomes[trial.key]) for trial in result.study.trials() if trial.key in result.outcomes]
    )
