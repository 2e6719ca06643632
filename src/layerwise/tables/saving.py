"""Save a fitted model in a skops file, with the columns it needs and the versions of the libraries, and load it."""

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
    """Save a model that was fitted to a DataFrame with these columns, and the names of its target and identifiers."""
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

    Warns (UserWarning) if the libraries have other versions than when the model was saved.

    Raises
    ------
    UserError
        If the file cannot be read, is not such a model, or holds types of packages other than scikit-learn, NumPy,
        SciPy, pandas and layerwise.
    """
    from skops.io import get_untrusted_types, load

    try:
        types = get_untrusted_types(file=path)
        foreign = [
            name for name in types if name.split(".")[0] not in ("layerwise", "sklearn", "numpy", "scipy", "pandas")
        ]
        if foreign:
            raise UserError(
                f"{path}: holds types of other packages than layerwise uses: {', '.join(foreign[:5])}. Load only files "
                "that you have made with layerwise fit --save."
            )
        saved = load(path, trusted=types)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}).") from None
    except (BadZipFile, KeyError) as error:
        raise UserError(f"{path}: is not a model of layerwise fit --save ({error}).") from None
    if not isinstance(saved, dict) or "versions" not in saved:
        raise UserError(f"{path}: is not a model of layerwise fit --save. Pass a file that this command has written.")
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
    """Predict the rows of a CSV or Parquet file with a model from `load_model`.

    Returns a table of identifiers and predictions, and the names of the columns that are not used. Raises UserError,
    which names all missing columns or an entry that the model cannot use.
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
