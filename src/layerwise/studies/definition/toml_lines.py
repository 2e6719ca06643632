"""The line of a TOML file on which a key stands, which `tomllib` does not tell."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]


def key_of(path: Path) -> str:
    """Return a place in nested data as one writes it: ``("learners", 1, "params")`` is ``"learners[1].params"``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def line_of(text: str, key: str) -> int | None:
    """Return the line of a key, or of the table it is missing in.

    Parameters
    ----------
    text : str
        Valid TOML.
    key : str
        As `key_of` writes it.

    Returns
    -------
    int or None
        Counted from 1; for a value over several lines the first. None where no part of the key stands in the text.
    """
    lines: dict[str, int] = {}
    for path, line in _places(text.replace("\r\n", "\n")):
        lines.setdefault(key_of(path), line)
    while key and key not in lines:
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return lines.get(key)


def _places(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    sizes: dict[Path, int] = {}  # of the arrays of tables so far
    for line, statement in _statements(text):
        data = tomllib.loads(statement)
        if not statement.lstrip().startswith("["):
            for path in _paths(data):
                yield table + path, line
            continue
        *_, whole = _paths(data)
        names = [name for name in whole if isinstance(name, str)]  # of [names] or [[names]]
        table = ()
        for i, name in enumerate(names):
            table += (name,)
            if i + 1 < len(names) and table in sizes:  # inside the last table of an array
                table += (sizes[table] - 1,)
        if statement.lstrip().startswith("[["):
            yield table, line
            sizes[table] = sizes.get(table, 0) + 1
            table += (sizes[table] - 1,)
        yield table, line


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The shortest runs of lines that are TOML by themselves, each with the number of its first line."""
    start, lines = 0, text.split("\n")
    for end in range(len(lines)):
        statement = "\n".join(lines[start : end + 1])
        try:
            data = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:  # it goes on
            continue
        if data:
            yield start + 1, statement
        start = end + 1


def _paths(value: Any) -> Iterator[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield (name,)
        for path in _paths(item):
            yield (name, *path)
