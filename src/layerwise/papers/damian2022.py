"""Damian, Lee, Soltanolkotabi 2022, *Neural Networks can Learn Representations with Gradient Descent* (COLT).

Section 6.1, the kernel gap: ``f*(x) = He_2(x_1)/2 + He_4(x_1)/(4 sqrt 3)`` has half of its variance in degree 2 and
half in degree 4. With n between d^2 and d^4 samples, a kernel method learns the first half only and has risk 1/2. A
network whose first layer took one gradient step finds the direction from the quadratic part and fits the rest along it:
its risk tends to 0.

Section 6.2, transfer: the first layer is trained on f*, and the head alone on N samples of ``He_4(x_1)/sqrt(24)``. The
number of samples needed depends on how accurate the direction is, not on d.

Theorem 2, the lower bound: from fewer than about d^{p/2} samples, no correlational query, in particular no gradient
step on the squared loss, tells h_p(u.x) from noise. Queries that transform the label first are not bound by it: as the
generative exponent of h_p is 1 or 2, order d samples suffice (Damian, Pillaud-Vivien, Lee & Bruna 2024).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state

from layerwise.learners import KernelRegressor, MomentRegressor, RandomFeatureRegressor, TwoLayerRegressor
from layerwise.papers.panels import panel, side_by_side
from layerwise.papers.paper import Claim, Paper, PublishedFigure
from layerwise.papers.statistics import median
from layerwise.studies import LearnerSpec, SampleComplexityDisplay, Sizes, Study, StudyResult, TargetSpec, blank_axes
from layerwise.targets import HermiteSingleIndex, SingleIndex

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: He_2/2 + He_4/(4 sqrt 3) in orthonormal Hermite coefficients: He_k = sqrt(k!) h_k.
SOURCE_LINK = [0.0, 0.0, math.sqrt(0.5), 0.0, math.sqrt(0.5)]
#: He_4 / sqrt(24) = h_4.
TARGET_LINK = [0.0, 0.0, 0.0, 0.0, 1.0]
NOISE = 1.0  # Rademacher labels y = f*(x) +- 1
DIM = 10
#: Algorithm 1 as published, for inputs from N(0, I).
LITERAL_STEP = {"linear": "moment", "standardize": False}
ONE_STEP, MOMENTS, TRANSFORMS = "one gradient step", "moments of y", "moments of transformed y"
H4, H6 = "h₄(u·x)", "h₆(u·x)"


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
            self.model_ = RandomFeatureRegressor(self.width, standardize=False, random_state=self.random_state)
            self.model_.fit(X, y)
            return self
        rng = check_random_state(self.random_state)
        data_seed, model_seed = (int(seed) for seed in rng.randint(2**31 - 1, size=2))
        source = SingleIndex(X.shape[1], link=SOURCE_LINK)
        task = source.sample(self.n_source, noise=NOISE, noise_distribution="rademacher", random_state=data_seed)
        # the penalty does not matter: the head of the source task is discarded
        self.model_ = TwoLayerRegressor(self.width, penalty=1.0, **LITERAL_STEP, random_state=model_seed)
        self.model_.fit(*task).set_params(penalty="auto").fit_head(X, y)
        return self

    def predict(self, X):
        """Return predictions of shape (n,)."""
        return self.model_.predict(X)


def kernel_gap(full: bool) -> Study:
    """Section 6.1, where n and the widths are not stated; ``full`` has 10 seeds, m in {100, 1000} and n up to 2^16."""
    largest, ntk_largest = (2**16, 2**13) if full else (2**14, 2**12)
    sizes = [2**k for k in range(8, 17) if 2**k <= largest]
    learners = []
    for width in (1000, 100) if full else (1000,):
        of_width = f", m = {width}" if full else ""
        learners += [
            LearnerSpec(
                label=f"one gradient step{of_width}", use=TwoLayerRegressor, params={"width": width} | LITERAL_STEP
            ),
            LearnerSpec(
                label=f"random features{of_width}",
                use=RandomFeatureRegressor,
                params={"width": width, "standardize": False},
            ),
        ]
    # the kernel of the network at initialisation, where the biases are 0
    ntk = LearnerSpec(
        label="NTK",
        use=KernelRegressor,
        params={"kernel": "ntk", "bias": 0.0, "validation": 0.2, "standardize": False},
        n=[n for n in sizes if n <= ntk_largest],
    )
    return Study(
        name="Kernel gap",
        targets=[TargetSpec(label="He₂(x₁)/2 + He₄(x₁)/(4√3)", use=SingleIndex, params={"link": SOURCE_LINK})],
        learners=[*learners, ntk],
        dims=[DIM],
        n=sizes,
        seeds=10 if full else 5,
        noise=NOISE,
        noise_distribution="rademacher",
    )


def transfer(full: bool) -> Study:
    """Section 6.2: risk on the target task against N, for several numbers of source samples."""
    sources = (0, 256, 1024, 4096, 16384, 65536) if full else (0, 1024, 16384)
    return Study(
        name="Transfer",
        targets=[TargetSpec(label="He₄(x₁)/√24", use=SingleIndex, params={"link": TARGET_LINK})],
        learners=[LearnerSpec(label=source_label(n), use=TransferredTwoLayer, params={"n_source": n}) for n in sources],
        dims=[DIM],
        n=[2**k for k in range(6, 13)] if full else [64, 256, 1024, 4096],
        seeds=10 if full else 5,
    )


def transforms(full: bool) -> Study:
    """Risk against n/d on the class of Theorem 2: one gradient step, moments of y, moments of transformed y."""
    return Study(
        name="Transforms of the label",
        targets=[
            TargetSpec(label=label, use=HermiteSingleIndex, params={"degree": degree})
            for label, degree in ((H4, 4), (H6, 6))
        ],
        learners=[
            LearnerSpec(label=ONE_STEP, use=TwoLayerRegressor, params={"width": 1000} | LITERAL_STEP),
            LearnerSpec(label=MOMENTS, use=MomentRegressor, params={"robust": False, "standardize": False}),
            LearnerSpec(
                label=TRANSFORMS, use=MomentRegressor, params={"label_transform": "auto", "standardize": False}
            ),
        ],
        dims=[80 if full else 30],
        n=Sizes(times=[4, 8, 16, 32, 64, 128] if full else [4, 8, 16, 32]),
        seeds=10 if full else 5,
        noise=0.1,
    )


def source_label(n: int) -> str:
    """Return the label of the learner that is pre-trained on n source samples."""
    return f"pre-trained on {n:,}" if n else "not pre-trained"


def draw_kernel_gap(result: StudyResult) -> Figure:
    """Draw risk against n, with the risk of the quadratic half alone as a reference."""
    references = {"quadratic part only": 0.5}
    return SampleComplexityDisplay.from_study(result, references=references, ax=blank_axes()).figure_


def draw_transfer(result: StudyResult) -> Figure:
    """Draw the risk on the target task against N."""
    display = SampleComplexityDisplay.from_study(result, ax=blank_axes())
    display.ax_.set_xlabel("target samples N (head only)")
    return display.figure_


def draw_transforms(result: StudyResult) -> Figure:
    """Draw risk against n/d, one panel per target."""
    return side_by_side(*(panel(result, target=label, per_power=1, title=label) for label in (H4, H6)))


def risk_with_transforms(result: StudyResult) -> float:
    """Return the ratio of the median risks of transforms and of one gradient step, for h_6 at n = 32 d.

    h_6 has heavy tails: on most test sets of 2^15 points its variance is below 1, that of the population.
    """
    n = 32 * result.study.dims[0]
    return median(result, TRANSFORMS, n, target=H6) / median(result, ONE_STEP, n, target=H6)


def gain(result: StudyResult) -> float:
    """Return the decrease of the median risk at N = 256 due to pre-training on 16384 samples."""
    return median(result, source_label(0), 256) - median(result, source_label(16384), 256)


def first(result: StudyResult, start: str) -> str:
    """Return the first label with that start, which belongs to m = 1000 at both sizes."""
    return next(spec.label for spec in result.study.learners if spec.label.startswith(start))


DAMIAN2022 = Paper(
    key="damian2022",
    citation=(
        "A. Damian, J. D. Lee, M. Soltanolkotabi (2022). Neural networks can learn representations with gradient "
        "descent. COLT."
    ),
    figures=(
        PublishedFigure(
            name="kernel_gap",
            caption="Section 6.1: kernels learn half of the variance; one gradient step makes the rest learnable",
            study=kernel_gap,
            draw=draw_kernel_gap,
            claims=(
                Claim(
                    "risk of one gradient step at the largest n (theory: tends to 0)",
                    0.0,
                    lambda result: median(result, first(result, "one gradient step")),
                    (0.0, 0.08),
                ),
                Claim(
                    "risk of random features at n = 16384 (theory: the quadratic half alone is learnt)",
                    0.5,
                    lambda result: median(result, first(result, "random features"), 2**14),
                    (0.4, 0.6),
                ),
                Claim(
                    "risk of the NTK at n = 4096 (theory: the quadratic half alone is learnt)",
                    0.5,
                    lambda result: median(result, "NTK", 2**12),
                    (0.4, 0.65),
                ),
            ),
        ),
        PublishedFigure(
            name="transfer",
            caption="Section 6.2: with a first layer pre-trained on one task, the head learns another from few samples",
            study=transfer,
            draw=draw_transfer,
            claims=(Claim("decrease of risk by pre-training on 16384 samples, N = 256", 1.0, gain, (0.3, math.inf)),),
        ),
        PublishedFigure(
            name="transforms",
            caption="Theorem 2: from n of order d, transforms of the label find what it forbids to one gradient step",
            study=transforms,
            draw=draw_transforms,
            claims=(
                Claim(
                    "h₆(u·x), n = 32 d: ratio of the risks of moments of transformed y and of one gradient step",
                    0.0,
                    risk_with_transforms,
                    (0.0, 0.1),
                ),
            ),
        ),
    ),
)
