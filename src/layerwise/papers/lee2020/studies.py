"""The studies behind the figures: targets, learners, dimensions and sample sizes. The slides omit most of these."""

from __future__ import annotations

import math

from layerwise.learners import (
    ConvexNeuralRegressor,
    HierarchicalRegressor,
    KernelRegressor,
    MomentRegressor,
    QuadraticModelRegressor,
)
from layerwise.papers.paper import Size, by_size
from layerwise.studies import LearnerSpec, Sizes, Study, TargetSpec
from layerwise.targets import DeepLowRank, TwoLayerTeacher

#: ((w.x)^4 - 3) / sqrt(96) in orthonormal Hermite polynomials; three quarters of the variance have degree 2.
QUARTIC = [0.0, 0.0, math.sqrt(0.75), 0.0, 0.5]
#: ((w.x)^2 - 1) / sqrt(2).
SQUARE = [0.0, 0.0, 1.0]
NOISE = 0.1
#: The inputs are from N(0, I).
RAW = {"standardize": False}
#: Dimension of the claims about risk.
DIM = 16

NTK_RAW, NTK_NEURAL = "NTK, raw x", "NTK, neural"
QUAD_RAW, QUAD_NEURAL, QUAD_HERMITE = "quadratic, raw x", "quadratic, neural", "quadratic, Hermite"
QUAD_RAW_GATES = "quadratic, raw x, gates w₀·x"
KERNEL, F1, F2 = "polynomial kernel", "F₁", "F₂"
MOMENTS, MOMENTS_ALONE = "moments, polished", "moments"
TWO_STAGES = "hierarchical, refined"
ORTHOGONAL, NEARLY_PARALLEL = "orthogonal directions", "directions at cosine .9998"
ON_SPHERE, ELLIPTICAL, QUARTIC_1 = "p = 4, r = 1, sphere", "p = 4, r = 1, elliptical", "p = 4, r = 1"
DEEP, DEEP_LINEAR = "(β·g)²", "(β·g)² + v·g"


def teacher(rank: int, link: list[float], label: str) -> TargetSpec:
    """Return the target ``sum_{s <= r} g(w_s.x) / sqrt(r)`` with orthonormal w_s, of variance 1."""
    return TargetSpec(label=label, use=TwoLayerTeacher, params={"width": rank, "link": link, "rotate": True})


def quartic(rank: int) -> TargetSpec:
    """Return the target ``sum_{s <= r} ((w_s.x)^4 - 3) / sqrt(96 r)``."""
    return teacher(rank, QUARTIC, f"p = 4, r = {rank}")


def quadratic_model(
    label: str, model: str, representation: str, n: list[int] | Sizes | None = None, **params
) -> LearnerSpec:
    """Return one of {linearised, quadratic} x {raw, neural, Hermite}."""
    params = {"model": model, "representation": representation} | RAW | params
    return LearnerSpec(label=label, use=QuadraticModelRegressor, params=params, n=n)


def polynomial_kernel(n: list[int] | Sizes | None = None) -> LearnerSpec:
    """Return kernel ridge regression with the polynomial kernel of degree p = 4."""
    return LearnerSpec(label=KERNEL, use=KernelRegressor, params={"kernel": "polynomial", "degree": 4} | RAW, n=n)


def moments(n: list[int] | Sizes | None = None, polish: bool = True) -> LearnerSpec:
    """Return directions from Hermite moment tensors with a polynomial on them, jointly polished or not."""
    label, params = (MOMENTS, RAW) if polish else (MOMENTS_ALONE, {"polish": False} | RAW)
    return LearnerSpec(label=label, use=MomentRegressor, params=params, n=n)


def convex(space: str, activation: str, n: list[int] | Sizes | None = None, **params) -> LearnerSpec:
    """Return the learner of the function space F_1 or F_2."""
    label = {"F1": F1, "F2": F2}[space]
    params = {"space": space, "activation": activation} | RAW | params
    return LearnerSpec(label=label, use=ConvexNeuralRegressor, params=params, n=n)


def risk(size: Size) -> Study:
    """{NTK, quadratic} x {raw, neural, Hermite}, kernel, F_1, F_2 and moments, p = 4.

    The gates of the quadratic model have biases (`QuadraticModelRegressor`). Without biases, as in the papers, the
    Hermite representation gets worse and raw x better; raw x is therefore run both ways.
    """
    full, small = size == "full", size == "small"
    wide = by_size(size, [1000], [2000], None)
    neural = {"representation_width": 900} if full else {}
    learners = [
        quadratic_model(NTK_RAW, "linearised", "raw"),
        quadratic_model(NTK_NEURAL, "linearised", "neural", wide, **neural),
        polynomial_kernel(),
        convex("F2", "relu", by_size(size, [250], [250, 500, 1000], None)),
        convex("F1", "relu", None if full else [250]),
        quadratic_model(QUAD_RAW, "quadratic", "raw"),
        quadratic_model(QUAD_RAW_GATES, "quadratic", "raw", wide, bias=0.0),
        quadratic_model(QUAD_NEURAL, "quadratic", "neural", wide, **neural),
        quadratic_model(QUAD_HERMITE, "quadratic", "hermite"),
        moments(polish=False),
        moments(),
    ]
    return Study(
        name="Risk against n, p = 4",
        targets=[quartic(1)] if small else [quartic(1), quartic(3)],
        learners=[learners[0], learners[2], *learners[5:7], *learners[8:]] if small else learners,
        dims=by_size(size, [10], [DIM], [10, DIM, 20, 30]),
        n=by_size(size, [1000], [500, 1000, 2000], [250, 500, 1000, 2000, 4000, 8000]),
        seeds=5,
        noise=NOISE,
        n_test=by_size(size, 2**13, 2**14, 2**17),
    )


