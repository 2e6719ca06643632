"""Candidates compared on common folds within a time budget.

Each candidate is fitted without the first fold, and makes all of its choices there. If its error on the rows of that
fold is clearly larger than that of the best candidate, or the time does not suffice, it is dropped; otherwise it is
fitted without each of the other folds with the same choices, which takes a fraction of the time of the first fit. A
candidate whose expected time exceeds the time left is fitted to fewer rows, or skipped.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from layerwise._deadline import OutOfTime, time_limit
from layerwise.learners.automatic.candidates import FLOPS, Candidate, refit
from layerwise.solvers.squared_errors import lead

#: A candidate is dropped after the first fold if its error there is more than `MAX_RATIO` times the smallest, and
#: larger by more than `MIN_LEAD` standard errors.
MAX_RATIO, MIN_LEAD = 1.3, 2.0
#: Models that learn features and take over a second are tried only if a cheaper one has a lower error than the mean,
#: by this many standard errors.
MIN_SIGNAL = 1.5
#: If the error of the best candidate is below this share of the variance of y, no further features are learnt.
NEGLIGIBLE = 1e-4
#: Smallest number of rows to which a candidate is fitted if the time does not suffice for all.
MIN_ROWS = 1000
#: Candidates that are tried whatever the budget.
ALWAYS = ("mean", "ridge", "boosting")
#: Share of the time left that one candidate may take.
MAX_SHARE = 0.7
#: At the end, candidates are started whose expected time is at most this many times what is left; a deadline ends them.
SLACK = 3.0
#: Smallest and largest factor between actual and expected times.
SLOWNESS = (0.2, 10.0)
#: Number of entries of a table above which boosting is faster with several threads.
SMALL = 1_000_000
#: Predictions are clipped to the range of the labels, widened by this share of it on either side.
MARGIN = 1.0


@dataclass
class Entry:
    """The results of one candidate.

    ``out_of_fold`` (n_samples,) holds the prediction for each row by the fit to the other folds, or NaN; ``models``
    lists these fits by fold. ``complete`` says whether all folds were fitted, ``seconds`` how long this took.
    ``n_rows`` is the number of rows of the first fit. ``note`` says why the candidate was skipped, dropped or fitted to
    fewer rows.
    """

    name: str
    out_of_fold: np.ndarray
    models: list[Any] = field(default_factory=list)
    complete: bool = False
    seconds: float = 0.0
    n_rows: int = 0
    note: str = ""


class Race:
    """Runs candidates on X (n_samples, n_features), labels y (n_samples,) and folds (n_samples,).

    A fold of -1 marks rows that are never held out. ``seconds`` is the time budget from now on. ``report`` is called
    before each candidate with its name and the share of the budget used.
    """

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        folds: np.ndarray,
        seconds: float,
        seed: int,
        report: Callable[[str, float], None] | None = None,
    ) -> None:
        self.X, self.y, self.folds, self.seed, self.report = X, y, folds, seed, report
        self.n_folds = int(folds.max()) + 1
        self.seen = folds >= 0
        self.start, self.seconds = monotonic(), seconds
        self.slowness = slowness()
        self._expected_so_far, self._took_so_far = 0.5, 0.5 * self.slowness
        self.entries: list[Entry] = []
        self._pending: list[tuple[Candidate, Entry, float]] = []
        self._skipped: list[tuple[Candidate, Entry]] = []
        spread = np.ptp(y)
        self.range = float(y.min() - MARGIN * spread), float(y.max() + MARGIN * spread)

    @property
    def left(self) -> float:
        """Seconds left of the budget."""
        return self.seconds - (monotonic() - self.start)

    def run(self, candidate: Candidate, slack: float = 1.0) -> Entry:
        """Run one candidate and append its entry; the expected time may exceed what is left by a factor ``slack``."""
        entry = Entry(candidate.name, np.full(len(self.y), np.nan))
        self.entries.append(entry)
        if self.report is not None:
            self.report(candidate.name, 1 - self.left / self.seconds)
        entry.note = self._why_skip(candidate)
        if entry.note:
            return entry
        began, first = monotonic(), self.folds != 0
        rows = np.flatnonzero(first)
        n_rows = self._affordable(candidate, len(rows), slack)
        if not n_rows:
            self._skipped.append((candidate, entry))
            entry.note = f"would take {self._expected(candidate, len(rows)):.0f} s; {max(self.left, 0):.0f} s are left"
            return entry
        if n_rows < len(rows):
            rows = np.sort(np.random.RandomState(self.seed).permutation(rows)[:n_rows])
            entry.note = f"fitted to {n_rows:,} random rows"
        entry.n_rows = n_rows
        try:
            share = (1 + MAX_SHARE) / 2 if slack == 1 else 1 / (1 + candidate.refit_share * self.n_folds)
            with time_limit(max(share * self.left, 0.1)), quiet(self.X.size):
                model = candidate.make(self.seed).fit(self.X[rows], self.y[rows])
                self._predict(entry, model, 0)
                took = monotonic() - began
                self._learn_speed(candidate, n_rows, took)
                if self._is_behind(entry):
                    entry.note = "behind on the first fold"
                elif self._refits(candidate, took) < MAX_SHARE * self.left or candidate.name in ALWAYS:
                    self._other_folds(entry)
                else:
                    self._pending.append((candidate, entry, took))
        except OutOfTime:
            entry.note = f"stopped after {monotonic() - began:.0f} s: it took longer than expected"
        except (ValueError, np.linalg.LinAlgError, MemoryError) as error:
            entry.note = f"failed: {str(error).splitlines()[0]}"
        entry.seconds = monotonic() - began
        return entry

    def finish(self) -> None:
        """Complete the candidates postponed for lack of time, then start those that were skipped for it."""
        self._complete_pending()
        rows = int(np.sum(self.folds != 0))
        skipped = sorted(self._skipped, key=lambda each: self._expected(each[0], rows))
        for candidate, entry in skipped:
            self.entries = [each for each in self.entries if each is not entry]
            self.run(candidate, SLACK)
        self._complete_pending()

    def _complete_pending(self) -> None:
        """Fit the other folds of candidates that have the first, those with the smallest errors first."""
        first = self.folds == 0

        def error(entry: Entry) -> float:
            return float(np.mean((entry.out_of_fold - self.y)[first] ** 2))

        for candidate, entry, took in sorted(self._pending, key=lambda each: error(each[1])):
            best = self.best()
            if best is not None and error(entry) > error(best):
                entry.note = "no time for the other folds; not the best on the first"
                continue
            if self._refits(candidate, took) > self.left:
                entry.note = f"no time for the other folds: {took:.1f} s for the first"
                continue
            began = monotonic()
            try:
                with time_limit(self.left), quiet(self.X.size):
                    self._other_folds(entry)
            except (OutOfTime, ValueError, np.linalg.LinAlgError) as problem:
                entry.note = f"other folds not finished: {str(problem).splitlines()[0]}"
            entry.seconds += monotonic() - began
        self._pending = []

    def _refits(self, candidate: Candidate, took: float) -> float:
        """Expected seconds of the other folds and of the fit to all rows."""
        return candidate.refit_share * took * self.n_folds

    def _other_folds(self, entry: Entry) -> None:
        model, n_rows = entry.models[0], entry.n_rows
        for fold in range(1, self.n_folds):
            inside = np.flatnonzero(self.folds != fold)
            if n_rows < np.sum(self.folds != 0):
                inside = np.sort(np.random.RandomState(self.seed + fold).permutation(inside)[:n_rows])
            self._predict(entry, refit(model, self.X[inside], self.y[inside]), fold)
        entry.complete = True

    def _predict(self, entry: Entry, model: Any, fold: int) -> None:
        out = self.folds == fold
        predicted = np.clip(model.predict(self.X[out]), *self.range)
        if not np.isfinite(predicted).all():
            raise ValueError("its predictions are not finite")
        entry.out_of_fold[out] = predicted
        entry.models.append(model)

    def best(self) -> Entry | None:
        """The complete candidate with the smallest out-of-fold error."""
        complete = [entry for entry in self.entries if entry.complete]
        return min(complete, key=self.error, default=None)

    def error(self, entry: Entry) -> float:
        """Out-of-fold mean squared error."""
        return float(np.mean((entry.out_of_fold - self.y)[self.seen] ** 2))

    def score(self, entry: Entry) -> dict[str, Any]:
        """A row of `LayerwiseRegressor.scores_` without the weight; R² is over the rows predicted so far."""
        rows = np.isfinite(entry.out_of_fold)
        r2 = error = np.nan
        if rows.any() and np.var(self.y[rows]) > 0:
            y = self.y[rows]
            misses, squares = (entry.out_of_fold[rows] - y) ** 2, (y - y.mean()) ** 2
            share = misses.mean() / squares.mean()
            r2, error = 1 - share, np.std(misses - share * squares) / (squares.mean() * np.sqrt(len(y)))
        return {
            "candidate": entry.name,
            "r2": float(r2),
            "standard_error": float(error),
            "seconds": entry.seconds,
            "n_rows": entry.n_rows,
            "note": entry.note,
        }

    def subsample(self, n_rows: int) -> np.ndarray:
        """Random rows for a candidate that is fitted to ``n_rows``."""
        return np.sort(np.random.RandomState(self.seed).permutation(len(self.y))[:n_rows])

    def _is_behind(self, entry: Entry) -> bool:
        best = self.best()
        if best is None or self.n_folds == 1:
            return False
        out = self.folds == 0
        squares = np.array([(each.out_of_fold - self.y)[out] ** 2 for each in (entry, best)])
        return bool(squares[0].mean() > MAX_RATIO * squares[1].mean() and lead(squares) > MIN_LEAD)

    def _why_skip(self, candidate: Candidate) -> str:
        n, d = self.X.shape
        needed = candidate.rows(d)
        if n < needed:
            return f"needs {needed:,} rows for {d} column{'s' * (d != 1)}"
        best = self.best()
        if best is None or not candidate.learns:
            return ""
        if self.error(best) < NEGLIGIBLE * np.var(self.y):
            return "nothing left to explain"
        squares = [(e.out_of_fold - self.y)[self.seen] ** 2 for e in self.entries if e.complete]
        ahead = [lead(np.array([squares[0], each])) for each in squares[1:]]
        if candidate.seconds(n, d) > 1 and max(ahead, default=0.0) < MIN_SIGNAL:
            return "no signal: no cheaper model predicts better than the mean out of fold"
        return ""

    def _expected(self, candidate: Candidate, n_rows: int) -> float:
        fits = 1 + candidate.refit_share * self.n_folds  # with the fit to all rows at the end
        return self.slowness * candidate.seconds(n_rows, self.X.shape[1]) * fits

    def _learn_speed(self, candidate: Candidate, n_rows: int, took: float) -> None:
        """Update the slowness by a fit: other programs may use the machine, or the formula may be wrong for it."""
        self._expected_so_far += candidate.seconds(n_rows, self.X.shape[1])
        self._took_so_far += took
        self.slowness = float(np.clip(self._took_so_far / self._expected_so_far, *SLOWNESS))

    def _affordable(self, candidate: Candidate, n: int, slack: float) -> int:
        """The largest number of rows within the time left: n, or n / 2, n / 4, ...; 0 if they are too few."""
        least = max(MIN_ROWS, candidate.rows(self.X.shape[1]))
        n_rows = n
        while self._expected(candidate, n_rows) > slack * MAX_SHARE * self.left:
            n_rows //= 2
            if n_rows < least:
                return n if candidate.name in ALWAYS else 0
        return n_rows


def slowness() -> float:
    """Seconds that this machine now takes for 1 second of the reference core (`FLOPS`), from a small matrix product."""
    A = np.ones((400, 400))
    times = []
    for _ in range(5):
        start = monotonic()
        _ = A @ A
        times.append(monotonic() - start)
    return float(np.clip(np.median(times) * FLOPS / (2 * 400**3), *SLOWNESS))


@contextmanager
def quiet(n_entries: int) -> Iterator[None]:
    """Suppress the warnings of candidates, which are judged by their errors; use one OpenMP thread for small tables."""
    with warnings.catch_warnings(), threadpool_limits(1 if n_entries < SMALL else None, user_api="openmp"):
        warnings.simplefilter("ignore")
        yield
