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

from layerwise.papers.damian2022.experiments import STUDIES
from layerwise.papers.damian2022.first_step import FIRST_STEP
from layerwise.papers.damian2022.lemmas import LEMMAS
from layerwise.papers.damian2022.studies import ResampledTwoLayer, TransferredTwoLayer
from layerwise.papers.paper import Paper

__all__ = ["DAMIAN2022", "ResampledTwoLayer", "TransferredTwoLayer"]

DAMIAN2022 = Paper(
    key="damian2022",
    citation=(
        "A. Damian, J. D. Lee, M. Soltanolkotabi (2022). Neural networks can learn representations with gradient "
        "descent. COLT."
    ),
    figures=(*STUDIES, *FIRST_STEP, *LEMMAS),
)
