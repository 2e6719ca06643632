"""Beyond Wang, Nichani, Lee 2023: targets of several features, and features that are general tensors.

The paper proves that layerwise training learns one feature that is a balanced sum, and leaves both open. Stage 1 finds
one direction in the space of quadratic polynomials; the joint refinement of `HierarchicalRegressor` finds R of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerwise.learners import HierarchicalRegressor, JointRegressor
from layerwise.papers.claim import Claim, Test
from layerwise.papers.panels import panel, side_by_side
from layerwise.papers.paper import PublishedFigure, Size, by_size
from layerwise.papers.statistics import risk
from layerwise.studies import LearnerSpec, Sizes, Study, StudyResult, TargetSpec
from layerwise.targets import MultiFeature

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ONE, TWO, THREE = "R = 1: (p + h₂(p))/√2", "R = 2: (p₁ + p₁p₂)/√2", "R = 3: (p₁p₂ + p₃)/√2"
ONE_TENSOR, TWO_TENSORS = "general tensor, R = 1", "general tensors, R = 2"
STAGES, SEVERAL, JOINT = "two stages", "refined, R chosen", "all layers together"
#: Dimension of the claims, and D = C(d + 2, 2) there.
DIM, TERMS = 9, 55


def polynomial_link(*exponents: list[int]) -> dict:
    """Return the sum of these Hermite polynomials divided by the root of their number."""
    return {"exponents": list(exponents), "coefficients": [len(exponents) ** -0.5] * len(exponents)}


LINKS = {
    1: polynomial_link([1], [2]),
    2: polynomial_link([1, 0], [1, 1]),
    3: polynomial_link([1, 1, 0], [0, 0, 1]),
}


def disjoint(label: str, n_features: int) -> TargetSpec:
    """Return a link of features that are balanced sums over disjoint blocks of rotated inputs."""
    features = {"name": "balanced_sum", "degree": 2}
    params = {"features": features, "n_features": n_features, "link": LINKS[n_features], "rotate": True}
    return TargetSpec(label=label, use=MultiFeature, params=params)


def tensors(label: str, n_features: int) -> TargetSpec:
    """Return a link of quadratic features of all inputs with independent Gaussian coefficients."""
    features = [{"name": "random_tensor", "degree": 2}] * n_features
    return TargetSpec(label=label, use=MultiFeature, params={"features": features, "link": LINKS[n_features]})


def learners(size: Size) -> list[LearnerSpec]:
    """Return Algorithm 1, its refinement with several features, and a network with 256 bottlenecks trained jointly."""
    raw = {"standardize": False}  # the inputs are from N(0, I)
    joint = {"architecture": "three-layer", "max_epochs": by_size(size, 50, 200, 400)} | raw
    specs = [
        LearnerSpec(label=STAGES, use=HierarchicalRegressor, params={"degree": 2} | raw),
        LearnerSpec(label=SEVERAL, use=HierarchicalRegressor, params={"degree": 2, "n_features": "auto"} | raw),
        LearnerSpec(label=JOINT, use=JointRegressor, params=joint),
    ]
    return specs[:2] if size == "small" else specs


def study(name: str, targets: list[TargetSpec], size: Size) -> Study:
    """Return the study of these targets against n / D."""
    return Study(
        name=name,
        targets=targets,
        learners=learners(size),
        dims=by_size(size, [DIM], [DIM], [DIM, 18]),
        n=Sizes(times=by_size(size, [12], [4, 12], [2, 4, 8, 12, 16]), degree=2),
        seeds=5,
        n_test=2**13,
    )


def several_features(size: Size) -> Study:
    """Samples against D for one, two and three features."""
    return study("Several features", [disjoint(ONE, 1), disjoint(TWO, 2), disjoint(THREE, 3)], size)


def general_tensors(size: Size) -> Study:
    """One and two features that are random tensors, for which the guarantee is conjectured."""
    return study("General tensors", [tensors(ONE_TENSOR, 1), tensors(TWO_TENSORS, 2)], size)


def draw_targets(result: StudyResult) -> Figure:
    """Draw risk against n at the claims' dimension, one panel per target and one curve per learner."""
    targets = [spec.label for spec in result.study.targets]
    return side_by_side(*(panel(result, target=target, dim=DIM, title=target) for target in targets))


def finds_all(name: str, target: str, answers: str, statement: str, high: float) -> Claim:
    """Return the claim that the refined learner with a chosen number of features learns a target from 12 D samples."""
    return Claim(
        name=name,
        answers=answers,
        source="Open questions",
        statement=statement,
        tests=(Test(f"{target}: risk, n = 12 D", risk(SEVERAL, target, n=-1, log=False), 0.0, high=high),),
        mutation="sigma_1 of the wrong degree",
    )


FIGURES = (
    PublishedFigure(
        name="several_features",
        caption="Several features: two stages find one of them, the joint refinement finds all",
        study=several_features,
        draw=draw_targets,
        smallest="default",
        claims=(
            Claim(
                name="two-stages-find-one-feature",
                answers="W25",
                source="Open questions",
                statement="Of (p₁ + p₁p₂)/√2 two stages learn p₁, half of the variance.",
                tests=(Test(f"{TWO}: risk of two stages, n = 12 D", risk(STAGES, TWO), 0.5, 0.4, 0.9),),
                mutation="sigma_1 of the wrong degree",
            ),
            finds_all("two-features", TWO, "W25", "The joint refinement learns both features.", 0.05),
            finds_all("three-features", THREE, "W25", "The joint refinement learns three features.", 0.1),
        ),
    ),
    PublishedFigure(
        name="general_tensors",
        caption="General tensors, one and two: the guarantee that the paper conjectures",
        study=general_tensors,
        draw=draw_targets,
        smallest="default",
        claims=(
            finds_all("general-tensor", ONE_TENSOR, "W24", "A feature with a general tensor is learnt.", 0.05),
            finds_all("two-general-tensors", TWO_TENSORS, "W24 W25", "Two such features are learnt.", 0.05),
        ),
    ),
)
