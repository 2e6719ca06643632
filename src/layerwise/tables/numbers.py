"""The inputs of a table as numbers, for methods that accept only numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerwise.learners.automatic.preparation import TablePreparation

if TYPE_CHECKING:
    import pandas as pd


def as_numbers(inputs: pd.DataFrame) -> pd.DataFrame:
    """Return columns of numbers with medians for missing values, and the others as `TablePreparation` encodes them."""
    import pandas as pd

    numbers = inputs.select_dtypes("number")
    numbers = numbers.fillna(numbers.median()).dropna(axis="columns")
    others = inputs.drop(columns=list(inputs.select_dtypes("number").columns))
    if not others.shape[1]:
        return numbers
    prepared = TablePreparation().fit(others)
    return pd.concat([numbers, pd.DataFrame(prepared.transform(others), columns=prepared.names_out())], axis="columns")
