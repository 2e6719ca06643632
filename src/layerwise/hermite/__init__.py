"""Hermite polynomials, orthonormal under the standard Gaussian: univariate, multivariate, and evaluated on data.

``h_k = He_k / sqrt(k!)`` and ``h_alpha(x) = prod_i h_{alpha_i}(x_i)`` are orthonormal in L2(N(0, I)).
Everything here is exact algebra on coefficients in these bases, or quadrature with a documented degree of exactness.
"""

from layerwise.hermite.degree_kernel import DegreeSpectrum, degree_kernel, degree_spectrum
from layerwise.hermite.multivariate import design_matrix, multi_indices, n_terms
from layerwise.hermite.polynomial import HermitePolynomial
from layerwise.hermite.projection import project
from layerwise.hermite.quadrature import gaussian_rule
from layerwise.hermite.univariate import HermiteSeries, hermite_values

__all__ = [
    "DegreeSpectrum",
    "HermitePolynomial",
    "HermiteSeries",
    "degree_kernel",
    "degree_spectrum",
    "design_matrix",
    "gaussian_rule",
    "hermite_values",
    "multi_indices",
    "n_terms",
    "project",
]
