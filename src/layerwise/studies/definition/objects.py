"""Objects as parameter values: a table ``{ use = "...", params = {...} }`` stands for the object built from it.

``use`` is an import path, or a bare name of `PACKAGES`; ``params`` are keyword arguments, which may hold further such
tables. So kernels, transformers and pipelines enter a study:

    [[learners]]
    label = "whitened ridge"
    use = "sklearn.pipeline.Pipeline"

    [learners.params]
    steps = [["pca", { use = "sklearn.decomposition.PCA", params = { whiten = true } }],
             ["ridge", { use = "sklearn.linear_model.Ridge" }]]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from layerwise._validation import did_you_mean
from layerwise.studies.definition.lookup import (
    INPUTS,
    LEARNERS,
    TARGETS,
    StudyError,
    canonical_path,
    check_call,
    public_names,
)

#: Packages in which bare names are looked up.
PACKAGES = ("layerwise.kernels", "layerwise.representations", LEARNERS, TARGETS, INPUTS)


def is_object(value: Any) -> bool:
    """Return whether a parameter value is a table with the key ``use``, perhaps ``params``, and no other key."""
    return isinstance(value, Mapping) and "use" in value and value.keys() <= {"use", "params"}


def canonical_object(use: Any, params: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the one table of an object: ``{"use": shortest full import path, "params": params}``.

    StudyError is raised for a path that cannot be imported, or an unknown or missing parameter, under the table's
    `key`.
    """
    try:
        path = canonical_path(_full_path(use) if isinstance(use, str) else use, "")
    except StudyError as error:
        raise StudyError(error.problem, f"{key}.use") from None
    check_call(f"{key}.params", path, "", params)
    return {"use": path, "params": params}


def _full_path(use: str) -> str:
    if "." in use:
        return use
    names = {name: package for package in reversed(PACKAGES) for name in public_names(package)}
    if use not in names:
        raise StudyError(
            f'no public class of layerwise is called "{use}".{did_you_mean(use, names)} Give one of them, or a full '
            "import path."
        )
    return f"{names[use]}.{use}"


def paths_in(value: Any) -> Iterator[str]:
    """Iterate over the import paths of all objects inside a parameter value."""
    if is_object(value):
        yield value["use"]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        yield from paths_in(item)
