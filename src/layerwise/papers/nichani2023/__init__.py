"""Nichani, Damian, Lee 2023, *Provable Guarantees for Nonlinear Feature Learning in Three-Layer Networks* (NeurIPS).

Section 4, examples: one gradient step on the middle layer learns the hidden feature of ``g(beta.x)`` and of
``g(x'Ax)``. As the correlation of the learnt feature with the true one tends to 1, the test loss tends to 0, with n of
order d and d^2 (d^2 and d^4 in the first version of the paper).

The paper does not fix the activation sigma_2, which is decisive. ReLU has a component of degree 1, which h_2 has not;
it adds noise to the feature, so that n of order d^2 does not suffice. Removing the linear part of y before the step
removes most of that noise.

Section 5, depth separation: ``relu(x'Ax) - c`` on the sphere, for which two layers must be very wide as d grows. A
learner of the quadratic part alone leaves about a quarter of the variance.
"""

from layerwise.papers.nichani2023.experiments import STUDIES
from layerwise.papers.nichani2023.lemmas import LEMMAS
from layerwise.papers.nichani2023.studies import ShiftedQuadratic, TanhOfQuadratic
from layerwise.papers.paper import Paper

__all__ = ["NICHANI2023", "ShiftedQuadratic", "TanhOfQuadratic"]

NICHANI2023 = Paper(
    key="nichani2023",
    citation=(
        "E. Nichani, A. Damian, J. D. Lee (2023). Provable guarantees for nonlinear feature learning in three-layer "
        "neural networks. NeurIPS."
    ),
    figures=(*STUDIES, *LEMMAS),
)
