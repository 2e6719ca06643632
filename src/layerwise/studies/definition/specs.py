"""Specifications of the targets and learners of a study."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from layerwise.studies.definition.fields import Definition, Label, Params
from layerwise.studies.definition.lookup import (
    INPUTS,
    LEARNERS,
    TARGETS,
    StudyError,
    canonical_path,
    check_call,
    check_methods,
)
from layerwise.studies.definition.sizes import SampleSizes

InputsUse = Annotated[str | type, BeforeValidator(lambda use: canonical_path(use, INPUTS))]


class TargetSpec(Definition):
    """A target of a study.

    Parameters
    ----------
    label : str
        Name of the target in tables and legends. It does not affect the results.
    use : str or class
        Bare name of a class of `layerwise.targets`, or any other import path. A class is replaced with its path.
    params : dict, default={}
        Parameters of the target other than ``dim``, as for `LearnerSpec`.
    inputs : str or class, optional
        Input distribution of this target, instead of the study's.
    inputs_params : dict, default={}
        Parameters of that distribution other than ``dim``.
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
            raise StudyError("are given without inputs. Name the distribution to which they belong.", "inputs_params")
        return self


class LearnerSpec(Definition):
    """A learner of a study: any scikit-learn regressor.

    Parameters
    ----------
    label : str
        Name of the learner in tables and legends. It does not affect the results.
    use : str or class
        Bare name of a class of `layerwise.learners`, or any other import path. A class is replaced with its path.
    params : dict, default={}
        Parameters of the learner. They must be JSON-able, and differ where their JSON does: 1 and 1.0 define two
        trials. ``random_state`` is derived from the trial unless given. A value ``{"use": path, "params": {...}}``,
        at any depth, stands for the object built from it, with its own derived ``random_state``; ``path`` is an import
        path, or the bare name of a public class of layerwise.
    n : sequence of int, Sizes, dict or None, default=None
        Sample sizes of this learner, instead of the study's.

    Examples
    --------
    >>> from layerwise.studies import LearnerSpec
    >>> scaler = {"use": "sklearn.preprocessing.StandardScaler"}
    >>> ridge = {"use": "sklearn.linear_model.Ridge", "params": {"alpha": 0.1}}
    >>> spec = LearnerSpec(
    ...     label="scaled ridge",
    ...     use="sklearn.pipeline.Pipeline",
    ...     params={"steps": [["scale", scaler], ["ridge", ridge]]},
    ... )
    >>> spec.params["steps"][0][1]
    {'use': 'sklearn.preprocessing.StandardScaler', 'params': {}}
    """

    label: Label
    use: Annotated[str | type, BeforeValidator(lambda use: canonical_path(use, LEARNERS))]
    params: Params = Field(default_factory=dict)
    n: SampleSizes | None = None

    @model_validator(mode="after")
    def _check_params(self) -> Self:
        check_methods("use", str(self.use), LEARNERS)
        check_call("params", str(self.use), LEARNERS, self.params)
        return self
