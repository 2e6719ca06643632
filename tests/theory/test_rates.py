"""The rates of all learners on targets for which the papers state them."""

import pytest

from layerwise.targets import (
    BalancedSum,
    HermiteSingleIndex,
    Hierarchical,
    LowRankPolynomial,
    MultiFeature,
    MultiIndex,
    QuadraticFeature,
    SingleIndex,
)
from layerwise.theory import check_assumptions, predicted_samples
from layerwise.theory.rates import RATES

MIXED = SingleIndex(20, [0, 0, 0.5**0.5, 0, 0.5**0.5])
STAIRCASE = MultiIndex(20, "staircase", 3)
WANG2, WANG3 = (Hierarchical(12, {"name": "balanced_sum", "degree": k}) for k in (2, 3))


@pytest.mark.parametrize(
    ("target", "learner", "exponent", "kind"),
    [
        (MIXED, "TwoLayerRegressor", 2.0, "sufficient"),
        (MIXED, "KernelRegressor", 4.0, "necessary"),
        (MIXED, "random_feature", 4.0, "necessary"),
        (MIXED, "moment", 1.0, "sufficient"),
        (HermiteSingleIndex(20, 4), "two_layer", 2.0, "necessary"),
        (HermiteSingleIndex(20, 6), "two_layer", 3.0, "necessary"),
        (HermiteSingleIndex(20, 6), "moment", 3.0, "sufficient"),
        (HermiteSingleIndex(20, 4), "joint", 3.0, "sufficient"),
        (SingleIndex(20, "sin"), "three_layer", 1.0, "sufficient"),
        (SingleIndex(20, "he2"), "three_layer", None, "none"),  # E g' = 0
        (QuadraticFeature(16, [0, 1, 0, 1]), "three_layer", 2.0, "sufficient"),
        (QuadraticFeature(16, [0, 0, 1]), "three_layer", None, "none"),
        (WANG2, "hierarchical", 2.0, "sufficient"),
        (WANG3, "hierarchical", 3.0, "sufficient"),
        (WANG2, "kernel", 6.0, "necessary"),
        (WANG3, "kernel", 9.0, "necessary"),
        (Hierarchical(20, {"name": "sparse", "degree": 3}), "hierarchical", None, "none"),
        (MultiFeature(8), "hierarchical", None, "none"),
        (LowRankPolynomial(20, 2, 4), "quadratic_model", 2.0, "sufficient"),
        (LowRankPolynomial(20, 1, 5), "quadratic_model", 3.0, "sufficient"),
        (LowRankPolynomial(20, 2, 4), "convex_neural", 1.0, "sufficient"),
        (STAIRCASE, "two_layer", None, "none"),
        (STAIRCASE, "joint", 1.0, "conjectured"),
        (BalancedSum(6, 3), "recursive_feature", None, "none"),
        (WANG2, "two_layer", None, "none"),  # the number of directions grows with d
        (WANG2, "joint", None, "none"),
        (WANG2, "moment", None, "none"),
        (WANG2, "convex_neural", None, "none"),
        (SingleIndex(6, "relu"), "kernel", None, "none"),
    ],
)
def test_exponents(target, learner, exponent, kind):
    predicted = predicted_samples(target, learner)
    assert (predicted.exponent, predicted.kind) == (exponent, kind)
    assert predicted.source
    assert predicted.unsaid


def test_parameters_of_an_instance_change_the_rate():
    class QuadraticModelRegressor:
        representation = "raw"

    class ConvexNeuralRegressor:
        space = "F2"

    target = LowRankPolynomial(20, 2, 4)
    assert predicted_samples(target, QuadraticModelRegressor()).exponent == 3.0
    assert predicted_samples(target, QuadraticModelRegressor).exponent == 3.0  # a class attribute
    assert predicted_samples(target, ConvexNeuralRegressor()).exponent == 4.0


def test_every_learner_has_a_rate():
    # Learners are known to theory by name: this catches one that was added or renamed.
    from layerwise.learners import all_learners

    assert {kind.__name__ for kind in all_learners()} <= set(RATES)


def test_text_names_what_failed():
    text = str(predicted_samples(Hierarchical(20, {"name": "sparse", "degree": 3}), "hierarchical"))
    assert "L / d, L pieces = 0.1" in text
    assert "no rate" in text
    assert "2 of 3 directions" in predicted_samples(STAIRCASE, "two_layer").unsaid


def test_generative_exponent_is_reported_where_a_target_has_it():
    class Known(HermiteSingleIndex):
        generative_exponent = 2

    assert "k* = 2" in predicted_samples(Known(20, 4), "moment").unsaid
    row = check_assumptions(Known(20, 4))["generative exponent"]
    assert (row.measured, row.holds) == (2.0, True)


def test_unknown_learner():
    with pytest.raises(ValueError, match="Did you mean 'KernelRegressor'"):
        predicted_samples(MIXED, "Kernal")
