"""Run a study: what is missing, largest first, one BLAS thread a trial, each outcome stored as it arrives.

With one BLAS thread a trial's value does not depend on how many trials run beside it, so any number of workers
gives the same numbers bit for bit. Workers only compute; the calling thread alone writes to the store.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from typing import cast

from joblib import Parallel, delayed
from threadpoolctl import ThreadpoolController

from layerwise.studies.definition import Study
from layerwise.studies.result import StudyResult
from layerwise.studies.store import Store
from layerwise.studies.trial import Outcome, Trial, run


def run_study(
    study: Study,
    store: Store | None = None,
    *,
    n_jobs: int | None = 1,
    started: Callable[[int, int], object] | None = None,
    callback: Callable[[int, int, Trial, Outcome], object] | None = None,
    retry_failed: bool = False,
) -> StudyResult:
    """Run the trials of a study that have no outcome yet.

    A trial that fails is a row with its error. Interrupted (Ctrl-C, or killed), the study loses only the trials in
    flight: run again on the same store, it goes on where it stopped.

    Parameters
    ----------
    study : Study
        What to run.
    store : Store or None, default=None
        Where outcomes are found and kept; None keeps them in memory only.
    n_jobs : int or None, default=1
        Trials at once, in threads, as joblib counts them: -1 is one a core.
    started : callable or None, default=None
        ``started(found, total)`` before the first trial: how many of the trials need not run.
    callback : callable or None, default=None
        ``callback(done, total, trial, outcome)`` after each outcome is stored; `done` counts those found in the
        store too. Runs in the calling thread.
    retry_failed : bool, default=False
        Run trials again whose stored outcome is an error.

    Returns
    -------
    StudyResult
        All outcomes of the study.

    Warns
    -----
    UserWarning
        Where outcomes found in the store were made by another version of layerwise.
    """
    trials = study.trials()
    outcomes = {} if store is None else store.outcomes(trial.key for trial in trials)
    if retry_failed:
        outcomes = {key: outcome for key, outcome in outcomes.items() if outcome.error is None}
    missing = [trial for trial in trials if trial.key not in outcomes]
    missing.sort(key=lambda trial: (trial.n, trial.dim), reverse=True)
    if store is not None and (others := store.other_versions(outcomes)):
        warnings.warn(
            f"{store.path} holds trials of this study made by layerwise {', '.join(sorted(others))}; this version may "
            "give other values. To run them again, choose another store.",
            stacklevel=2,
        )
    if started is not None:
        started(len(outcomes), len(trials))

    controller = ThreadpoolController()
    workers = Parallel(n_jobs=n_jobs, backend="threading", return_as="generator_unordered")
    with controller.limit(limits=1):  # before the first trial is handed out
        arriving = cast("Generator[tuple[Trial, Outcome]]", workers(delayed(_run)(t, controller) for t in missing))
        try:
            for trial, outcome in arriving:
                if store is not None:
                    store.add(trial, outcome)
                outcomes[trial.key] = outcome
                if callback is not None:
                    callback(len(outcomes), len(trials), trial, outcome)
        finally:
            with warnings.catch_warnings():  # joblib's remark that trials were given up, after an interrupt
                warnings.simplefilter("ignore", UserWarning)
                arriving.close()
    return StudyResult(study, outcomes)


def _run(trial: Trial, controller: ThreadpoolController) -> tuple[Trial, Outcome]:
    """Run a trial in its worker; OpenMP's limit, unlike that of BLAS, holds only in the thread that sets it."""
    with controller.limit(limits=1, user_api="openmp"):
        return trial, run(trial)
