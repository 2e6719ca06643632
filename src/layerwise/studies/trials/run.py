"""One trial: a target, a learner, a sample, and the risk of the fitted learner.

All randomness in a trial comes from integers derived from its definition, and never from when or where it runs. With
``H`` a stable hash fed to `numpy.random.SeedSequence`,

    target, test sample   H(study's random_state, target, inputs, dim, seed)
    training sample       H(the same, noise, n)
    learner               H(the whole trial)

so every learner of a cell sees the same data, and the target and the test set of a seed do not change with n. An
object inside the parameters has a seed derived from that of the target or learner and from its place in them.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from layerwise.studies.definition.lookup import INPUTS, LEARNERS, TARGETS, find, parameter_names
from layerwise.studies.definition.objects import is_object
from layerwise.studies.definition.trial import Trial, canonical_json
from layerwise.studies.trials.metrics import in_blocks, measure


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial.

    Parameters
    ----------
    risk : float
        ``mean((f(X) - y)^2) / variance`` over noiseless test points: 1 is predicting the mean, 0 is perfect. The
        variance is the target's own, under N(0, I); that of the test points where the inputs are others; and 1, which
        makes the risk an absolute error, where the target's is not reliable. NaN for a failed trial.
    fit_seconds : float
        Wall time of ``fit``. NaN for a failed trial.
    error : str or None, default=None
        ``"Type: message"`` of the exception that a failed trial raised.
    metrics : mapping, default={}
        The other metrics that apply (`layerwise.studies.trials.metrics`), by name.
    peak_bytes : int or None, default=None
        Peak resident memory of the process that ran the trial, interpreter and data included. None where trials share
        a process, or where the system does not report it.
    seconds : float, default=nan
        Wall time of the whole trial. It is not stored, and does not count when outcomes are compared.
    """

    risk: float
    fit_seconds: float
    error: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    peak_bytes: int | None = None
    seconds: float = field(default=math.nan, compare=False)


def derive_seed(*parts: Any) -> int:
    """Return a seed below 2^31 that depends on the parts, which are plain data, and on nothing else."""
    entropy = int.from_bytes(hashlib.sha256(canonical_json(parts).encode()).digest(), "big")
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0] >> 1)


def run(trial: Trial) -> Outcome:
    """Run one trial. An exception that it raises becomes the outcome's error; ``KeyboardInterrupt`` propagates."""
    started = time.perf_counter()
    try:
        outcome = _measure(trial)
    except (Exception, SystemExit) as error:
        try:
            text = f"{type(error).__name__}: {error}"
        except Exception:  # an exception whose message cannot be formatted
            text = f"{type(error).__name__}: (its message cannot be read)"
        outcome = Outcome(math.nan, math.nan, text.encode(errors="backslashreplace").decode())  # as SQLite takes it
    return replace(outcome, seconds=time.perf_counter() - started)


def _measure(trial: Trial) -> Outcome:
    world = (trial.random_state, trial.target, trial.target_params, trial.inputs, trial.inputs_params)
    world += (trial.dim, trial.seed)
    noise = {"noise": trial.noise, "noise_distribution": trial.noise_distribution}

    inputs_params = _build_params(trial.inputs_params, derive_seed("inputs", *world))
    inputs = find(trial.inputs, INPUTS)(trial.dim, **inputs_params)
    target = build(trial.target, TARGETS, trial.target_params, derive_seed("target", *world), trial.dim)
    test = {"noise": 0.0, "random_state": derive_seed("test", *world), "inputs": inputs}
    X_test, y_test = _sample(target, trial, trial.n_test, test)
    standard = trial.inputs == "Gaussian" and not trial.inputs_params
    variance = float(target.variance if standard else np.var(y_test))
    if standard and not getattr(target, "variance_reliable", True):
        variance = 1.0  # the target has warned: the risk is the absolute mean squared error
    if not (math.isfinite(variance) and variance > 0):
        raise ValueError(
            f"the variance of {trial.target} is {variance}; it must be positive and finite, because the risk is "
            "divided by it. Choose another target or input distribution."
        )

    train = {"random_state": derive_seed("train", *world, noise, trial.n), "inputs": inputs, **noise}
    X, y = _sample(target, trial, trial.n, train)
    learner = build(trial.learner, LEARNERS, trial.learner_params, derive_seed("learner", trial.definition))
    started = time.perf_counter()
    learner.fit(X, y)
    fit_seconds = time.perf_counter() - started

    residual = in_blocks(learner.predict, X_test) - y_test
    risk = float(np.mean(np.square(residual, out=residual))) / variance
    if not math.isfinite(risk):
        raise FloatingPointError(f"the predictions give a risk of {risk}")
    return Outcome(risk, fit_seconds, metrics=measure(target, learner, X_test))


def _sample(target: Any, trial: Trial, n: int, options: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return ``target.sample(n, **options)``, checked: any class with that method may be a target."""
    X, y = target.sample(n, **options)
    for name, values, shape in (("X", X, (n, trial.dim)), ("y", y, (n,))):
        what = f"{trial.target}.sample({n}) returned {name}"
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
            kind = f"array of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
            raise TypeError(f"{what} as {kind}; it must be a real NumPy array of shape {shape}.")
        if values.shape != shape:
            raise ValueError(f"{what} of shape {values.shape}; it must have shape {shape}.")
        if not np.isfinite(values).all():
            raise ValueError(f"{what} with NaN or infinite entries; they must be finite.")
    return X, y


def build(path: str, home: str, params: Mapping[str, Any], seed: int, *args: Any) -> Any:
    """Call ``find(path, home)(*args, **params)`` with the objects that tables in `params` stand for.

    ``random_state`` is `seed` if the class takes one and `params` has none; for the objects in `params` it is derived
    from `seed` and their place.
    """
    factory = find(path, home)
    if "random_state" in parameter_names(factory):
        params = {"random_state": seed, **params}
    return factory(*args, **_build_params(params, seed))


def _build_params(params: Mapping[str, Any], seed: int) -> dict[str, Any]:
    return {name: _build_value(value, seed, (name,)) for name, value in params.items()}


def _build_value(value: Any, seed: int, place: tuple[str | int, ...]) -> Any:
    if is_object(value):
        return build(value["use"], "", value.get("params", {}), derive_seed(seed, place))
    if isinstance(value, dict):
        return {name: _build_value(item, seed, (*place, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_build_value(item, seed, (*place, i)) for i, item in enumerate(value)]
    return value
