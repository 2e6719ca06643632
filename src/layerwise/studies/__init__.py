"""Studies: how many samples a learner needs, measured.

A `Study` is a grid of targets x learners x dimensions x sample sizes x seeds; `run_study` runs what a `Store` does
not hold yet; `StudyResult` gives tidy tables, `SampleComplexityDisplay` the figure.
"""

from layerwise.studies.definition import LearnerSpec, Study, TargetSpec
from layerwise.studies.displays import SampleComplexityDisplay, blank_axes
from layerwise.studies.figures import save_figure, save_figures
from layerwise.studies.lookup import StudyError
from layerwise.studies.result import StudyResult
from layerwise.studies.runner import run_study
from layerwise.studies.store import Store, StoreError
from layerwise.studies.trial import Outcome, Trial, run

__all__ = [
    "LearnerSpec",
    "Outcome",
    "SampleComplexityDisplay",
    "Store",
    "StoreError",
    "Study",
    "StudyError",
    "StudyResult",
    "TargetSpec",
    "Trial",
    "blank_axes",
    "run",
    "run_study",
    "save_figure",
    "save_figures",
]
