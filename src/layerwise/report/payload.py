"""The data of one study on the page, as JSON: traces, and n* and exponents at every threshold of the slider.

The thresholds are round numbers between the smallest and the largest median risk. `sample_complexity` and
`fit_exponent` are called at each of them, so the page shows their numbers and computes none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from layerwise.report.charts import base_layout, curve_traces, measured, style
from layerwise.studies import Exponent, StudyResult, fit_exponent, sample_complexity
from layerwise.studies.trials.metrics import METRICS

ROUND = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
MAX_THRESHOLDS = 48  # if risks span more decades, only 1, 2 and 5 of each decade are used


def thresholds(result: StudyResult, threshold: float) -> list[float]:
    """Return the positions of the slider, ascending.

    They are round numbers between the smallest and the largest median risk, at most 1, and `threshold` itself.
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
        if len(found) < MAX_THRESHOLDS:
            break
    return sorted(found | {threshold})


def study_payload(
    result: StudyResult, threshold: float, predicted: Mapping[Any, float] | None, identity: str
) -> dict[str, Any]:
    """Return everything that the charts and the table of one study show, as data for JSON without NaN.

    ``threshold`` is the initial position of the slider, ``identity`` the HTML id of the section.
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
        "learners": [style(i) | {"label": label} for label, i in learners.items()],
        "dims": list(study.dims),
        "metrics": measured(result),
        "linear": list(METRICS),  # correlations and overlaps may be zero
        "traces": curve_traces(result),
        "base": base_layout(),
        "cells": cells,
        "fits": fits,
    }


def _cell(row: dict[str, Any]) -> dict[str, Any]:
    """Return the position of the marker and its interval, inside the grid, and the text of the table."""
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
    """Format a number of samples to three digits; sizes of the grid, which are integers, keep all digits."""
    if isinstance(n, int):
        return f"{n:,}"
    places = 2 - math.floor(math.log10(n)) if n > 0 else 0
    return f"{round(n, places):,.{max(places, 0)}f}" if n < 100 else f"{round(n, places):,.0f}"
