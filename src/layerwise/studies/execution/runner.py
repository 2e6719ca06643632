"""Run a study: the missing trials, longest first, as many at once as fit into memory, each outcome stored at once.

Every trial has one BLAS thread, so its value does not depend on where it runs or on what runs at the same time:
threads, processes and a Dask cluster of like machines give the same numbers bit for bit. Executors only compute; the
calling thread alone writes to the store.

A local process runs one trial at a time. If it dies, the cause is known, and that trial is run again. A worker of a
cluster holds several: those that were lost with it are quarantined, each is run once more with no other, and only a
trial that kills workers on its own becomes a failed row.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from queue import Empty
from typing import TYPE_CHECKING, cast

from joblib import effective_n_jobs

from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.definition.study import Study
from layerwise.studies.definition.trial import Trial
from layerwise.studies.execution.cost import Memory, longest_first
from layerwise.studies.execution.executors import (
    Completed,
    Executor,
    WorkerDied,
    WorkersDied,
    WorkersKind,
    check_importable,
    local_executor,
)
from layerwise.studies.execution.memory import memory_budget
from layerwise.studies.storage.store import Store
from layerwise.studies.trials.run import Outcome

if TYPE_CHECKING:
    from distributed import Client

MAX_DEATHS = 3  # a trial whose process has died this many times counts as failed


def run_study(
    study: Study,
    store: Store | None = None,
    *,
    n_jobs: int | None = 1,
    workers: WorkersKind = "auto",
    client: Client | None = None,
    started: Callable[[Mapping[str, Outcome], int], object] | None = None,
    callback: Callable[[int, int, Trial, Outcome], object] | None = None,
    retry_failed: bool = False,
    rerun_changed: bool = False,
) -> StudyResult:
    """Run the trials of a study that have no outcome yet.

    A trial that fails becomes a row with its error. So does a trial whose process died three times, or that kills the
    worker of a cluster when no other trial runs there. Only one run at a time writes to a store. If the study is
    interrupted or killed, only the trials in flight are lost; another call with the same store runs what is missing.

    Parameters
    ----------
    study : Study
    store : Store or None, default=None
        Store in which outcomes are looked up and kept, with the study itself. None keeps them in memory only.
    n_jobs : int or None, default=1
        Number of concurrent trials on this machine, as in joblib; fewer run where their expected memory
        (`layerwise.studies.execution.cost`) would exceed what is free.
    workers : {"auto", "threads", "processes"}, default="auto"
        Where trials run on this machine. Threads start faster; processes do not share an interpreter, and survive the
        crash of a trial. "auto" chooses them where the largest trial is expected to need at least 64 MiB.
    client : distributed.Client or None, default=None
        Run on the client's Dask cluster instead. Its workers must be able to import layerwise and the study's own
        modules. Memory is not limited there: give each worker no more threads than trials it can hold.
    started : callable or None, default=None
        ``started(found, total)`` is called before the first trial, with the outcomes found in the store, by key, and
        the number of all trials.
    callback : callable or None, default=None
        ``callback(done, total, trial, outcome)`` is called in the calling thread after each outcome is stored; `done`
        includes the outcomes found in the store.
    retry_failed : bool, default=False
        Whether to run trials again whose stored outcome is an error.
    rerun_changed : bool, default=False
        Whether to run trials again whose stored outcome was made from other source of the user's own classes
        (`layerwise.studies.trials.provenance`).

    Returns
    -------
    StudyResult

    Raises
    ------
    StudyError
        If processes or a cluster cannot import the study's classes, or a cluster has had no workers for half an hour
        (`layerwise.studies.execution.dask_workers.STOP_SECONDS`).
    StoreError
        If another process is running trials into the store, or it cannot be written to.

    Warns
    -----
    UserWarning
        If outcomes found in the store were made by another version of layerwise, or from other source of the user's
        own classes, and if a cluster has had no workers for a minute.
    """
    with nullcontext() if store is None else store.writing():
        trials = study.trials()
        outcomes = _found(study, trials, store, retry_failed, rerun_changed)
        n_workers = effective_n_jobs(cast("int", n_jobs))
        if started is not None:
            started(dict(outcomes), len(trials))
        if missing := [trial for trial in trials if trial.key not in outcomes]:
            missing = longest_first(missing, trials, outcomes)
            if client is not None:
                from layerwise.studies.execution.dask_workers import DaskExecutor

                check_importable(missing)
                executor, budget = DaskExecutor(client), math.inf
            else:
                executor = local_executor(workers, min(n_workers, len(missing)), missing)
                budget = memory_budget()
            try:
                memory = executor.memory(missing[0])
                for trial in trials:
                    if trial.key in outcomes:
                        memory.learn(trial, outcomes[trial.key])
                for completed in run_trials(executor, missing, budget, memory):
                    if store is not None:
                        store.add_all(completed)
                    for trial, outcome in completed:
                        outcomes[trial.key] = outcome
                        if callback is not None:
                            callback(len(outcomes), len(trials), trial, outcome)
            finally:
                executor.close()
    return StudyResult(study, outcomes)


def _found(
    study: Study, trials: list[Trial], store: Store | None, retry_failed: bool, rerun_changed: bool
) -> dict[str, Outcome]:
    """Return the outcomes of a store that need not be computed again, and keep the study there."""
    if store is None:
        return {}
    outcomes = store.outcomes(trial.key for trial in trials)
    if retry_failed:
        outcomes = {key: outcome for key, outcome in outcomes.items() if outcome.error is None}
    changed = store.other_sources(trial for trial in trials if trial.key in outcomes)
    if rerun_changed:
        outcomes = {key: outcome for key, outcome in outcomes.items() if key not in changed}
    elif changed:
        warnings.warn(
            f"{store.path} holds {len(changed)} trials of this study made from other source of "
            f"{', '.join(sorted(set().union(*changed.values())))}, or from unknown source. They are kept, although new "
            "trials may give inconsistent values. Run them again with --rerun-changed (rerun_changed=True), or choose "
            "another store.",
            stacklevel=3,
        )
    if others := store.other_versions(outcomes):
        warnings.warn(
            f"{store.path} holds trials of this study made by layerwise {', '.join(sorted(others))}; this version "
            "may give other values. To run them again, choose another store.",
            stacklevel=3,
        )
    store.keep_study(study)
    return outcomes


def run_trials(
    executor: Executor, waiting: list[Trial], budget: float, memory: Memory
) -> Iterator[list[tuple[Trial, Outcome]]]:
    """Submit trials in their order, and yield lists of those that have completed since the last one.

    The submitted trials need at most `budget` bytes together; one that needs more runs on its own.
    """
    waiting, submitted = list(waiting), {}
    accompanied: set[str] = set()  # trials that were submitted while others were
    deaths: Counter[str] = Counter()
    quarantined: list[Trial] = []  # lost with a worker that held others; each is run alone after all others
    while waiting or submitted or quarantined:
        if not (waiting or submitted):
            accompanied.clear()
            waiting = [quarantined.pop(0)]
        while len(submitted) < executor.capacity() and (trial := _next(waiting, submitted, budget, memory)):
            submitted[trial.key] = trial
            if len(submitted) > 1:
                accompanied.update(submitted)
            executor.submit(trial)
        outcomes, raised = [], None
        for trial, outcome in _all_completed(executor):
            del submitted[trial.key]
            if isinstance(outcome, WorkersDied):
                if trial.key in accompanied:
                    quarantined.append(trial)
                    continue
                outcome = Outcome(math.nan, math.nan, str(outcome))
            if isinstance(outcome, WorkerDied):
                deaths[trial.key] += 1
                if deaths[trial.key] < MAX_DEATHS:
                    waiting.insert(0, trial)
                    continue
                outcome = Outcome(math.nan, math.nan, f"WorkerDied: {MAX_DEATHS} times. {outcome}")
            if isinstance(outcome, BaseException):
                raised = outcome
            else:
                memory.learn(trial, outcome)
                outcomes.append((trial, outcome))
        if outcomes:
            yield outcomes
        if raised is not None:
            raise raised


def _next(waiting: list[Trial], submitted: Mapping[str, Trial], budget: float, memory: Memory) -> Trial | None:
    """Remove and return the first trial that fits into the free memory; if no other runs, the first in any case."""
    free = budget - sum(map(memory.needed, submitted.values()))
    for i, trial in enumerate(waiting):
        if not submitted or memory.needed(trial) <= free:
            return waiting.pop(i)
    return None


def _all_completed(executor: Executor) -> list[Completed]:
    """Wait for a trial to complete; return it with all others that have completed meanwhile."""
    completed = [executor.next_completed()]
    while True:
        try:
            completed.append(executor.completed.get_nowait())
        except Empty:
            return completed
