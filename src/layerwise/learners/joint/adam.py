"""Adam on all parameters of a network. This is the only module that imports PyTorch; import it only where needed.

An epoch passes once over the rows in random batches. There are two differences from plain Adam:

- The gradient of each batch is divided by its norm: a batch with one of the few very large labels of a heavy-tailed
  target would otherwise dominate Adam's running moments for a long time. In exchange, at a fixed point the *directions*
  of the batch gradients cancel, not the gradients.
- The learning rate decreases to 0 along a cosine over ``max_epochs``; the weights of the epoch with the lowest
  validation loss are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, cos, isfinite, pi, prod
from typing import Literal

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from threadpoolctl import threadpool_limits

from layerwise.learners.joint.networks import HELD_OUT_ROWS, Network, Parameter

#: Training counts as unfinished if the last tenth of the epochs lowers the validation loss by a tenth of itself plus
#: this fraction of the variance of y.
MIN_IMPROVEMENT = 1e-4
#: Adam's decay rates for the gradient and its square, and its epsilon, small against the entries of a unit gradient.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-12
#: Smallest norm by which a gradient is divided.
MIN_GRADIENT_NORM = 1e-30


@dataclass(frozen=True)
class Training:
    """The weights with the lowest validation loss, that loss, one history entry per epoch, and why training ended."""

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
    """Minimise the mean squared error on X (n, d) and y (n,), of variance 1, in float32 and on one thread.

    On one thread the order of summation, and with it the weights, is the same bit for bit under any machine load.
    ``held_out`` is the mask of the rows of the validation loss.
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
        improving = len(history) == max_epochs and best_loss < 0.9 * min(losses[:-late]) - MIN_IMPROVEMENT
        return Training(best, best_loss, history, "max_epochs" if improving else "converged")


class Adam:
    """Adam (Kingma, Ba 2015) for a network whose parameters, the tensors ``weights``, are views of one vector."""

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
        """Take one step per batch; return the mean of the batch losses."""
        total = 0.0
        for batch in torch.randperm(len(y), generator=generator).tensor_split(ceil(len(y) / batch_size)):
            loss = (self.network(self.weights, X[batch]) - y[batch]).square().mean()
            gradients = torch.autograd.grad(loss, list(self.weights.values()))
            self.step(torch.cat([gradient.reshape(-1) for gradient in gradients]), learning_rate)
            total += loss.item() * len(batch)
        return total / len(y)

    def step(self, gradient, learning_rate: float) -> None:
        """Take Adam's step for the gradient divided by its norm."""
        gradient /= gradient.norm().clamp_min(MIN_GRADIENT_NORM)
        self.n_steps += 1
        self.moment.lerp_(gradient, 1 - BETA_1)
        self.square.mul_(BETA_2).addcmul_(gradient, gradient, value=1 - BETA_2)
        scale = (self.square / (1 - BETA_2**self.n_steps)).sqrt_().add_(EPSILON)
        with torch.no_grad():
            self.vector.addcdiv_(self.rates * self.moment, scale, value=-learning_rate / (1 - BETA_1**self.n_steps))

    def loss(self, X, y) -> float:
        """Compute the mean squared error, by blocks of rows."""
        with torch.no_grad():
            blocks = zip(X.split(HELD_OUT_ROWS), y.split(HELD_OUT_ROWS), strict=True)
            return sum((self.network(self.weights, a) - b).square().sum().item() for a, b in blocks) / len(y)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return copies of the current weights."""
        return {name: weight.detach().numpy().copy() for name, weight in self.weights.items()}
