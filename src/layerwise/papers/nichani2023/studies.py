"""The studies behind the figures: targets, learners, dimensions and sample sizes.

The paper does not state links, dimensions and sample sizes. Algorithm 1 has an infinitely wide middle layer here.
"""

from __future__ import annotations

import numpy as np

from layerwise.learners import (
    JointRegressor,
    KernelRegressor,
    RandomFeatureRegressor,
    ThreeLayerRegressor,
    TwoLayerRegressor,
)
from layerwise.papers.paper import Size, by_size
from layerwise.studies import LearnerSpec, Sizes, Study, TargetSpec
from layerwise.targets import QuadraticFeature, ReLUOfQuadratic, SingleIndex, Target

DIMS = [8, 16, 32]
SEEDS = 5
WIDTH = 100  # neurons of the last layer, which fits a function of one variable

H2, RELU, RELU_CENTRED = "σ₂ = h₂", "σ₂ = ReLU", "σ₂ = ReLU, linear part of y removed"

NARROW_HEAD, FEW_MIDDLE, MANY_MIDDLE = "m₁ = 4", "m₂ = 16", "m₂ = 2000"
SPLIT, LINEAR_KEPT = "half of the rows for each stage", "linear part kept"
TANH, SHIFTED, RANK_ONE = "tanh(2xᵀAx)", "3 + v·x + tanh(2xᵀAx)", "h₂(u·x)"
CUBIC, POLYNOMIAL = "z + .7 h₃ of xᵀAx", "polynomial kernel, degree 6"

THREE_LAYERS, ONE_STEP, RANDOM = "three layers, one step", "two layers, one step", "two layers, random"
KERNEL, ALL_TRAINED = "two layers, random, m = ∞", "two layers, all trained"
#: The trained three-layer network is a sum of functions relu(eta_i x'Mx + b_i), which m_2 = d(d + 1)/2 neurons h_2(v.x)
#: and m_1 = 32 neurons represent with d m_2 + m_1 m_2 + 2 m_1 weights, trained and fixed: 1504, 6592 and 33856 at
#: d = 8, 16, 32. Two layers of width 1000 have (d + 2) 1000 without the linear part: 10000, 18000 and 34000.
THREE_LAYERS_WIDTH, TWO_LAYERS_WIDTH = 32, 1000
#: The algorithms as published, for inputs of mean 0 and covariance I.
RAW = {"standardize": False}
LITERAL_STEP = {"linear": "moment"} | RAW


class TanhOfQuadratic(QuadraticFeature):
    """``tanh(2 x'Ax)``, which is odd in x'Ax and so has no radial part under Gaussian inputs to amplify."""

    def __init__(self, dim: int):
        super().__init__(dim, link=steep_tanh)


class ShiftedQuadratic(TanhOfQuadratic):
    """``3 + x_1 + tanh(2 x'Ax)``, a target with a mean and a linear part, of variance ``1 + Var tanh(2 x'Ax)``."""

    def evaluate(self, Z):
        """``3 + z_1 + tanh(2 z'Az)``, of shape (n,)."""
        return 3.0 + Z[:, 0] + super().evaluate(Z)

    def compute_facts(self):
        """Monte Carlo facts, as those of any function."""
        return Target.compute_facts(self)


def steep_tanh(z):
    """Return ``tanh(2z)``."""
    return np.tanh(2 * z)


def algorithm(label: str, **params) -> LearnerSpec:
    """Return Algorithm 1 as a learner."""
    return LearnerSpec(label=label, use=ThreeLayerRegressor, params={"width": WIDTH, **LITERAL_STEP, **params})


def single_index(size: Size) -> Study:
    """Section 4.1 with a sine as the link and sigma_2 = ReLU; as beta.x is linear, the linear part of y is kept."""
    return Study(
        name="Single index",
        targets=[TargetSpec(label="sin(β·x)", use=SingleIndex, params={"link": "sin"})],
        learners=[algorithm(RELU, activation="relu", linear="none")],
        dims=by_size(size, [4, 32], DIMS, DIMS),
        n=Sizes(times=by_size(size, [4, 8, 16, 32], [2, 4, 8, 16, 32], [2, 4, 8, 16, 32, 64, 128, 256])),
        seeds=by_size(size, 8, SEEDS, SEEDS),
        n_test=by_size(size, 2**12, 2**15, 2**15),
    )


def quadratic_feature(size: Size) -> Study:
    """Section 4.2 with sigma_2 = h_2."""
    return Study(
        name="Quadratic feature",
        targets=[TargetSpec(label="tanh(2xᵀAx)", use=TanhOfQuadratic)],
        learners=[algorithm(H2)],
        dims=by_size(size, [6, 16], DIMS, DIMS),
        n=Sizes(times=by_size(size, [1, 2, 4, 8], [0.5, 1, 2, 4, 8], [0.5, 1, 2, 4, 8, 16, 32]), power=2),
        seeds=by_size(size, 8, SEEDS, SEEDS),
        n_test=by_size(size, 2**12, 2**15, 2**15),
    )


def activation(size: Size) -> Study:
    """Section 4.2 with sigma_2 = ReLU also, as published and with the linear part of y removed."""
    same = quadratic_feature(size)
    learners = [
        algorithm(H2),
        algorithm(RELU_CENTRED, activation="relu"),
        algorithm(RELU, activation="relu", linear="none"),
    ]
    n = same.n if size == "full" else Sizes(times=by_size(size, [4], [0.25, 1, 4], []), power=2)
    dims = by_size(size, [8, 24], DIMS, DIMS)
    return Study(
        name="Activation", targets=same.targets, learners=learners, dims=dims, n=n, seeds=same.seeds, n_test=same.n_test
    )


