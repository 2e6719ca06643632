"""What the page knows of a study, as plain JSON: traces, and for every threshold of the slider n* and exponents.

The thresholds are round numbers between the smallest and the largest median risk. At each of them `sample_complexity`
and `fit_exponent` say what they always say, so the page shows their numbers and has no arithmetic of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from layerwise.report.charts import base_layout, curve_traces, look, measured
from layerwise.studies import Exponent, StudyResult, fit_exponent, sample_complexity
from layerwise.studies.trials.metrics import METRICS

ROUND = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
MOST = 48  # thresholds; where risks span more decades, only 1, 2 and 5 of each


def thresholds(result: StudyResult, threshold: float) -> list[float]:
    """Round risks between the smallest and the largest median, up to that of the mean, and the one asked for.

    Parameters
    ----------
    result : StudyResult
        What the study found.
    threshold : float
        The one asked for.

    Returns
    -------
    list of float
        Ascending.
    """
    medians = result.summary()["median"].dropna()
    medians = medians[medians > 0]
    if medians.empty:
        return [threshold]
    low, high = float(medians.min()), float(medians.max())
    decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    for digits in (ROUND, (1, 2, 5), (1,)):
        found = {float(f"{digit}e{decade}") for decade in decades for digit in digits}
        found = {value for value in found if low < value < high and value <= 1}
        if len(found) < MOST:
            break
    return sorted(found | {threshold})


def study_payload(
    result: StudyResult, threshold: float, predicted: Mapping[Any, float] | None, identity: str
) -> dict[str, Any]:
    """Everything the page shows of one study in its charts and its table.

    Parameters
    ----------
    result : StudyResult
        What the study found, finished or not.
    threshold : float
        Where the slider stands first.
    predicted : mapping or None
        What theory says, as `fit_exponent` takes it.
    identity : str
        The section's id.

    Returns
    -------
    dict
        JSON-able, without NaN.
    """
    study = result.study
    levels = thresholds(result, threshold)
    targets = {spec.label: i for i, spec in enumerate(study.targets)}
    learners = {spec.label: i for i, spec in enumerate(study.learners)}
    cells: dict[str, list] = {}
    fits: dict[str, list] = {}
    for level in levels:
        for row in sample_complexity(result, level).to_dict("records"):
            key = f"{targets[row['target']]},{learners[row['learner']]},{row['dim']}"
            cells.setdefault(key, []).append(_cell({str(name): value for name, value in row.items()}))
        for fit in fit_exponent(result, level, predicted=predicted):
            fits.setdefault(f"{targets[fit.target]},{learners[fit.learner]}", []).append(_fit(fit))
    return {
        "id": identity,
        "thresholds": levels,
        "shown": [f"{level:g}" for level in levels],
        "start": levels.index(threshold),
        "learners": [look(i) | {"label": label} for label, i in learners.items()],
        "dims": list(study.dims),
        "metrics": measured(result),
        "linear": list(METRICS),  # correlations and overlaps, which may be zero
        "traces": curve_traces(result),
        "base": base_layout(),
        "cells": cells,
        "fits": fits,
    }


def _cell(row: dict[str, Any]) -> dict[str, Any]:
    """Where the marker and its bar stand, inside the grid, and what the table says."""
    side = row["censored"]
    if side.startswith("not run"):
        side = f"{side} {_count(row['n_min' if side.endswith('below') else 'n_max'])}"
    if side == "failed" or side.startswith("not run"):
        return {"at": None, "low": None, "high": None, "side": side, "text": side, "interval": ""}
    ends = max(row["lower"], row["n_min"]), min(row["upper"], row["n_max"])
    at = {"": row["n_star"], "right": row["n_max"], "left": row["n_min"]}[side]
    low = f"{_count(row['lower'])}" if row["lower"] > 0 else ""
    high = f"{_count(row['upper'])}" if row["upper"] < math.inf else ""
    unknown = "one seed" if row["seeds"] == 1 else "no bounds"
    interval = f"{low} – {high}" if low and high else f"≥ {low}" if low else f"≤ {high}" if high else unknown
    text = {"": _count(at), "right": f"> {_count(at)}", "left": f"< {_count(at)}"}[side]
    return {"at": at, "low": ends[0], "high": ends[1], "side": side, "text": text, "interval": "" if side else interval}


def _fit(fit: Exponent) -> dict[str, Any]:
    fitted = math.isfinite(fit.exponent) and math.isfinite(fit.constant)
    return {
        "exponent": fit.exponent if fitted else None,
        "constant": fit.constant if fitted else None,
        "predicted": fit.predicted,
        "text": fit.verdict(),
    }


def _count(n: float) -> str:
    """A number of samples to three digits; a size of the grid is whole and keeps all of them."""
    if isinstance(n, int):
        return f"{n:,}"
    places = 2 - math.floor(math.log10(n)) if n > 0 else 0
    return f"{round(n, places):,.{max(places, 0)}f}" if n < 100 else f"{round(n, places):,.0f}"
