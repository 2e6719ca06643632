"""layerwise: the theory of feature learning, runnable.

Targets (what is to be learnt) meet learners (how), studies measure how many samples it took, and papers state each
published figure and claim as a study with a verdict. Each subpackage is imported on first use:

    layerwise.learners.TwoLayerRegressor, layerwise.targets.SingleIndex, layerwise.studies.Study, ...
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layerwise import (
        hermite,
        inputs,
        kernels,
        learners,
        papers,
        report,
        representations,
        solvers,
        studies,
        tables,
        targets,
    )

__version__ = metadata.version("layerwise")

__all__ = [
    "hermite",
    "inputs",
    "kernels",
    "learners",
    "papers",
    "report",
    "representations",
    "solvers",
    "studies",
    "tables",
    "targets",
]


def __getattr__(name: str):
    if name in __all__:
        return import_module(f"layerwise.{name}")
    raise AttributeError(f"module 'layerwise' has no attribute {name!r}; its subpackages are {', '.join(__all__)}")


def __dir__():
    return [*globals(), *__all__]
