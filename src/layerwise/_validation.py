"""Argument checks shared by the modules of this package: what was wrong, what is allowed, what to do."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def as_integer(value: Any, name: str, minimum: int = 0) -> int:
    """Return ``value`` as an int that is at least ``minimum``."""
    try:
        integer = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        integer = None
    if integer is None:
        raise TypeError(f"{name}={value!r} is of type {type(value).__name__}; it must be an integer. Pass int({name}).")
    if integer < minimum:
        raise ValueError(f"{name}={integer} is too small; it must be >= {minimum}. Pass a larger {name}.")
    return integer


def as_floats(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return a float32 or float64 array (those are kept; other real numbers become float64)."""
    array = np.asarray(values)
    if array.dtype in FLOATS:
        return array
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} has dtype {array.dtype}; it must hold real numbers. "
            "Convert it to float64 and drop or encode what is not a number."
        )
    return array.astype(np.float64)


def as_points(X: ArrayLike, dim: int | None = None, name: str = "X") -> NDArray[Any]:
    """Return a float array of shape (n_samples, dim)."""
    array = as_floats(X, name)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"{name} has shape {array.shape}; it must be 2-dimensional, (n_samples, n_features >= 1). "
            f"Use {name}[:, None] for one variable or {name}[None, :] for one point."
        )
    if dim is not None and array.shape[1] != dim:
        raise ValueError(
            f"{name} has {array.shape[1]} columns; {dim} are needed, one a variable. Pass points of that dimension."
        )
    return array


def as_vector(values: ArrayLike, name: str, length: int | None = None) -> NDArray[np.float64]:
    """Return a finite float64 vector, copied."""
    vector = as_floats(values, name).astype(np.float64)
    if vector.ndim != 1:
        raise ValueError(f"{name} has shape {vector.shape}; it must be 1-dimensional. Use np.ravel({name}).")
    if length is not None and len(vector) != length:
        raise ValueError(f"{name} has {len(vector)} entries; {length} are needed. Check the two belong together.")
    if not np.isfinite(vector).all():
        raise ValueError(f"{name} contains NaN or infinity; its entries must be finite. Remove or impute them.")
    return vector


def gigabytes(n_bytes: float) -> str:
    """Say a number of bytes in GiB, for messages."""
    return f"{n_bytes / 2**30:.3g} GiB"
