"""Kernels in closed form, functions of x.z, |x|^2 and |z|^2, with their gradients; computed tile by tile."""

from layerwise.kernels.arc_cosine import ArcCosineKernel
from layerwise.kernels.base import DotProductKernel
from layerwise.kernels.infinite_layer import PolynomialActivationKernel, activation_kernel
from layerwise.kernels.network import NeuralTangentKernel, NNGPKernel, WideNetwork
from layerwise.kernels.polynomial import PolynomialKernel
from layerwise.kernels.radial import GaussianKernel, LaplaceKernel
from layerwise.kernels.series import DegreeKernel, GegenbauerKernel, HermiteKernel

__all__ = [
    "ArcCosineKernel",
    "DegreeKernel",
    "DotProductKernel",
    "GaussianKernel",
    "GegenbauerKernel",
    "HermiteKernel",
    "LaplaceKernel",
    "NNGPKernel",
    "NeuralTangentKernel",
    "PolynomialActivationKernel",
    "PolynomialKernel",
    "WideNetwork",
    "activation_kernel",
]
