"""The definition of a trial: everything that determines its value, and its key in a store."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import chain
from typing import Any

from layerwise.studies.definition.lookup import INPUTS, LEARNERS, TARGETS
from layerwise.studies.definition.objects import paths_in

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


@dataclass(frozen=True)
class Trial:
    """One fit: everything that determines its value, and nothing else.

    Parameters
    ----------
    target, learner, inputs : str
        Import paths of the classes, called as ``Target(dim, **target_params)``, ``Learner(**learner_params)`` and
        ``Inputs(dim, **inputs_params)``.
    target_params, learner_params, inputs_params : dict
        Parameters of these classes. A table ``{"use": path, "params": {...}}`` stands for the object built from it.
    dim : int
        Input dimension d.
    n : int
        Number of training samples.
    seed : int
        Number of the repetition.
    noise : float
        Standard deviation of the label noise.
    noise_distribution : {"gaussian", "rademacher"}
    n_test : int
        Number of noiseless test points.
    random_state : int
        Seed of the study.
    """

    target: str
    target_params: dict[str, Any]
    learner: str
    learner_params: dict[str, Any]
    inputs: str
    inputs_params: dict[str, Any]
    dim: int
    n: int
    seed: int
    noise: float
    noise_distribution: str
    n_test: int
    random_state: int

    @cached_property
    def paths(self) -> tuple[tuple[str, str], ...]:
        """Every import path that the trial names, and the module in which it is looked up if it is a bare name."""
        own = ((self.target, TARGETS), (self.inputs, INPUTS), (self.learner, LEARNERS))
        params = (self.target_params, self.inputs_params, self.learner_params)
        nested = paths_in([*chain.from_iterable(values.values() for values in params)])
        return (*own, *((path, "") for path in dict.fromkeys(nested)))

    @property
    def definition(self) -> str:
        """The trial as canonical JSON."""
        return canonical_json({field.name: getattr(self, field.name) for field in fields(self)})

    @cached_property
    def key(self) -> str:
        """SHA-256 of `definition`, under which a store holds the trial."""
        return hashlib.sha256(self.definition.encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """Return the unique JSON text of plain data: sorted keys, no spaces, ASCII, finite numbers only."""
    return _ENCODER.encode(value)
