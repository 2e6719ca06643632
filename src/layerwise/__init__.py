"""Feature learning by layerwise training of neural networks: the theory, runnable, and scikit-learn estimators.

Targets define what is to be learnt, learners are scikit-learn regressors, studies measure how many samples a learner
needs, and papers state each published figure and claim as a study with a verdict. Submodules are imported on first
access:

>>> import layerwise
>>> layerwise.targets.SingleIndex(8, link="he2").information_exponent
2
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layerwise import (
        diagnosis,
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
        theory,
    )
    from layerwise.diagnosis import diagnose
    from layerwise.learners.automatic import LayerwiseClassifier, LayerwiseRegressor

__version__ = metadata.version("layerwise")

__all__ = [
    "LayerwiseClassifier",
    "LayerwiseRegressor",
    "diagnose",
    "diagnosis",
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
    "theory",
]


def __getattr__(name: str):
    if name == "diagnose":
        return import_module("layerwise.diagnosis").diagnose
    if name in ("LayerwiseClassifier", "LayerwiseRegressor"):
        return getattr(import_module("layerwise.learners.automatic"), name)
    if name in __all__:
        return import_module(f"layerwise.{name}")
    raise AttributeError(f"module 'layerwise' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return [*globals(), *__all__]
