"""Where trials run on this machine: threads, or processes that may die without taking the study along.

Workers only compute. What came of a trial is put on `arrivals`, from which the calling thread alone takes.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal, Protocol

import psutil
from joblib.externals.loky.process_executor import BrokenProcessPool, ProcessPoolExecutor

from layerwise.studies.definition.lookup import StudyError
from layerwise.studies.definition.trial import Trial
from layerwise.studies.execution.cost import flops
from layerwise.studies.execution.one_thread import ENVIRONMENT, load, one_thread
from layerwise.studies.trials.run import Outcome, run

WorkersKind = Literal["auto", "threads", "processes"]
LARGE = 1e9  # flops, about a tenth of a second: from here on a process of its own is worth its start
IDLE_SECONDS = 60.0  # after which a process without work leaves


class WorkerDied(Exception):
    """The process that ran a trial, and no other one, is gone: killed, out of memory, or crashed in compiled code."""


class WorkersDied(Exception):
    """Several workers died under a trial; which of the trials that they held was to blame is not known."""


Arrival = tuple[Trial, Outcome | BaseException]


class Workers(Protocol):
    """What runs trials."""

    arrivals: SimpleQueue[Arrival]

    def next_arrival(self) -> Arrival:
        """Wait for what comes next."""
        return self.arrivals.get()

    def window(self) -> int:
        """How many trials may be handed out at once."""
        ...

    def submit(self, trial: Trial) -> None:
        """Hand out one trial; its outcome, or what was raised around it, will arrive."""
        ...

    def close(self) -> None:
        """Give up what is still running."""
        ...


def attempt(trial: Trial) -> Outcome:
    """Run a trial with one BLAS thread."""
    with one_thread(trial):
        return run(trial)


class Threads(Workers):
    """Trials in threads of this process, for those too small to be sent elsewhere.

    Parameters
    ----------
    n_workers : int
        How many at once.
    """

    def __init__(self, n_workers: int) -> None:
        self.arrivals: SimpleQueue[Arrival] = SimpleQueue()
        self._n_workers = n_workers
        self._tasks: SimpleQueue[Trial | None] = SimpleQueue()
        for _ in range(n_workers):  # daemons, for Ctrl-C does not wait for a long trial
            threading.Thread(target=self._work, name="layerwise-trial", daemon=True).start()

    def _work(self) -> None:
        while (trial := self._tasks.get()) is not None:
            try:
                self.arrivals.put((trial, attempt(trial)))
            except BaseException as error:
                self.arrivals.put((trial, error))

    def window(self) -> int:
        """More than there are threads: tiny trials go on while the disk takes the last ones, several at a time."""
        return 8 * self._n_workers

    def submit(self, trial: Trial) -> None:
        """Queue one trial."""
        self._tasks.put(trial)

    def close(self) -> None:
        """Start no more trials; one that is running ends in its own time, unheard."""
        with suppress(Empty):
            while True:
                self._tasks.get_nowait()
        for _ in range(self._n_workers):
            self._tasks.put(None)


class Processes(Workers):
    """Trials in processes, one at a time in each: no shared interpreter lock, a memory of its own, a death of its own.

    Each is a joblib (loky) executor of one worker, so that when one dies it is known with which trial.

    Parameters
    ----------
    n_workers : int
        How many at once.
    """

    def __init__(self, n_workers: int) -> None:
        self.arrivals: SimpleQueue[Arrival] = SimpleQueue()
        self._n_workers = n_workers
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: dict[str, ProcessPoolExecutor] = {}
        self._closed = False
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()  # joblib's remark that it replaced a worker whose memory had grown
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given", category=UserWarning)
        # Ctrl-C is raised in the main thread only: there it could leave joblib with a lock that nobody releases.
        self._tasks: SimpleQueue[Trial | None] = SimpleQueue()
        self._sender = threading.Thread(target=self._send_all, name="layerwise-sender", daemon=True)
        self._sender.start()

    def resident(self, trial: Trial) -> float:
        """Bytes that a process holds once it has imported what a trial names; that process is the first idle one."""
        executor = _process()
        self._idle.append(executor)
        try:
            return executor.submit(_resident, trial).result()
        except Exception:  # the trial will tell what is wrong
            return psutil.Process().memory_info().rss

    def window(self) -> int:
        """As many as there are processes."""
        return self._n_workers

    def submit(self, trial: Trial) -> None:
        """Queue one trial, to be sent to an idle process, or to a new one."""
        self._tasks.put(trial)

    def _send_all(self) -> None:
        while (trial := self._tasks.get()) is not None:
            try:
                if not self._closed:
                    self._send(trial)
            except BaseException as error:
                self.arrivals.put((trial, error))

    def _send(self, trial: Trial) -> None:
        while True:
            executor = self._idle.pop() if self._idle else _process()
            with suppress(BrokenProcessPool):  # it died while it was idle
                future = executor.submit(_attempt_alone, trial)
                break
        self._busy[trial.key] = executor
        future.add_done_callback(lambda future: self._arrive(trial, future))

    def _arrive(self, trial: Trial, future: Future[Outcome]) -> None:
        if self._closed:
            return
        executor = self._busy.pop(trial.key)
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            self.arrivals.put((trial, WorkerDied(str(error))))
            return
        self._idle.append(executor)
        self.arrivals.put((trial, future.result() if error is None else error))

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        self._closed = True
        self._tasks.put(None)
        self._sender.join()
        self._warnings.__exit__(None, None, None)
        for executor in [*self._idle, *self._busy.values()]:
            executor.shutdown(wait=True, kill_workers=True)


def _process() -> ProcessPoolExecutor:
    """Return an executor of one process that leaves interrupts to this one, and ends with it."""
    return ProcessPoolExecutor(1, timeout=IDLE_SECONDS, env=ENVIRONMENT, initializer=_settle, initargs=(os.getpid(),))


def _settle(parent: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal, or a batch system, sends them to the whole group
        signal.signal(number, signal.SIG_IGN)

    def end_with_parent() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if os.name == "posix":  # elsewhere the parent's number outlives it
        threading.Thread(target=end_with_parent, daemon=True).start()


def _resident(trial: Trial) -> float:
    with suppress(StudyError):
        load(trial)
    return psutil.Process().memory_info().rss


def _attempt_alone(trial: Trial) -> Outcome:
    """Run a trial as the only one of this process; where the system tells (Linux), with the peak of its memory."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak is what is held now
    except OSError:
        return attempt(trial)
    outcome = attempt(trial)
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return replace(outcome, peak_bytes=int(peak[1]) * 1024 if peak else None)


