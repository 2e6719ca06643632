"""Where a page's results come from: a store that another process may be writing."""

from __future__ import annotations

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

    Attributes
    ----------
    unreadable : list of StudyError
        What is wrong with studies of the store that were left out of the last `read`: they name what cannot be imported
        here.

    Raises
    ------
    StoreError
        When the file does not exist, is no store of ours, or knows of no study.
    StudyError
        When a definition cannot be read, or none of the store's studies can be imported here.
    """

    def __init__(self, store: str | PathLike[str], studies: Sequence[str | PathLike[str]] = ()) -> None:
        self.path = Path(store)
        self.unreadable: list[StudyError] = []
        self._given = [Study.from_toml(path) for path in studies]
        self._store = Store(self.path, read_only=True)
        try:
            self._studies()
        except BaseException:
            self.close()
            raise

    def revision(self) -> int:
        """Return a number that changes when another process has written.

        Returns
        -------
        int
            The number.
        """
        return self._store.revision()

    def read(self) -> list[StudyResult]:
        """Return what the store holds of each study by now.

        Returns
        -------
        list of StudyResult
            One a study.
        """
        return [StudyResult.from_store(study, self._store) for study in self._studies()]

    def _studies(self) -> list[Study]:
        """The studies given, or those the store was run for."""
        if self._given:
            return self._given
        studies, self.unreadable = stored_studies(self._store)
        if self.unreadable and not studies:
            raise StudyError(str(self.unreadable[0]), str(self.path))
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
        return [Record(*row) for row in self._store.made_by()]

    def close(self) -> None:
        """Close the file."""
        self._store.close()
