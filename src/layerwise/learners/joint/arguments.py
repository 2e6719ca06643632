"""What the arguments of `JointRegressor` may be, the network that they stand for, and the memory that it asks for."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from layerwise._validation import as_integer
from layerwise.hermite import HermiteSeries
from layerwise.learners._head import check_memory, check_number
from layerwise.learners.hierarchical.regressor import BIAS_DF
from layerwise.learners.joint.networks import ROWS, Activation, Hierarchical, Network, ThreeLayer, TwoLayer
from layerwise.representations._validation import as_activation

if TYPE_CHECKING:
    from layerwise.learners.joint.regressor import JointRegressor

Architecture = Literal["two-layer", "three-layer", "hierarchical"]


def check_arguments(learner: JointRegressor, n: int, d: int) -> Network:
    """The network to train on n rows of d inputs, or ValueError or TypeError."""
    if learner.architecture not in get_args(Architecture):
        known = ", ".join(map(repr, get_args(Architecture)))
        raise ValueError(f"architecture={learner.architecture!r} is unknown. Give one of {known}.")
    for name in ("width", "middle_width", "link_width", "degree", "batch_size", "max_epochs"):
        as_integer(getattr(learner, name), name, 1)
    if learner.patience is not None:
        as_integer(learner.patience, "patience", 1)
    check_number(learner.learning_rate, "learning_rate")
    check_memory(learner.max_memory)
    if not isinstance(learner.validation, Real) or not 0 < learner.validation < 1:
        raise ValueError(
            f"validation={learner.validation!r} must be the fraction of rows held out, between 0 and 1: training in "
            "batches has no leave-one-out formula."
        )
    network = _choose_network(learner)
    _check_peak(learner, network, n, d)
    return network


def _choose_network(learner: JointRegressor) -> Network:
    if learner.architecture == "two-layer":
        if learner.activation is None:
            return TwoLayer(learner.width)
        raise ValueError(
            f"activation={learner.activation!r} with architecture='two-layer', which is always ReLU: activation must "
            "be None. Leave it out, or give architecture='three-layer' or 'hierarchical'."
        )
    if learner.architecture == "three-layer":
        activation = _choose_activation(learner, HermiteSeries.basis(2))
        return ThreeLayer(learner.width, learner.middle_width, activation)
    activation = _choose_activation(learner, HermiteSeries(np.append(0.0, np.ones(learner.degree))))
    return Hierarchical(learner.width, learner.link_width, activation, BIAS_DF)


def _choose_activation(learner: JointRegressor, default: HermiteSeries) -> Activation:
    given = learner.activation
    if given is None:
        return Activation.of(default)
    if isinstance(given, str):
        if given == "relu" and learner.architecture == "three-layer":
            return Activation.of(None)
        raise ValueError(
            f"activation={given!r} with architecture={learner.architecture!r}: a polynomial is needed, or 'relu' with "
            "'three-layer'. Give its Hermite coefficients, e.g. (0, 0, 1) for h_2."
        )
    return Activation.of(as_activation(given))


def _check_peak(learner: JointRegressor, network: Network, n: int, d: int) -> None:
    """Refuse weights (their start, Adam's memories, gradients, the best so far) and batches that do not fit in."""
    rows = max(min(learner.batch_size, n), min(ROWS, round(learner.validation * n)))
    weights = network.n_parameters(d)
    peak = 52 * weights + 4 * rows * network.floats_a_row + 4 * n * d
    if peak > learner.max_memory:
        raise ValueError(
            f"architecture={learner.architecture!r}, width={learner.width} with {d} inputs has {weights:.2g} weights "
            f"and needs {peak:.2g} bytes to train, {rows} rows at once, over max_memory="
            f"{learner.max_memory / 2**30:.3g} GiB. Lower the widths or batch_size, or raise max_memory."
        )
