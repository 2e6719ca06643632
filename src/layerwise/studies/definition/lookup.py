"""Import paths: how targets, inputs and learners enter a study without being imported by it.

A path is either a bare name, looked up in the library's own room (``"SingleIndex"`` in `layerwise.targets`), or
a dotted path to anything importable (``"sklearn.linear_model.Ridge"``). Each object has one canonical path, so
that a class, its bare name and its full path all mean the same trial.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from layerwise.errors import UserError

TARGETS, INPUTS, LEARNERS = "layerwise.targets", "layerwise.inputs", "layerwise.learners"


class StudyError(UserError):
    """A study that cannot be: says which key, what is wrong with it and what is allowed.

    Parameters
    ----------
    problem : str
        What is wrong, and what would be right.
    key : str, default=""
        Where: ``"learners[1].params"``.
    """

    def __init__(self, problem: str, key: str = "") -> None:
        super().__init__(f"{key}: {problem}" if key else problem)
        self.problem = problem
        self.key = key


def nearest(name: str, known: Iterable[str]) -> str:
    """Return advice on a name that does not exist: the nearest one that does, and the whole list when short.

    Parameters
    ----------
    name : str
        The unknown name.
    known : iterable of str
        The names that exist.

    Returns
    -------
    str
        ``' Did you mean "seeds"? Known names: dims, n, seeds.'``
    """
    known = sorted(known)
    lowered = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), lowered, n=1)
    advice = f' Did you mean "{lowered[close[0]]}"?' if close else ""
    if 0 < len(known) <= 40:
        advice += f" Known names: {', '.join(known)}."
    return advice


def find(path: str, home: str) -> Callable[..., Any]:
    """Import the class (or factory function) a path names.

    Parameters
    ----------
    path : str
        A bare name in `home`, or a dotted import path.
    home : str
        Module in which bare names are looked up.

    Returns
    -------
    callable
        The object.

    Raises
    ------
    StudyError
        When there is no such module, it raises anything while it is imported, there is no such name in it, or the
        name cannot be called.
    """
    module_name, _, name = path.rpartition(".")
    module_name = module_name or home
    try:
        module = import_module(module_name)
        found = getattr(module, name, None)
    except (ImportError, ValueError, TypeError) as error:
        raise StudyError(
            f'cannot import "{path}" ({error}).{_nearest_module(error)} Give a name of {home}, or the full import path '
            "of a class that this Python can import."
        ) from error
    except (Exception, SystemExit) as error:  # a user's module may do anything
        raise StudyError(
            f'cannot import "{path}": {module_name} raises {type(error).__name__} ({error}). Mend that module.'
        ) from error
    if found is None:
        public = getattr(module, "__all__", None) or [
            key
            for key, value in vars(module).items()
            if inspect.isclass(value) and value.__module__.startswith(module_name) and not key.startswith("_")
        ]
        raise StudyError(f'{module_name} has no "{name}".{nearest(name, public)}')
    if not callable(found):
        raise StudyError(f'"{path}" is a {type(found).__name__}; a class (or a function that makes one) is needed.')
    return found


def _nearest_module(error: Exception) -> str:
    """Advice on a module that is not there: the nearest one beside it."""
    package, _, name = (getattr(error, "name", None) or "").rpartition(".")
    places = getattr(sys.modules.get(package), "__path__", None) if package else None
    if not name or (package and places is None):
        return ""
    beside = [module.name for module in iter_modules(places) if not module.name.startswith("_")]
    close = difflib.get_close_matches(name, beside, n=1)
    return f' Did you mean "{package}{"." * bool(package)}{close[0]}"?' if close and close[0] != name else ""


def check_methods(key: str, path: str, home: str) -> None:
    """Check that what a path names can have the methods a trial calls: a class has them, a function may make one.

    Parameters
    ----------
    key : str
        Where the path stands in the study, for the message.
    path, home : str
        As `find` takes them.

    Raises
    ------
    StudyError
        For a class without them, or a function that is built into Python.
    """
    found, needed = find(path, home), ("fit", "predict") if home == LEARNERS else ("sample",)
    lacking = [name for name in needed if not hasattr(found, name)]
    if lacking and (inspect.isclass(found) or inspect.isbuiltin(found)):
        kind = {LEARNERS: "learner", TARGETS: "target", INPUTS: "distribution of inputs"}[home]
        raise StudyError(f'"{path}" has no {" and no ".join(lacking)}, so it is no {kind}. Name a class that has.', key)


def canonical_path(use: Any, home: str) -> str:
    """Return the one path under which a class is known, whichever way it was given.

    Parameters
    ----------
    use : str or class
        An import path as `find` takes it, or the class itself.
    home : str
        Module in which bare names are looked up.

    Returns
    -------
    str
        The bare name for a public class of `home`, otherwise the shortest import path that leads to it.

    Raises
    ------
    StudyError
        When `use` is no importable class.
    """
    if isinstance(use, str):
        found, fallback = find(use, home), use
    elif callable(use):
        found, fallback = use, ""
    else:
        raise StudyError(f"should be an import path or a class, got {use!r}.")
    name, module_name = getattr(found, "__name__", ""), getattr(found, "__module__", None) or ""
    if f"{module_name}.".startswith(f"{home}.") and getattr(import_module(home), name, None) is found:
        return name
    parts = module_name.split(".")
    for length in range(1, len(parts) + 1):  # a package that re-exports the class is its public address
        prefix = ".".join(parts[:length])
        if name and getattr(sys.modules.get(prefix), name, None) is found:
            return f"{prefix}.{name}"
    if not fallback:
        raise StudyError(
            f"{found!r} cannot be imported by name (it is local, or made on the fly). Define it at the top level "
            "of a module."
        )
    return fallback


@lru_cache(maxsize=1024)
def parameter_names(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names that can be given as keywords; empty when Python cannot tell.

    Parameters
    ----------
    function : callable
        A class or function.

    Returns
    -------
    frozenset of str
        The names.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return frozenset()
    return frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))


def check_call(key: str, path: str, home: str, params: Mapping[str, Any], *args: Any) -> None:
    """Check that ``find(path, home)(*args, **params)`` fits the signature, without calling it.

    Parameters
    ----------
    key : str
        Where `params` stands in the study, for the message.
    path, home : str
        As `find` takes them.
    params : mapping
        The keywords.
    *args
        The leading arguments (the dimension, for targets and inputs).

    Raises
    ------
    StudyError
        For a parameter that does not exist or one that is missing.
    """
    function = find(path, home)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some C callables have none: the trial will tell
        return
    own = parameter_names(function) - set(list(signature.parameters)[: len(args)])
    open_ended = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    unknown = [name for name in params if name not in own]
    if unknown and not open_ended:
        raise StudyError(
            f'{path} has no parameter "{unknown[0]}" to set here.{nearest(unknown[0], own)}', f"{key}.{unknown[0]}"
        )
    try:
        signature.bind(*args, **params)
    except TypeError as error:
        raise StudyError(f"{path}: {error}.", key) from None
