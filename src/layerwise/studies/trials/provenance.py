"""Which code a trial runs: the source of a user's own classes, and the versions of libraries.

A trial's key holds import paths. Two scripts may each define a class of one path, and one script changes over time, so
a store holds, beside each trial, a hash of the source of every class that is the user's own: the file that defines it,
and the user's own files that it imports, directly or not. Of installed code the version is stored instead.

Any change in these files counts, that of another class or a comment included, except below ``if __name__ ==
"__main__":``. So a script's grid of trials belongs there, or the classes in a module of their own. In a notebook, what
counts are the cells that define the class and the functions and classes that it uses. What is reached by other means
(``importlib``, a data file) is not followed.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import linecache
import site
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import Any

from layerwise.studies.definition.lookup import StudyError, find
from layerwise.studies.definition.trial import Trial, canonical_json

UNKNOWN = "unknown"  # hash of a source that cannot be read, such as a class defined at the prompt; never equal
ALWAYS = ("numpy", "scipy", "scikit-learn")


def sources(trial: Trial) -> dict[str, str]:
    """Return, by import path, hashes of the source of those classes of a trial that are the user's own.

    A source that cannot be read has the hash `UNKNOWN`.
    """
    found = {}
    for path, home in trial.paths:
        try:
            digest = _digest(find(path, home), path)
        except StudyError:  # no longer importable; the trial reports it
            digest = UNKNOWN
        if digest:
            found[path] = digest
    return found


def libraries(trial: Trial) -> str:
    """Return, as JSON, the versions of NumPy, SciPy, scikit-learn and the distributions of a trial's classes."""
    names = {*ALWAYS}
    for path, _ in trial.paths:
        names |= _distributions(path.split(".")[0]) if "." in path else set()
    return canonical_json({name: _version(name) for name in names})


@cache
def _distributions(package: str) -> set[str]:
    if package in ("numpy", "scipy", "sklearn", "layerwise", "__main__"):  # named in any case; the lookup is slow
        return set()
    return {*packages_distributions().get(package, ())}


@cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return UNKNOWN


@lru_cache(maxsize=1024)
def _digest(found: Any, path: str) -> str:
    """Return the hash of the files that define a class or factory, "" for installed code.

    It is computed once: edited code has to be imported again to be run, which makes another class.
    """
    defined = inspect.isclass(found) or inspect.isfunction(found)
    module = found.__module__ if defined else path.rpartition(".")[0]
    try:
        if module == "__main__" and _file(module) is None:
            texts = _cells(found)
        else:
            texts: dict[str, str] = {}
            _collect(module, texts)
    except OSError:  # the file is gone
        return UNKNOWN
    return hashlib.sha256(canonical_json(sorted(texts.values())).encode()).hexdigest()[:16] if texts else ""


def _collect(name: str, texts: dict[str, str]) -> None:
    """Add the text of a module that is the user's own, and of all such modules that it imports, by name."""
    file = _file(name)
    if name in texts or not _is_own(name, file):
        return
    assert file is not None
    text = Path(file).read_text(encoding="utf-8", errors="replace")
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError):  # compiled code
        statements = []
    lines = text.splitlines()
    for statement in reversed(statements):
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'":
            del lines[statement.lineno - 1 : statement.end_lineno]
            statement.body.clear()
    texts[name] = "\n".join(lines)
    package = name if Path(file).stem == "__init__" else name.rpartition(".")[0]
    package = getattr(sys.modules.get(name), "__package__", None) or package  # for `python -m`
    for imported in _imported(statements, package):
        _collect(imported, texts)


def _imported(statements: list[ast.stmt], package: str) -> Iterator[str]:
    """Names of the modules that statements import, and of what may be one."""
    for node in ast.walk(ast.Module(statements, [])):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = node.module or ""
            with suppress(ImportError):
                home = resolve_name("." * node.level + home, package)
            yield home
            yield from (f"{home}.{alias.name}" for alias in node.names)


def _file(name: str) -> str | None:
    """Return the file of a module, imported or not; None where it does not exist or has no file."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__file__", None)
    parent = name.rpartition(".")[0]
    if not parent or _is_own(parent, _file(parent)):  # finding a submodule imports its package
        with suppress(Exception):  # which may raise anything
            spec = find_spec(name)
            return spec.origin if spec and spec.has_location else None
    return None


def _is_own(name: str, file: str | None) -> bool:
    """Return whether a module is neither layerwise's, nor Python's, nor installed."""
    if file is None or name.split(".")[0] == "layerwise":
        return False
    return not any(Path(file).resolve().is_relative_to(place) for place in _installed())


@cache
def _installed() -> list[Path]:
    """Folders of Python and of installed packages."""
    paths = [sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return [Path(path).resolve() for path in [*paths, *site.getsitepackages(), site.getusersitepackages()]]


def _cells(found: Any) -> dict[str, str]:
    """Return the cells of a notebook that define a class or function, and the functions and classes that it uses.

    OSError is raised where there is no cell, as for what is typed at the prompt.
    """
    namespace = vars(sys.modules["__main__"])
    cells: dict[str, str] = {}
    texts: dict[str, str] = {}
    waiting, seen = [found], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        home = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None)
        if inspect.iscode(value):
            cells[value.co_filename] = "".join(linecache.getlines(value.co_filename))
            waiting += filter(inspect.iscode, value.co_consts)
            waiting += [namespace[name] for name in value.co_names if name in namespace]
        elif inspect.isclass(value) and home == "__main__":
            waiting += [*vars(value).values(), *value.__bases__]
        elif home == "__main__":
            waiting += filter(None, [getattr(value, "__code__", None)])
        elif isinstance(home, str):
            _collect(home, texts)
    if not any(cells.values()):  # a single one may be missing: a dataclass has generated methods
        raise OSError("no source")
    return texts | cells
