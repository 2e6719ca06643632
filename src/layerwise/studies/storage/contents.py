"""Overviews of what a store holds: its studies, their progress, and a table of all trials."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layerwise.studies.definition.lookup import StudyError
from layerwise.studies.definition.study import Study
from layerwise.studies.definition.trial import canonical_json
from layerwise.studies.storage.rows import StudyRow
from layerwise.studies.storage.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LearnerProgress:
    """Progress of one learner of a study.

    Attributes
    ----------
    learner : str
        Label of the learner.
    done, failed, remaining : int
        Trials that succeeded, that failed, and that have not run.
    versions : frozenset of str
        Versions of layerwise that ran them.
    """

    learner: str
    done: int
    failed: int
    remaining: int
    versions: frozenset[str]


def stored_studies(store: Store) -> tuple[list[Study], list[StudyError]]:
    """Return the studies that were run into a store, in the order of their first run, and errors.

    There is one error, with the name of the study, for each study whose classes cannot be imported here.
    """
    studies, errors = [], []
    rows = store.studies()
    for row, title in zip(rows, study_titles(rows), strict=True):
        try:
            studies.append(Study.from_json(row.definition))
        except StudyError as error:
            errors.append(StudyError(str(error), f'study "{title}"'))
    return studies, errors


def study_titles(studies: Sequence[Study | StudyRow]) -> list[str]:
    """Return the names of studies; where several have the same name, ``name (3f2a9c1d)`` with the start of the key."""
    rows = [study if isinstance(study, StudyRow) else StudyRow.of(study, started="") for study in studies]
    count = Counter(row.name for row in rows)
    return [row.name if count[row.name] == 1 else f"{row.name} ({row.key[:8]})" for row in rows]


def learner_progress(study: Study, store: Store) -> list[LearnerProgress]:
    """Return the progress of each learner of a study whose trials a store holds, in the order of the definition."""
    trials = study.trials()
    held = store.outcomes(trial.key for trial in trials)
    made_by = store.versions(held)
    keys = {spec.label: [] for spec in study.learners}
    for _, learner, trial in study.cells():
        keys[learner].append(trial.key)
    found = []
    for learner, its in keys.items():
        its = list(dict.fromkeys(its))  # two labels of one target share a trial
        errors = [held[key].error for key in its if key in held]
        failed = sum(error is not None for error in errors)
        versions = frozenset(made_by[key] for key in its if key in held)
        found.append(LearnerProgress(learner, len(errors) - failed, failed, len(its) - len(errors), versions))
    return found


def trial_table(store: Store) -> pd.DataFrame:
    """Return all trials of a store as a table, one row per trial, whichever study it belongs to.

    Returns
    -------
    DataFrame
        study (`study_titles`), target_label and learner_label, by the first of the store's studies that has the trial,
        missing if none has or its classes cannot be imported here (`stored_studies`); the trial's definition, with
        parameters as JSON; risk, fit_seconds, peak_bytes, error; the other metrics that any trial has; version, source
        and libraries (`layerwise.studies.trials.provenance`), finished, key.
    """
    import pandas as pd

    labels: dict[str, tuple[str, str, str]] = {}
    studies, _ = stored_studies(store)
    for study, title in zip(studies, study_titles(studies), strict=True):
        for target, learner, trial in study.cells():
            labels.setdefault(trial.key, (title, target, learner))
    rows = list(store.rows())
    metrics = sorted({name for row in rows for name in row.outcome.metrics})
    records = []
    for row in rows:
        names = zip(("study", "target_label", "learner_label"), labels.get(row.key, (None,) * 3), strict=True)
        definition = {
            name: canonical_json(value) if isinstance(value, dict) else value
            for name, value in json.loads(row.definition).items()
        }
        measured = {name: getattr(row.outcome, name) for name in ("risk", "fit_seconds", "peak_bytes", "error")}
        measured |= {name: row.outcome.metrics.get(name) for name in metrics}
        origin = {name: getattr(row, name) for name in ("version", "source", "libraries", "finished", "key")}
        records.append(dict(names) | definition | measured | origin)
    table = pd.DataFrame(records)
    return table.astype({"peak_bytes": "Int64"}) if records else table
