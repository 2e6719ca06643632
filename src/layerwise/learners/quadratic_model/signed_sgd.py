"""Stochastic gradient descent with signed dropout (Lee 2020; Bai, Lee 2019), for the models of `taylor`.

    minimise    L(W, c) = (1/n) sum_i loss(f_W(x_i) + c, y_i) + penalty * R(W),
    each step   w_r <- w_r - eta z_r grad_{w_r} L(ZW),    z_r Rademacher, drawn anew,

with ``R = |W|_{2,4}^4 = sum_r |w_r|^4``, whose gradient is ``4 |w_r|^2 w_r``, or ``R = |W|_F^2 / 2`` for the linearised
model. The constant c is moved by plain steps of the same eta.

The paper leaves two choices open:

- *Step length.* Each neuron moves by order ``m^{-1/4}`` in the quadratic model (``m^{-1/2}`` in the linearised one).
  The gradient, averaged with momentum .9, is divided by the root of a running mean of its mean square over the neurons,
  one number for all of them, and the step is ``step_size * m^{-1/4}`` times that. This is Adam without its
  coordinatewise scaling, invariant to rotations of h and of the neurons. Step sizes decrease to 0 along a cosine.
- *Noise.* W = 0 is a saddle point of the quadratic model, with gradient 0; W starts at ``noise * m^{-1/4} N(0, I/D)``.
  A small start is a bias towards few directions, stronger than the penalty: the few neurons that grow first dominate
  the fit (on a fourth power, d = 16, n = 1000, m = 400: risk .02 for noise .01 and .17 for noise 1).

Over random signs the gradient of the first-order term has mean 0, but its size is of order m^{1/4} times that of the
second-order term: a wide network needs more epochs than its quadratic model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, cos, isfinite, pi
from typing import NamedTuple

import numpy as np

from layerwise._deadline import check_deadline
from layerwise.learners.quadratic_model.taylor import Model, Start, Terms, moved

#: Decay rates of the running means of the gradient and of its mean square.
BETA_1, BETA_2 = 0.9, 0.99
#: Residual at which the Huber loss turns from square to absolute, in standard deviations of y.
HUBER_THRESHOLD = 1.0
#: Training has diverged if the loss of an epoch exceeds this multiple of the loss at W = 0.
DIVERGENCE_RATIO = 100.0
#: Smallest loss at W = 0 to which others are compared: labels may be constant, or have heavy tails.
MIN_ZERO_LOSS = 0.1
#: The most rows on which the sizes of the Taylor terms are measured.
MAX_SAMPLE = 256


class Loss(NamedTuple):
    """An elementwise loss of residuals ``f - y``, and its derivative."""

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]


def _huber(r):
    inside = np.clip(r, -HUBER_THRESHOLD, HUBER_THRESHOLD)
    return inside * (2 * r - inside)


LOSSES = {
    "square": Loss(np.square, lambda r: 2 * r),
    "absolute": Loss(np.abs, np.sign),
    "huber": Loss(_huber, lambda r: 2 * np.clip(r, -HUBER_THRESHOLD, HUBER_THRESHOLD)),
}


@dataclass
class Training:
    """The result of a training: the iterate (m, D) of least validation loss and its epoch, 0 being the constant, W = 0.

    ``start_loss`` and ``zero_loss`` are the validation losses of the initial W and of W = 0, and ``loss_ratio`` is the
    largest training loss of an epoch divided by that of W = 0.
    """

    weights: np.ndarray
    constant: float
    epoch: int
    history: list[dict[str, float]]
    diverged: bool
    start_loss: float
    zero_loss: float
    loss_ratio: float


def gradient(
    model: Model, loss: Loss, table: np.ndarray, H: np.ndarray, y: np.ndarray, W: np.ndarray, constant, signs=None
) -> tuple[float, np.ndarray, float]:
    """Return the mean loss over the rows at movements ZW, and its gradients in W (m, D) and in the constant."""
    f, S = model.slopes(table, moved(H, W), signs)
    residuals = f + (constant - y)
    slope = loss.slope(residuals) / len(y)
    S *= slope[:, None, None]
    return float(loss.value(residuals).mean()), S.reshape(len(y), -1).T @ H, float(slope.sum())


def penalty_gradient(W: np.ndarray, penalty: float, linearised: bool) -> np.ndarray:
    """Return the gradient of ``penalty * |W|_{2,4}^4``, or of ``penalty * |W|_F^2 / 2``."""
    if linearised:
        return penalty * W
    return (4 * penalty * np.einsum("ij,ij->i", W, W))[:, None] * W


@np.errstate(over="ignore", invalid="ignore")
def train(
    model: Model,
    loss: Loss,
    start: Start,
    H: np.ndarray,
    y: np.ndarray,
    held_out: np.ndarray,
    *,
    penalties: np.ndarray,
    linearised: bool,
    signed: bool,
    step_size: float,
    noise: float,
    batch_size: int,
    patience: int | None,
    rng: np.random.RandomState,
) -> Training:
    """Train W on rows H (n, D) and labels y (n,) of variance 1, with one epoch for each of ``penalties``.

    An epoch takes 4 n D m flops. Memory: n (D + m/2) numbers for the rows and the table, 3 m D for W.
    """
    n_epochs, m, dtype = len(penalties), 2 * len(start.weights), H.dtype
    size = m ** (-0.5 if linearised else -0.25)
    W = (noise * size / np.sqrt(H.shape[1]) * rng.standard_normal((m, H.shape[1]))).astype(dtype)
    momentum, mean_square, constant, step = np.zeros_like(W), 0.0, 0.0, 0
    table = model.table(start.preactivations(H))
    rows, left_out = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    sample = rows[:: max(1, len(rows) // MAX_SAMPLE)][:MAX_SAMPLE]
    H_out, y_out, table_out = H[left_out], y[left_out], table[left_out]

    def validation_loss():
        return float(loss.value(model.outputs(table_out, moved(H_out, W)) + (constant - y_out)).mean())

    at_zero, zero_loss, start_loss = float(loss.value(y).mean()), float(loss.value(y_out).mean()), validation_loss()
    kept, history, diverged = (np.zeros_like(W), constant, 0), [], False
    best = zero_loss
    for epoch, penalty in enumerate(penalties, start=1):
        check_deadline()
        eta = step_size * (1 + cos(pi * (epoch - 1) / n_epochs)) / 2
        order, total = rng.permutation(rows), 0.0
        for batch in np.array_split(order, ceil(len(order) / batch_size)):
            signs = rng.choice(np.array([-1, 1], dtype=dtype), m) if signed else None
            value, step_direction, slope = gradient(model, loss, table[batch], H[batch], y[batch], W, constant, signs)
            total += value * len(batch)
            step_direction += penalty_gradient(W, penalty, linearised)
            step += 1
            momentum *= BETA_1
            momentum += (1 - BETA_1) * step_direction
            mean_square = BETA_2 * mean_square + (1 - BETA_2) * float(np.vdot(step_direction, step_direction)) / m
            rms = np.sqrt(mean_square / (1 - BETA_2**step))
            if rms > 0:
                W -= dtype.type(eta * size / (rms * (1 - BETA_1**step))) * momentum
            constant -= eta * slope
        value, validation = total / len(order), validation_loss()
        if not (isfinite(value) and isfinite(validation)) or value > DIVERGENCE_RATIO * max(at_zero, 1.0):
            diverged = True
            break
        signs = rng.choice(np.array([-1, 1], dtype=dtype), m) if signed else None
        history.append(
            {"epoch": epoch, "step_size": eta, "penalty": float(penalty), "loss": value}
            | {"validation_loss": validation, "norm": norm_2_4(W)}
            | sizes(start.terms(H[sample], W, signs))
        )
        if validation < best:
            best, kept = validation, (W.copy(), constant, epoch)
        if patience is not None and epoch - kept[2] >= patience:
            break
    largest = max((line["loss"] for line in history), default=0.0)
    return Training(*kept, history, diverged, start_loss, zero_loss, largest / max(at_zero, MIN_ZERO_LOSS))


def norm_2_4(W: np.ndarray) -> float:
    """Return ``|W|_{2,4} = (sum_r |w_r|^4)^{1/4}``."""
    return float(np.sum(np.einsum("ij,ij->i", W, W) ** 2) ** 0.25)


def sizes(terms: Terms) -> dict[str, float]:
    """Return the root mean square of each term over the rows."""
    names = ("first_order", "second_order", "third_order")
    return {name: float(np.sqrt(np.mean(term**2))) for name, term in zip(names, terms, strict=False)}
