"""Execution on a Dask cluster.

When a worker dies Dask runs its trials again, `distributed.scheduler.allowed-failures` times (3 by default), and then
gives up on every trial that the worker held. The runner runs each of them alone, to find which one killed the worker.

Dask waits forever if no worker is left, and never replaces one that dies during its start. So workers are counted while
trials are pending.
"""

from __future__ import annotations

import time
import warnings
from concurrent.futures import CancelledError
from contextlib import suppress
from importlib.metadata import version
from queue import Empty
from typing import TYPE_CHECKING, cast

from layerwise.studies.definition.lookup import StudyError
from layerwise.studies.definition.trial import Trial
from layerwise.studies.execution.executors import Completed, Executor, WorkersDied, run_with_one_thread
from layerwise.studies.execution.one_thread import load
from layerwise.studies.trials.run import Outcome

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 10.0
COUNT_SECONDS = 5.0  # seconds between looks at how many workers there are
WARN_SECONDS = 60.0  # seconds without any worker, longer than a restart takes
STOP_SECONDS = 1800.0  # seconds without any worker, as long as they may queue for their machines
ADVICE = "start workers (`dask worker` with the scheduler's address) or scale the cluster up"
SCHEDULER_LOST = (
    "the Dask scheduler is gone, or the trials were cancelled there. Finished trials are kept: start it again, and "
    "repeat the command."
)


def connect(scheduler: str) -> Client:
    """Connect to a running Dask scheduler, by its address; the caller closes the client.

    StudyError is raised if Dask is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise StudyError(
            "Dask is not installed. Install it with: pip install 'layerwise[dask]'.", "scheduler"
        ) from None
    try:
        return Client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise StudyError(
            f'"{scheduler}" does not answer ({error}). Give the address that `dask scheduler` printed, such as '
            "tcp://127.0.0.1:8786.",
            "scheduler",
        ) from None


class DaskExecutor(Executor):
    """Runs trials on the workers of a cluster, whose number may change; the client stays open."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._futures: dict[str, Future] = {}  # Dask cancels a task whose future is released
        self._threads, self._counted = 0, 0.0
        self._seen = time.monotonic()  # time of the last look at which there was a worker
        self._warned = False

    def capacity(self) -> int:
        """Return twice the threads of all workers, so that the next trial is there when one ends."""
        if time.monotonic() - self._counted > COUNT_SECONDS:
            self._count()
        return 2 * max(1, self._threads)  # two trials wait for the first worker

    def _count(self) -> None:
        self._counted = time.monotonic()
        if self._client.status == "running":
            with suppress(OSError):  # the scheduler is gone, which the trials report
                self._threads = sum(cast("dict[str, int]", self._client.nthreads()).values())
        if self._threads:
            self._seen, self._warned = self._counted, False

    def next_completed(self) -> Completed:
        """Wait for the next trial to complete, as long as there are workers.

        Warns after `WARN_SECONDS` seconds without any, and raises StudyError after `STOP_SECONDS`.
        """
        while True:
            with suppress(Empty):
                return self.completed.get(timeout=COUNT_SECONDS)
            self._count()
            without = time.monotonic() - self._seen
            if without > STOP_SECONDS:
                raise StudyError(
                    f"the Dask cluster has had no workers for {STOP_SECONDS:g} s. Finished trials are kept: {ADVICE}, "
                    "and repeat the command."
                )
            if without > WARN_SECONDS and not self._warned:
                self._warned = True
                warnings.warn(
                    f"the Dask cluster has had no workers for {WARN_SECONDS:g} s, and trials are waiting: {ADVICE}. "
                    f"After {STOP_SECONDS:g} s the study stops; finished trials are kept.",
                    stacklevel=5,  # the caller of run_study
                )

    def submit(self, trial: Trial) -> None:
        """Send one trial to the scheduler."""
        try:
            future = self._client.submit(_run_on_worker, trial, version("layerwise"), pure=False)
        except Exception:  # Dask raises many types once its scheduler is gone
            if self._client.status == "running":
                raise
            self.completed.put((trial, StudyError(SCHEDULER_LOST)))
            return
        self._futures[trial.key] = future
        future.add_done_callback(lambda done: self._complete(trial, done))

    def _complete(self, trial: Trial, future: Future) -> None:
        self._futures.pop(trial.key, None)
        self.completed.put((trial, _result(future)))

    def close(self) -> None:
        """Cancel the trials that are waiting or running; the cluster stays."""
        if self._client.status == "running":
            self._client.cancel(list(self._futures.values()))
        self._futures.clear()


def _run_on_worker(trial: Trial, wanted: str) -> Outcome:
    if (found := version("layerwise")) != wanted:
        raise StudyError(
            f"a Dask worker has layerwise {found}, this is {wanted}. Install the same version on every worker."
        )
    try:
        load(trial)
    except StudyError as error:  # this machine could import them: the worker is at fault, not the trial
        raise StudyError(
            f"a Dask worker cannot run the study: {error} Install the study's own modules on every worker, or start "
            "the workers with their folder in PYTHONPATH."
        ) from None
    return run_with_one_thread(trial)


def _result(future: Future) -> Outcome | BaseException:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        return WorkersDied(f"KilledWorker: {error}")
    except (CancelledError, OSError):
        return StudyError(SCHEDULER_LOST)
    except BaseException as error:
        return error
