"""The studies of Wang, Nichani, Lee 2023."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state

from layerwise.learners import HierarchicalRegressor, JointRegressor, KernelRegressor, RandomFeatureRegressor
from layerwise.papers.paper import Size, by_size
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
SATURATING = "clip(p, -.3, .3) of a quadratic p"
SATURATING_TARGET = {
    "feature": {"name": "balanced_sum", "degree": 2},
    "link": {"name": "clip", "low": -0.3, "high": 0.3},
    "normalize": True,
}
EVEN, SHIFTED = "h₂ of a quadratic p", "3 + z + .7 h₂ + .7 h₃ of a quadratic p"
LINEAR_STAGE, CUBIC_STAGE, SPLIT = "σ₁ of degree 1", "σ₁ of degree 3", "half of the rows for each stage"
FEW_STEPS, MANY_STEPS, LINK_ONLY = "3 steps of stage 1", "1000 steps of stage 1", "stage 2 on a learnt feature"


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


class LinkOnly(RegressorMixin, BaseEstimator):
    """Stage 2 alone: the link of a feature that stage 1 learnt from 32 d^2 samples of the target `SATURATING`.

    ``random_state`` is the seed of these samples and of the networks.
    """

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        """Learn the feature from new samples in the dimension of X, then the link from X (n, d) and y (n,)."""
        rng, dim = check_random_state(self.random_state), X.shape[1]
        source = Hierarchical(dim, **SATURATING_TARGET)
        data_seed, model_seed, link_seed = (int(seed) for seed in rng.randint(2**31 - 1, size=3))
        self.stage1_ = HierarchicalRegressor(degree=2, standardize=False, random_state=model_seed)
        self.stage1_.fit(*source.sample(32 * dim**2, random_state=data_seed))
        self.link_ = RandomFeatureRegressor(200, random_state=link_seed).fit(self.stage1_.transform(X), y)
        return self

    def feature(self, X):
        """Return the feature of stage 1, of shape (n,)."""
        return self.stage1_.feature(X)

    def predict(self, X):
        """Return predictions of shape (n,)."""
        return self.link_.predict(self.stage1_.transform(X))


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
    size: Size,
    learners: list[LearnerSpec],
    times: Sequence[float],
    targets: Sequence[TargetSpec] = (target(QUADRATIC, 2),),
) -> Study:
    """Return a study at d = 16 (8 at the small size) with ``n = times * d^2``."""
    dims, seeds = by_size(size, [8], [16], [16]), by_size(size, 5, 5, 10)
    n = Sizes(times=times, power=2)
    return Study(
        name=name,
        targets=targets,
        learners=learners,
        dims=dims,
        n=n,
        seeds=seeds,
        n_test=by_size(size, 2**13, 2**14, 2**14),
    )


def figure2_quadratic(size: Size) -> Study:
    """Figure 2 layer by layer, k = 2."""
    return Study(
        name="Layerwise, k = 2",
        targets=[target(QUADRATIC, 2)],
        learners=[layerwise(TWO_STAGES, 2)],
        dims=by_size(size, [6, 8, 12], [8, 12, 16, 24], [8, 12, 16, 24, 32]),
        n=Sizes(times=by_size(size, [1, 8, 16], [1, 2, 4, 8, 16], [1, 2, 4, 8, 16, 32, 64]), power=2),
        seeds=by_size(size, 5, 5, 10),
        n_test=by_size(size, 2**13, 2**14, 2**15),
    )


def figure2_cubic(size: Size) -> Study:
    """Figure 2 layer by layer, k = 3."""
    return Study(
        name="Layerwise, k = 3",
        targets=[target("z + .5 h₂ of a cubic p", 3)],
        learners=[layerwise(TWO_STAGES, 3)],
        dims=by_size(size, [6, 8], [8, 12, 16], [8, 12, 16, 20]),
        n=Sizes(times=by_size(size, [0.5, 1, 2], [0.25, 0.5, 1, 2], [0.25, 0.5, 1, 2, 4, 8]), power=3),
        seeds=by_size(size, 5, 5, 10),
        n_test=by_size(size, 2**13, 2**14, 2**15),
    )


def figure2_joint(size: Size) -> Study:
    """Figure 2 as published: ``h = C_d p^3``, ``p = sum_i +-d^(-1/2) h_3(x_i)``, E h^2 = 1, all parameters by Adam."""
    params = {"feature": {"name": "balanced_sum", "degree": 3}, "link": "cube", "normalize": True}
    return Study(
        name="Figure 2, all layers together",
        targets=[TargetSpec(label="C p³ of a cubic p", use=Hierarchical, params=params)],
        learners=[LearnerSpec(label=JOINT, use=Figure2Network)],
        dims=by_size(size, [6], [16], [16, 24, 32, 40]),
        n=Sizes(times=by_size(size, [8], [0.25, 1], [0.25, 0.5, 1, 2, 4, 8]), power=3),
        seeds=5,
        n_test=by_size(size, 2**13, 100_000, 100_000),
    )


def samples(size: Size) -> Study:
    """n* by dimension, k = 2, for a link that saturates and is odd, and noisy labels: n* then shows the rate.

    Stage 1 estimates the D = C(d + 2, 2) coefficients of ``P_2 h``, which is an exact multiple of p for an odd link and
    alternating signs, under noise of the same size in every dimension. For links of polynomial growth the noise
    ``h - P_2 h`` has heavy tails, which shrink as d grows, so that n* grows more slowly (d^1.2 for z + .5 h_2). Kernels
    that learn the part of degree 2 have a risk of .27.
    """
    kernels = Sizes(times=[10], power=2)  # close to the n* of two stages
    return Study(
        name="Samples for risk .2",
        targets=[
            TargetSpec(label="clip(p, -.3, .3) of a quadratic p, noise 1", use=Hierarchical, params=SATURATING_TARGET)
        ],
        learners=[
            layerwise(TWO_STAGES, 2, link_width=100),
            # the best penalty among 3e-4, 1e-3, ..., .3 at d = 8 and 16, n = 8 d^2
            LearnerSpec(label="NTK", use=KernelRegressor, params={"penalty": 1e-3} | RAW, n=kernels),
            LearnerSpec(label="random features", use=RandomFeatureRegressor, params=RAW, n=kernels),
        ],
        dims=by_size(size, [6, 9, 14], [8, 12, 16, 24], [8, 12, 16, 24, 32]),
        n=Sizes(times=by_size(size, [4, 8, 16], [4, 5.7, 8, 11.3, 16, 22.6], [4, 5.7, 8, 11.3, 16, 22.6]), power=2),
        seeds=by_size(size, 5, 6, 16),
        noise=1.0,
        n_test=by_size(size, 2**11, 2**13, 2**13),
    )


def layerwise_cost(size: Size) -> Study:
    """Layerwise training, joint training and refinement, by their risk at several sample sizes."""
    shorter = None if size == "full" else Sizes(times=by_size(size, [8], [2, 8], [2, 8]), power=2)
    joint = {"architecture": "hierarchical", "degree": 2, "max_epochs": by_size(size, 60, 200, 200)} | RAW
    learners = [
        layerwise(TWO_STAGES, 2),
        layerwise(REFINED, 2, refine=True).model_copy(update={"n": shorter}),
        LearnerSpec(label=JOINT, use=JointRegressor, params=joint, n=shorter),
    ]
    times = by_size(size, [2, 8], [2, 8, 32], [1, 2, 4, 8, 16, 32])
    return at_16("Price of layerwise training", size, learners, times)


def width(size: Size) -> Study:
    """Stage 1 with several numbers of neurons; D = C(d + 2, 2) of them, 153 at d = 16, span all quadratics."""
    D = by_size(size, 45, 153, 153)
    labels = (("D/4", D // 4), ("D/2", D // 2), ("D", D), ("2D", 2 * D))
    learners = [layerwise(f"m₁ = {label}", 2, width=m) for label, m in labels] + [layerwise("m₁ = ∞", 2)]
    return at_16("Neurons of stage 1", size, learners, by_size(size, [32], [2, 32], [2, 8, 32, 128]))


def assumptions(size: Size) -> Study:
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
    times = by_size(size, [32], [2, 8, 32], [2, 8, 32, 128])
    return at_16("Beyond the assumptions", size, [layerwise(TWO_STAGES, 2)], times, targets=targets)


def variants(size: Size) -> Study:
    """What stage 1 needs: the degree of sigma_1, enough steps, E g' != 0; and its rows shared with stage 2 or not."""
    learners = [
        layerwise(TWO_STAGES, 2),
        layerwise(LINEAR_STAGE, 1),
        layerwise(CUBIC_STAGE, 3),
        layerwise(SPLIT, 2, split=0.5),
        layerwise(FEW_STEPS, 2, split=0.5, n_steps=[3, 1000], penalty=1e-3, link_penalty=1.0),
        layerwise(MANY_STEPS, 2, split=0.5, n_steps=1000, penalty=1e-3, link_penalty=1.0),
    ]
    even = TargetSpec(label=EVEN, use=Hierarchical, params=target(EVEN, 2).params | {"link": [0.0, 0.0, 1.0]})
    times = by_size(size, [16], [4, 16], [4, 16, 64])
    return at_16("Variants of stage 1", size, learners, times, targets=[target(QUADRATIC, 2), even, shifted()])


