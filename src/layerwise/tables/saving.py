"""A fitted model in a file of skops, with the columns it needs and the versions of the libraries that made it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from layerwise.errors import UserError
from layerwise.tables.reading import read_frame

if TYPE_CHECKING:
    import pandas as pd

LIBRARIES = ("layerwise", "scikit-learn", "numpy", "scipy", "pandas")


def save_model(path: Path, model: Any, columns: Sequence[str], target: str, identifiers: Sequence[str] = ()) -> None:
    """Save a model that was fitted to a DataFrame with these columns."""
    from skops.io import dump

    versions = {name: version(name) for name in LIBRARIES}
    dump(
        {
            "model": model,
            "columns": list(columns),
            "target": target,
            "identifiers": list(identifiers),
            "versions": versions,
        },
        path,
    )


def load_model(path: Path) -> dict[str, Any]:
    """Load what `save_model` wrote: a dict with ``model``, ``columns``, ``target``, ``identifiers`` and ``versions``.

    Warns of other versions of the libraries.

    Raises
    ------
    UserError
        If the file is not such a model, or holds types of other packages than scikit-learn, NumPy, SciPy, pandas and
        layerwise.
    """
    from skops.io import get_untrusted_types, load

    try:
        types = get_untrusted_types(file=path)
        foreign = [
            name for name in types if name.split(".")[0] not in ("layerwise", "sklearn", "numpy", "scipy", "pandas")
        ]
        if foreign:
            raise UserError(
                f"{path}: holds types that are not of layerwise: {', '.join(foreign[:5])}. Load only files that you "
                "have made with layerwise fit --save."
            )
        saved = load(path, trusted=types)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except (BadZipFile, KeyError) as error:
        raise UserError(f"{path}: is not a model of layerwise fit --save ({error}).") from None
    if not isinstance(saved, dict) or "versions" not in saved:
        raise UserError(f"{path}: is not a model of layerwise fit --save. Save one with it.")
    now = {name: version(name) for name in LIBRARIES}
    other = [f"{name} {then} (now {now[name]})" for name, then in saved["versions"].items() if now.get(name) != then]
    if other:
        warnings.warn(
            f"{path} was saved with {', '.join(other)}. Predictions may differ: install these versions, or fit again.",
            UserWarning,
            stacklevel=2,
        )
    return saved


def predict_table(saved: dict[str, Any], path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Predict the rows of a CSV or Parquet file: a table with identifiers and predictions, and the unused columns.

    Raises UserError that names all missing columns, or an entry that the model cannot use.
    """
    table = read_frame(path)
    missing = [name for name in saved["columns"] if name not in table.columns]
    if missing:
        quoted = ", ".join(f'"{name}"' for name in missing)
        raise UserError(f"{path}: lacks {len(missing)} of the {len(saved['columns'])} columns of the model: {quoted}.")
    if not len(table):
        raise UserError(f"{path}: has no rows; it must have at least one.")
    try:
        predicted = saved["model"].predict(table[saved["columns"]])
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    kept = [name for name in saved["identifiers"] if name in table.columns]
    result = table[kept].assign(**{f"{saved['target']} predicted": predicted})
    used = {*saved["columns"], *kept}
    return result, [str(name) for name in table.columns if name not in used]
