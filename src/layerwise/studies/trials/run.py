"""One trial: a target, a learner, a sample, and the risk the learner reached.

Everything random in a trial comes from integers derived from what the trial *is*, never from when or where it
runs. With ``H`` a stable hash fed to `numpy.random.SeedSequence`,

    target, test sample   H(study's random_state, target, inputs, dim, seed)
    training sample       H(the same, noise, n)
    learner               H(the whole trial)

so every learner of a cell sees the same data, and the target and test set of a seed stay put as n grows.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from layerwise.studies.definition.lookup import INPUTS, LEARNERS, TARGETS, find, parameter_names
from layerwise.studies.definition.trial import Trial, canonical_json
from layerwise.studies.trials.metrics import in_blocks, measure


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Parameters
    ----------
    risk : float
        ``mean((f(X) - y)^2) / variance`` over clean test points: 1 is predicting the mean, 0 is perfect. The
        variance is the target's own, under N(0, I); that of the test points where the inputs are others. NaN for a
        failed trial.
    fit_seconds : float
        Wall time of ``fit``. NaN for a failed trial.
    error : str or None, default=None
        ``"Type: message"`` of what a failed trial raised.
    metrics : mapping, default={}
        The other metrics that apply (`layerwise.studies.trials.metrics`), by name.
    peak_bytes : int or None, default=None
        Peak resident memory of the process that ran the trial, interpreter and data included. None where trials share
        a process, or the system does not tell.
    """

    risk: float
    fit_seconds: float
    error: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    peak_bytes: int | None = None


def derive_seed(*parts: Any) -> int:
    """Return a seed below 2^31 that depends on the parts and on nothing else.

    Parameters
    ----------
    *parts
        Plain data, as `canonical_json` takes it.

    Returns
    -------
    int
        The seed; every consumer of randomness (NumPy's generators, scikit-learn) takes it.
    """
    entropy = int.from_bytes(hashlib.sha256(canonical_json(parts).encode()).digest(), "big")
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0] >> 1)


def run(trial: Trial) -> Outcome:
    """Run one trial; what it raises becomes the outcome's error.

    Parameters
    ----------
    trial : Trial
        What to run.

    Returns
    -------
    Outcome
        Its risk, or its error. ``KeyboardInterrupt`` passes through.
    """
    try:
        return _measure(trial)
    except (Exception, SystemExit) as error:
        try:
            text = f"{type(error).__name__}: {error}"
        except Exception:  # an error that cannot say what it is
            text = f"{type(error).__name__}: (its message cannot be read)"
        return Outcome(math.nan, math.nan, text.encode(errors="backslashreplace").decode())  # as SQLite takes it


def _measure(trial: Trial) -> Outcome:
    world = (trial.random_state, trial.target, trial.target_params, trial.inputs, trial.inputs_params)
    world += (trial.dim, trial.seed)
    noise = {"noise": trial.noise, "noise_distribution": trial.noise_distribution}

    inputs = find(trial.inputs, INPUTS)(trial.dim, **trial.inputs_params)
    target = _build(trial.target, TARGETS, derive_seed("target", *world), trial.target_params, trial.dim)
    X_test, y_test = target.sample(trial.n_test, noise=0.0, random_state=derive_seed("test", *world), inputs=inputs)
    standard = trial.inputs == "Gaussian" and not trial.inputs_params
    variance = float(target.variance if standard else np.var(y_test))
    if standard and not getattr(target, "variance_reliable", True):
        variance = 1.0  # the target has warned: the risk is the absolute mean squared error
    if not (math.isfinite(variance) and variance > 0):
        raise ValueError(f"the target's variance is {variance}; risk is measured against it, so it must be positive")

    train_seed = derive_seed("train", *world, noise, trial.n)
    X, y = target.sample(trial.n, random_state=train_seed, inputs=inputs, **noise)
    learner = _build(trial.learner, LEARNERS, derive_seed("learner", trial.definition), trial.learner_params)
    started = time.perf_counter()
    learner.fit(X, y)
    fit_seconds = time.perf_counter() - started

    residual = in_blocks(learner.predict, X_test) - y_test
    risk = float(np.mean(np.square(residual, out=residual))) / variance
    if not math.isfinite(risk):
        raise FloatingPointError(f"the predictions give a risk of {risk}")
    return Outcome(risk, fit_seconds, metrics=measure(target, learner, X_test))


def _build(path: str, home: str, seed: int, params: dict[str, Any], *args: Any) -> Any:
    """Call the class with its parameters, and with ``random_state=seed`` where it takes one and has none."""
    factory = find(path, home)
    if "random_state" in parameter_names(factory):
        params = {"random_state": seed, **params}
    return factory(*args, **params)
