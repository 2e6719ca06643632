"""Run a study: what is missing, longest first, as much at once as memory allows, each outcome stored as it arrives.

Every trial has one BLAS thread, so its value does not depend on where it runs or on how many run beside it: threads,
processes and a Dask cluster of like machines give the same numbers bit for bit. Workers only compute; the calling
thread alone writes to the store.

A process of this machine runs one trial at a time, so it is known which trial it died of. A worker of a cluster has
several: of those that were lost with it, each is run once more in the end, with no other one, and only what kills
workers alone is a failed row.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from queue import Empty
from typing import TYPE_CHECKING, cast

import psutil
from joblib import effective_n_jobs

from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.definition.study import Study
from layerwise.studies.definition.trial import Trial
from layerwise.studies.execution.cost import Memory, longest_first
from layerwise.studies.execution.memory import memory_budget
from layerwise.studies.execution.workers import (
    Arrival,
    Processes,
    WorkerDied,
    Workers,
    WorkersDied,
    WorkersKind,
    check_importable,
    local_workers,
)
from layerwise.studies.storage.store import Store
from layerwise.studies.trials.run import Outcome

if TYPE_CHECKING:
    from distributed import Client

ATTEMPTS = 3  # of a trial whose process dies


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

    A trial that fails is a row with its error; so is one whose process died each of three times, or that kills the
    workers of a cluster with no other trial beside it. One run at a time writes to a store. Interrupted (Ctrl-C,
    or killed), the study loses only the trials in flight: run again on the same store, it goes on where it stopped.

    Parameters
    ----------
    study : Study
        What to run.
    store : Store or None, default=None
        Where outcomes, and the study itself, are found and kept; None keeps them in memory only.
    n_jobs : int or None, default=1
        Trials at once on this machine, as joblib counts them: -1 is one a core. Fewer run where the estimates of their
        memory (`layerwise.studies.execution.cost`), and of their processes, would together exceed what is free.
    workers : {"auto", "threads", "processes"}, default="auto"
        Where trials run on this machine. Threads start at once; processes (joblib's) do not share an interpreter and
        survive a trial that crashes. "auto" takes processes where the largest trial has at least 1e9 flops.
    client : distributed.Client or None, default=None
        Run on its Dask cluster instead, whose workers must be able to import layerwise and the study's own modules.
        There, memory is the workers' own affair: give each as many threads as trials it can hold.
    started : callable or None, default=None
        ``started(found, total)`` before the first trial: the outcomes of those that need not run, by key, and the
        number of all trials.
    callback : callable or None, default=None
        ``callback(done, total, trial, outcome)`` after each outcome is stored; `done` counts those found in the
        store too. Runs in the calling thread.
    retry_failed : bool, default=False
        Run trials again whose stored outcome is an error.
    rerun_changed : bool, default=False
        Rerun trials that were made from another source of the user's own classes
        (`layerwise.studies.trials.provenance`).

    Returns
    -------
    StudyResult
        All outcomes of the study.

    Raises
    ------
    StudyError
        For other processes or a cluster that cannot run the study, or a cluster that has had no workers for long
        (`layerwise.studies.execution.dask_workers.STOP_AFTER`, half an hour).
    StoreError
        For a store that another process is running trials into, or that can no longer be written to.

    Warns
    -----
    UserWarning
        Where outcomes found in the store were made by another version of layerwise, or from other source of a user's
        own classes; where a cluster has had no workers for a minute.
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
                from layerwise.studies.execution.dask_workers import DaskWorkers

                check_importable(missing)
                crew, budget = DaskWorkers(client), math.inf
            else:
                crew, budget = local_workers(workers, min(n_workers, len(missing)), missing), memory_budget()
            try:
                memory = _memory(crew, missing[0])
                for trial in trials:
                    if trial.key in outcomes:
                        memory.learn(trial, outcomes[trial.key])
                for arrived in _arriving(crew, missing, budget, memory):
                    if store is not None:
                        store.add_all(arrived)
                    for trial, outcome in arrived:
                        outcomes[trial.key] = outcome
                        if callback is not None:
                            callback(len(outcomes), len(trials), trial, outcome)
            finally:
                crew.close()
    return StudyResult(study, outcomes)


def _found(
    study: Study, trials: list[Trial], store: Store | None, retry_failed: bool, rerun_changed: bool
) -> dict[str, Outcome]:
    """The outcomes that a store holds and that count; the study is kept there."""
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
            f"{store.path} holds {len(changed)} trials of this study made from another source of "
            f"{', '.join(sorted(set().union(*changed.values())))}, or from one that is not known; they are kept, and "
            "the values may not belong together. Run them again with --rerun-changed (rerun_changed=True), or choose "
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


def _memory(crew: Workers, trial: Trial) -> Memory:
    """What trials are charged for: in processes, for one each."""
    if isinstance(crew, Processes):
        return Memory(crew.resident(trial), each=True)
    return Memory(psutil.Process().memory_info().rss)


def _arriving(
    crew: Workers, waiting: list[Trial], budget: float, memory: Memory
) -> Iterator[list[tuple[Trial, Outcome]]]:
    """Hand out trials and yield their outcomes, as many at a time as have arrived."""
    held: dict[str, Trial] = {}  # handed out
    beside: set[str] = set()  # trials that were out together with another one
    deaths: Counter[str] = Counter()
    suspects: list[Trial] = []  # lost with a worker that held others, too; each is run alone when the others are done
    while waiting or held or suspects:
        if not (waiting or held):
            beside.clear()
            waiting = [suspects.pop(0)]
        while len(held) < crew.window() and (trial := _next(waiting, held, budget, memory)):
            held[trial.key] = trial
            if len(held) > 1:
                beside.update(held)
            crew.submit(trial)
        finished, raised = [], None
        for trial, outcome in _arrivals(crew):
            del held[trial.key]
            if isinstance(outcome, WorkersDied):
                if trial.key in beside:
                    suspects.append(trial)
                    continue
                outcome = Outcome(math.nan, math.nan, str(outcome))
            if isinstance(outcome, WorkerDied):
                deaths[trial.key] += 1
                if deaths[trial.key] < ATTEMPTS:
                    waiting.insert(0, trial)
                    continue
                outcome = Outcome(math.nan, math.nan, f"WorkerDied: {ATTEMPTS} times. {outcome}")
            if isinstance(outcome, BaseException):
                raised = outcome
            else:
                memory.learn(trial, outcome)
                finished.append((trial, outcome))
        if finished:
            yield finished
        if raised is not None:
            raise raised


def _next(waiting: list[Trial], held: Mapping[str, Trial], budget: float, memory: Memory) -> Trial | None:
    """Take the first trial whose memory is free; with no others running, the first whatever it takes."""
    free = budget - sum(map(memory.needed, held.values()))
    for i, trial in enumerate(waiting):
        if not held or memory.needed(trial) <= free:
            return waiting.pop(i)
    return None


def _arrivals(crew: Workers) -> list[Arrival]:
    """Wait for an arrival; return it with those that came meanwhile."""
    arrived = [crew.next_arrival()]
    while True:
        try:
            arrived.append(crew.arrivals.get_nowait())
        except Empty:
            return arrived
