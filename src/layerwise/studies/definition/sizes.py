"""Sample sizes that grow with the dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

from pydantic import BeforeValidator, Field, FiniteFloat, PlainSerializer, WrapValidator, model_validator

from layerwise._validation import shown
from layerwise.hermite import n_terms
from layerwise.studies.definition.fields import LIST_TYPES, Definition, Grid, PositiveInteger, as_tuple
from layerwise.studies.definition.lookup import StudyError

MAX_SIZE = 2**63 - 1  # what an int64 column holds

if TYPE_CHECKING:
    Numbers = float | Sequence[float]
else:  # kept as a tuple
    Numbers = Annotated[
        tuple[Annotated[FiniteFloat, Field(gt=0)], ...],
        BeforeValidator(lambda value: as_tuple(value if isinstance(value, LIST_TYPES) else [value])),
        Field(min_length=1),
    ]


class Sizes(Definition):
    """Sample sizes ``times * d**power`` or ``times * D(degree)`` at dimension d, rounded to integers.

    ``D(k) = C(d + k, k)`` is the number of coefficients of a polynomial of degree k in d variables. In TOML this is a
    table: ``n = { times = [1, 2, 4], power = 2 }``.

    Parameters
    ----------
    times : float or sequence of float, default=1
        Positive factors.
    power : float or sequence of float, default=1
        Positive exponents of d. Either the factors or the exponents may be a list.
    degree : int, optional
        Degree of the polynomials, instead of `power`.

    Raises
    ------
    StudyError
        For two lists, or for both `power` and `degree`.

    Examples
    --------
    >>> from layerwise.studies import Sizes
    >>> Sizes(times=[1, 2, 4], power=2).at(10)
    [100, 200, 400]
    >>> Sizes(power=[1, 1.5, 2]).at(16)
    [16, 64, 256]
    >>> Sizes(times=2, degree=2).at(10)
    [132]
    """

    times: Numbers = (1.0,)
    power: Numbers | None = None
    degree: PositiveInteger | None = None

    @model_validator(mode="after")
    def _check_table(self) -> Self:
        if self.power is not None and self.degree is not None:
            raise StudyError("power and degree exclude each other. Remove one of them.")
        if min(map(len, self._lists)) > 1:
            raise StudyError("times and power are both lists. Make either of them one number.")
        return self

    @property
    def _lists(self) -> tuple[Sequence[float], Sequence[float]]:
        return cast("Sequence[float]", self.times), cast("Sequence[float]", self.power or (1.0,))

    def at(self, dim: int) -> list[int]:
        """Return the sample sizes at dimension `dim`, in the order given.

        StudyError is raised for a size that is not a positive 64-bit integer, or two sizes that are equal after
        rounding.
        """
        found: dict[int, str] = {}
        for factor, power in product(*self._lists):
            term = f"times={factor:g}, {f'power={power:g}' if self.degree is None else f'degree={self.degree}'}"
            try:
                n = round(factor * (dim**power if self.degree is None else n_terms(dim, self.degree)))
            except OverflowError:
                n = MAX_SIZE + 1
            if not 0 < n <= MAX_SIZE:
                size = f"n = {n}" if n <= MAX_SIZE else "an n of 2^63 or more"
                raise StudyError(f"{term} gives {size} at dim = {dim}; sizes must be positive and below 2^63.")
            if n in found:
                raise StudyError(
                    f"({found[n]}) and ({term}) both give n = {n} at dim = {dim}; sizes must differ. Remove one, or "
                    "space them further apart."
                )
            found[n] = term
        return list(found)


def sizes_at(sizes: Sequence[int] | Sizes, dim: int) -> list[int]:
    """Return the sample sizes at a dimension, whether they depend on it or not."""
    return sizes.at(dim) if isinstance(sizes, Sizes) else list(sizes)


def _validate(value: Any, grid: Any) -> Sequence[int] | Sizes:
    if isinstance(value, Sizes):
        return value
    if isinstance(value, Mapping):
        return Sizes(**value)
    if isinstance(value, str | int | float):
        raise StudyError(
            "must be a list such as [100, 200], or a table such as { times = [1, 2, 4], power = 2 } for multiples of "
            f"d**2, got {shown(value)}."
        )
    return grid(value)


if TYPE_CHECKING:
    SampleSizes = Sequence[int] | Sizes
else:
    SampleSizes = Annotated[
        Grid,
        WrapValidator(_validate),
        PlainSerializer(lambda n: n.model_dump(exclude_none=True) if isinstance(n, Sizes) else n),
    ]
