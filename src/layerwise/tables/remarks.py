"""What may be wrong with a table: copies of the target, identifiers, a target with two values, heavy tails."""

from __future__ import annotations

import numpy as np

from layerwise.diagnosis.sample import MIN_ROWS, prepare, read_arrays, subsample, varies
from layerwise.diagnosis.table_warnings import table_warnings
from layerwise.tables.reading import Table

#: The kinds of warnings of a diagnosis that concern every fit; scales and missing values are handled by the fit.
KINDS = ("copy of the target", "identifier", "duplicate", "two-valued target", "heavy tails", "few rows")


def remarks(table: Table) -> list[str]:
    """Sentences about the columns of numbers, with medians for missing values, and about the target."""
    numbers = table.inputs.select_dtypes("number")
    numbers = numbers.fillna(numbers.median()).dropna(axis="columns")
    y = table.target.to_numpy()
    if len(y) < MIN_ROWS or not varies(y) or not numbers.shape[1] or not varies(numbers.to_numpy()).any():
        return []
    checked = subsample(read_arrays(numbers, y), np.random.RandomState(0))
    if not varies(checked.y) or not varies(checked.X).any():
        return []
    return [each.message for each in table_warnings(checked, prepare(checked)) if each.kind in KINDS]
