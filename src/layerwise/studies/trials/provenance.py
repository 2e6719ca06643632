"""Whose code a trial runs: the source of a user's own classes, and the versions of the libraries.

A trial's key holds import paths. Two scripts may each have a class of one path, and one script changes over time, so
beside what came of a trial stands a hash of the source it was made from. Of the class's own file only what the class
uses counts: its statement, and those that define what it names, and so on. Another learner in the same file, or a
changed grid, changes nothing. Other files of the user's that it imports from count likewise. Code that is installed is
told by its version.

Names are followed as they stand in the text; what is looked up by other means (``getattr``, a data file) is not seen.
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
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import resolve_name
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from layerwise.studies.definition.lookup import INPUTS, LEARNERS, TARGETS, StudyError, find
from layerwise.studies.definition.trial import Trial, canonical_json

UNKNOWN = "unknown"  # a source that cannot be seen, as of what was typed into an interpreter; equal to none
ALWAYS = ("numpy", "scipy", "scikit-learn")


def sources(trial: Trial) -> dict[str, str]:
    """Hashes of the source of those classes of a trial that are the user's own.

    Parameters
    ----------
    trial : Trial
        The trial.

    Returns
    -------
    dict
        Hash by import path; `UNKNOWN` where no source can be seen.
    """
    found = {}
    for path, home in ((trial.target, TARGETS), (trial.inputs, INPUTS), (trial.learner, LEARNERS)):
        try:
            digest = _digest(find(path, home), path)
        except StudyError:  # gone since; the trial says it
            digest = UNKNOWN
        if digest:
            found[path] = digest
    return found


def libraries(trial: Trial) -> str:
    """Versions of NumPy, SciPy, scikit-learn and the distributions that a trial's classes come from, as JSON."""
    names = {*ALWAYS}
    for path in (trial.target, trial.inputs, trial.learner):
        names |= _distributions(path.split(".")[0]) if "." in path else set()
    return canonical_json({name: _version(name) for name in names})


@cache
def _distributions(package: str) -> set[str]:
    known = {"sklearn": "scikit-learn", "numpy": "numpy", "scipy": "scipy", "layerwise": None, "__main__": None}
    if package in known:
        return {*filter(None, [known[package]])}
    return {*packages_distributions().get(package, ())}


@cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return UNKNOWN


@lru_cache(maxsize=1024)
def _digest(found: Any, path: str) -> str:
    """Hash of what makes a class or factory, "" where none of it is the user's own; as of when it is first asked for.

    Whoever edits a file has to import it again to run it, which makes another class.
    """
    kinds = [kind for kind in [found, *getattr(found, "__mro__", ())[1:]] if hasattr(kind, "__name__")]
    home, _, own_name = path.rpartition(".")
    waiting = [(home, own_name), *((kind.__module__ or "", kind.__name__) for kind in kinds)]
    texts: dict[tuple[str, str], str] = {}
    while waiting:
        home, name = waiting.pop()
        module = sys.modules.get(home)
        if (home, name) in texts or module is None or not _is_own(module):
            continue
        text = _text(module, name)
        if text is None:
            return UNKNOWN
        texts[home, name], uses, imports = _relevant(text, name)
        waiting += [origin for use in uses if (origin := _origin(getattr(module, use, None)))]
        for statement in imports:  # a number that is imported does not say where from
            waiting += _imported(statement, module, uses)
    if not texts:
        return ""
    return hashlib.sha256(canonical_json([texts[key] for key in sorted(texts)]).encode()).hexdigest()[:16]


def _is_own(module: ModuleType) -> bool:
    """Whether a module is neither layerwise's, nor Python's, nor installed."""
    if module.__name__ == "__main__":
        return True
    if module.__name__.split(".")[0] == "layerwise":
        return False
    file = getattr(module, "__file__", None)
    return file is not None and not any(Path(file).resolve().is_relative_to(place) for place in _places())


@cache
def _places() -> list[Path]:
    """Where Python and what is installed stand."""
    paths = [sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return [Path(path).resolve() for path in [*paths, *site.getsitepackages(), site.getusersitepackages()]]


def _text(module: ModuleType, name: str) -> str | None:
    """The text of a module's file; of a notebook, which has none, the cells in which the functions of a class stand."""
    file = getattr(module, "__file__", None)
    if file is not None:
        try:
            return Path(file).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
    found = getattr(module, name, None)
    functions = [found, *vars(found).values()] if inspect.isclass(found) else [found]
    codes = [code for function in functions if (code := getattr(function, "__code__", None))]
    cells = dict.fromkeys(code.co_filename for code in codes)
    texts = ["".join(linecache.getlines(cell)) for cell in cells]
    return "\n".join(texts) if texts and all(texts) else None


Imports = list[ast.Import | ast.ImportFrom]


def _relevant(text: str, name: str) -> tuple[str, set[str], Imports]:
    """The statements at the top of a file that a name comes from, directly or not, the names and imports they use.

    All of them for the name "", or for one that no statement defines.
    """
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError):  # a notebook's magic; compiled code
        return text, set(), []
    lines, wanted, taken, before = text.splitlines(), {name}, {}, -1
    while len(taken) > before:
        before = len(taken)
        for i, statement in enumerate(statements):
            if i not in taken and not wanted.isdisjoint(_binds(statement)):
                first = min(part.lineno for part in [statement, *getattr(statement, "decorator_list", ())])
                taken[i] = "\n".join(lines[first - 1 : statement.end_lineno])
                wanted |= _uses(statement)
    if taken:
        text = "\n".join(taken[i] for i in sorted(taken))
        statements = [statements[i] for i in sorted(taken)]
    else:
        wanted = {used for statement in statements for used in _uses(statement)}
    nodes = (node for statement in statements for node in ast.walk(statement))
    return text, wanted, [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def _binds(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement defines or changes."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            while isinstance(node, ast.Attribute | ast.Subscript):
                node = node.value
            if isinstance(node, ast.Name):
                yield node.id
        elif isinstance(node, ast.alias) and node.name != "*":
            yield _bound(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def _bound(alias: ast.alias) -> str:
    return (alias.asname or alias.name).split(".")[0]


def _uses(statement: ast.stmt) -> set[str]:
    """The names that a statement looks up outside of its functions' own variables."""
    whole = compile(ast.Module([statement], []), "", "exec", dont_inherit=True, flags=0)
    codes, looked_up = [whole], set()
    while codes:
        code = codes.pop()
        looked_up |= {*code.co_names}
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return looked_up & {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _origin(value: Any) -> tuple[str, str] | None:
    """The module that a value is or comes from, and its name there."""
    if isinstance(value, ModuleType):
        return value.__name__, ""
    home, name = getattr(value, "__module__", None), getattr(value, "__name__", type(value).__name__)
    return (home, name) if isinstance(home, str) and isinstance(name, str) else None


def _imported(statement: ast.Import | ast.ImportFrom, module: ModuleType, uses: set[str]) -> Iterator[tuple[str, str]]:
    """The modules, and the names among those used, that a statement of a module imports."""
    used = [alias for alias in statement.names if alias.name == "*" or _bound(alias) in uses]
    if isinstance(statement, ast.Import):
        yield from ((alias.name, "") for alias in used)
        return
    home = statement.module or ""
    if statement.level:
        try:
            home = resolve_name("." * statement.level + home, module.__package__ or "")
        except ImportError:
            return
    for alias in used:
        yield home, "" if alias.name == "*" else alias.name
        yield f"{home}.{alias.name}", ""  # where that is a module
