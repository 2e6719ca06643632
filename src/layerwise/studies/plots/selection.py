"""Which target, learner and dimension of a study a figure shows, and which of them its curves are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from layerwise._validation import Choice, shown
from layerwise.studies.definition.study import Study

if TYPE_CHECKING:
    import pandas as pd


def select(study: Study, curves: str, **given: Any) -> dict[str, Any]:
    """Return what all curves of a figure have in common: target, learner and dim, except the one that ``curves`` names.

    None in ``given`` selects the study's only value. ValueError is raised if ``curves`` is not a key of ``given``, for
    a value that the study does not have, for None where it has several, and for a value of what the curves are.
    """
    Choice(*given).check(curves, "curves")
    others = {name: value for name, value in given.items() if name != curves}
    if given[curves] is not None:
        raise ValueError(
            f"{curves}={shown(given[curves])} must be None, because curves={curves!r} draws every {curves}. Leave "
            f"{curves} out, or pass other curves: {', '.join(others)}."
        )
    return {name: choose(study, name, value) for name, value in others.items()}


def labels(study: Study, name: str) -> list[Any]:
    """Return the study's labels of targets ("target") or learners ("learner"), or its dimensions ("dim")."""
    if name == "dim":
        return list(study.dims)
    return [spec.label for spec in (study.targets if name == "target" else study.learners)]


def choose(study: Study, name: str, value: Any) -> Any:
    """Return the value, or for None the study's only one; raises ValueError if the study does not have it."""
    known = labels(study, name)
    if value is None and len(known) == 1:
        return known[0]
    if value is None or value not in known:
        raise ValueError(f"{name}={shown(value)} must be one of {known}, which the study has. Pass one of these.")
    return value


def rows_of(table: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows of a table that have these values in the columns of these names."""
    for name, value in values.items():
        table = table[table[name] == value]
    return table


def title_of(study: Study, selected: Mapping[str, Any]) -> str:
    """Return a title that names what was selected, except the learner where the study has only one."""
    return ", ".join(
        f"d = {value}" if name == "dim" else str(value)
        for name, value in selected.items()
        if name != "learner" or len(study.learners) > 1
    )
