"""Trials and studies as the store's tables hold them, and the checks of what is read back."""

from __future__ import annotations

import hashlib
import json
import math
from typing import NamedTuple, Self

from layerwise.studies.definition.study import Study
from layerwise.studies.definition.trial import Trial, canonical_json
from layerwise.studies.trials.run import Outcome


class Row(NamedTuple):
    """One trial in a store; `definition` is canonical JSON.

    `source` and `libraries` are the canonical JSON of `layerwise.studies.trials.provenance`; `version` is the version
    of layerwise that ran the trial, `finished` the time of completion in UTC, ISO 8601.
    """

    key: str
    definition: str
    version: str
    finished: str
    source: str
    libraries: str
    outcome: Outcome

    @property
    def trial(self) -> Trial:
        """The trial itself."""
        return Trial(**json.loads(self.definition))

    def values(self) -> tuple:
        """Return the row as values of the table's columns."""
        outcome = self.outcome
        risk, seconds = (None if math.isnan(x) else x for x in (outcome.risk, outcome.fit_seconds))
        return (*self[:-1], risk, seconds, outcome.error, canonical_json(dict(outcome.metrics)), outcome.peak_bytes)


class StudyRow(NamedTuple):
    """One study in a store; `key` is the SHA-256 of its `definition`, which is canonical JSON.

    `started` is the start of its last run, in UTC, ISO 8601.
    """

    key: str
    name: str
    definition: str
    started: str

    @classmethod
    def of(cls, study: Study, started: str) -> Self:
        """Return the row of a study that starts now."""
        text = study.to_json()
        return cls(hashlib.sha256(text.encode()).hexdigest(), study.name, text, started)


def outcome_of(risk: float | None, seconds: float | None, error: str | None, metrics: str, peak: int | None) -> Outcome:
    """Return the outcome stored in these columns, or raise ValueError if they hold no valid outcome."""
    measured = _json_object(metrics)
    if measured is None or not all(isinstance(value, float | int) for value in measured.values()):
        raise ValueError(f"has metrics that are not a JSON object of numbers ({metrics!r:.60})")
    if not (isinstance(error, str | None) and isinstance(peak, int | None)):
        raise ValueError(f"has the error {error!r:.60} and the peak {peak!r:.60}")
    if error is None and risk is None:
        raise ValueError("has neither a risk nor an error")
    return Outcome(_number(risk), _number(seconds), error, measured, peak)


def sources_of(text: str) -> dict[str, str]:
    """Return the hashes stored in the column `source`, or raise ValueError if it holds anything else."""
    found = _json_object(text)
    if found is None:
        raise ValueError(f"has a source that is not a JSON object of hashes ({text!r:.60})")
    return found


def check_key(key: str, definition: str) -> None:
    """Raise ValueError unless a key is the hash of its definition."""
    if not isinstance(definition, str) or hashlib.sha256(definition.encode()).hexdigest() != key:
        raise ValueError(f"has a definition that does not match its key ({definition!r:.60})")


def _json_object(text: str) -> dict | None:
    try:
        value = json.loads(text)
    except (ValueError, TypeError):
        return None
    return value if isinstance(value, dict) else None


def _number(value: float | None) -> float:
    if not isinstance(value, float | int | None):
        raise ValueError(f"has {value!r:.60} instead of a number")
    return math.nan if value is None else value
