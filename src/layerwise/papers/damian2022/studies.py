"""The studies of Damian, Lee, Soltanolkotabi 2022."""

from __future__ import annotations

import math
from typing import Any

from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state

from layerwise.learners import KernelRegressor, MomentRegressor, RandomFeatureRegressor, TwoLayerRegressor
from layerwise.papers.paper import Size, by_size
from layerwise.studies import LearnerSpec, Sizes, Study, TargetSpec
from layerwise.targets import HermiteSingleIndex, MultiIndex, SingleIndex

#: He_2/2 + He_4/(4 sqrt 3) in orthonormal Hermite coefficients: He_k = sqrt(k!) h_k.
SOURCE_LINK = [0.0, 0.0, math.sqrt(0.5), 0.0, math.sqrt(0.5)]
#: He_4 / sqrt(24) = h_4.
TARGET_LINK = [0.0, 0.0, 0.0, 0.0, 1.0]
NOISE = 1.0  # Rademacher labels y = f*(x) +- 1
DIM = 10
#: The algorithms as published, for inputs from N(0, I).
RAW: dict[str, Any] = {"standardize": False}
LITERAL_STEP: dict[str, Any] = {"linear": "moment"} | RAW
ONE_STEP, MOMENTS, TRANSFORMS = "one gradient step", "moments of y", "moments of transformed y"
RANDOM, NTK, KERNEL = "random features", "NTK", "polynomial kernel"
NO_LINEAR, RESAMPLED = "one gradient step, linear part kept", "head on new samples"
H4, H6 = "h₄(u·x)", "h₆(u·x)"
ONE, THREE, UNEQUAL = "h₂, r = 1", "h₂, r = 3", "h₂(u·x) + h₂(v·x)/4"
H2_H6 = "(h₂ + h₆)(u·x)/√2"
SHIFTED = "3 + v·x + (h₂ + h₄)(u·x)/√2"
SOURCE = "He₂(x₁)/2 + He₄(x₁)/(4√3)"


class TransferredTwoLayer(RegressorMixin, BaseEstimator):
    """A two-layer network pre-trained on the source task, of which `fit` trains the head only (Theorem 3).

    The first layer is trained on ``n_source`` samples of the source task; 0 leaves it at its initialisation.
    ``random_state`` is the seed of the source data and the network.
    """

    def __init__(self, n_source: int, width: int = 1000, random_state=None):
        self.n_source = n_source
        self.width = width
        self.random_state = random_state

    def fit(self, X, y):
        """Pre-train on new source samples in the dimension of X, then fit the head on X (n, d) and y (n,)."""
        if self.n_source == 0:
            self.model_ = RandomFeatureRegressor(self.width, **RAW, random_state=self.random_state).fit(X, y)
            return self
        rng = check_random_state(self.random_state)
        data_seed, model_seed = (int(seed) for seed in rng.randint(2**31 - 1, size=2))
        source = SingleIndex(X.shape[1], link=SOURCE_LINK)
        task = source.sample(self.n_source, noise=NOISE, noise_distribution="rademacher", random_state=data_seed)
        # the penalty does not matter: the head of the source task is discarded
        self.model_ = TwoLayerRegressor(self.width, penalty=1.0, **LITERAL_STEP, random_state=model_seed).fit(*task)
        self.model_.set_params(penalty="auto").fit_head(X, y)
        return self

    def predict(self, X):
        """Return predictions of shape (n,)."""
        return self.model_.predict(X)


class ResampledTwoLayer(RegressorMixin, BaseEstimator):
    """A two-layer network whose first step sees half of the rows, and its head the other half, as the proof has it."""

    def __init__(self, width: int = 1000, random_state=None):
        self.width = width
        self.random_state = random_state

    def fit(self, X, y):
        """Take the step on the first half of X (n, d) and y (n,), then fit the head on the second half."""
        half = len(y) // 2
        self.model_ = TwoLayerRegressor(self.width, penalty=1.0, **LITERAL_STEP, random_state=self.random_state)
        self.model_.fit(X[:half], y[:half])
        self.model_.set_params(penalty="auto").fit_head(X[half:], y[half:])
        return self

    def predict(self, X):
        """Return predictions of shape (n,)."""
        return self.model_.predict(X)


