"""The results shown on a page, read from a store that another process may be writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from layerwise.studies import Store, StoreError, Study, StudyError, StudyResult, stored_studies


@dataclass(frozen=True)
class Record:
    """The trials of a store that one version of layerwise ran.

    Parameters
    ----------
    version : str
    trials : int
        Number of trials.
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
        TOML files of studies to read instead of those in the store.

    Attributes
    ----------
    unreadable : list of StudyError
        One error for each study of the store that the last `read` left out because its classes cannot be imported.

    Raises
    ------
    StoreError
        If the file does not exist, is not a store, or holds no study.
    StudyError
        If a definition cannot be read, or the classes of none of the store's studies can be imported.
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
        """Return a number that changes when another process has written."""
        return self._store.revision()

    def read(self) -> list[StudyResult]:
        """Return the present results, one per study."""
        return [StudyResult.from_store(study, self._store) for study in self._studies()]

    def _studies(self) -> list[Study]:
        """Return the studies given, or those in the store."""
        if self._given:
            return self._given
        studies, self.unreadable = stored_studies(self._store)
        if self.unreadable and not studies:
            raise StudyError(str(self.unreadable[0]), str(self.path))
        if not studies:
            raise StoreError(f"{self.path} holds no study. Run one into it, or pass its TOML file with --study.")
        return studies

    def records(self) -> list[Record]:
        """Return which versions of layerwise ran the trials of the store, and when; one record per version."""
        return [Record(*row) for row in self._store.made_by()]

    def close(self) -> None:
        """Close the file."""
        self._store.close()
