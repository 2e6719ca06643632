"""Claims about the formulas and lemmas of Damian, Lee, Soltanolkotabi 2022."""

from __future__ import annotations

from layerwise.papers.claim import Claim, Test
from layerwise.papers.damian2022 import exact
from layerwise.papers.paper import Measurement
from layerwise.papers.statistics import column, largest, slope

LEMMAS = (
    Measurement(
        name="gradient",
        caption="The population gradient of a neuron, its terms by degree, and its sampling noise",
        measure=exact.gradient,
        trivial_values={"error_2": 1.0, "error": 1.0, "noise": 1.0, "term_2": 1.0, "term_4": 1.0},
        claims=(
            Claim(
                name="gradient-identity",
                answers="D2",
                source="Section 4, population gradient",
                statement="The gradient of a neuron is [Hw − w(wᵀHw)/2]/√(2π) plus terms of degree 0, 1 and ≥ 3.",
                tests=(
                    Test("relative error of the term of degree 2", largest("error_2"), 0.0, high=1e-10),
                    Test("relative error of the sum against 2¹⁸ samples", largest("error"), 0.0, high=0.05),
                ),
                mutation="P_k of the wrong normalisation",
            ),
            Claim(
                name="fourth-order-is-smaller",
                answers="D2",
                source="Section 4",
                statement="The term of degree k has the size d^(−(k−1)/2): degree 2 dominates degree 4.",
                tests=(
                    Test("exponent in d of the term of degree 2", slope("term_2", "dim"), -0.5, -0.6, -0.4),
                    Test("exponent in d of the term of degree 4", slope("term_4", "dim"), -1.5, -1.7, -1.3),
                ),
                mutation="gradient terms of the next degree",
            ),
            Claim(
                name="gradient-noise",
                answers="D3",
                source="Section 4, concentration",
                statement="The noise of the empirical gradient is of order √(d/n), the signal d^(−1/2), hence n ~ d².",
                tests=(
                    Test("exponent of the noise in n", slope("noise", "n"), -0.5, -0.75, -0.25),
                    Test("exponent of the noise in d", slope("noise", "dim"), 0.5, 0.1, 0.75),
                ),
                mutation="gradient without the indicator",
            ),
        ),
    ),
    Measurement(
        name="queries",
        caption="Theorem 2: an adversary with tolerance 1/d defeats gradient steps on h₄, not on h₂ + h₄",
        measure=exact.queries,
        trivial_values={"mixed": 0.0, "pure": 0.0},
        claims=(
            Claim(
                name="adversary",
                answers="D10 D11",
                source="Theorem 2",
                statement="With answers up to ±1/d, gradient steps find the direction of h₂ + h₄, and not that of h₄.",
                tests=(
                    Test("overlap for h₂ + h₄, largest d", column("mixed", dim=-1), 1.0, low=0.8),
                    Test("overlap for h₄, largest d", column("pure", dim=-1), 0.0, high=0.2),
                ),
                mutation="queries without the adversary",
            ),
        ),
    ),
    Measurement(
        name="packing",
        caption="Lemmas of Theorem 2: nearly orthogonal directions, and what one query excludes",
        measure=exact.packing,
        trivial_values={"found": 0.0, "largest_overlap": 0.0, "excluded": 0.0},
        claims=(
            Claim(
                name="nearly-orthogonal-directions",
                answers="D13",
                source="Theorem 2, packing lemma",
                statement="At least exp(ε²d/4) unit vectors have pairwise overlaps of at most ε.",
                tests=(
                    Test("number found over the bound, d = 64, ε = .4", column("found"), 1.0, low=1.0),
                    Test("largest overlap over ε", column("largest_overlap"), 1.0, 0.5, 1.0),
                ),
                mutation="directions of norm √2",
            ),
            Claim(
                name="counting",
                answers="D14",
                source="Theorem 2, counting lemma",
                statement="One query singles out at most 1/(τ² − ε) functions of pairwise correlation at most ε.",
                tests=(Test("number excluded over the bound", column("excluded"), 1.0, 0.3, 1.0),),
                mutation="bound without the tolerance's square",
            ),
        ),
    ),
    Measurement(
        name="tolerances",
        caption="The critical tolerance of Theorem 2, without its logarithm",
        measure=exact.tolerances,
        trivial_values={"tolerance": 1.0},
        claims=(
            Claim(
                name="critical-tolerance",
                answers="D11 D12",
                source="Theorem 2 and its corollary",
                statement="The tolerance falls like d^(−p/4), so that n ~ d^(p/2) samples are needed.",
                tests=tuple(
                    Test(
                        f"exponent in d, p = {p}", slope("tolerance", "dim", p=p), -p / 4, -p / 4 - 0.01, -p / 4 + 0.01
                    )
                    for p in (2, 4, 6)
                ),
                mutation="critical tolerance without the root",
            ),
        ),
    ),
    Measurement(
        name="monomials",
        caption="Monomials are averages of random ReLU neurons",
        measure=exact.monomials,
        trivial_values={"error": 1.0, "ratio": 0.0},
        claims=(
            Claim(
                name="monomials-from-neurons",
                answers="D22",
                source="Random-feature lemma",
                statement="z^k is a mean of m random neurons relu(az + b) with error of order m^(−1/2).",
                tests=(
                    Test("exponent of the error in m", slope("error", "m", k=3), -0.5, -0.6, -0.4),
                    Test("error over the exact standard deviation", column("ratio", log=True), 1.0, 0.8, 1.25),
                ),
                mutation="weights of monomials without the density",
            ),
        ),
    ),
    Measurement(
        name="heads",
        caption="Ridge regression and regression with a bounded norm",
        measure=exact.heads,
        trivial_values={"difference": 1.0, "norm": 1.0},
        claims=(
            Claim(
                name="ridge-and-norm",
                answers="D21",
                source="Appendix, equivalence of the heads",
                statement="Ridge regression selects the head of least squares with |a| ≤ B, B falling with λ.",
                tests=(
                    Test("largest relative difference of the two heads", largest("difference"), 0.0, high=1e-6),
                    Test("exponent of |a| in λ", slope("norm", "penalty"), -0.2, -1.0, -0.02),
                ),
                mutation="steps instead of ridge regression",
            ),
        ),
    ),
    Measurement(
        name="assumption_2",
        caption="Assumption 2 measured against hand-computed constants",
        measure=exact.assumption_checks,
        trivial_values={"rank_error": 1.0, "condition_error": 1.0, "verdict_wrong": 1.0},
        claims=(
            Claim(
                name="assumption-2-is-measured",
                answers="D9",
                source="Assumptions 1 and 2",
                statement="Rank and condition number of E∇²f are 1 and 1, 2 and 4, and 0 for three targets.",
                tests=(
                    Test("error of the rank", largest("rank_error"), 0.0, high=0.0),
                    Test("relative error of the condition number", largest("condition_error"), 0.0, high=1e-6),
                    Test("wrong verdicts", largest("verdict_wrong"), 0.0, high=0.0),
                ),
                mutation="squared eigenvalues",
            ),
        ),
    ),
)
