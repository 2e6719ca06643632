"""A trial as data: everything that determines its value, and the key under which a store holds it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Trial:
    """Everything that determines the value of one trial, and nothing else.

    Parameters
    ----------
    target : str
        Import path of the target's class, called as ``Target(dim, **target_params)``.
    target_params : dict
        Its other parameters.
    learner : str
        Import path of the learner's class, called as ``Learner(**learner_params)``.
    learner_params : dict
        Its parameters.
    inputs : str
        Import path of the input distribution, called as ``Inputs(dim, **inputs_params)``.
    inputs_params : dict
        Its other parameters.
    dim : int
        Input dimension d.
    n : int
        Number of training samples.
    seed : int
        Which repetition.
    noise : float
        Standard deviation of the label noise.
    noise_distribution : str
        ``"gaussian"`` or ``"rademacher"``.
    n_test : int
        Number of clean test points.
    random_state : int
        The study's own seed.
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
    def definition(self) -> str:
        """The trial as canonical JSON."""
        return canonical_json(asdict(self))

    @cached_property
    def key(self) -> str:
        """SHA-256 of `definition`: the trial's address in a store."""
        return hashlib.sha256(self.definition.encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """Return the one JSON text of plain data: sorted keys, no spaces, ASCII, finite numbers only.

    Parameters
    ----------
    value : object
        Dicts, lists, strings, numbers, booleans and None.

    Returns
    -------
    str
        The text.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
