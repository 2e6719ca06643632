"""Where studies and outcomes live: one SQLite file, a row a trial.

A row is durable once `Store.add_all` returns. A file that is not ours is refused, its bytes unchanged.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from layerwise.studies.definition.trial import Trial, canonical_json
from layerwise.studies.storage.lock import sole_writer
from layerwise.studies.storage.opening import check_exists, open_to_read, open_to_write, store_error
from layerwise.studies.storage.schema import (
    COLUMNS,
    OUTCOME_COLUMNS,
    STUDY_COLUMNS,
    Row,
    StoreError,
    StudyRow,
    check_key,
    outcome_of,
    sources_of,
    to_row,
)
from layerwise.studies.trials.provenance import UNKNOWN, libraries, sources
from layerwise.studies.trials.run import Outcome

if TYPE_CHECKING:
    from layerwise.studies.definition.study import Study

KEYS_PER_QUERY = 500


class Store:
    """The outcomes of trials, and the studies they were run for, in one SQLite file.

    Any number of processes may read while one writes (`writing`).

    Parameters
    ----------
    path : path-like
        The file; it and its folders are made when missing.
    create : bool, default=True
        False refuses a file that is missing.
    read_only : bool, default=False
        True neither makes, migrates nor writes anything; of a store of an earlier schema, what that did not know is
        absent. Such a store may be handed from thread to thread.

    Raises
    ------
    StoreError
        When the file is no store of ours, of a newer schema, damaged, or out of reach. It is left as it was.

    Examples
    --------
    >>> with Store("study.sqlite") as store:  # doctest: +SKIP
    ...     result = run_study(study, store)
    """

    def __init__(self, path: str | PathLike[str], *, create: bool = True, read_only: bool = False) -> None:
        self.path = Path(path)
        self._writing = False
        if read_only or not create:
            check_exists(self.path)
        self._connection = open_to_read(self.path) if read_only else open_to_write(self.path)
        self._version = version("layerwise")

    @contextmanager
    def _transaction(self) -> Generator[None]:
        """All of it or nothing; on disk at the end."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise store_error(self.path, error) from error

    @contextmanager
    def writing(self) -> Generator[None]:
        """Be the only one that runs trials into this store; held until the end, or until this process is no more.

        `run_study` and `merge_stores` do this; around several of them it keeps the place. Readers are not kept out.

        Raises
        ------
        StoreError
            When another process is the one: says who, since when and what to do.
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

    def add(self, trial: Trial, outcome: Outcome) -> None:
        """Store one outcome, as `add_all` does.

        Parameters
        ----------
        trial : Trial
            What was run.
        outcome : Outcome
            What came of it.
        """
        self.add_all([(trial, outcome)])

    def add_all(self, pairs: Iterable[tuple[Trial, Outcome]]) -> None:
        """Store outcomes; all are on disk when this returns. An earlier outcome of the same trial is replaced.

        Parameters
        ----------
        pairs : iterable of (Trial, Outcome)
            What was run, and what came of it.
        """
        self.add_rows(self._row(trial, outcome) for trial, outcome in pairs)

    def _row(self, trial: Trial, outcome: Outcome) -> Row:
        source = canonical_json(sources(trial))
        return Row(trial.key, trial.definition, outcome, self._version, _now(), source, libraries(trial))

    def add_rows(self, rows: Iterable[Row], studies: Iterable[StudyRow] = ()) -> None:
        """Store rows as another store holds them, all or none.

        Parameters
        ----------
        rows : iterable of Row
            Trials; an earlier row of the same trial is replaced, but a success never by a failure of the same source.
        studies : iterable of StudyRow
            Studies; those that are there already are left as they are.
        """
        with self._transaction():
            names = COLUMNS.split(", ")
            updates, marks = ", ".join(f"{name} = excluded.{name}" for name in names), ", ".join("?" * len(names))
            self._connection.executemany(
                f"INSERT INTO trial ({COLUMNS}) VALUES ({marks}) ON CONFLICT (key) DO UPDATE SET {updates} "
                "WHERE trial.error IS NOT NULL OR excluded.error IS NULL OR trial.source IS NOT excluded.source",
                map(to_row, rows),
            )
            self._connection.executemany(f"INSERT OR IGNORE INTO study ({STUDY_COLUMNS}) VALUES (?, ?, ?, ?)", studies)

    def keep_study(self, study: Study) -> None:
        """Keep the definition of a study, in place of an earlier one of the same name, and when it was last run.

        One that is held is left beside others of its name, as a merged store has them.

        Parameters
        ----------
        study : Study
            What is about to be run.
        """
        self.studies()  # a damaged one is told, not run over
        text = study.to_json()
        row = StudyRow(hashlib.sha256(text.encode()).hexdigest(), study.name, text, _now())
        with self._transaction():
            held = self._connection.execute("UPDATE study SET started = ? WHERE key = ?", [row.started, row.key])
            if not held.rowcount:
                self._connection.execute("DELETE FROM study WHERE name = ?", [study.name])
                self._connection.execute(f"INSERT INTO study ({STUDY_COLUMNS}) VALUES (?, ?, ?, ?)", row)

    def studies(self) -> list[StudyRow]:
        """Return the studies that were run into this store, the first one first.

        Returns
        -------
        list of StudyRow
            Their names and definitions; `Study.from_json` reads one.
        """
        found = []
        for rowid, *values in self._rows(f"SELECT rowid, {STUDY_COLUMNS} FROM study ORDER BY rowid"):
            row = StudyRow(*values)
            with self._intact("study", rowid):
                check_key(row.key, row.definition)
            found.append(row)
        return found

    def rows(self) -> Iterator[Row]:
        """Iterate over all trials of the store, in the order in which they were first stored.

        Yields
        ------
        Row
            One trial and what came of it.
        """
        columns = f"rowid, key, definition, version, finished, source, libraries, {OUTCOME_COLUMNS}"
        for values in self._rows(f"SELECT {columns} FROM trial ORDER BY rowid"):
            rowid, key, definition, made_by, finished, source, its_libraries, *measured = values
            with self._intact("trial", rowid):
                check_key(key, definition)
                outcome = outcome_of(*measured)
            yield Row(key, definition, outcome, made_by, finished, source, its_libraries)

    def outcomes(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """Return the outcomes of those trials that have one.

        Parameters
        ----------
        keys : iterable of str
            Keys of trials.

        Returns
        -------
        dict
            Outcome by key.
        """
        found = {}
        for rowid, key, definition, *values in self._select(f"rowid, key, definition, {OUTCOME_COLUMNS}", keys):
            with self._intact("trial", rowid):
                check_key(key, definition)
                found[key] = outcome_of(*values)
        return found

    def versions(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the versions of layerwise that made the outcomes of these trials.

        Parameters
        ----------
        keys : iterable of str
            Keys of trials.

        Returns
        -------
        dict
            Version by key.
        """
        return dict(self._select("key, version", keys))

    def other_versions(self, keys: Iterable[str]) -> set[str]:
        """Return the versions of layerwise, other than this one, that made the outcomes of these trials.

        Parameters
        ----------
        keys : iterable of str
            Keys of trials.

        Returns
        -------
        set of str
            The versions.
        """
        return set(self.versions(keys).values()) - {self._version}

    def other_sources(self, trials: Iterable[Trial]) -> dict[str, set[str]]:
        """Return which of these trials were made from other source of a user's own classes than is here now.

        Parameters
        ----------
        trials : iterable of Trial
            Trials.

        Returns
        -------
        dict
            By the key of the trial, the import paths of the classes whose source differs, or is not known.
        """
        here = {trial.key: sources(trial) for trial in trials}
        own = [key for key, its in here.items() if its]
        changed = {}
        for rowid, key, text in self._select("rowid, key, source", own):
            with self._intact("trial", rowid):
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
            yield from self._rows(f"SELECT {columns} FROM trial WHERE key IN ({marks})", some)

    def _rows(self, query: str, values: Sequence[str] = ()) -> Iterator[tuple]:
        try:
            rows = self._connection.execute(query, values)
            yield from map(tuple, rows)  # given up, `yield from` closes a cursor, even one of a closed file
        except sqlite3.Error as error:
            raise store_error(self.path, error) from error

    @contextmanager
    def _intact(self, table: str, rowid: int) -> Generator[None]:
        """Say which row it is that holds what was never stored."""
        try:
            yield
        except (ValueError, TypeError) as error:
            again = "run the study again" if table == "trial" else "run the study's TOML file again"
            raise StoreError(
                f"{self.path} is damaged: row {rowid} of the table {table} {error}. Restore the file from a copy; or "
                f'take out that row (sqlite3 {self.path} "DELETE FROM {table} WHERE rowid = {rowid}") and {again}.'
            ) from error

    def made_by(self) -> list[tuple[str, int, str, str]]:
        """Return which versions of layerwise made the trials: version, how many, when the first and the last ended.

        Returns
        -------
        list of tuple
            One a version, the one that began first first.
        """
        query = "SELECT version, count(*), min(finished), max(finished) FROM trial GROUP BY version ORDER BY 3"
        return list(self._rows(query))

    def revision(self) -> int:
        """Return a number that changes when another connection has written.

        Returns
        -------
        int
            The number.
        """
        return next(self._rows("PRAGMA data_version"))[0]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
