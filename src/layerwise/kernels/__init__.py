"""Kernels in closed form, functions of x.z, |x|^2 and |z|^2, with their gradients; computed tile by tile."""

from layerwise.kernels.arc_cosine import ArcCosineKernel, NeuralTangentKernel
from layerwise.kernels.base import DotProductKernel
from layerwise.kernels.infinite_layer import PolynomialActivationKernel, activation_kernel
from layerwise.kernels.polynomial import PolynomialKernel
from layerwise.kernels.radial import GaussianKernel, LaplaceKernel

__all__ = [
    "ArcCosineKernel",
    "DotProductKernel",
    "GaussianKernel",
    "LaplaceKernel",
    "NeuralTangentKernel",
    "PolynomialActivationKernel",
    "PolynomialKernel",
    "activation_kernel",
]