def depth_separation(size: Size) -> Study:
    """Section 5 at d = 16, against two layers: one gradient step; random; random and infinitely wide; all trained.

    "All trained" is Adam on all parameters; ``full`` has a second such network, four times as wide. At n = 8192 it
    reaches .074 with width 1000 and .057 with width 4000, where three layers have .035: a factor of about 2 for a
    comparable number of parameters.
    """
    full = size == "full"
    sizes = by_size(size, [512, 2048], [512, 2048, 8192], [2**k for k in range(9, 16)])
    wide = {"width": TWO_LAYERS_WIDTH}
    learners = [
        LearnerSpec(label=ONE_STEP, use=TwoLayerRegressor, params=wide | LITERAL_STEP),
        LearnerSpec(label=RANDOM, use=RandomFeatureRegressor, params=wide | RAW),
        *strongest_two_layers(size, [n for n in sizes if n <= by_size(size, 1024, 2048, 8192)]),
    ]
    if full:
        wider = {"width": 4 * TWO_LAYERS_WIDTH, "patience": 10} | RAW
        learners.append(LearnerSpec(label=f"{ALL_TRAINED}, m = {wider['width']}", use=JointRegressor, params=wider))
    return _on_the_sphere(size, "Depth separation", learners, by_size(size, [8], [16], [16]), sizes)


def depth_and_dimension(size: Size) -> Study:
    """Section 5 with n growing like d^2, against the two strongest two-layer learners."""
    n = Sizes(times=by_size(size, [8], [0.5, 2, 8], [0.5, 1, 2, 4, 8]), power=2)
    dims = by_size(size, [8, 14], DIMS, DIMS)
    return _on_the_sphere(size, "Depth and dimension", strongest_two_layers(size), dims, n)


def strongest_two_layers(size: Size, kernel_sizes: list[int] | None = None) -> list[LearnerSpec]:
    """Return kernel ridge regression with infinitely many random features, and two layers trained jointly.

    The kernel's penalty is fixed, because choosing it would take one n x n factorisation per candidate. Labels are
    noiseless, and 1e-6 gave at most 3 % more risk than the leave-one-out choice at d = 8, 16, 32 and n up to 2048.
    """
    kernel = {"kernel": "arc-cosine", "penalty": 1e-6} | RAW
    trained = {"width": TWO_LAYERS_WIDTH, "patience": 10} | RAW
    if size == "small":
        trained |= {"width": 100, "max_epochs": 30}
    return [
        LearnerSpec(label=KERNEL, use=KernelRegressor, params=kernel, n=kernel_sizes),
        LearnerSpec(label=ALL_TRAINED, use=JointRegressor, params=trained),
    ]


def _on_the_sphere(
    size: Size, name: str, two_layers: list[LearnerSpec], dims: list[int], n: list[int] | Sizes
) -> Study:
    """Return the study of three layers and of these two-layer learners on ``relu(x'Ax)``."""
    layers = {"width": THREE_LAYERS_WIDTH} | LITERAL_STEP
    three = LearnerSpec(label=THREE_LAYERS, use=ThreeLayerRegressor, params=layers)
    return Study(
        name=name,
        targets=[TargetSpec(label="ReLU(xᵀAx) on the sphere", use=ReLUOfQuadratic)],
        learners=[three, *two_layers],
        dims=dims,
        n=n,
        seeds=by_size(size, 8, SEEDS, SEEDS),
        n_test=by_size(size, 2**12, 2**15, 2**15),
        inputs="Sphere",
    )


def stages(size: Size) -> Study:
    """Widths of both layers, shared or split rows, a mean and a linear part, and an A of rank one."""
    learners = [
        algorithm(H2),
        algorithm(NARROW_HEAD, width=4),
        algorithm(FEW_MIDDLE, middle_width=16),
        algorithm(MANY_MIDDLE, middle_width=2000),
        algorithm(SPLIT, split=0.5),
        algorithm(LINEAR_KEPT, linear="none"),
    ]
    return Study(
        name="Stages",
        targets=[
            TargetSpec(label=TANH, use=TanhOfQuadratic),
            TargetSpec(label=SHIFTED, use=ShiftedQuadratic),
            TargetSpec(label=RANK_ONE, use=SingleIndex, params={"link": [0.0, 0.0, 1.0], "direction": "random"}),
        ],
        learners=learners,
        dims=[16],
        n=Sizes(times=by_size(size, [8], [2, 8], [2, 8, 32]), power=2),
        seeds=by_size(size, 5, 5, 10),
        n_test=by_size(size, 2**12, 2**15, 2**15),
    )


def kernels(size: Size) -> Study:
    """A cubic of a quadratic feature: three layers against the polynomial kernel, which needs d^6 samples."""
    kernel = {"kernel": "polynomial", "degree": 6, "penalty": 1e-4} | RAW
    return Study(
        name="Cubic of a quadratic feature",
        targets=[TargetSpec(label=CUBIC, use=QuadraticFeature, params={"link": [0.0, 1.0, 0.0, 0.7]})],
        learners=[algorithm(H2), LearnerSpec(label=POLYNOMIAL, use=KernelRegressor, params=kernel)],
        dims=by_size(size, [12], [12, 16], [12, 16, 24]),
        n=Sizes(times=by_size(size, [8], [2, 8], [2, 8, 16]), power=2),
        seeds=by_size(size, 5, 5, 10),
        n_test=2**13,
    )
