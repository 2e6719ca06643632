"""Adam on all parameters of a network together. The one file that imports PyTorch: import it where it is needed.

An epoch passes once over the rows in random batches. Two things are not plain Adam:

- The gradient of a batch is divided by its norm. The labels of hierarchical targets are heavy-tailed: a batch that
  holds one of the few huge ones would otherwise decide Adam's running moments, and so the steps, for long. What is
  given up: the fixed point is where the *directions* of the batch gradients cancel, not the gradients.
- The learning rate falls to 0 along a cosine over ``max_epochs``; the weights of the epoch with the least validation
  loss are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, cos, isfinite, pi, prod
from typing import Literal

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from threadpoolctl import threadpool_limits

from layerwise.learners.joint.networks import ROWS, Network, Parameter

#: Training is said to be unfinished where the last tenth of the epochs lowers the validation loss by a tenth and this,
#: a fraction of the variance of y.
TOLERANCE = 1e-4
#: Adam's memories of the gradient and its square, and its epsilon: below the entries of a gradient of norm 1.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-12
SMALLEST = 1e-30


@dataclass(frozen=True)
class Training:
    """The best weights by validation loss, that loss, the epochs, and why they ended."""

    weights: dict[str, np.ndarray]
    validation_loss: float
    history: list[dict[str, float]]
    ended: Literal["converged", "diverged", "max_epochs"]


def train(
    network: Network,
    parameters: Mapping[str, Parameter],
    X: np.ndarray,
    y: np.ndarray,
    held_out: np.ndarray,
    *,
    learning_rate: float,
    batch_size: int,
    max_epochs: int,
    patience: int | None,
    seed: int,
) -> Training:
    """Minimise the mean square error on X (n, d) and y (n,), of variance 1, in float32 and on one thread.

    One thread, so that the sums, and with them the weights, are the same bit for bit on any machine load.
    ``held_out`` masks the rows of the validation loss.
    """
    with threadpool_limits(1, user_api="openmp"):
        model = Adam(network, parameters)
        rows, left_out = (
            (torch.tensor(X[mask], dtype=torch.float32), torch.tensor(y[mask], dtype=torch.float32))
            for mask in (~held_out, held_out)
        )
        generator = torch.Generator().manual_seed(seed)
        best, best_loss = model.arrays(), model.loss(*left_out)
        losses, history, waited = [best_loss], [], 0
        while len(history) < max_epochs and (patience is None or waited < patience):
            rate = learning_rate * (1 + cos(pi * len(history) / max_epochs)) / 2
            loss, validation_loss = model.one_epoch(*rows, rate, batch_size, generator), model.loss(*left_out)
            if not (isfinite(loss) and isfinite(validation_loss)):
                return Training(best, best_loss, history, "diverged")
            losses.append(validation_loss)
            history.append(
                {"epoch": len(history) + 1, "learning_rate": rate, "loss": loss, "validation_loss": validation_loss}
            )
            waited += 1
            if validation_loss < best_loss:
                best, best_loss, waited = model.arrays(), validation_loss, 0
        late = max(1, max_epochs // 10)
        improving = len(history) == max_epochs and best_loss < 0.9 * min(losses[:-late]) - TOLERANCE
        return Training(best, best_loss, history, "max_epochs" if improving else "converged")


class Adam:
    """A network whose parameters are parts of one vector, which moves as a whole (Kingma, Ba 2015).

    Attributes
    ----------
    weights : dict of str to Tensor
        The parts, with gradients.
    """

    def __init__(self, network: Network, parameters: Mapping[str, Parameter]):
        self.network, self.n_steps = network, 0
        shapes = [parameter.start.shape for parameter in parameters.values()]
        sizes = [prod(shape) for shape in shapes]
        self.vector = torch.tensor(np.concatenate([p.start.ravel() for p in parameters.values()]), dtype=torch.float32)
        self.rates = torch.tensor(
            np.repeat([parameter.rate for parameter in parameters.values()], sizes), dtype=torch.float32
        )
        parts = zip(parameters, self.vector.split(sizes), shapes, strict=True)
        self.weights = {name: part.view(shape).requires_grad_() for name, part, shape in parts}
        self.moment, self.square = torch.zeros_like(self.vector), torch.zeros_like(self.vector)

    def one_epoch(self, X, y, learning_rate: float, batch_size: int, generator) -> float:
        """One step a batch; returns the mean of the losses met on the way."""
        total = 0.0
        for batch in torch.randperm(len(y), generator=generator).tensor_split(ceil(len(y) / batch_size)):
            loss = (self.network(self.weights, X[batch]) - y[batch]).square().mean()
            gradients = torch.autograd.grad(loss, list(self.weights.values()))
            self.step(torch.cat([gradient.reshape(-1) for gradient in gradients]), learning_rate)
            total += loss.item() * len(batch)
        return total / len(y)

    def step(self, gradient, learning_rate: float) -> None:
        """Move the vector by Adam's step for the gradient divided by its norm."""
        gradient /= gradient.norm().clamp_min(SMALLEST)
        self.n_steps += 1
        self.moment.lerp_(gradient, 1 - BETA_1)
        self.square.mul_(BETA_2).addcmul_(gradient, gradient, value=1 - BETA_2)
        scale = (self.square / (1 - BETA_2**self.n_steps)).sqrt_().add_(EPSILON)
        with torch.no_grad():
            self.vector.addcdiv_(self.rates * self.moment, scale, value=-learning_rate / (1 - BETA_1**self.n_steps))

    def loss(self, X, y) -> float:
        """Mean square error, by blocks of rows."""
        with torch.no_grad():
            blocks = zip(X.split(ROWS), y.split(ROWS), strict=True)
            return sum((self.network(self.weights, a) - b).square().sum().item() for a, b in blocks) / len(y)

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights now, as copies."""
        return {name: weight.detach().numpy().copy() for name, weight in self.weights.items()}
