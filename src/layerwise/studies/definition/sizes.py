"""Sample sizes that depend on the dimension: ``"[1, 2, 4] * d**2"``, ``"d**[1, 1.5, 2]"``, ``"[2, 8, 32] * D(2)"``.

``d`` is the dimension, ``D(k) = C(d + k, k)`` the number of coefficients of a polynomial of degree k in d variables.
A factor or an exponent may be a list; the sizes are rounded to whole numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from layerwise.hermite import n_terms
from layerwise.studies.definition.lookup import StudyError

NUMBER = r"\d+(?:\.\d*)?|\.\d+"
NUMBERS = rf"(?:{NUMBER})|\[\s*(?:{NUMBER})(?:\s*,\s*(?:{NUMBER}))*\s*,?\s*\]"
FORM = re.compile(rf"\s*(?:({NUMBERS})\s*\*\s*)?(?:D\(\s*(\d)\s*\)|d(?:\s*\*\*\s*({NUMBERS}))?)\s*")
LARGEST = 2**63 - 1  # what a table's int64 holds


def check_sizes(text: str) -> str:
    """Return the text if it is such a form.

    Raises
    ------
    StudyError
        Where it is not, or has a list twice.
    """
    match = FORM.fullmatch(text)
    if match is None:
        raise StudyError(
            f'"{text}" is no list of sizes. Write [100, 200], "[1, 2, 4] * d**2", "d**[1, 1.5, 2]" or '
            '"[2, 8, 32] * D(2)", where D(k) is the number of coefficients of a polynomial of degree k.'
            + _with_degree(text)
        )
    if sum("[" in (part or "") for part in match.groups()) > 1:
        raise StudyError(f'"{text}" has two lists. Make either the factors or the exponents one number.')
    return text


def _with_degree(text: str) -> str:
    """Advice on a D without its degree, where that is all that is wrong."""
    meant = re.sub(r"\bD\b(?!\s*\()", "D(2)", text)
    return f' For quadratic polynomials, that is "{meant}".' if meant != text and FORM.fullmatch(meant) else ""


def sizes_at(sizes: Sequence[int] | str, dim: int, key: str = "n") -> list[int]:
    """The sample sizes at a dimension, in the order given.

    Parameters
    ----------
    sizes : sequence of int or str
        Numbers, or a form that `check_sizes` accepts.
    dim : int
        d.
    key : str, default="n"
        Where they stand in the study, for the message.

    Returns
    -------
    list of int
        Distinct sizes.

    Raises
    ------
    StudyError
        For a size that is no positive 64-bit number at this dimension.
    """
    if not isinstance(sizes, str):
        return list(sizes)
    match = FORM.fullmatch(sizes)
    assert match is not None  # checked with the study
    factors, degree, exponents = match.groups()
    try:
        bases = [n_terms(dim, int(degree))] if degree else [dim**exponent for exponent in _numbers(exponents)]
        found = [round(factor * base) for factor in _numbers(factors) for base in bases]
    except OverflowError:
        raise StudyError(f'"{sizes}" gives an n beyond 2^63 at dim = {dim}; it must be below.', key) from None
    wrong = [size for size in found if not 0 < size <= LARGEST]
    if wrong:
        raise StudyError(f'"{sizes}" gives n = {wrong[0]} at dim = {dim}; it must be positive and below 2^63.', key)
    return list(dict.fromkeys(found))


def _numbers(text: str | None) -> list[float]:
    return [float(number) for number in re.findall(NUMBER, text)] if text else [1.0]