def source(label: str = SOURCE) -> TargetSpec:
    """Return the target of section 6.1."""
    return TargetSpec(label=label, use=SingleIndex, params={"link": SOURCE_LINK})


def kernel_gap(size: Size) -> Study:
    """Section 6.1, where n and the widths are not stated; "full" has 10 seeds, m in {100, 1000} and n up to 2^16."""
    sizes = by_size(size, [2048], [2**k for k in range(8, 15)], [2**k for k in range(8, 17)])
    learners = []
    for width in by_size(size, (300,), (1000,), (1000, 100)):
        of_width = f", m = {width}" if width == 100 else ""
        learners += [
            LearnerSpec(label=f"{ONE_STEP}{of_width}", use=TwoLayerRegressor, params={"width": width} | LITERAL_STEP),
            LearnerSpec(label=f"{RANDOM}{of_width}", use=RandomFeatureRegressor, params={"width": width} | RAW),
        ]
    # the kernel of the network at initialisation, where the biases are 0
    ntk = LearnerSpec(
        label=NTK,
        use=KernelRegressor,
        params={"kernel": "ntk", "bias": 0.0, "validation": 0.2} | RAW,
        n=by_size(size, [1024], [n for n in sizes if n <= 2**12], [n for n in sizes if n <= 2**13]),
    )
    return Study(
        name="Kernel gap",
        targets=[source()],
        learners=[*learners, ntk],
        dims=[DIM],
        n=sizes,
        seeds=by_size(size, 5, 5, 10),
        noise=NOISE,
        noise_distribution="rademacher",
        n_test=by_size(size, 2**13, 2**15, 2**15),
    )


def staircase(size: Size) -> Study:
    """The polynomial kernel of degree 4, from n = d to beyond the number of polynomials of degree 4."""
    return Study(
        name="Staircase of the polynomial kernel",
        targets=[source()],
        learners=[LearnerSpec(label=KERNEL, use=KernelRegressor, params={"kernel": "polynomial", "degree": 4} | RAW)],
        dims=by_size(size, [6, 8], [8, 11], [8, 11, 14]),
        n=by_size(size, [8, 200, 1000], [8, 100, 400, 3000], [14, 100, 400, 1000, 9000]),
        seeds=5,
        noise=0.1,
        n_test=2**13,
    )


def transfer(size: Size) -> Study:
    """Section 6.2: risk on the target task against N, for several numbers of source samples."""
    sources = by_size(size, (0, 16384), (0, 1024, 16384), (0, 256, 1024, 4096, 16384, 65536))
    width = {"width": 300} if size == "small" else {}
    specs = [
        LearnerSpec(label=source_label(n), use=TransferredTwoLayer, params={"n_source": n} | width) for n in sources
    ]
    return Study(
        name="Transfer",
        targets=[TargetSpec(label="He₄(x₁)/√24", use=SingleIndex, params={"link": TARGET_LINK})],
        learners=specs,
        dims=by_size(size, [8, 12], [DIM, 16], [DIM, 20]),
        n=by_size(size, [256], [64, 256, 1024, 4096], [2**k for k in range(6, 13)]),
        seeds=10 if size == "full" else 5,
    )


def transforms(size: Size) -> Study:
    """Risk against n/d on the class of Theorem 2: one gradient step, moments of y, moments of transformed y."""
    learners = [
        LearnerSpec(label=ONE_STEP, use=TwoLayerRegressor, params={"width": 1000} | LITERAL_STEP),
        LearnerSpec(label=MOMENTS, use=MomentRegressor, params={"robust": False} | RAW),
        LearnerSpec(label=TRANSFORMS, use=MomentRegressor, params={"label_transform": "auto"} | RAW),
    ]
    return Study(
        name="Transforms of the label",
        targets=[
            TargetSpec(label=label, use=HermiteSingleIndex, params={"degree": degree})
            for label, degree in by_size(size, ((H6, 6),), ((H4, 4), (H6, 6)), ((H4, 4), (H6, 6)))
        ],
        learners=by_size(size, learners[::2], learners, learners),
        dims=by_size(size, [16], [30], [80]),
        n=Sizes(times=by_size(size, [32], [4, 8, 16, 32], [4, 8, 16, 32, 64, 128])),
        seeds=10 if size == "full" else 5,
        noise=0.1,
    )


