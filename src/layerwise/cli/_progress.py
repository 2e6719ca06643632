"""Progress of a study: a live table in a terminal, an occasional line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from layerwise.cli._console import Interrupted, console

if TYPE_CHECKING:
    from layerwise.studies import Outcome, Study, Trial

LINE_SECONDS = 30.0  # between lines where there is no terminal
LONG_LIST = 100_000  # trials; listing more takes seconds


@dataclass
class Row:
    """The trials of one learner, and the risks of those that succeeded."""

    total: int = 0
    failed: int = 0
    risks: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        if outcome.error is None:
            self.risks.append(outcome.risk)
        else:
            self.failed += 1


@dataclass
class Work:
    """The expected bytes of one learner's remaining and completed trials, as a measure of work, and their seconds."""

    left: float = 0.0
    done: float = 0.0
    seconds: float = 0.0


class StudyProgress:
    """The progress of a running study."""

    def __init__(self, study: Study) -> None:
        from layerwise.studies.execution.cost import peak_bytes

        self._work_of = peak_bytes
        self._name = study.name
        self._rows: dict[str, Row] = {spec.label: Row() for spec in study.learners}
        self._labels: dict[str, set[str]] = {}
        self._trials: dict[str, Trial] = {}
        self._work: dict[str, Work] = {}
        if study.n_cells > LONG_LIST:
            console.print(f"{study.name}: listing {study.n_cells:,} trials", markup=False)
        for _, label, trial in study.cells():
            labels = self._labels.setdefault(trial.key, set())
            if label in labels:
                continue
            self._rows[label].total += 1
            if not labels:
                self._work.setdefault(trial.learner, Work()).left += peak_bytes(trial)
            labels.add(label)
            self._trials[trial.key] = trial
        self._began = self._last_line = time.monotonic()

    def started(self, found: Mapping[str, Outcome], total: int) -> None:
        """Print the number of trials, and count those found in the store."""
        for key, outcome in found.items():
            trial = self._trials[key]
            self._work[trial.learner].left -= self._work_of(trial)
            for label in self._labels[key]:
                self._rows[label].add(outcome)
        count = f"{len(found)} of {total} trials found in the store" if found else f"{total} trials"
        console.print(f"{self._name}: {count}", markup=False)

    def advance(self, done: int, total: int, trial: Trial, outcome: Outcome) -> None:
        """Count a trial that has just been stored."""
        for label in self._labels[trial.key]:
            self._rows[label].add(outcome)
        learner, work = self._work[trial.learner], self._work_of(trial)
        learner.left -= work
        if outcome.seconds > 0:  # not of a trial whose process died
            learner.done += work
            learner.seconds += outcome.seconds
        now = time.monotonic()
        if not console.is_terminal and now - self._last_line > LINE_SECONDS:
            self._last_line = now
            failed = sum(row.failed for row in self._rows.values())
            line = f"{self._name}: {done} of {total} trials, {failed} failed, {self.time_left()}"
            console.print(line, markup=False)

    def time_left(self) -> str:
        """Return the elapsed time multiplied by the remaining over the completed seconds of whole trials.

        A learner's remaining seconds are its remaining work at the rate of its completed trials; at the rate of all
        where it has none.
        """
        learners = list(self._work.values())
        done, seconds = sum(learner.done for learner in learners), sum(learner.seconds for learner in learners)
        if not seconds:
            return "time left unknown"
        rates = [learner.seconds / learner.done if learner.done else seconds / done for learner in learners]
        left = sum(learner.left * rate for learner, rate in zip(learners, rates, strict=True))
        return f"about {_duration((time.monotonic() - self._began) * max(left, 0.0) / seconds)} left"

    def __rich__(self) -> Table:
        """Return the current table."""
        title = f"{escape(self._name)}: {self.time_left()}"
        table = Table(
            "learner", "done", "failed", "remaining", "median risk", title=title, title_justify="left", box=None
        )
        for label, row in self._rows.items():
            risks = list(row.risks)  # copied, because another thread appends to it
            remaining = row.total - len(risks) - row.failed
            risk = f"{median(risks):.3g}" if risks else ""
            table.add_row(escape(label), f"{len(risks):,}", f"{row.failed:,}", f"{remaining:,}", risk)
        return table


@contextmanager
def study_progress(study: Study) -> Generator[StudyProgress]:
    """Show the progress of a study while it runs; Ctrl-C reports that finished trials are kept."""
    state = StudyProgress(study)
    try:
        if console.is_terminal:
            with Live(state, console=console, refresh_per_second=2):
                yield state
        else:
            yield state
    except KeyboardInterrupt:
        raise Interrupted from None


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
