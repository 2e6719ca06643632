"""How far a study is: a live table in a terminal, a line now and then elsewhere."""

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

LINE_EVERY = 30.0  # seconds between lines where there is no terminal


@dataclass
class Row:
    """One learner: its trials, and the risks of those that succeeded."""

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
    """What one learner's fits took and what is left, in the flops of `layerwise.studies.execution.cost`."""

    left: float = 0.0
    done: float = 0.0
    seconds: float = 0.0


class StudyProgress:
    """The state of a study while it runs.

    Parameters
    ----------
    study : Study
        What runs.
    """

    def __init__(self, study: Study) -> None:
        from layerwise.studies.execution.cost import flops

        self._flops = flops
        self._name = study.name
        self._rows: dict[str, Row] = {spec.label: Row() for spec in study.learners}
        self._labels: dict[str, set[str]] = {}
        self._trials: dict[str, Trial] = {}
        self._work: dict[str, Work] = {}
        for _, label, trial in study.cells():
            labels = self._labels.setdefault(trial.key, set())
            if label in labels:
                continue
            self._rows[label].total += 1
            if not labels:
                self._work.setdefault(trial.learner, Work()).left += flops(trial)
            labels.add(label)
            self._trials[trial.key] = trial
        self._began = self._said = time.monotonic()

    def started(self, found: Mapping[str, Outcome], total: int) -> None:
        """Say what there is to do; count what need not run, by key."""
        for key, outcome in found.items():
            trial = self._trials[key]
            self._work[trial.learner].left -= self._flops(trial)
            for label in self._labels[key]:
                self._rows[label].add(outcome)
        count = f"{len(found)} of {total} trials found in the store" if found else f"{total} trials"
        console.print(f"{self._name}: {count}", highlight=False, markup=False)

    def advance(self, done: int, total: int, trial: Trial, outcome: Outcome) -> None:
        """Count a trial that has just been stored."""
        for label in self._labels[trial.key]:
            self._rows[label].add(outcome)
        work, flops = self._work[trial.learner], self._flops(trial)
        work.left -= flops
        if outcome.error is None:
            work.done += flops
            work.seconds += outcome.fit_seconds
        now = time.monotonic()
        if not console.is_terminal and now - self._said > LINE_EVERY:
            self._said = now
            failed = sum(row.failed for row in self._rows.values())
            line = f"{self._name}: {done} of {total} trials, {failed} failed, {self._left()}"
            console.print(line, highlight=False, markup=False)

    def _left(self) -> str:
        """The time left: the time so far, times the work left over the work done, each learner at its own speed."""
        works = list(self._work.values())
        done, seconds = sum(work.done for work in works), sum(work.seconds for work in works)
        if not seconds:
            return "time left unknown"
        speeds = [work.seconds / work.done if work.done else seconds / done for work in works]
        left = sum(work.left * speed for work, speed in zip(works, speeds, strict=True))
        return f"about {_duration((time.monotonic() - self._began) * max(left, 0.0) / seconds)} left"

    def __rich__(self) -> Table:
        """The table as it is now."""
        title = f"{escape(self._name)}: {self._left()}"
        table = Table(
            "learner", "done", "failed", "remaining", "median risk", title=title, title_justify="left", box=None
        )
        for label, row in self._rows.items():
            risks = list(row.risks)  # the drawing thread reads while the other one adds
            remaining = row.total - len(risks) - row.failed
            risk = f"{median(risks):.3g}" if risks else ""
            table.add_row(escape(label), f"{len(risks):,}", f"{row.failed:,}", f"{remaining:,}", risk)
        return table


@contextmanager
def study_progress(study: Study) -> Generator[StudyProgress]:
    """Show how far a study is while it runs; Ctrl-C says that finished trials are kept."""
    state = StudyProgress(study)
    try:
        if console.is_terminal:
            with Live(state, console=console, refresh_per_second=2):
                yield state
        else:
            yield state
    except KeyboardInterrupt:
        raise Interrupted("finished trials are kept, the same command goes on from there.") from None


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
