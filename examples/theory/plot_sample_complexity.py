"""
How many samples does a hidden direction take?
==============================================

A study measures the risk of learners on targets for a grid of dimensions, sample sizes and seeds, and computes from
it the number of samples that each learner needs, n*, and how n* grows with the dimension.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from layerwise.studies import (
    LearnerSpec,
    SampleComplexityDisplay,
    Sizes,
    Store,
    Study,
    TargetSpec,
    fit_exponent,
    run_study,
)

study = Study(
    name="a hidden direction",
    targets=[TargetSpec(label="h₂ + h₃", use="SingleIndex", params={"link": [0, 0, 0.7, 0.7], "rotate": True})],
    learners=[
        LearnerSpec(label="one gradient step", use="TwoLayerRegressor", params={"width": 400}),
        LearnerSpec(label="neural tangent kernel", use="KernelRegressor", params={"kernel": "ntk"}),
    ],
    dims=[6, 9, 12],
    n=Sizes(times=[1, 2, 4, 8], power=2),
    seeds=3,
    n_test=4000,
)
with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "study.sqlite") as store:
    result = run_study(study, store)

SampleComplexityDisplay.from_study(result, dim=12)
plt.show()

# %%
# The exponent of d with its confidence interval; a learner that does not reach the threshold has none.
print(fit_exponent(result, threshold=0.3))
