"""The papers that can be reproduced, by key, and papers of your own, by file or import path."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from layerwise._validation import did_you_mean
from layerwise.errors import UserError
from layerwise.papers.damian2022 import DAMIAN2022
from layerwise.papers.lee2020 import LEE2020
from layerwise.papers.nichani2023 import NICHANI2023
from layerwise.papers.paper import Paper
from layerwise.papers.wang2023 import WANG2023

PAPERS: dict[str, Paper] = {paper.key: paper for paper in (DAMIAN2022, NICHANI2023, WANG2023, LEE2020)}


def find_paper(name: str) -> Paper:
    """Return the paper with a key, or the `Paper` that a Python file or module defines.

    Parameters
    ----------
    name : str
        A key; a file, ``mypaper.py``; or the import path of a module, ``package.module``. A file is imported as a
        module from its folder, so that studies find the classes it defines.

    Raises
    ------
    UserError
        If there is no such paper, the module cannot be imported, or it does not define exactly one `Paper`.
    """
    if name in PAPERS:
        return PAPERS[name]
    if not name.endswith(".py") and "." not in name:
        raise UserError(
            f"paper={name!r} must be a known key, a Python file or an import path.{did_you_mean(name, PAPERS)} "
            "`layerwise papers` lists the keys."
        )
    module_name = name
    if name.endswith(".py"):
        path = Path(name).resolve()
        if not path.is_file():
            raise UserError(f"paper={name!r} must be an existing file. Check the path.")
        sys.path.insert(0, str(path.parent))
        module_name = path.stem
    try:
        module = import_module(module_name)
    except Exception as error:  # a user's module may raise anything
        raise UserError(f"paper={name!r} cannot be imported ({type(error).__name__}: {error}). Fix it.") from error
    found = {id(value): value for value in vars(module).values() if isinstance(value, Paper)}
    if len(found) != 1:
        raise UserError(f"paper={name!r} defines {len(found)} Paper objects; it must define exactly one. See the docs.")
    return next(iter(found.values()))
