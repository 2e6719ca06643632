"""Studies: how many samples a learner needs, measured.

A `Study` is a grid of targets x learners x dimensions x sample sizes x seeds; `run_study` runs what a `Store` does
not hold yet, here or on a Dask cluster; `merge_stores` joins what several machines ran. `StudyResult` gives tables,
`SampleComplexityDisplay` the figure; `fit_exponent` says how the samples needed grow with the dimension,
`ExponentDisplay` draws it.
"""

from layerwise.studies.analysis.complexity import sample_complexity
from layerwise.studies.analysis.exponents import Exponent, fit_exponent, fit_rate
from layerwise.studies.analysis.result import StudyResult
from layerwise.studies.definition.lookup import StudyError
from layerwise.studies.definition.study import LearnerSpec, Study, TargetSpec
from layerwise.studies.definition.trial import Trial
from layerwise.studies.execution.runner import run_study
from layerwise.studies.plots.displays import SampleComplexityDisplay
from layerwise.studies.plots.exponent_display import ExponentDisplay
from layerwise.studies.plots.figures import save_figure, save_figures
from layerwise.studies.plots.frame import blank_axes
from layerwise.studies.plots.phase_display import PhaseDiagramDisplay
from layerwise.studies.plots.recovery_display import FeatureRecoveryDisplay
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
from layerwise.studies.trials.run import Outcome, run

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
