"""The definition of a study: a grid of targets x learners x dimensions x sample sizes x seeds.

A `Study` says nothing of how it is run or where its results go. Its Python and TOML forms are equivalent:

    name = "kernel gap"
    dims = [10, 20]
    n = { times = [2, 8, 32], power = 2 }
    seeds = 5
    noise = 1.0

    [[targets]]
    label = "He4 ridge"
    use = "SingleIndex"
    params = { link = "he4" }

    [[learners]]
    label = "one step"
    use = "TwoLayerRegressor"
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Annotated, Literal, Self

import tomli_w
from pydantic import BeforeValidator, Field, FiniteFloat, model_validator

from layerwise.studies.definition.fields import (
    MAX_CELLS,
    Definition,
    Grid,
    Label,
    NonNegativeInteger,
    Params,
    PositiveInteger,
    as_tuple,
    plain_number,
    refuse_none,
)
from layerwise.studies.definition.lookup import INPUTS, StudyError, check_call, check_methods
from layerwise.studies.definition.sizes import SampleSizes, sizes_at
from layerwise.studies.definition.specs import InputsUse, LearnerSpec, TargetSpec
from layerwise.studies.definition.trial import Trial, canonical_json


class Study(Definition):
    """A grid of targets x learners x dimensions x sample sizes x seeds.

    Parameters
    ----------
    name : str
        Name of the study.
    targets : sequence of TargetSpec
        What is to be learnt.
    learners : sequence of LearnerSpec
        The learners to be compared.
    dims : sequence of int
        Input dimensions d.
    n : sequence of int, Sizes or dict
        Training sample sizes, or how they grow with the dimension: ``Sizes(times=[1, 2, 4], power=2)``, in TOML
        ``{ times = [1, 2, 4], power = 2 }``.
    seeds : int
        Number of repetitions of every cell, with seeds 0, ..., ``seeds - 1``.
    noise : float, default=0
        Standard deviation of the label noise.
    noise_distribution : {"gaussian", "rademacher"}, default="gaussian"
        Distribution of the label noise.
    inputs : str or class, default="Gaussian"
        Input distribution: bare name of a class of `layerwise.inputs`, or any other import path.
    inputs_params : dict, default={}
        Parameters of the input distribution other than ``dim``, as for `LearnerSpec`.
    n_test : int, default=32768
        Number of noiseless test points on which the risk is measured.
    random_state : int, default=0
        Seed of the study, from which all randomness is derived.

    Raises
    ------
    StudyError
        For an unknown key, a wrong type, an import path that does not exist, an empty grid, one of more than ten
        million trials, or a repeated label.

    See Also
    --------
    layerwise.studies.run_study : Run the study.
    """

    name: Label
    targets: Annotated[Sequence[TargetSpec], BeforeValidator(as_tuple), Field(min_length=1)]
    learners: Annotated[Sequence[LearnerSpec], BeforeValidator(as_tuple), Field(min_length=1)]
    dims: Grid
    n: SampleSizes
    seeds: PositiveInteger
    noise: Annotated[FiniteFloat, BeforeValidator(plain_number), Field(ge=0)] = 0.0
    noise_distribution: Literal["gaussian", "rademacher"] = "gaussian"
    inputs: InputsUse = Field(default="Gaussian", validate_default=True)
    inputs_params: Params = Field(default_factory=dict)
    n_test: PositiveInteger = 2**15
    random_state: NonNegativeInteger = 0

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        for key in ("targets", "learners"):
            labels = [spec.label for spec in getattr(self, key)]
            for i, label in enumerate(labels):
                if label in labels[:i]:
                    raise StudyError(f'"{label}" is already taken; labels must differ.', f"{key}[{i}].label")
        check_methods("inputs", str(self.inputs), INPUTS)
        check_call("inputs_params", str(self.inputs), INPUTS, self.inputs_params, 1)
        own = [(f"learners[{i}].n", learner.n) for i, learner in enumerate(self.learners) if learner.n]
        for key, sizes in (("n", self.n), *own):
            try:
                for dim in self.dims:
                    sizes_at(sizes, dim)
            except StudyError as error:
                raise StudyError(error.problem, key) from None
        if self.n_cells > MAX_CELLS:
            raise StudyError(
                f"the grid has {self.n_cells:,} trials; it must have at most {MAX_CELLS:,}. Use fewer seeds, sizes or "
                "dimensions, or divide it into several studies."
            )
        return self

    @property
    def n_cells(self) -> int:
        """Number of cells of the grid, counted without listing them."""
        sizes = sum(len(sizes_at(learner.n or self.n, dim)) for learner in self.learners for dim in self.dims)
        return len(self.targets) * sizes * self.seeds

    @classmethod
    def from_toml(cls, path: str | PathLike[str]) -> Self:
        """Read a study from a TOML file.

        StudyError is raised if the file cannot be read or does not declare a valid study; the message names the file
        and the key.
        """
        try:
            data = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise StudyError(f"cannot be read ({error.strerror}).", str(path)) from None
        except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError
            raise StudyError(f"is not valid TOML ({error}).", str(path)) from None
        try:
            return cls(**data)
        except StudyError as error:
            raise StudyError(str(error), str(path)) from None

    def to_toml(self) -> str:
        """Return the study as TOML; `from_toml` reads it back to an equal study.

        StudyError is raised if a parameter is None, which TOML cannot express.
        """
        data = self.model_dump(exclude_none=True)
        for kind in ("targets", "learners"):
            for i, spec in enumerate(getattr(self, kind)):
                refuse_none(spec.params, f"{kind}[{i}].params")
                data[kind][i]["params"] = spec.params
        for i, target in enumerate(self.targets):
            refuse_none(target.inputs_params, f"targets[{i}].inputs_params")
        refuse_none(self.inputs_params, "inputs_params")
        tables = {key: data.pop(key) for key in ("targets", "learners")}  # after the scalars, as written by hand
        return tomli_w.dumps(data | tables)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the study that `to_json` wrote; StudyError if it names something that cannot be imported here."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return the study as canonical JSON, as a store holds it. Equal studies give equal texts."""
        return canonical_json(self.model_dump())

    def cells(self) -> Iterator[tuple[str, str, Trial]]:
        """Iterate over the whole grid in the order of the definition.

        Yields
        ------
        target_label, learner_label : str
        trial : Trial
            Two labels of the same target or learner share one trial.
        """
        for target in self.targets:
            for learner in self.learners:
                for dim in self.dims:
                    for n in sizes_at(learner.n or self.n, dim):
                        for seed in range(self.seeds):
                            yield target.label, learner.label, self._trial(target, learner, dim, n, seed)

    def trials(self) -> list[Trial]:
        """Return the distinct trials in the order of the definition."""
        return list({trial.key: trial for _, _, trial in self.cells()}.values())

    def _trial(self, target: TargetSpec, learner: LearnerSpec, dim: int, n: int, seed: int) -> Trial:
        own = self if target.inputs is None else target
        return Trial(
            target=str(target.use),
            target_params=target.params,
            learner=str(learner.use),
            learner_params=learner.params,
            inputs=str(own.inputs),
            inputs_params=own.inputs_params,
            dim=dim,
            n=n,
            seed=seed,
            noise=self.noise,
            noise_distribution=self.noise_distribution,
            n_test=self.n_test,
            random_state=self.random_state,
        )
