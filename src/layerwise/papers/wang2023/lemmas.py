"""Claims about the lemmas and assumptions of Wang, Nichani, Lee 2023."""

from __future__ import annotations

from layerwise.papers.claim import Claim, Test
from layerwise.papers.paper import Measurement
from layerwise.papers.statistics import largest, slope
from layerwise.papers.wang2023 import exact

LEMMAS = (
    Measurement(
        name="stein",
        caption="The approximate Stein lemma, exactly, against d",
        measure=exact.stein,
        trivial_values={"lower": 1.0, "residual": 1.0, "cosine": 0.0},
        claims=(
            *(
                Claim(
                    name=f"stein-lemma-{k}",
                    answers="W2",
                    source="Approximate Stein lemma",
                    statement=f"k = {k}: P_k h is E[g′] p up to an error that falls like d^(−1/2) or faster.",
                    tests=(
                        Test("exponent of |P_k h − E[g′] p| in d", slope("residual", "dim", k=k), -0.5, -2.0, -0.5),
                        Test(
                            "cosine of P_k h and p, largest d",
                            lambda table, k=k: float(table[table["k"] == k]["cosine"].iloc[-1]),
                            1.0,
                            low=0.8,
                        ),
                    ),
                    mutation="half of the inner product",
                )
                for k in (2, 3)
            ),
            Claim(
                name="independent-of-lower-degrees",
                answers="W2 W17",
                source="Approximate Stein lemma",
                statement="g(p) is nearly uncorrelated with polynomials of degree below k.",
                tests=(
                    Test("exponent of |P_{<3} h| in d, k = 3", slope("lower", "dim", k=3), -0.5, -2.5, -0.5),
                    Test("|P_{<2} h| at the largest d, k = 2", largest("lower", k=2, dim=16), 0.0, high=0.15),
                ),
                mutation="P_k of the wrong normalisation",
            ),
        ),
    ),
    Measurement(
        name="figure2_facts",
        caption="The target of Figure 2: its part of degree 3 is an exact multiple of p",
        measure=exact.figure2_facts,
        trivial_values={"norm": 1.0, "cosine": 1.0},
        claims=(
            Claim(
                name="figure-2-target",
                answers="W22",
                source="Figure 2",
                statement="For h = C_d p³, P₃h = C_d (3 + 90/d) p exactly.",
                tests=(
                    Test("largest relative error of the norm", largest("norm"), 0.0, high=1e-8),
                    Test("1 − cosine of P₃h and p", largest("cosine"), 0.0, high=1e-8),
                ),
                mutation="P_k of the wrong normalisation",
            ),
        ),
    ),
    Measurement(
        name="assumption_4",
        caption="Assumption 4 by tensor unfolding, each part broken in turn",
        measure=exact.assumption_4,
        trivial_values={"wrong": 1.0},
        claims=(
            Claim(
                name="assumption-4-is-measured",
                answers="W13",
                source="Assumption 4",
                statement="Degree, orthogonality, balance and L = Θ(d) are found from the coefficients of p alone.",
                tests=(Test("wrong verdicts", largest("wrong"), 0.0, high=0.0),),
                mutation="structure of the wrong degree",
            ),
        ),
    ),
    Measurement(
        name="gaussianity",
        caption="Balanced sums become Gaussian",
        measure=exact.gaussianity,
        trivial_values={"excess": 1.0},
        claims=(
            Claim(
                name="p-is-nearly-gaussian",
                answers="W16",
                source="Proof, fourth moment theorem",
                statement="E p⁴ − 3 = O(1/L): the feature is close to Gaussian when L is large.",
                tests=tuple(
                    Test(f"exponent of E p⁴ − 3 in d, k = {k}", slope("excess", "dim", k=k), -1.0, -1.05, -0.95)
                    for k in (2, 3)
                ),
                mutation="moments 5 % too large",
            ),
        ),
    ),
    Measurement(
        name="hypercontractivity",
        caption="Moments of polynomials against the hypercontractive bound",
        measure=exact.hypercontractivity,
        trivial_values={"share": 0.0, "largest": 1.0},
        claims=(
            Claim(
                name="hypercontractivity",
                answers="W18",
                source="Hypercontractivity lemma",
                statement="E|f|^q ≤ (q−1)^(kq/2) for degree k and unit variance; the largest E f⁴ for k = 2 is 16.18.",
                tests=(
                    Test("largest moment over the bound", largest("share"), 1.0, 0.1, 1.0),
                    Test("largest E f⁴, one variable, degree 2", largest("largest"), 16.18, 16.17, 16.19),
                ),
                mutation="hypercontractive bound of the wrong exponent",
            ),
        ),
    ),
    Measurement(
        name="ranks",
        caption="Rank of random polynomial features",
        measure=exact.ranks,
        trivial_values={"ratio": 0.0},
        claims=(
            Claim(
                name="rank-of-random-features",
                answers="W15 W19",
                source="Lemma on the span of the first layer",
                statement="m random features of degree k span min(m, C(d+k, k)) dimensions.",
                tests=(
                    Test("largest rank over min(m, D)", largest("ratio"), 1.0, 1.0, 1.0),
                    Test("smallest", lambda table: float(table["ratio"].min()), 1.0, 1.0, 1.0),
                ),
                mutation="sigma_1 of the wrong degree",
            ),
        ),
    ),
)
