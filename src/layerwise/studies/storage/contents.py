"""What a store holds: of each of its studies, and trial by trial."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layerwise.studies.definition.lookup import StudyError
from layerwise.studies.definition.study import Study
from layerwise.studies.definition.trial import canonical_json
from layerwise.studies.storage.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LearnerProgress:
    """How far one learner of a study has come.

    Attributes
    ----------
    learner : str
        Its label.
    done, failed, remaining : int
        Trials that succeeded, that failed, and that have not run.
    versions : frozenset of str
        The versions of layerwise that ran them.
    """

    learner: str
    done: int
    failed: int
    remaining: int
    versions: frozenset[str]


def stored_studies(store: Store) -> tuple[list[Study], list[StudyError]]:
    """Return the studies that were run into a store, the first one first, and what is wrong with the others.

    Parameters
    ----------
    store : Store
        The store.

    Returns
    -------
    studies : list of Study
        Those that can be read here.
    errors : list of StudyError
        One for each that names something that cannot be imported here; says which study.
    """
    studies, errors = [], []
    for row in store.studies():
        try:
            studies.append(Study.from_json(row.definition))
        except StudyError as error:
            errors.append(StudyError(str(error), f'study "{row.name}"'))
    return studies, errors


def learner_progress(study: Study, store: Store) -> list[LearnerProgress]:
    """Return how far each learner of a study has come.

    Parameters
    ----------
    study : Study
        The study.
    store : Store
        Where its trials are.

    Returns
    -------
    list of LearnerProgress
        In the order of the definition.
    """
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
    """One row a trial of a store, whatever study it belongs to: what it is, what came of it, who ran it and when.

    Parameters
    ----------
    store : Store
        The store.

    Returns
    -------
    DataFrame
        study, target_label and learner_label, by the first of the store's studies that has the trial, absent where
        none has or it cannot be imported here; the trial's definition (parameters as JSON), risk, fit_seconds,
        peak_bytes, error, the other metrics that any trial has, version, source and libraries
        (`layerwise.studies.trials.provenance`), finished, key.
    """
    import pandas as pd

    labels: dict[str, tuple[str, str, str]] = {}
    for study in stored_studies(store)[0]:
        for target, learner, trial in study.cells():
            labels.setdefault(trial.key, (study.name, target, learner))
    rows = list(_flat(store, labels))
    metrics = sorted({name for _, values, _ in rows for name in values})
    table = pd.DataFrame(
        [{**before, **{name: values.get(name) for name in metrics}, **after} for before, values, after in rows]
    )
    return table.astype({"peak_bytes": "Int64"}) if rows else table


def _flat(store: Store, labels: Mapping[str, tuple[str, str, str]]) -> Iterator[tuple[dict, dict, dict]]:
    for row in store.rows():
        definition = {
            name: canonical_json(value) if isinstance(value, dict) else value
            for name, value in json.loads(row.definition).items()
        }
        outcome = row.outcome
        named = zip(("study", "target_label", "learner_label"), labels.get(row.key, (None,) * 3), strict=True)
        before = (
            dict(named)
            | definition
            | {
                "risk": outcome.risk,
                "fit_seconds": outcome.fit_seconds,
                "peak_bytes": outcome.peak_bytes,
                "error": outcome.error,
            }
        )
        made = {"version": row.version, "source": row.source, "libraries": row.libraries, "finished": row.finished}
        yield before, dict(outcome.metrics), made | {"key": row.key}
