"""Execution on this machine: in threads, or in processes, whose death does not end the study.

Executors only compute. Outcomes are put on the queue `Executor.completed`, which only the calling thread reads.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal

import psutil
from loky import BrokenProcessPool, ProcessPoolExecutor

from layerwise.studies.definition.lookup import StudyError
from layerwise.studies.definition.trial import Trial
from layerwise.studies.execution.cost import Memory, peak_bytes
from layerwise.studies.execution.one_thread import ENVIRONMENT, load, one_thread
from layerwise.studies.trials.run import Outcome, run

WorkersKind = Literal["auto", "threads", "processes"]
LARGE_BYTES = 2**26  # a trial of this memory takes about a tenth of a second, and is worth the start of a process
IDLE_SECONDS = 60.0  # after which an idle process ends
SIGNAL_SECONDS = 0.5  # after which the calling thread looks for a signal such as Ctrl-C


class WorkerDied(Exception):
    """The process that ran this trial, and no other, ended: killed, out of memory, or crashed in compiled code."""


class WorkersDied(Exception):
    """Several workers died while they held this trial; which of their trials was the cause is not known."""


Completed = tuple[Trial, Outcome | BaseException]


class Executor(ABC):
    """Runs trials concurrently."""

    def __init__(self) -> None:
        self.completed: SimpleQueue[Completed] = SimpleQueue()

    def next_completed(self) -> Completed:
        """Wait for the next trial to complete."""
        while True:  # a signal that reaches another thread does not end a wait without a limit
            with suppress(Empty):
                return self.completed.get(timeout=SIGNAL_SECONDS)

    def memory(self, trial: Trial) -> Memory:
        """Return the model of memory for trials like this one; by default all trials share this process."""
        return Memory(psutil.Process().memory_info().rss)

    @abstractmethod
    def capacity(self) -> int:
        """Return the number of trials that may be submitted and not yet completed."""

    @abstractmethod
    def submit(self, trial: Trial) -> None:
        """Submit a trial. Its outcome, or the exception of its worker, is put on `completed`."""

    @abstractmethod
    def close(self) -> None:
        """Abandon all trials that are not yet completed."""


def run_with_one_thread(trial: Trial) -> Outcome:
    """Run a trial with one BLAS thread."""
    with one_thread(trial):
        return run(trial)


class ThreadExecutor(Executor):
    """Runs trials in threads of this process."""

    def __init__(self, n_workers: int) -> None:
        super().__init__()
        self._n_workers = n_workers
        self._tasks: SimpleQueue[Trial | None] = SimpleQueue()
        for _ in range(n_workers):  # daemons, because Ctrl-C does not wait for a long trial
            threading.Thread(target=self._work, name="layerwise-trial", daemon=True).start()

    def _work(self) -> None:
        while (trial := self._tasks.get()) is not None:
            try:
                self.completed.put((trial, run_with_one_thread(trial)))
            except BaseException as error:
                self.completed.put((trial, error))

    def capacity(self) -> int:
        """Return more than the number of threads: tiny trials continue while the last ones are written to disk."""
        return 8 * self._n_workers

    def submit(self, trial: Trial) -> None:
        """Queue a trial."""
        self._tasks.put(trial)

    def close(self) -> None:
        """Start no further trials; those that are running end in the background, and their outcomes are ignored."""
        with suppress(Empty):
            while True:
                self._tasks.get_nowait()
        for _ in range(self._n_workers):
            self._tasks.put(None)


class ProcessExecutor(Executor):
    """Runs trials in processes, one trial per process at a time.

    Processes do not share an interpreter lock or memory, and a crash ends only its own trial. Each is a loky executor
    with one worker, so that it is known which trial ended its process.
    """

    def __init__(self, n_workers: int) -> None:
        super().__init__()
        self._n_workers = n_workers
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: dict[str, ProcessPoolExecutor] = {}
        self._closed = False
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()  # loky warns where it replaced a worker whose memory had grown
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given", category=UserWarning)
        # KeyboardInterrupt is raised in the main thread only, where it could interrupt loky while it holds a lock.
        self._tasks: SimpleQueue[Trial | None] = SimpleQueue()
        self._sender = threading.Thread(target=self._send_all, name="layerwise-sender", daemon=True)
        self._sender.start()

    def memory(self, trial: Trial) -> Memory:
        """Return the model of memory for trials that each run in a process of their own."""
        return Memory(self.resident(trial), each=True)

    def resident(self, trial: Trial) -> float:
        """Return the bytes of a process that has imported the classes of a trial; it is kept as the first idle one."""
        executor = _one_process()
        self._idle.append(executor)
        try:
            return executor.submit(_resident, trial).result()
        except Exception:  # the trial reports the cause
            return psutil.Process().memory_info().rss

    def capacity(self) -> int:
        """Return the number of processes."""
        return self._n_workers

    def submit(self, trial: Trial) -> None:
        """Queue a trial for an idle process, or for a new process if none is idle."""
        self._tasks.put(trial)

    def _send_all(self) -> None:
        while (trial := self._tasks.get()) is not None:
            try:
                if not self._closed:
                    self._send(trial)
            except BaseException as error:
                self.completed.put((trial, error))

    def _send(self, trial: Trial) -> None:
        while True:
            executor = self._idle.pop() if self._idle else _one_process()
            with suppress(BrokenProcessPool):  # it died while it was idle
                future = executor.submit(_run_alone, trial)
                break
        self._busy[trial.key] = executor
        future.add_done_callback(lambda future: self._complete(trial, future))

    def _complete(self, trial: Trial, future: Future[Outcome]) -> None:
        if self._closed:
            return
        executor = self._busy.pop(trial.key)
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            self.completed.put((trial, WorkerDied(str(error))))
            return
        self._idle.append(executor)
        self.completed.put((trial, future.result() if error is None else error))

    def close(self) -> None:
        """Kill all processes."""
        self._closed = True
        self._tasks.put(None)
        self._sender.join()
        self._warnings.__exit__(None, None, None)
        for executor in [*self._idle, *self._busy.values()]:
            executor.shutdown(wait=True, kill_workers=True)


def _one_process() -> ProcessPoolExecutor:
    """Return an executor of one process, which ignores interrupts and ends when this process does."""
    return ProcessPoolExecutor(
        1, timeout=IDLE_SECONDS, env=ENVIRONMENT, initializer=_initialize, initargs=(os.getpid(),)
    )


def _initialize(parent: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # terminals and batch systems send them to the whole process group
        signal.signal(number, signal.SIG_IGN)

    def end_with_parent() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if os.name == "posix":  # elsewhere a process keeps the number of a parent that has ended
        threading.Thread(target=end_with_parent, daemon=True).start()


def _resident(trial: Trial) -> float:
    with suppress(StudyError):
        load(trial)
    return psutil.Process().memory_info().rss


def _run_alone(trial: Trial) -> Outcome:
    """Run the only trial of this process, and report the peak of its memory where the system does (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak to the current memory
    except OSError:
        return run_with_one_thread(trial)
    outcome = run_with_one_thread(trial)
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return replace(outcome, peak_bytes=int(peak[1]) * 1024 if peak else None)


def local_executor(kind: WorkersKind, n_workers: int, trials: Sequence[Trial]) -> ThreadExecutor | ProcessExecutor:
    """Start an executor for these trials on this machine.

    "auto" chooses processes where the largest trial needs at least `LARGE_BYTES` and all classes can be imported in
    another process. For "processes", StudyError is raised for a class defined in the running script.
    """
    if kind not in ("auto", "threads", "processes"):
        raise ValueError(f'workers={kind!r} must be "auto", "threads" or "processes". Pass one of them.')
    if kind == "auto":
        large = any(peak_bytes(trial) >= LARGE_BYTES for trial in trials)
        kind = "processes" if large and not any(map(_defined_in_script, trials)) else "threads"
    if kind == "threads":
        return ThreadExecutor(n_workers)
    check_importable(trials)
    return ProcessExecutor(n_workers)


def check_importable(trials: Sequence[Trial]) -> None:
    """Raise StudyError for a class that is defined in the running script, which other processes cannot import."""
    for trial in trials:
        if path := _defined_in_script(trial):
            raise StudyError(
                f'"{path}" is defined in the script that is running, which other processes cannot import. Move it to a '
                'module of its own, or use workers="threads".'
            )


def _defined_in_script(trial: Trial) -> str | None:
    return next((path for path, _ in trial.paths if path.startswith("__main__.")), None)
