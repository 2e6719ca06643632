"""The store of outcomes and studies: one SQLite file, one row per trial.

A row is durable once `Store.add_all` returns. A file that is not a store is refused and left unchanged.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Self

from layerwise.studies.definition.study import Study
from layerwise.studies.definition.trial import Trial, canonical_json
from layerwise.studies.storage.database import Database
from layerwise.studies.storage.lock import sole_writer
from layerwise.studies.storage.rows import Row, StudyRow, check_key, outcome_of, sources_of
from layerwise.studies.storage.schema import OUTCOME_COLUMNS, STUDY_COLUMNS, TRIAL_COLUMNS
from layerwise.studies.trials.provenance import UNKNOWN, libraries, sources
from layerwise.studies.trials.run import Outcome

KEYS_PER_QUERY = 500
VERSION = version("layerwise")


class Store:
    """The outcomes of trials, and the studies they were run for, in one SQLite file.

    Any number of processes may read while one writes (`writing`). While the file is being written, and after a crash,
    the file ``PATH-wal`` beside it holds the last trials: copy both.

    Parameters
    ----------
    path : path-like
        The file; it and its folders are created if missing.
    create : bool, default=True
        Whether to create a missing file; otherwise it is an error.
    read_only : bool, default=False
        Whether to open an existing file without changing it. Such a store may be passed from thread to thread.

    Raises
    ------
    StoreError
        If the file is not a store, has another schema, is damaged, or cannot be opened. It is left unchanged.

    Warns
    -----
    UserWarning
        If the file was copied without its log while it was in use, so that it may lack its last trials.

    Examples
    --------
    >>> with Store("study.sqlite") as store:  # doctest: +SKIP
    ...     result = run_study(study, store)
    """

    def __init__(self, path: str | PathLike[str], *, create: bool = True, read_only: bool = False) -> None:
        self.path = Path(path)
        self._writing = False
        self._database = Database(self.path, create=create, read_only=read_only)

    @contextmanager
    def writing(self) -> Generator[None]:
        """Be the only one that runs trials into this store, until the end of the block or of the process.

        `run_study` and `merge_stores` do this themselves; a block around several of them keeps others out in between.
        Readers are not kept out. At the end of the block all rows are in the file itself and not in its log.
        StoreError is raised if another process is writing; the message names it and says since when.
        """
        if self._writing:
            yield
            return
        with sole_writer(self.path):
            self._writing = True
            try:
                yield
            finally:
                self._writing = False
                self._database.checkpoint()

    def add(self, trial: Trial, outcome: Outcome) -> None:
        """Store one outcome, as `add_all` does."""
        self.add_all([(trial, outcome)])

    def add_all(self, pairs: Iterable[tuple[Trial, Outcome]]) -> None:
        """Store outcomes. All are on disk when this returns. An earlier outcome of the same trial is replaced."""
        self.add_rows(
            Row(trial.key, trial.definition, VERSION, _now(), canonical_json(sources(trial)), libraries(trial), outcome)
            for trial, outcome in pairs
        )

    def add_rows(self, rows: Iterable[Row], studies: Iterable[StudyRow] = ()) -> None:
        """Store rows of another store, all or none.

        An earlier row of the same trial is replaced, but a success never by a failure of the same source. Studies that
        are already stored are left unchanged.
        """
        names = TRIAL_COLUMNS.split(", ")
        updates, marks = ", ".join(f"{name} = excluded.{name}" for name in names), ", ".join("?" * len(names))
        with self._database.transaction():
            self._database.connection.executemany(
                f"INSERT INTO trial ({TRIAL_COLUMNS}) VALUES ({marks}) ON CONFLICT (key) DO UPDATE SET {updates} "
                "WHERE trial.error IS NOT NULL OR excluded.error IS NULL OR trial.source IS NOT excluded.source",
                (row.values() for row in rows),
            )
            self._database.connection.executemany(
                f"INSERT OR IGNORE INTO study ({STUDY_COLUMNS}) VALUES (?, ?, ?, ?)", studies
            )

    def keep_study(self, study: Study) -> None:
        """Store the definition of a study that is about to run, and the time.

        It replaces an earlier study of the same name. If the same definition is already stored, other studies of its
        name, which a merged store may hold, are left unchanged.
        """
        self.studies()  # raises an error if one is damaged
        row = StudyRow.of(study, started=_now())
        execute = self._database.connection.execute
        with self._database.transaction():
            if not execute("UPDATE study SET started = ? WHERE key = ?", [row.started, row.key]).rowcount:
                execute("DELETE FROM study WHERE name = ?", [study.name])
                execute(f"INSERT INTO study ({STUDY_COLUMNS}) VALUES (?, ?, ?, ?)", row)

    def studies(self) -> list[StudyRow]:
        """Return the studies that were run into this store, in the order of their first run.

        `Study.from_json` reads the definition of each.
        """
        found = []
        for rowid, *values in self._database.select(f"SELECT rowid, {STUDY_COLUMNS} FROM study ORDER BY rowid"):
            row = StudyRow(*values)
            with self._database.validated("study", rowid):
                check_key(row.key, row.definition)
            found.append(row)
        return found

    def rows(self) -> Iterator[Row]:
        """Iterate over all trials of the store, in the order in which they were first stored."""
        for rowid, *values in self._database.select(f"SELECT rowid, {TRIAL_COLUMNS} FROM trial ORDER BY rowid"):
            key, definition, made_by, finished, source, its_libraries, *measured = values
            with self._database.validated("trial", rowid):
                check_key(key, definition)
                outcome = outcome_of(*measured)
            yield Row(key, definition, made_by, finished, source, its_libraries, outcome)

    def outcomes(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """Return the stored outcomes of the trials with these keys, by key; trials without an outcome are left out."""
        found = {}
        for rowid, key, definition, *values in self._select(f"rowid, key, definition, {OUTCOME_COLUMNS}", keys):
            with self._database.validated("trial", rowid):
                check_key(key, definition)
                found[key] = outcome_of(*values)
        return found

    def versions(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the versions of layerwise that ran the trials with these keys, by key."""
        return dict(self._select("key, version", keys))

    def other_versions(self, keys: Iterable[str]) -> set[str]:
        """Return the versions of layerwise, other than the present one, that ran the trials with these keys."""
        return set(self.versions(keys).values()) - {VERSION}

    def other_sources(self, trials: Iterable[Trial]) -> dict[str, set[str]]:
        """Return the import paths of the user's own classes whose source has changed since a trial ran, by trial key.

        Classes whose source is unknown are included, trials without any such class are left out.
        """
        here = {trial.key: sources(trial) for trial in trials}
        own = [key for key, its in here.items() if its]
        changed = {}
        for rowid, key, text in self._select("rowid, key, source", own):
            with self._database.validated("trial", rowid):
                there = sources_of(text)
            paths = {path for path, digest in here[key].items() if digest == UNKNOWN or there.get(path) != digest}
            if paths:
                changed[key] = paths
        return changed

    def _select(self, columns: str, keys: Iterable[str]) -> Iterator[tuple]:
        keys = list(keys)
        for start in range(0, len(keys), KEYS_PER_QUERY):
            some = keys[start : start + KEYS_PER_QUERY]
            marks = ", ".join("?" * len(some))
            yield from self._database.select(f"SELECT {columns} FROM trial WHERE key IN ({marks})", some)

    def made_by(self) -> list[tuple[str, int, str, str]]:
        """Return, for each version of layerwise, its name, its number of trials, and when its first and last one ended.

        The earliest version comes first.
        """
        query = "SELECT version, count(*), min(finished), max(finished) FROM trial GROUP BY version ORDER BY 3"
        return list(self._database.select(query))

    def revision(self) -> int:
        """Return a number that changes when another connection has written."""
        return next(self._database.select("PRAGMA data_version"))[0]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
