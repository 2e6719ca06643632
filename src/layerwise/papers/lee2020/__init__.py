"""Lee 2020 (slides), Bai & Lee 2019, Chen, Bai, Lee et al. 2020: low-rank polynomials by quadratic models.

``f*(x) = sum_{s <= r} a_s (w_s.x)^p``. Kernels, such as the tangent kernel of any network, need n of order d^p. The
second-order Taylor term of a wide network, which dominates under signed dropout, is a quadratic form ``<M, h h'>`` of
the representation h. On x itself it needs d^(p-1) samples; on a representation that contains the polynomials of degree
p/2, where f* is a quadratic form of low rank, d^ceil(p/2). The norms of F_1, nuclear and total variation, adapt to the
rank; those of F_2 do not.
"""

from layerwise.papers.lee2020.experiments import STUDIES
from layerwise.papers.lee2020.lemmas import LEMMAS
from layerwise.papers.paper import Paper

LEE2020 = Paper(
    key="lee2020",
    citation=(
        "J. D. Lee (2020), slides; Y. Bai, J. D. Lee (2019). Beyond linearization: on quadratic and higher-order "
        "approximation of wide neural networks. ICLR 2020; M. Chen, Y. Bai, J. D. Lee, T. Zhao, H. Wang, C. Xiong, "
        "R. Socher (2020). Towards understanding hierarchical learning: benefits of neural representations. NeurIPS."
    ),
    figures=(*STUDIES, *LEMMAS),
)
