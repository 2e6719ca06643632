"""The studies of Wang, Nichani, Lee 2023."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sklearn.base import BaseEstimator, RegressorMixin

from layerwise.learners import HierarchicalRegressor, JointRegressor, KernelRegressor, RandomFeatureRegressor
from layerwise.studies import LearnerSpec, Sizes, Study, TargetSpec
from layerwise.targets import Hierarchical, MultiFeature

#: Links by the degree of p, in orthonormal Hermite coefficients: z + .7 h_2 + .7 h_3 and z + .5 h_2.
LINKS = {2: [0.0, 1.0, 0.7, 0.7], 3: [0.0, 1.0, 0.5]}
#: sigma_1(z) = z^3 = 3 h_1 + sqrt(6) h_3.
CUBE = [0.0, 3.0, 0.0, math.sqrt(6)]
#: The inputs are from N(0, I).
RAW = {"standardize": False}
TWO_STAGES, REFINED, JOINT = "two stages", "two stages, refined", "all layers together"
QUADRATIC = "z + .7 h₂ + .7 h₃ of a quadratic p"
TWO_FEATURES = "two features, (p₁ + p₁p₂)/√2"


class Figure2Network(RegressorMixin, BaseEstimator):
    """The network of the paper's Figure 2: sigma_1(z) = z^3, m_1 = d^2, m_2 = 1000, all parameters trained by Adam."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the network to X (n, d) and y (n,)."""
        self.model_ = JointRegressor(
            "hierarchical",
            width=X.shape[1] ** 2,
            activation=CUBE,
            standardize=False,
            random_state=self.random_state,
        ).fit(X, y)
        return self

    def feature(self, X):
        """Return the bottleneck ``u'sigma_1(V x + s)``, of shape (n,)."""
        return self.model_.feature(X)

    def predict(self, X):
        """Return predictions of shape (n,)."""
        return self.model_.predict(X)


def target(
    label: str, degree: int, feature: str = "balanced_sum", *, inputs: dict | None = None, **params
) -> TargetSpec:
    """Return the target ``g(p(x))`` with a feature polynomial of that degree and the link of `LINKS`."""
    hierarchy = {"feature": {"name": feature, "degree": degree} | params, "link": LINKS[degree]}
    return TargetSpec(label=label, use=Hierarchical, params=hierarchy, **(inputs or {}))


def layerwise(label: str, degree: int, **params) -> LearnerSpec:
    """Return Algorithm 1 as a learner, in the limit of infinite width and time."""
    return LearnerSpec(label=label, use=HierarchicalRegressor, params={"degree": degree, "standardize": False} | params)


def at_16(
    name: str,
    full: bool,
    learners: list[LearnerSpec],
    times: Sequence[float],
    targets: Sequence[TargetSpec] = (target(QUADRATIC, 2),),
) -> Study:
    """Return a study at d = 16 with ``n = times * d^2``."""
    sizes, seeds = Sizes(times=times, power=2), 10 if full else 3
    return Study(name=name, targets=targets, learners=learners, dims=[16], n=sizes, seeds=seeds, n_test=2**14)


def figure2_quadratic(full: bool) -> Study:
    """Figure 2 layer by layer, k = 2."""
    return Study(
        name="Layerwise, k = 2",
        targets=[target(QUADRATIC, 2)],
        learners=[layerwise(TWO_STAGES, 2)],
        dims=[8, 12, 16, 24, 32] if full else [8, 12, 16, 24],
        n=Sizes(times=[1, 2, 4, 8, 16, 32, 64], power=2) if full else Sizes(times=[1, 2, 4, 8, 16], power=2),
        seeds=10 if full else 5,
        n_test=2**15 if full else 2**14,
    )


def figure2_cubic(full: bool) -> Study:
    """Figure 2 layer by layer, k = 3."""
    return Study(
        name="Layerwise, k = 3",
        targets=[target("z + .5 h₂ of a cubic p", 3)],
        learners=[layerwise(TWO_STAGES, 3)],
        dims=[8, 12, 16, 20] if full else [8, 12, 16],
        n=Sizes(times=[0.25, 0.5, 1, 2, 4, 8], power=3) if full else Sizes(times=[0.25, 0.5, 1, 2], power=3),
        seeds=10 if full else 3,
        n_test=2**15 if full else 2**14,
    )


