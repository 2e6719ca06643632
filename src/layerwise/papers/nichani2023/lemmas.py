"""Claims about the kernels and assumptions of Nichani, Damian, Lee 2023."""

from __future__ import annotations

from layerwise.papers.claim import Claim, Test
from layerwise.papers.nichani2023 import exact
from layerwise.papers.paper import Measurement
from layerwise.papers.statistics import column, largest

LEMMAS = (
    Measurement(
        name="eigenvalues",
        caption="Eigenvalues of the middle layer's kernel by degree",
        measure=exact.eigenvalues,
        trivial_values={"ratio": 0.0},
        claims=(
            Claim(
                name="eigenvalues-by-degree",
                answers="N2",
                source="Section 3, operator K",
                statement="K multiplies harmonics of degree k by c_k² k!/d^k up to a factor 1 + O(1/d).",
                tests=tuple(
                    Test(
                        f"{name}: eigenvalue over its formula, degree {degree}",
                        column("ratio", activation=name, degree=degree),
                        1.0,
                        0.75,
                        1.35,
                    )
                    for name in ("relu", "h_1 + h_2")
                    for degree in (1, 2)
                ),
                mutation="kernel factor",
            ),
        ),
    ),
    Measurement(
        name="tangent_kernel",
        caption="Closed forms of the tangent kernel and the arc-cosine kernel against wide networks",
        measure=exact.tangent_kernel,
        trivial_values={"ntk": 0.0, "arc_cosine": 0.0},
        claims=(
            Claim(
                name="tangent-kernel",
                answers="N2 D8",
                source="Kernel regime",
                statement="The kernels that the networks are compared with are those of wide networks.",
                tests=(
                    Test("tangent kernel of a network over the closed form", column("ntk"), 1.0, 0.95, 1.05),
                    Test("the same for the last layer alone", column("arc_cosine"), 1.0, 0.95, 1.05),
                ),
                mutation="tangent kernel with half of the derivative",
            ),
        ),
    ),
    Measurement(
        name="learnt_feature",
        caption="The feature after one step tends to K f* in n and in m₂",
        measure=exact.learnt_feature,
        trivial_values={"distance": 1.0},
        claims=(
            Claim(
                name="feature-is-kernel-image",
                answers="N1 N7",
                source="Theorem, learnt feature",
                statement="φ → Kf* as n and m₂ grow; for f* = xᵀAx this is a multiple of xᵀAx.",
                tests=(
                    Test("distance, largest n, m₂ = ∞", column("distance", n=-1, width=0), 0.0, high=0.2),
                    Test("distance, largest n, m₂ = 256", column("distance", n=-1, width=256), 0.3, high=0.45),
                    Test("distance, largest n, m₂ = 16", column("distance", n=-1, width=16), 0.6, 0.4, 0.95),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
    Measurement(
        name="quadratic_assumptions",
        caption="Assumptions of the quadratic setting",
        measure=exact.quadratic_assumptions,
        trivial_values={"norm_error": 1.0, "wrong": 1.0},
        claims=(
            Claim(
                name="operator-norm-is-measured",
                answers="N10",
                source="Section 4.2, assumptions",
                statement="‖A‖_op √d is 1/√2 for alternating signs and √d/2 for two eigenvalues.",
                tests=(
                    Test("relative error of the norm", largest("norm_error"), 0.0, high=1e-8),
                    Test("wrong verdicts", largest("wrong"), 0.0, high=0.0),
                ),
                mutation="norm of the vector of eigenvalues",
            ),
        ),
    ),
)
