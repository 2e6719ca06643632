"""The text and tables of the page: progress, failures, definition, environment."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from layerwise.studies import StudyError, StudyResult

DISTRIBUTIONS = ("layerwise", "numpy", "scipy", "scikit-learn")
MAX_ERRORS = 200  # rows of the table of failures


def status(result: StudyResult) -> dict[str, int]:
    """Return the numbers of distinct trials of a study: ``total``, ``done`` and ``failed``."""
    keys = {trial.key for trial in result.study.trials()}
    done = [outcome for key, outcome in result.outcomes.items() if key in keys]
    return {"total": len(keys), "done": len(done), "failed": sum(outcome.error is not None for outcome in done)}


def failures(result: StudyResult) -> dict[str, Any]:
    """Return the distinct errors of a study and the cells in which they occurred.

    ``errors`` has one row per learner, target and message, the most frequent first; ``more`` rows are left out.
    """
    table = result.table[result.table["error"].notna()]
    rows = [
        {
            "learner": learner,
            "target": target,
            "error": error,
            "trials": len(cell),
            "dims": _listed(cell["dim"]),
            "sizes": _listed(cell["n"]),
        }
        for (learner, target, error), cell in table.groupby(["learner", "target", "error"], sort=False)
    ]
    rows.sort(key=lambda row: -row["trials"])
    return {"errors": rows[:MAX_ERRORS], "more": max(0, len(rows) - MAX_ERRORS)}


def definition(result: StudyResult) -> str:
    """Return the study as TOML, or as JSON if TOML cannot express it (a parameter is None)."""
    try:
        return result.study.to_toml()
    except StudyError:
        return result.study.model_dump_json(indent=2)


def environment() -> dict[str, str]:
    """Return the versions of Python and the libraries that make the page."""
    return {"Python": platform.python_version()} | {name: version(name) for name in DISTRIBUTIONS}


def _listed(values: Any) -> str:
    """List the distinct values, or the smallest and largest if there are many."""
    distinct = sorted(set(values.tolist()))
    if len(distinct) > 4:
        return f"{distinct[0]:,} … {distinct[-1]:,}"
    return ", ".join(f"{value:,}" for value in distinct)