def figure2_joint(full: bool) -> Study:
    """Figure 2 as published: ``h = C_d p^3``, ``p = sum_i +-d^(-1/2) h_3(x_i)``, E h^2 = 1, all parameters by Adam."""
    params = {"feature": {"name": "balanced_sum", "degree": 3}, "link": "cube", "normalize": True}
    return Study(
        name="Figure 2, all layers together",
        targets=[TargetSpec(label="C p³ of a cubic p", use=Hierarchical, params=params)],
        learners=[LearnerSpec(label=JOINT, use=Figure2Network)],
        dims=[16, 24, 32, 40] if full else [16, 24],
        n=Sizes(times=[0.25, 0.5, 1, 2, 4, 8], power=3) if full else Sizes(times=[0.25, 1], power=3),
        seeds=5 if full else 1,
        n_test=100_000,
    )


def samples(full: bool) -> Study:
    """n* by dimension, k = 2, for a link that saturates and is odd, and noisy labels: n* then shows the rate.

    Stage 1 estimates the D = C(d + 2, 2) coefficients of ``P_2 h``, which is an exact multiple of p for an odd link and
    alternating signs, under noise of the same size in every dimension. For links of polynomial growth the noise
    ``h - P_2 h`` has heavy tails, which shrink as d grows, so that n* grows more slowly (d^1.2 for z + .5 h_2). Kernels
    that learn the part of degree 2 have a risk of .27.
    """
    link = {"name": "clip", "low": -0.3, "high": 0.3}
    params = {"feature": {"name": "balanced_sum", "degree": 2}, "link": link, "normalize": True}
    kernels = Sizes(times=[10], power=2)  # close to the n* of two stages
    return Study(
        name="Samples for risk .2",
        targets=[TargetSpec(label="clip(p, -.3, .3) of a quadratic p, noise 1", use=Hierarchical, params=params)],
        learners=[
            layerwise(TWO_STAGES, 2, link_width=100),
            # the best penalty among 3e-4, 1e-3, ..., .3 at d = 8 and 16, n = 8 d^2
            LearnerSpec(label="NTK", use=KernelRegressor, params={"penalty": 1e-3} | RAW, n=kernels),
            LearnerSpec(label="random features", use=RandomFeatureRegressor, params=RAW, n=kernels),
        ],
        dims=[8, 12, 16, 24, 32] if full else [8, 12, 16, 24],
        n=Sizes(times=[4, 5.7, 8, 11.3, 16, 22.6], power=2),
        seeds=16 if full else 6,
        noise=1.0,
        n_test=2**13,
    )


def layerwise_cost(full: bool) -> Study:
    """Layerwise training, joint training and refinement, by their risk at several sample sizes."""
    shorter = None if full else Sizes(times=[2, 8], power=2)
    joint = {"architecture": "hierarchical", "degree": 2, "max_epochs": 200} | RAW
    learners = [
        layerwise(TWO_STAGES, 2),
        layerwise(REFINED, 2, refine=True).model_copy(update={"n": shorter}),
        LearnerSpec(label=JOINT, use=JointRegressor, params=joint, n=shorter),
    ]
    return at_16("Price of layerwise training", full, learners, [1, 2, 4, 8, 16, 32] if full else [2, 8, 32])


def width(full: bool) -> Study:
    """Stage 1 with several numbers of neurons; C(d + 2, 2) = 153 of them span all quadratics."""
    learners = [layerwise(f"m₁ = {m}", 2, width=m) for m in (38, 76, 153, 306)] + [layerwise("m₁ = ∞", 2)]
    return at_16("Neurons of stage 1", full, learners, [2, 8, 32, 128] if full else [2, 32])


def assumptions(full: bool) -> Study:
    """Targets that the theorem excludes: few terms, a random tensor, two features, inputs that are not Gaussian."""
    staircase = {"features": {"name": "balanced_sum", "degree": 2}, "link": "staircase"}
    student = {"inputs": "StudentT", "inputs_params": {"df": 8.0}}
    targets = [
        target("balanced, L = d", 2),
        target("L = 2", 2, "sparse", n_terms=2),
        target("random tensor", 2, "random_tensor"),
        target("random tensor, cube", 2, "random_tensor", inputs={"inputs": "UniformCube"}),
        target("random tensor, Student-t", 2, "random_tensor", inputs=student),
        TargetSpec(label=TWO_FEATURES, use=MultiFeature, params=staircase),
    ]
    times = [2, 8, 32, 128] if full else [2, 8, 32]
    return at_16("Beyond the assumptions", full, [layerwise(TWO_STAGES, 2)], times, targets=targets)
