"""Import paths, by which targets, inputs and learners enter a study.

A path is either a bare name, looked up in a package of the library (``"SingleIndex"`` in `layerwise.targets`), or a
dotted path to anything importable (``"sklearn.linear_model.Ridge"``). Each object has one canonical path, so that a
class, its bare name and its full path all define the same trial.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from layerwise._validation import did_you_mean
from layerwise.errors import UserError

TARGETS, INPUTS, LEARNERS = "layerwise.targets", "layerwise.inputs", "layerwise.learners"


class StudyError(UserError):
    """An invalid study. The message names the key, says what is wrong with it and what is allowed.

    Parameters
    ----------
    problem : str
        What is wrong, and what would be right.
    key : str, default=""
        The key, such as ``"learners[1].params"``.
    """

    def __init__(self, problem: str, key: str = "") -> None:
        super().__init__(f"{key}: {problem}" if key else problem)
        self.problem = problem
        self.key = key


def find(path: str, home: str) -> Callable[..., Any]:
    """Import the class or function at a dotted path, or with a bare name in the module `home`.

    StudyError is raised if the module does not exist or raises an exception on import, if it lacks the name, or if the
    object is not callable.
    """
    module_name, _, name = path.rpartition(".")
    module_name = module_name or home
    try:
        module = import_module(module_name)
        found = getattr(module, name, None)
    except (ImportError, ValueError, TypeError) as error:
        raise StudyError(
            f'cannot import "{path}" ({error}).{_nearest_module(error)} Give a name in {home}, or the full import path '
            "of a class that this Python can import."
        ) from error
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        raise StudyError(
            f'cannot import "{path}": {module_name} raises {type(error).__name__} ({error}). Fix that module.'
        ) from error
    if found is None:
        raise StudyError(f'{module_name} has no "{name}".{did_you_mean(name, public_names(module_name))}')
    if not callable(found):
        raise StudyError(
            f'"{path}" is of type {type(found).__name__}; it must be a class or a function that makes one.'
        )
    return found


def public_names(module_name: str) -> list[str]:
    """Return the names a module declares in ``__all__``, or else those of its public classes."""
    module = import_module(module_name)
    return getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__.startswith(module_name) and not name.startswith("_")
    ]


def _nearest_module(error: Exception) -> str:
    """Return advice on a module that does not exist: the sibling with the most similar name."""
    package, _, name = (getattr(error, "name", None) or "").rpartition(".")
    search_path = getattr(sys.modules.get(package), "__path__", None) if package else None
    if not name or (package and search_path is None):
        return ""
    siblings = [module.name for module in iter_modules(search_path) if not module.name.startswith("_")]
    close = difflib.get_close_matches(name, siblings, n=1)
    return f" Did you mean '{package}{'.' * bool(package)}{close[0]}'?" if close and close[0] != name else ""


def check_methods(key: str, path: str, home: str) -> None:
    """Raise StudyError for a class without the methods that a trial calls; a function may return an object with them.

    `key` is the key of the path in the study, for the message; `path` and `home` are as for `find`.
    """
    found, needed = find(path, home), ("fit", "predict") if home == LEARNERS else ("sample",)
    lacking = [name for name in needed if not hasattr(found, name)]
    if lacking and (inspect.isclass(found) or inspect.isbuiltin(found)):
        kind = {LEARNERS: "learner", TARGETS: "target", INPUTS: "distribution of inputs"}[home]
        raise StudyError(
            f'"{path}" has no method {" or ".join(lacking)}; a {kind} must have {" and ".join(needed)}.', key
        )


def canonical_path(use: Any, home: str) -> str:
    """Return the one path of a class, given by itself or by any path: a public class of `home` has its bare name.

    Any other class has the shortest import path that leads to it. StudyError is raised if `use` is not an importable
    class.
    """
    if isinstance(use, str):
        found, fallback = find(use, home), use
    elif callable(use):
        found, fallback = use, ""
    else:
        raise StudyError(f"must be an import path or a class, got {use!r}.")
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
            f"{found!r} cannot be imported by name (it is local, or created dynamically). Define it at the top level "
            "of a module."
        )
    return fallback


@lru_cache(maxsize=1024)
def parameter_names(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names of the parameters that can be passed as keywords; empty where there is no signature."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return frozenset()
    return frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))


def check_call(key: str, path: str, home: str, params: Mapping[str, Any], *args: Any) -> None:
    """Raise StudyError where ``find(path, home)(*args, **params)`` has an unknown or a missing parameter.

    Only the signature is checked. `key` is the key of `params` in the study, for the message.
    """
    function = find(path, home)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some C callables have none: the trial will fail instead
        return
    own = parameter_names(function) - set(list(signature.parameters)[: len(args)])
    open_ended = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    unknown = [name for name in params if name not in own]
    if unknown and not open_ended:
        raise StudyError(
            f'{path} has no parameter "{unknown[0]}" that can be set here.{did_you_mean(unknown[0], own)}',
            f"{key}.{unknown[0]}",
        )
    try:
        signature.bind(*args, **params)
    except TypeError as error:
        raise StudyError(f"{path}: {error}.", key) from None
