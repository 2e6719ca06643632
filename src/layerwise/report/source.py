"""Where a page's results come from: a store that another process may be writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from layerwise.studies import Store, StoreError, Study, StudyError, StudyResult, stored_studies


@dataclass(frozen=True)
class Record:
    """What a store says of the trials one version of layerwise made.

    Parameters
    ----------
    version : str
        The version.
    trials : int
        How many.
    first, last : str
        When the first and the last one ended: UTC, ISO 8601.
    """

    version: str
    trials: int
    first: str
    last: str


class Source:
    """The studies of a store, read while another process may be writing it.

    Parameters
    ----------
    store : path-like
        The SQLite file.
    studies : sequence of path-like, default=()
        TOML files of studies to be read in place of those the store was run for.

    Raises
    ------
    StoreError
        When the file does not exist, is no store of ours, or knows of no study.
    StudyError
        When a definition cannot be read, or names what cannot be imported here.
    """

    def __init__(self, store: str | PathLike[str], studies: Sequence[str | PathLike[str]] = ()) -> None:
        self.path = Path(store)
        self._given = [Study.from_toml(path) for path in studies]
        with Store(self.path, create=False) as opened:  # refuses what is not ours
            self._studies(opened)
        # WAL lets it read beside a writer; data_version counts the commits of others as one connection sees them.
        self._connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False, isolation_level=None
        )

    def revision(self) -> int:
        """Return a number that changes when another process has written.

        Returns
        -------
        int
            The number.
        """
        return self._execute("PRAGMA data_version")[0][0]

    def read(self) -> list[StudyResult]:
        """Return what the store holds of each study by now.

        Returns
        -------
        list of StudyResult
            One a study.
        """
        with Store(self.path, create=False) as store:
            return [StudyResult.from_store(study, store) for study in self._studies(store)]

    def _studies(self, store: Store) -> list[Study]:
        """The studies given, or those the store was run for."""
        if self._given:
            return self._given
        try:
            studies = stored_studies(store)
        except StudyError as error:
            raise StudyError(str(error), str(self.path)) from None
        if not studies:
            raise StoreError(f"{self.path} knows of no study. Run one into it, or name its TOML file with --study.")
        return studies

    def records(self) -> list[Record]:
        """Return which versions made the trials of the store, and when.

        Returns
        -------
        list of Record
            One a version.
        """
        query = "SELECT version, count(*), min(finished), max(finished) FROM trial GROUP BY version ORDER BY 3"
        return [Record(*row) for row in self._execute(query)]

    def _execute(self, query: str) -> list[tuple]:
        try:
            return self._connection.execute(query).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be read ({error}). Check that it is still there.") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