def shifted() -> TargetSpec:
    """Return the quadratic target with the constant 3."""
    return TargetSpec(label=SHIFTED, use=Hierarchical, params=target(EVEN, 2).params | {"link": [3.0, *LINKS[2][1:]]})


def scalings(size: Size) -> Study:
    """The theorem's n = d^(k + 3 alpha) for alpha = 1/3, k = 2."""
    return Study(
        name="Scalings of the theorem",
        targets=[target(QUADRATIC, 2)],
        learners=[layerwise(TWO_STAGES, 2)],
        dims=by_size(size, [6, 9, 14], [8, 12, 16, 24], [8, 12, 16, 24, 32, 40]),
        n=Sizes(times=[2], power=3),
        seeds=by_size(size, 5, 5, 10),
        n_test=2**14,
    )


def link_samples(size: Size) -> Study:
    """Samples of stage 2 alone, after a stage 1 that saw 32 d^2 samples."""
    return Study(
        name="Samples of stage 2",
        targets=[TargetSpec(label=SATURATING, use=Hierarchical, params=SATURATING_TARGET)],
        learners=[LearnerSpec(label=LINK_ONLY, use=LinkOnly)],
        dims=by_size(size, [8, 12], [8, 16], [8, 16, 32]),
        n=by_size(size, [256], [64, 256, 1024], [64, 256, 1024]),
        seeds=by_size(size, 5, 5, 10),
        n_test=2**13,
    )