def samples(size: Size) -> Study:
    """n* against d for r = 1, which the kernel and the quadratic model on x do not reach.

    The sizes are the same in every dimension, so that the grid does not suggest an exponent.
    """
    full = size == "full"
    sizes = [round(64 * 2 ** (k / 2)) for k in range(by_size(size, 7, 10, 14))]
    largest = sizes if full else sizes[-1:]
    return Study(
        name="Samples by dimension, p = 4, r = 1",
        targets=[quartic(1)],
        learners=[
            polynomial_kernel(largest),
            quadratic_model(QUAD_RAW, "quadratic", "raw", largest),
            quadratic_model(QUAD_HERMITE, "quadratic", "hermite", sizes[: by_size(size, 7, 9, 14)]),
            moments(sizes[: by_size(size, 6, 7, 14)]),
        ],
        dims=by_size(size, [6, 8, 11], [10, 13, 17, 22], [10, 13, 17, 22, 30]),
        n=sizes,
        seeds=by_size(size, 5, 5, 10),
        noise=NOISE,
        n_test=by_size(size, 2**13, 2**13, 2**16),
    )


def rank(size: Size) -> Study:
    """F_1 and F_2 with the quadratic activation, by the rank of the target, at d = 30."""
    ranks = by_size(size, (1, 4), (1, 2, 3, 4), (1, 2, 3, 4, 6, 8))
    larger = by_size(size, [150], [340, 400, 480, 570, 680], [340, 400, 480, 570, 680])
    return Study(
        name="Samples by rank, quadratic activation",
        targets=[teacher(r, SQUARE, f"r = {r}") for r in ranks],
        learners=[convex("F1", "quadratic", bias=0.0), convex("F2", "quadratic", larger, bias=0.0)],
        dims=by_size(size, [15], [30], [30]),
        n=by_size(size, [60, 90], [85, 120, 170, 240], [85, 120, 170, 240]),
        seeds=by_size(size, 5, 5, 10),
        noise=NOISE,
        n_test=2**13,
    )


def deep(size: Size) -> Study:
    """Deep low-rank polynomials ``(beta.g(x))^2``, g quadratic, with and without linear terms: the open question."""
    return Study(
        name="Deep low-rank polynomials",
        targets=[
            TargetSpec(label=DEEP, use=DeepLowRank, params={"rotate": True}),
            TargetSpec(label=DEEP_LINEAR, use=DeepLowRank, params={"rotate": True, "linear_terms": True}),
        ],
        learners=[
            polynomial_kernel(),
            quadratic_model(QUAD_HERMITE, "quadratic", "hermite"),
            moments(),
            LearnerSpec(
                label=TWO_STAGES,
                use=HierarchicalRegressor,
                params={"degree": 2, "refine": True} | RAW,
                n=None if size == "full" else Sizes(times=[4], power=2),
            ),
        ],
        dims=by_size(size, [10], [DIM], [10, DIM, 20]),
        n=Sizes(times=by_size(size, [4], [2, 4], [1, 2, 4, 8, 16, 32]), power=2),
        seeds=5,
        noise=NOISE,
        n_test=by_size(size, 2**12, 2**13, 2**16),
    )


def sigma_min(size: Size) -> Study:
    """Teachers of two directions whose angle shrinks, so that sigma_min(W) tends to 0, and other inputs."""
    dim = by_size(size, 12, 16, 32)
    targets = []
    for label, cosine in ((ORTHOGONAL, 0.0), (NEARLY_PARALLEL, 0.9998)):
        first, second = [1.0] + [0.0] * (dim - 1), [cosine, math.sqrt(1 - cosine**2)] + [0.0] * (dim - 2)
        params = {"width": 2, "link": QUARTIC, "weights": [1.0, -1.0], "directions": [first, second], "rotate": True}
        targets.append(TargetSpec(label=label, use=TwoLayerTeacher, params=params))
    targets.append(quartic(1))
    for label, inputs, params in (
        (ON_SPHERE, "Sphere", {}),
        (ELLIPTICAL, "Elliptical", {"df": 20.0}),
    ):
        changes = {"label": label, "inputs": inputs, "inputs_params": params}
        targets.append(quartic(1).model_copy(update=changes))
    return Study(
        name="Teachers of two directions",
        targets=targets,
        learners=[moments()],
        dims=[dim],
        n=Sizes(times=by_size(size, [4], [4, 16], [4, 16, 64]), power=2),
        seeds=by_size(size, 5, 6, 10),
        noise=NOISE,
        n_test=2**13,
    )
