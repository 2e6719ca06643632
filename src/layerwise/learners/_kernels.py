"""Kernels as parameters of learners: the names that a learner knows, or an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from layerwise._validation import Choice
from layerwise.kernels import (
    ArcCosineKernel,
    DotProductKernel,
    GaussianKernel,
    LaplaceKernel,
    NeuralTangentKernel,
    PolynomialKernel,
)

#: Kernels by name; those that `KernelRegressor` also has, with its defaults.
KERNELS: dict[str, DotProductKernel] = {
    "gaussian": GaussianKernel(),
    "laplace": LaplaceKernel(),
    "ntk": NeuralTangentKernel(2, bias=1.0),
    "arc-cosine": ArcCosineKernel(1, bias=1.0),
    "polynomial": PolynomialKernel(3, bias=1.0),
}


class KernelChoice(Choice):
    """The name of a kernel, or an object that is called as ``kernel(X, Z)`` for a matrix and has certain methods."""

    def __init__(self, *words: str, methods: Sequence[str]) -> None:
        super().__init__(*words)
        self.allowed += ", or a kernel object such as layerwise.kernels.PolynomialKernel(2)"
        self.methods = methods

    def holds(self, value: Any) -> bool:
        """Whether ``value`` is a known name or a kernel object."""
        has_methods = all(callable(getattr(value, name, None)) for name in ("__call__", *self.methods))
        return (has_methods and not isinstance(value, type)) or super().holds(value)
