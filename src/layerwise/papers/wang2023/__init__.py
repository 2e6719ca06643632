"""Wang, Nichani, Lee 2023, *Learning Hierarchical Polynomials with Three-Layer Neural Networks* (ICLR 2024).

``h = g(p(x))`` with p of degree k. Stage 1 of layerwise training estimates ``P_{<=k} h``, which is close to a multiple
of p where p is a balanced sum (Assumption 4), from n of order d^k samples; stage 2 is a regression on one variable.
Kernels need d^(k q) samples for g of degree q.

The paper's Figure 2 trains all layers together on ``C_d p^3``, p cubic, whose labels are very heavy-tailed. The
layerwise figures use links of slower growth, for which dimensions from 8 to 24 show the rate.
"""

from layerwise.papers.paper import Paper
from layerwise.papers.wang2023.experiments import STUDIES
from layerwise.papers.wang2023.lemmas import LEMMAS
from layerwise.papers.wang2023.several_features import FIGURES
from layerwise.papers.wang2023.studies import Figure2Network, LinkOnly
from layerwise.papers.wang2023.variants import VARIANTS

__all__ = ["WANG2023", "Figure2Network", "LinkOnly"]

WANG2023 = Paper(
    key="wang2023",
    citation=(
        "Z. Wang, E. Nichani, J. D. Lee (2023). Learning hierarchical polynomials with three-layer neural networks. "
        "ICLR 2024."
    ),
    figures=(*STUDIES, *VARIANTS, *FIGURES, *LEMMAS),
)