def subspace(size: Size) -> Study:
    """Overlap of the learnt directions with those of the target, by the number of directions and their curvatures."""
    return Study(
        name="Directions of the first layer",
        targets=[
            directions(ONE, [1.0]),
            directions(THREE, [1.0, 1.0, 1.0]),
            directions(UNEQUAL, [1.0, 0.25]),
        ],
        learners=[LearnerSpec(label=ONE_STEP, use=TwoLayerRegressor, params={"width": 200} | LITERAL_STEP)],
        dims=by_size(size, [12], [12, 24], [12, 24, 48]),
        n=Sizes(times=by_size(size, [1, 16], [1, 4, 16], [1, 4, 16, 64]), power=2),
        seeds=by_size(size, 8, 8, 10),
        noise=0.5,
        n_test=2**13,
    )


def directions(label: str, curvatures: list[float]) -> TargetSpec:
    """Return ``sum_i c_i h_2(x_i)``, rotated, of variance 1: r directions with the Hessian sqrt(2) diag(c)."""
    norm = math.sqrt(sum(c**2 for c in curvatures))
    r = len(curvatures)
    link = {
        "exponents": [[2 * (i == j) for j in range(r)] for i in range(r)],
        "coefficients": [c / norm for c in curvatures],
    }
    return TargetSpec(label=label, use=MultiIndex, params={"link": link, "rank": r, "directions": "random"})


def necessity(size: Size) -> Study:
    """Degree 6 with and without a part of degree 2, and a target with a mean and a linear part."""
    exponents, half = [[0, 0], [1, 0], [0, 2], [0, 4]], math.sqrt(0.5)
    mixed = {"exponents": exponents, "coefficients": [3.0, 1.0, half, half]}
    learners = [
        LearnerSpec(label=ONE_STEP, use=TwoLayerRegressor, params={"width": 300} | LITERAL_STEP),
        LearnerSpec(label=NO_LINEAR, use=TwoLayerRegressor, params={"width": 300, "linear": "none"} | RAW),
    ]
    return Study(
        name="What the first step needs",
        targets=[
            TargetSpec(label=H2_H6, use=SingleIndex, params={"link": [0.0, 0.0, half, 0.0, 0.0, 0.0, half]}),
            TargetSpec(label=H6, use=HermiteSingleIndex, params={"degree": 6}),
            TargetSpec(label=SHIFTED, use=MultiIndex, params={"link": mixed, "directions": "random"}),
        ],
        learners=learners,
        dims=by_size(size, [20], [12, 20], [12, 20, 30]),
        n=Sizes(times=by_size(size, [2, 8], [2, 8], [2, 8, 32]), power=2),
        seeds=by_size(size, 6, 6, 10),
        noise=0.1,
        n_test=2**14,
    )


def widths(size: Size) -> Study:
    """Risk against the width, and the head trained on the rows of the first step or on new ones."""
    specs = [
        LearnerSpec(label=f"m = {m}", use=TwoLayerRegressor, params={"width": m} | LITERAL_STEP)
        for m in by_size(size, (4, 32, 256), (4, 32, 256, 1024), (4, 32, 256, 1024, 4096))
    ]
    return Study(
        name="Width and fresh samples",
        targets=[source()],
        learners=[*specs, LearnerSpec(label=RESAMPLED, use=ResampledTwoLayer, params={"width": 256})],
        dims=[DIM],
        n=by_size(size, [512, 2048, 8192], [512, 2048, 8192, 32768], [512, 2048, 8192, 32768, 131072]),
        seeds=by_size(size, 6, 6, 10),
        noise=0.5,
        n_test=2**14,
    )


def source_label(n: int) -> str:
    """Return the label of the learner that is pre-trained on n source samples."""
    return f"pre-trained on {n:,}" if n else "not pre-trained"
