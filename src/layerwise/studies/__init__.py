"""Studies: how many samples a learner needs, measured.

A `Study` is a grid of targets x learners x dimensions x sample sizes x seeds; `run_study` runs what a `Store` does
not hold yet, here or on a Dask cluster; `merge_stores` joins what several machines ran. `StudyResult` gives tables,
`SampleComplexityDisplay` the figure; `fit_exponent` says how the samples needed grow with the dimension,
`ExponentDisplay` draws it.
"""

from layerwise.studies.complexity import sample_complexity
from layerwise.studies.contents import LearnerProgress, learner_progress, stored_studies, trial_table
from layerwise.studies.definition import LearnerSpec, Study, TargetSpec
from layerwise.studies.displays import SampleComplexityDisplay
from layerwise.studies.exponent_display import ExponentDisplay
from layerwise.studies.exponents import Exponent, fit_exponent, fit_rate
from layerwise.studies.figures import save_figure, save_figures
from layerwise.studies.frame import blank_axes
from layerwise.studies.lookup import StudyError
from layerwise.studies.merge import Merged, merge_stores
from layerwise.studies.phase_display import PhaseDiagramDisplay
from layerwise.studies.recovery_display import FeatureRecoveryDisplay
from layerwise.studies.result import StudyResult
from layerwise.studies.runner import run_study
from layerwise.studies.schema import StoreError
from layerwise.studies.store import Store
from layerwise.studies.trial import Outcome, Trial, run

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
    "trial_table",
]
