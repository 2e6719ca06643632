"""The types of a study's fields: plain data only, and one-line errors that name the key.

Validation is pydantic's, strict and frozen; its reports are turned into a `StudyError`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from layerwise._validation import did_you_mean, shown
from layerwise.studies.definition.lookup import StudyError
from layerwise.studies.definition.objects import canonical_object, is_object

MAX_CELLS = 10_000_000  # largest grid; each trial takes about 2 kB of memory
LIST_TYPES = (list, tuple, range, np.ndarray)


def plain_params(value: Any) -> Any:
    """Return a table of parameters as data that JSON can express; anything else unchanged, for pydantic to refuse.

    NumPy scalars, arrays, tuples and ranges are converted. Tables that stand for objects
    (`layerwise.studies.definition.objects`) are checked and take their canonical form. StudyError is raised for a value
    that cannot be expressed, an object that cannot be found, or data that contain themselves.
    """
    try:
        return _plain_items(value, "") if isinstance(value, Mapping) else value
    except RecursionError:
        raise StudyError(
            "contain themselves, or are nested too deeply. Parameters must be a finite tree of tables and lists."
        ) from None


def _plain_items(table: Mapping[Any, Any], key: str) -> dict[str, Any]:
    for name in table:
        if not isinstance(name, str):
            raise StudyError(f"the parameter name {shown(name)} must be a string.", key)
    return {name: _plain(item, f"{key}.{name}".lstrip(".")) for name, item in table.items()}


def _plain(value: Any, key: str) -> Any:
    value = plain_number(value)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if is_object(value):
        params = value.get("params", {})
        if not isinstance(params, Mapping):
            raise StudyError(f"must be a table of parameters, got {shown(params)}.", f"{key}.params")
        return canonical_object(value["use"], _plain_items(params, f"{key}.params"), key)
    if isinstance(value, Mapping):
        return _plain_items(value, key)
    if isinstance(value, list | tuple | range):
        return [_plain(item, f"{key}[{i}]") for i, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise StudyError(
        f"{value!r} cannot be written as plain data. Parameters must be finite numbers, strings, booleans, None, lists "
        'and tables of these; an object is written {"use": import path, "params": {...}}.',
        key,
    )


def plain_number(value: Any) -> Any:
    """Return a NumPy scalar as Python's own, and anything else unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def as_tuple(value: Any) -> Any:
    """Return a list, range or array as a tuple without NumPy scalars; anything else unchanged, for pydantic to refuse.

    StudyError is raised for more than `MAX_CELLS` entries.
    """
    if not isinstance(value, LIST_TYPES):
        return value
    if len(value) > MAX_CELLS:
        raise StudyError(f"has {len(value):,} entries; it must have at most {MAX_CELLS:,}.")
    return tuple(map(plain_number, value))


def refuse_none(value: Any, key: str) -> None:
    """Raise StudyError for a None anywhere in plain data, which TOML cannot express."""
    if value is None:
        raise StudyError("is None, which TOML cannot express. Omit the parameter, or keep the study in Python.", key)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        refuse_none(item, f"{key}.{name}" if isinstance(name, str) else f"{key}[{name}]")


def _distinct(values: Sequence[int]) -> Sequence[int]:
    seen: set[int] = set()
    for value in values:
        if value in seen:
            raise StudyError(f"{value} is repeated. Entries must differ.")
        seen.add(value)
    return values


Params = Annotated[dict[str, Any], BeforeValidator(plain_params)]
PositiveInteger = Annotated[int, BeforeValidator(plain_number), Field(gt=0)]
NonNegativeInteger = Annotated[int, BeforeValidator(plain_number), Field(ge=0)]
GridValue = Annotated[int, Field(gt=0, lt=2**63)]  # what an int64 column holds
Grid = Annotated[Sequence[GridValue], BeforeValidator(as_tuple), Field(min_length=1), AfterValidator(_distinct)]
Label = Annotated[str, Field(min_length=1)]


class Definition(BaseModel):
    """A frozen model whose errors are a `StudyError` of one line."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def __init__(self, /, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise _study_error(error, type(self)) from None


def _study_error(error: ValidationError, model: type[BaseModel]) -> StudyError:
    """Return the first error; a misspelt key comes before the missing key that it causes."""
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, StudyError):  # raised by one of our own checks, perhaps inside a nested table
        inner = cause.key if cause.key.startswith("[") or not (key and cause.key) else f".{cause.key}"
        return StudyError(cause.problem, key + inner)
    if first["type"] == "extra_forbidden":
        return StudyError(f"there is no such key.{did_you_mean(str(first['loc'][-1]), model.model_fields)}", key)
    if first["type"] == "missing":
        return StudyError("is missing.", key)
    if first["type"] in ("too_short", "string_too_short"):
        return StudyError("is empty; it must have at least one entry or character.", key)
    got = shown(first["input"])
    if first["type"] in ("is_instance_of", "sequence_str"):  # from Sequence
        if isinstance(first["input"], dict):
            return StudyError(f"must be a list of tables; in TOML, write [[{key}]] above each.", key)
        return StudyError(f"must be a list such as [{got}], got {got}.", key)
    return StudyError(f"{first['msg'].replace('Input should', 'must')}, got {got}.", key)
