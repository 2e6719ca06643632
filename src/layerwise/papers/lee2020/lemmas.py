"""Claims about norms, representations and definitions of Lee 2020 and its sources."""

from __future__ import annotations

from layerwise.papers.claim import Claim, Test
from layerwise.papers.lee2020 import exact, figures
from layerwise.papers.lee2020.expressivity import random_neurons
from layerwise.papers.paper import Measurement
from layerwise.papers.statistics import column, largest, slope

LEMMAS = (
    Measurement(
        name="expressivity",
        caption="Random ReLU neurons represent (x·β)^q on average, with error m^(-1/2); Hermite features exactly",
        measure=random_neurons,
        draw=figures.draw_expressivity,
        trivial_values={"error": 1.0, "ratio": 0.0, "residual": 1.0},
        claims=(
            Claim(
                name="random-representation",
                answers="L15",
                source="Chen et al. 2020, expressivity",
                statement="Random neurons represent (x·β)^q with an error of order m^(−1/2).",
                tests=(
                    Test("exponent of the error in m, q = 2", slope("error", "neurons", power=2), -0.5, -0.75, -0.25),
                    Test("error over that of its variance", column("ratio", log=True), 1.0, 0.7, 1.3),
                ),
                mutation="P_k of the wrong normalisation",
            ),
            Claim(
                name="exact-representation",
                answers="L15",
                source="Chen et al. 2020, expressivity",
                statement="Hermite features of degree q represent (x·β)^q, hence (x·β)^(2q) as one quadratic neuron.",
                tests=(Test("largest error of (θ·h)² for (x·β)⁴", largest("residual"), 0.0, high=1e-10),),
                mutation="P_k of the wrong normalisation",
            ),
        ),
    ),
    Measurement(
        name="balanced_norms",
        caption="Norms of quadratic neurons: ‖W‖_{2,4}, the nuclear norm, weight decay",
        measure=exact.balanced_norms,
        trivial_values={"four": 0.0, "decay": 0.0},
        claims=(
            Claim(
                name="two-four-norm",
                answers="L4 L13",
                source="Slides; Bai & Lee 2019",
                statement="The least ‖W‖⁴_{2,4} for M is (2/m)((tr M₊)² + (tr M₋)²).",
                tests=(Test("minimum found by descent over the formula", column("four"), 1.0, 0.98, 1.05),),
                mutation="descent stopped early",
            ),
            Claim(
                name="weight-decay-is-f1",
                answers="L4 L6 L14",
                source="Slides, ℓ₂ norm of all parameters",
                statement="The least ℓ₂ norm of all parameters is the nuclear norm; descent finds no bad minimum.",
                tests=(Test("minimum found by descent over the nuclear norm", column("decay"), 1.0, 0.98, 1.05),),
                mutation="descent stopped early",
            ),
        ),
    ),
    Measurement(
        name="relu_norm",
        caption="The F₂ norm of the parts of one neuron",
        measure=exact.relu_norm,
        trivial_values={"norm": 1.0},
        claims=(
            Claim(
                name="f2-norm-of-a-neuron",
                answers="L5",
                source="Slides, F₂",
                statement="The F₂ norm of the part of degree k of one neuron grows like d^(k/2), for every k.",
                tests=tuple(
                    Test(f"exponent in d, k = {k}", slope("norm", "dim", k=k), k / 2, k / 2 - 0.5, k / 2 + 0.1)
                    for k in (2, 4, 8)
                ),
                mutation="harmonics counted as monomials of one degree less",
            ),
        ),
    ),
    Measurement(
        name="definitions",
        caption="Low-rank polynomials and the teachers that are such",
        measure=exact.definitions,
        trivial_values={"wrong": 1.0},
        claims=(
            Claim(
                name="low-rank-is-measured",
                answers="L7",
                source="Slides, definition",
                statement="Rank and normalisations of low-rank polynomials are measured on the target.",
                tests=(Test("wrong verdicts", largest("wrong"), 0.0, high=0.0),),
                mutation="every direction is relevant",
            ),
        ),
    ),
    Measurement(
        name="predictions",
        caption="Exponents that the theory predicts, p = 4, r = 1",
        measure=exact.predictions,
        trivial_values={"error": 1.0},
        claims=(
            Claim(
                name="predicted-exponents",
                answers="L1 L8 L17",
                source="Slides, table of rates",
                statement="d^p for kernels, d^(p−1) and d^(p/2) for quadratic models, d for moments and F₁.",
                tests=(Test("largest error of the exponent", largest("error"), 0.0, high=0.0),),
                mutation="rates without the representation",
            ),
        ),
    ),
    Measurement(
        name="relu_queries",
        caption="Correlational queries find the span of ReLU teachers of one and two directions",
        measure=exact.relu_queries,
        trivial_values={"overlap": 0.0},
        claims=(
            Claim(
                name="queries-on-relu-teachers",
                answers="L20",
                source="Slides, statistical queries",
                statement="At tolerance 1/d, queries find ReLU teachers of 1 and 2 directions with equal signs.",
                tests=tuple(
                    Test(f"overlap with the span, r = {r}", column("overlap", r=r), 1.0, low=0.8) for r in (1, 2)
                ),
                mutation="answers always 0",
            ),
        ),
    ),
)
