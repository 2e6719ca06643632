"""The fields a study is made of: plain data only, and errors of one line that name the key.

Underneath is pydantic, strict and frozen; its reports are turned into a `StudyError`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WrapValidator,
)

from layerwise.studies.definition.lookup import StudyError, nearest
from layerwise.studies.definition.sizes import check_sizes
from layerwise.studies.definition.toml_lines import key_of


def _plain(value: Any, key: str = "") -> Any:
    """Return JSON-able data equal to `value`: NumPy scalars, arrays, tuples and ranges become plain."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise StudyError(f"the parameter name {name!r} should be a string.", key)
        return {name: _plain(item, f"{key}.{name}".lstrip(".")) for name, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(item, f"{key}[{i}]") for i, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise StudyError(
        f"{value!r} has no plain form. Parameters are numbers (finite), strings, booleans, None, lists and tables "
        "of these.",
        key,
    )


def as_tuple(value: Any) -> Any:
    """Return a sequence that `value` may be as a tuple, and anything else as it is, for pydantic to refuse.

    Parameters
    ----------
    value : object
        What was given.

    Returns
    -------
    object
        A tuple for a list, range or array, its NumPy scalars turned into Python's.
    """
    if not isinstance(value, list | tuple | range | np.ndarray):
        return value
    return tuple(item.item() if isinstance(item, np.generic) else item for item in value)


def refuse_none(value: Any, key: str) -> None:
    """Raise for a None anywhere in plain data, which TOML cannot say.

    Raises
    ------
    StudyError
        Naming its place below `key`.
    """
    if value is None:
        raise StudyError("is None, which TOML cannot say; leave the parameter out or keep the study in Python.", key)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        refuse_none(item, f"{key}.{name}" if isinstance(name, str) else f"{key}[{name}]")


def _distinct(values: Sequence[int]) -> Sequence[int]:
    repeated = next((value for i, value in enumerate(values) if value in values[:i]), None)
    if repeated is not None:
        raise StudyError(f"{repeated} stands there twice.")
    return values


Params = Annotated[dict[str, Any], BeforeValidator(_plain)]
GridValue = Annotated[int, Field(gt=0, lt=2**63)]  # what a table's int64 holds
Grid = Annotated[Sequence[GridValue], BeforeValidator(as_tuple), Field(min_length=1), AfterValidator(_distinct)]
if TYPE_CHECKING:
    Sizes = Sequence[int] | str
else:  # sample sizes, or a form of `layerwise.studies.definition.sizes` kept as it is written
    Sizes = Annotated[
        Grid,
        WrapValidator(lambda value, grid: check_sizes(value) if isinstance(value, str) else grid(value)),
        PlainSerializer(lambda value: value),
    ]
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
    """Say the first thing that is wrong; a misspelt key comes before the missing key that it causes."""
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    key = key_of(first["loc"])
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, StudyError):  # raised by one of our own checks, perhaps inside a nested table
        inner = cause.key if cause.key.startswith("[") or not (key and cause.key) else f".{cause.key}"
        return StudyError(cause.problem, key + inner)
    if first["type"] == "extra_forbidden":
        return StudyError(f"there is no such key.{nearest(str(first['loc'][-1]), model.model_fields)}", key)
    if first["type"] == "missing":
        return StudyError("is missing.", key)
    if first["type"] == "too_short":
        return StudyError("is empty; it needs at least one entry.", key)
    if first["type"] == "string_too_short":
        return StudyError("is empty; give a name.", key)
    if first["type"] in ("is_instance_of", "sequence_str"):  # of Sequence
        if isinstance(first["input"], dict):
            return StudyError(f"should be a list of tables; in TOML, write [[{key}]] above each.", key)
        return StudyError(f"should be a list such as [{first['input']!r}], got {first['input']!r}.", key)
    expected = first["msg"].replace("Input should", "should")
    return StudyError(f"{expected}, got {first['input']!r}.", key)