def local_workers(kind: WorkersKind, n_workers: int, trials: Sequence[Trial]) -> Threads | Processes:
    """Choose and start workers on this machine.

    Parameters
    ----------
    kind : {"auto", "threads", "processes"}
        "auto" takes processes where the largest trial is large and everything can be imported in another process.
    n_workers : int
        How many at once.
    trials : sequence of Trial
        What is to be run.

    Returns
    -------
    Threads or Processes
        The workers.

    Raises
    ------
    StudyError
        For processes that could not import what stands in the script that is being run.
    """
    if kind not in ("auto", "threads", "processes"):
        raise ValueError(f'workers={kind!r} should be "auto", "threads" or "processes".')
    if kind == "auto":
        large = any(flops(trial) >= LARGE for trial in trials)
        kind = "processes" if large and not any(map(_in_script, trials)) else "threads"
    if kind == "threads":
        return Threads(n_workers)
    check_importable(trials)
    return Processes(n_workers)


def check_importable(trials: Sequence[Trial]) -> None:
    """Refuse, for other processes, what is defined in the script that is being run.

    Raises
    ------
    StudyError
        Naming it.
    """
    for trial in trials:
        if path := _in_script(trial):
            raise StudyError(
                f'"{path}" is defined in the script that is being run, which other processes cannot import. Move it '
                'to a module of its own, or use workers="threads".'
            )


def _in_script(trial: Trial) -> str | None:
    return next((p for p in (trial.target, trial.inputs, trial.learner) if p.startswith("__main__.")), None)
