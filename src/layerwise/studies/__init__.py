"""Studies: measure how many samples a learner needs.

A `Study` is a grid of targets x learners x dimensions x sample sizes x seeds. `run_study` runs the trials that a
`Store` does not hold yet, on this machine or on a Dask cluster; `merge_stores` joins the stores of several machines.
`StudyResult` gives tables, `SampleComplexityDisplay` the figure; `fit_exponent` estimates how the number of samples
needed grows with the dimension, `ExponentDisplay` draws it. SQLite is imported when a name that needs it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from layerwise.studies.analysis.complexity import sample_complexity
from layerwise.studies.analysis.exponents import Exponent, fit_exponent
from layerwise.studies.analysis.rates import fit_rate
from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.definition.lookup import StudyError
from layerwise.studies.definition.sizes import Sizes
from layerwise.studies.definition.specs import LearnerSpec, TargetSpec
from layerwise.studies.definition.study import Study
from layerwise.studies.definition.trial import Trial
from layerwise.studies.plots.complexity_display import SampleComplexityDisplay
from layerwise.studies.plots.exponent_display import ExponentDisplay
from layerwise.studies.plots.figures import save_figure, save_figures
from layerwise.studies.plots.frame import blank_axes
from layerwise.studies.plots.phase_display import PhaseDiagramDisplay
from layerwise.studies.plots.recovery_display import FeatureRecoveryDisplay
from layerwise.studies.trials.run import Outcome, run

if TYPE_CHECKING:
    from layerwise.studies.execution.runner import run_study
    from layerwise.studies.storage.contents import (
        LearnerProgress,
        learner_progress,
        stored_studies,
        study_titles,
        trial_table,
    )
    from layerwise.studies.storage.merge import Merged, merge_stores
    from layerwise.studies.storage.schema import StoreError
    from layerwise.studies.storage.store import Store

__all__ = [
    "Exponent",
    "ExponentDisplay",
    "FeatureRecoveryDisplay",
    "LearnerProgress",
    "LearnerSpec",
    "Merged",
    "Outcome",
    "PhaseDiagramDisplay",
    "SampleComplexityDisplay",
    "Sizes",
    "Store",
    "StoreError",
    "Study",
    "StudyError",
    "StudyResult",
    "TargetSpec",
    "Trial",
    "blank_axes",
    "fit_exponent",
    "fit_rate",
    "learner_progress",
    "merge_stores",
    "run",
    "run_study",
    "sample_complexity",
    "save_figure",
    "save_figures",
    "stored_studies",
    "study_titles",
    "trial_table",
]

_NEED_SQLITE = {
    "execution.runner": ("run_study",),
    "storage.contents": ("LearnerProgress", "learner_progress", "stored_studies", "study_titles", "trial_table"),
    "storage.merge": ("Merged", "merge_stores"),
    "storage.schema": ("StoreError",),
    "storage.store": ("Store",),
}


def __getattr__(name: str) -> Any:
    for module, names in _NEED_SQLITE.items():
        if name in names:
            return getattr(import_module(f"layerwise.studies.{module}"), name)
    raise AttributeError(f"module 'layerwise.studies' has no attribute {name!r}")
