"""Argument checks shared by all packages. A message says what was wrong, what is allowed, and what to do."""

from __future__ import annotations

import difflib
import inspect
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

T = TypeVar("T")
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
            f"{name} has {array.shape[1]} columns; {dim} are needed, one per variable. Pass points of that dimension."
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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return advice on an unknown name: the nearest known one if there is one, and all of them where they are few.

    >>> did_you_mean("reul", ["relu", "tanh"])
    " Did you mean 'relu'? Known names: relu, tanh."
    """
    known = sorted(known)
    lowered = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), lowered, n=1)
    close = close or [candidate for candidate in lowered if name and candidate.startswith(name.lower())]
    advice = f" Did you mean {lowered[close[0]]!r}?" if close else ""
    if 0 < len(known) <= 40:
        advice += f" Known names: {', '.join(known)}."
    return advice


def shown(value: Any) -> str:
    """Return the repr of a value for a message, a NumPy scalar as the Python number it equals.

    >>> shown(np.float64(0.5))
    '0.5'
    """
    return repr(value.item() if isinstance(value, np.generic) else value)


class Constraint(ABC):
    """What the value of one constructor parameter must be.

    ``allowed`` continues the words "must be"; ``example`` is an allowed value, as source code; ``auto`` and ``none``
    also allow "auto" and None; ``advice`` is the last sentence of the message, by default the example.
    """

    def __init__(self, allowed: str, example: str, *, auto: bool = False, none: bool = False, advice: str = "") -> None:
        self.allowed = " or ".join([*(["'auto'"] * auto), *(["None"] * none), allowed])
        self.example, self.auto, self.none, self.advice = example, auto, none, advice

    @abstractmethod
    def holds(self, value: Any) -> bool:
        """Whether a value that is neither "auto" nor None is allowed."""

    def check(self, value: Any, name: str) -> None:
        """Raise ValueError, naming the parameter, its value and what is allowed, unless the constraint holds."""
        if self.auto and isinstance(value, str) and value == "auto":
            return
        if (self.none and value is None) or self.holds(value):
            return
        advice = self.advice or f"Pass e.g. {name}={self.example}."
        raise ValueError(f"{name}={shown(value)} must be {self.allowed}. {advice}")


class Integer(Constraint):
    """An integer (no bool) that is at least ``minimum``."""

    def __init__(self, minimum: int = 0, *, even: bool = False, **options: Any) -> None:
        allowed = f"an {'even ' if even else ''}integer >= {minimum}"
        super().__init__(allowed, str(max(minimum, 2)), **options)
        self.minimum, self.even = minimum, even

    def holds(self, value: Any) -> bool:
        if isinstance(value, bool | np.bool_):
            return False
        try:
            integer = operator.index(value)
        except TypeError:
            return False
        return integer >= self.minimum and not (self.even and integer % 2)


class Number(Constraint):
    """A finite real number > 0, or >= 0 where ``zero``."""

    def __init__(self, *, zero: bool = False, auto: bool = False, **options: Any) -> None:
        example = "'auto'" if auto else "0.1"
        super().__init__(f"a finite number {'>=' if zero else '>'} 0", example, auto=auto, **options)
        self.zero = zero

    def holds(self, value: Any) -> bool:
        if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
            return False
        number = float(value)
        return math.isfinite(number) and (number > 0 or (self.zero and number == 0))


class Fraction(Constraint):
    """A real number strictly between 0 and 1, or one of ``words``."""

    def __init__(self, *words: str, **options: Any) -> None:
        super().__init__(" or ".join([*map(repr, words), "a fraction strictly between 0 and 1"]), "0.2", **options)
        self.words = words

    def holds(self, value: Any) -> bool:
        if isinstance(value, str):
            return value in self.words
        return isinstance(value, Real) and not isinstance(value, bool | np.bool_) and 0 < float(value) < 1


class Choice(Constraint):
    """One of several strings."""

    def __init__(self, *words: str, **options: Any) -> None:
        super().__init__(f"one of {', '.join(map(repr, words))}", repr(words[0]), **options)
        self.words = words

    def holds(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.words


class Flag(Constraint):
    """True or False."""

    def __init__(self, **options: Any) -> None:
        super().__init__("True or False", "True", **options)

    def holds(self, value: Any) -> bool:
        return isinstance(value, bool | np.bool_)


class Memory(Constraint):
    """A number of bytes > 0; infinity is allowed."""

    def __init__(self, **options: Any) -> None:
        super().__init__("a number of bytes > 0", "8 * 2**30", **options)

    def holds(self, value: Any) -> bool:
        return isinstance(value, Real) and not isinstance(value, bool | np.bool_) and float(value) > 0


def check_parameters(estimator: Any, constraints: Mapping[str, Constraint]) -> None:
    """Raise ValueError for the first constructor parameter of an estimator that violates its constraint."""
    for name, constraint in constraints.items():
        constraint.check(getattr(estimator, name), name)


def check_peak(n_bytes: float, max_memory: float, what: str, advice: str) -> None:
    """Raise ValueError if the peak memory of some work exceeds the budget, both in bytes.

    ``what`` names the work with the values that decide its size, as in ``"degree=7 with 200 inputs"``.
    """
    if n_bytes > max_memory:
        raise ValueError(f"{what} needs {gigabytes(n_bytes)}, more than max_memory={gigabytes(max_memory)}. {advice}")


def find_class(name: str, table: Mapping[str, type[T]], what: str) -> type[T]:
    """Return the class in ``table`` under ``name``, whatever the case, underscores and hyphens of the name."""
    spellings = {_spelling(key): kind for key, kind in table.items()}
    if _spelling(name) not in spellings:
        raise ValueError(f"unknown {what} {name!r}.{did_you_mean(_spelling(name), table)}")
    return spellings[_spelling(name)]


def build(kind: type[T], /, *arguments: Any, **parameters: Any) -> T:
    """Call ``kind``; raise TypeError naming the nearest parameter for one that it does not take."""
    known = list(inspect.signature(kind).parameters)
    for name in parameters:
        if name not in known:
            raise TypeError(f"{kind.__name__} has no parameter {name!r}.{did_you_mean(name, known)}")
    return kind(*arguments, **parameters)


def _spelling(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
