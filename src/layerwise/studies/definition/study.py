"""What a study is: a grid of targets x learners x dimensions x sample sizes x seeds, as data.

A `Study` holds nothing of how it is run or where its results go. Its Python and TOML forms are the same object:

    name = "kernel gap"
    dims = [10]
    n = [1024, 4096, 16384]
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
from pydantic import BeforeValidator, Field, FiniteFloat, NonNegativeInt, PositiveInt, model_validator

from layerwise.studies.definition.fields import Definition, Grid, Label, Params, Sizes, as_tuple, refuse_none
from layerwise.studies.definition.lookup import (
    INPUTS,
    LEARNERS,
    TARGETS,
    StudyError,
    canonical_path,
    check_call,
    check_methods,
)
from layerwise.studies.definition.sizes import sizes_at
from layerwise.studies.definition.toml_lines import line_of
from layerwise.studies.definition.trial import Trial, canonical_json

InputsUse = Annotated[str | type, BeforeValidator(lambda use: canonical_path(use, INPUTS))]


class TargetSpec(Definition):
    """A target of a study.

    Parameters
    ----------
    label : str
        Its name in tables and legends; takes no part in the results.
    use : str or class
        A class of `layerwise.targets` by bare name, any other by import path; a class is turned into its path.
    params : dict, default={}
        Its parameters besides ``dim``; JSON-able. ``random_state`` is derived from the trial unless given.
    inputs : str or class, optional
        Its own input distribution in place of the study's.
    inputs_params : dict, default={}
        That one's parameters besides ``dim``.
    """

    label: Label
    use: Annotated[str | type, BeforeValidator(lambda use: canonical_path(use, TARGETS))]
    params: Params = Field(default_factory=dict)
    inputs: InputsUse | None = None
    inputs_params: Params = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_params(self) -> Self:
        check_methods("use", str(self.use), TARGETS)
        check_call("params", str(self.use), TARGETS, self.params, 1)
        if self.inputs is not None:
            check_methods("inputs", str(self.inputs), INPUTS)
            check_call("inputs_params", str(self.inputs), INPUTS, self.inputs_params, 1)
        elif self.inputs_params:
            raise StudyError("are given without inputs. Name the distribution they are for.", "inputs_params")
        return self


class LearnerSpec(Definition):
    """A learner of a study: any scikit-learn regressor.

    Parameters
    ----------
    label : str
        Its name in tables and legends; takes no part in the results.
    use : str or class
        A class of `layerwise.learners` by bare name, any other by import path; a class is turned into its path.
    params : dict, default={}
        Its parameters; JSON-able, and told apart as JSON does: 1 and 1.0 make two trials. ``random_state`` is derived
        from the trial unless given.
    n : sequence of int, str or None, default=None
        Its own sample sizes in place of the study's, for a learner that must stop earlier.
    """

    label: Label
    use: Annotated[str | type, BeforeValidator(lambda use: canonical_path(use, LEARNERS))]
    params: Params = Field(default_factory=dict)
    n: Sizes | None = None

    @model_validator(mode="after")
    def _check_params(self) -> Self:
        check_methods("use", str(self.use), LEARNERS)
        check_call("params", str(self.use), LEARNERS, self.params)
        return self


class Study(Definition):
    """A grid of targets x learners x dimensions x sample sizes x seeds.

    Parameters
    ----------
    name : str
        What the study is called.
    targets : sequence of TargetSpec
        What is to be learnt.
    learners : sequence of LearnerSpec
        How.
    dims : sequence of int
        Input dimensions d.
    n : sequence of int or str
        Training sample sizes, or what they are at each dimension: powers of it, ``"d**[1, 1.5, 2]"``, or multiples,
        ``"[1, 2, 4] * d**2"`` and ``"[2, 8, 32] * D(2)"``, where ``D(k)`` is the number of coefficients of a polynomial
        of degree k in d variables (`layerwise.studies.definition.sizes`).
    seeds : int
        Number of repetitions of every cell; they are called 0, ..., ``seeds - 1``.
    noise : float, default=0
        Standard deviation of the label noise.
    noise_distribution : {"gaussian", "rademacher"}, default="gaussian"
        Its distribution.
    inputs : str or class, default="Gaussian"
        Input distribution: a class of `layerwise.inputs` by bare name, any other by import path.
    inputs_params : dict, default={}
        Its parameters besides ``dim``.
    n_test : int, default=32768
        Clean test points on which the risk is measured.
    random_state : int, default=0
        The study's own seed, from which all randomness is derived.

    Raises
    ------
    StudyError
        For an unknown key, a wrong type, an import path that leads nowhere, an empty grid or a repeated label.

    See Also
    --------
    layerwise.studies.run_study : Run it.
    """

    name: Label
    targets: Annotated[Sequence[TargetSpec], BeforeValidator(as_tuple), Field(min_length=1)]
    learners: Annotated[Sequence[LearnerSpec], BeforeValidator(as_tuple), Field(min_length=1)]
    dims: Grid
    n: Sizes
    seeds: PositiveInt
    noise: Annotated[FiniteFloat, Field(ge=0)] = 0.0
    noise_distribution: Literal["gaussian", "rademacher"] = "gaussian"
    inputs: InputsUse = Field(default="Gaussian", validate_default=True)
    inputs_params: Params = Field(default_factory=dict)
    n_test: PositiveInt = 2**15
    random_state: NonNegativeInt = 0

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
            for dim in self.dims:
                sizes_at(sizes, dim, key)
        return self

    @classmethod
    def from_toml(cls, path: str | PathLike[str]) -> Self:
        """Read a study from a TOML file.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        Study
            The study it declares.

        Raises
        ------
        StudyError
            When the file cannot be read or declares no valid study; names the file, the line and the key.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
            data = tomllib.loads(text)
        except OSError as error:
            raise StudyError(f"cannot be read ({error.strerror}).", str(path)) from None
        except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError
            raise StudyError(f"is not TOML ({error}).", str(path)) from None
        try:
            return cls(**data)
        except StudyError as error:
            line = line_of(text, error.key)
            raise StudyError(str(error), f"{path}, line {line}" if line else str(path)) from None

    def to_toml(self) -> str:
        """Return the study as TOML; `from_toml` reads it back to an equal study.

        Returns
        -------
        str
            The text.

        Raises
        ------
        StudyError
            When a parameter is None, which TOML cannot say.
        """
        data = self.model_dump(exclude_none=True)
        for kind in ("targets", "learners"):
            for i, spec in enumerate(getattr(self, kind)):
                refuse_none(spec.params, f"{kind}[{i}].params")
                data[kind][i]["params"] = spec.params
        for i, target in enumerate(self.targets):
            refuse_none(target.inputs_params, f"targets[{i}].inputs_params")
        refuse_none(self.inputs_params, "inputs_params")
        tables = {key: data.pop(key) for key in ("targets", "learners")}  # after the scalars, as one writes by hand
        return tomli_w.dumps(data | tables)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a study back from `to_json`.

        Parameters
        ----------
        text : str
            What that returned.

        Returns
        -------
        Study
            The study.

        Raises
        ------
        StudyError
            When it names something that cannot be imported here.
        """
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return the study as canonical JSON, the form in which a store keeps it; equal studies give equal texts.

        Returns
        -------
        str
            The text.
        """
        return canonical_json(self.model_dump())

    def cells(self) -> Iterator[tuple[str, str, Trial]]:
        """Iterate over the whole grid in the order of the definition.

        Yields
        ------
        target_label, learner_label : str
            The labels.
        trial : Trial
            What they stand for. Two labels of the same thing share one trial.
        """
        for target in self.targets:
            for learner in self.learners:
                for dim in self.dims:
                    for n in sizes_at(learner.n or self.n, dim):
                        for seed in range(self.seeds):
                            yield target.label, learner.label, self._trial(target, learner, dim, n, seed)

    def trials(self) -> list[Trial]:
        """Return the distinct trials in the order of the definition.

        Returns
        -------
        list of Trial
            The trials.
        """
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
