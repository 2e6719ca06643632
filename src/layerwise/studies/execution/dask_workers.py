"""Trials on a Dask cluster, for when one machine is too small.

Dask runs a trial again when its worker dies, as often as `distributed.scheduler.allowed-failures` says (3 times), and
then gives up on every trial that the worker held. The runner finds which of them killed it: it runs each alone.

Dask waits for ever where no worker is left, and never replaces one that dies while it is being started. So workers are
counted while their trials are waited for.
"""

from __future__ import annotations

import time
import warnings
from concurrent.futures import CancelledError
from contextlib import suppress
from importlib.metadata import version
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, cast

from layerwise.studies.definition.lookup import StudyError
from layerwise.studies.definition.trial import Trial
from layerwise.studies.execution.one_thread import load
from layerwise.studies.execution.workers import Arrival, Workers, WorkersDied, attempt
from layerwise.studies.trials.run import Outcome

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 10.0
COUNT_EVERY = 5.0  # seconds between looks at how many workers there are
WARN_AFTER = 60.0  # seconds without any worker, longer than one takes to come back
STOP_AFTER = 1800.0  # as long as workers may have to queue for their machines
CURE = "start workers (`dask worker` with the scheduler's address) or scale the cluster up"
GONE = (
    "the Dask scheduler is gone, or the trials were cancelled there. Finished trials are kept: start it again, and run "
    "again."
)


def connect(scheduler: str) -> Client:
    """Connect to a running Dask scheduler.

    Parameters
    ----------
    scheduler : str
        Its address, such as ``"tcp://127.0.0.1:8786"``.

    Returns
    -------
    distributed.Client
        To be closed after use.

    Raises
    ------
    StudyError
        When Dask is not installed, or no scheduler answers there.
    """
    try:
        from distributed import Client
    except ImportError:
        raise StudyError("needs Dask. Install it: pip install 'layerwise[dask]'.", "scheduler") from None
    try:
        return Client(scheduler, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise StudyError(
            f'"{scheduler}" does not answer ({error}). Give the address that `dask scheduler` printed, such as '
            "tcp://127.0.0.1:8786.",
            "scheduler",
        ) from None


class DaskWorkers(Workers):
    """The workers of a cluster, however many there are at the time.

    Parameters
    ----------
    client : distributed.Client
        Connected to the cluster; left open.
    """

    def __init__(self, client: Client) -> None:
        self.arrivals: SimpleQueue[Arrival] = SimpleQueue()
        self._client = client
        self._futures: dict[str, Future] = {}  # Dask forgets what nobody holds
        self._threads, self._counted = 0, 0.0
        self._seen = time.monotonic()  # when there was a worker last
        self._warned = False

    def window(self) -> int:
        """Twice the threads of all workers: the next trial is there when the last one ends."""
        if time.monotonic() - self._counted > COUNT_EVERY:
            self._count()
        return 2 * max(1, self._threads)  # with none, until one comes

    def _count(self) -> None:
        self._counted = time.monotonic()
        if self._client.status == "running":
            with suppress(OSError):  # the scheduler is gone: the trials will say so
                self._threads = sum(cast("dict[str, int]", self._client.nthreads()).values())
        if self._threads:
            self._seen, self._warned = self._counted, False

    def next_arrival(self) -> Arrival:
        """Wait for what comes next, as long as there are workers it may come from.

        Raises
        ------
        StudyError
            After `STOP_AFTER` seconds without any.

        Warns
        -----
        UserWarning
            After `WARN_AFTER` seconds without any.
        """
        while True:
            with suppress(Empty):
                return self.arrivals.get(timeout=COUNT_EVERY)
            self._count()
            without = time.monotonic() - self._seen
            if without > STOP_AFTER:
                raise StudyError(
                    f"the Dask cluster has had no workers for {STOP_AFTER:g} s. Finished trials are kept: {CURE}, and "
                    "run again."
                )
            if without > WARN_AFTER and not self._warned:
                self._warned = True
                warnings.warn(
                    f"the Dask cluster has had no workers for {WARN_AFTER:g} s, and the trials wait for one: {CURE}. "
                    f"After {STOP_AFTER:g} s without, the study stops; finished trials are kept.",
                    stacklevel=5,  # who called run_study
                )

    def submit(self, trial: Trial) -> None:
        """Send one trial to the scheduler."""
        try:
            future = self._client.submit(_attempt_elsewhere, trial, version("layerwise"), pure=False)
        except Exception:
            if self._client.status == "running":
                raise
            self.arrivals.put((trial, StudyError(GONE)))
            return
        self._futures[trial.key] = future
        future.add_done_callback(lambda done: self._arrive(trial, done))

    def _arrive(self, trial: Trial, future: Future) -> None:
        self._futures.pop(trial.key, None)
        self.arrivals.put((trial, _result(future)))

    def close(self) -> None:
        """Withdraw what is still waiting or running; the cluster stays."""
        if self._client.status == "running":
            self._client.cancel(list(self._futures.values()))
        self._futures.clear()


def _attempt_elsewhere(trial: Trial, wanted: str) -> Outcome:
    if (found := version("layerwise")) != wanted:
        raise StudyError(f"a Dask worker has layerwise {found}, this is {wanted}. Install the same on every worker.")
    try:
        load(trial)
    except StudyError as error:  # this machine could: a failed row would say something about the worker, not the trial
        raise StudyError(
            f"a Dask worker cannot run the study: {error} Install the study's own modules on every worker, or start "
            "the workers with their folder in PYTHONPATH."
        ) from None
    return attempt(trial)


def _result(future: Future) -> Outcome | BaseException:
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        return WorkersDied(f"KilledWorker: {error}")
    except (CancelledError, OSError):
        return StudyError(GONE)
    except BaseException as error:
        return error
