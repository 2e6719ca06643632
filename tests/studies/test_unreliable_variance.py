"""The risk of a trial whose target has an unreliable variance."""

from dataclasses import replace

import numpy as np
import pytest
from throwaway import Mean, Quadratic, small_study

from layerwise.studies import LearnerSpec, TargetSpec, run
from layerwise.targets import Target, UnreliableVarianceWarning


class HeavyTailed(Target):
    """exp(x_1^2 / 3), whose variance is infinite."""

    def evaluate(self, Z):
        return np.exp(Z[:, 0] ** 2 / 3)


class Unreliable(Quadratic):
    """A target that says so itself."""

    variance_reliable = False


def outcome(target):
    targets = [TargetSpec(label="t", use=target)]
    study = small_study(targets=targets, learners=[LearnerSpec(label="a", use=Mean)], dims=[2], n=[40], seeds=1)
    return run(replace(study.trials()[0], inputs="Gaussian"))


def test_the_target_warns():
    """Catches a risk that is divided by a sample variance of about 20."""
    with pytest.warns(UnreliableVarianceWarning, match="the variance of HeavyTailed, .* is not reliable"):
        assert outcome(f"{__name__.rpartition('.')[2]}.HeavyTailed").error is None


def test_the_risk_is_the_absolute_error():
    """Catches a mean squared error that is divided by an unreliable variance, or a trial that fails."""
    relative, absolute = outcome("throwaway.Quadratic"), outcome(f"{__name__.rpartition('.')[2]}.Unreliable")
    assert relative.error is absolute.error is None
    # The seeds differ with the target; both mean squared errors are about 3, the variance, up to sampling.
    assert 0.6 < relative.risk < 1.6
    assert 1.8 < absolute.risk < 4.8
