"""Every display draws the same numbers as before: its table and its artists against `display_data.json`.

`python tests/studies/test_display_data.py` writes the file anew, after a deliberate change.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from curves import made_up
from matplotlib.figure import Figure

from layerwise.studies import ExponentDisplay, FeatureRecoveryDisplay, PhaseDiagramDisplay, SampleComplexityDisplay

FILE = Path(__file__).with_name("display_data.json")
LEARNERS = ("quadratic", "never", "late")


def risk(learner, d, n, seed):
    """Return smooth risks with n* ~ d^2 or d^3, one cell with failures, and a learner that does not learn."""
    if learner == "late" and d == 16:
        return None
    scale = {"quadratic": d**2, "never": 1e9, "late": 0.25 * d**3}[learner]
    return scale / (scale + n) * math.exp(0.2 * math.sin(37 * seed + math.log(n) + d))


def metrics(learner, d, n, seed):
    return {} if learner == "never" else {"feature_correlation": 1 - 1 / (1 + n / d**2 + 0.1 * seed)}


def displays():
    """Draw one display of each kind, and of every kind of curves."""
    result = made_up(risk, n=(64, 256, 1024, 4096), seeds=3, learners=LEARNERS, metrics=metrics)

    def ax():
        return Figure().add_subplot()

    return {
        "risk": SampleComplexityDisplay.from_study(result, dim=16, references={"half": 0.5}, ax=ax()),
        "risk by dimension": SampleComplexityDisplay.from_study(
            result, curves="dim", learner="quadratic", per_power=2, quantiles=(0, 1), ax=ax()
        ),
        "exponents": ExponentDisplay.from_study(result, 0.3, predicted={"quadratic": 2}, ax=ax()),
        "phase diagram": PhaseDiagramDisplay.from_study(result, 0.3, learner="late", ax=ax()),
        "recovery": FeatureRecoveryDisplay.from_study(result, dim=8, ax=ax()),
        "recovery by dimension": FeatureRecoveryDisplay.from_study(result, curves="dim", learner="late", ax=ax()),
    }


def data(display):
    """Return the numbers and texts of a display as plain lists."""
    ax = display.ax_
    tables = {"table": display.table} | ({"crossings": display.crossings} if hasattr(display, "crossings") else {})
    parts = {
        **{name: {column: table[column].tolist() for column in table} for name, table in tables.items()},
        "lines": [[np.asarray(values, dtype=float).tolist() for values in line.get_data()] for line in ax.lines],
        "dots": [dots.get_offsets().tolist() for dots in getattr(display, "dots_", [])],
        "cells": display.cells_.get_array().tolist() if hasattr(display, "cells_") else [],
        "exponents": [asdict(fit) for fit in getattr(display, "exponents", [])],
        "texts": [ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()],
        "legend": [text.get_text() for text in ax.get_legend().get_texts()],
    }
    return json.loads(json.dumps(parts))


def leaves(value):
    """Yield the numbers and strings of nested lists and dictionaries, with their lengths and keys."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        yield len(value)
        for item in value:
            yield from leaves(item)
    else:
        yield value


@pytest.fixture(scope="module")
def drawn():
    return displays()


@pytest.mark.parametrize("name", json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else [])
def test_the_numbers_that_are_drawn(drawn, name):
    # catches: any change of a number, label or legend entry that a display draws
    expected = list(leaves(json.loads(FILE.read_text(encoding="utf-8"))[name]))
    found = list(leaves(data(drawn[name])))
    numeric = [isinstance(value, float) for value in expected]
    assert [v for v, number in zip(found, numeric, strict=True) if not number] == [
        v for v, number in zip(expected, numeric, strict=True) if not number
    ]
    np.testing.assert_allclose(
        *([v for v, number in zip(values, numeric, strict=True) if number] for values in (found, expected)),
        rtol=1e-9,
    )


def test_every_display_is_compared(drawn):
    # catches: a display missing from the file
    assert set(json.loads(FILE.read_text(encoding="utf-8"))) == set(drawn)


if __name__ == "__main__":
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(data(display))}" for name, display in displays().items())
    FILE.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
