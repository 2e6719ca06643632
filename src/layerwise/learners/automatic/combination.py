"""One candidate, an average of a few or a stack of them, chosen by out-of-fold errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from layerwise.learners.automatic.race import Entry
from layerwise.solvers.squared_errors import lead, stacking_weights

#: Members of a stack with a smaller weight are dropped.
MIN_WEIGHT = 0.02
#: Candidates whose error is more than this multiple of the smallest one are not considered for the stack.
MAX_RATIO = 3.0
#: The stack must have a lower error than the best candidate, by this many standard errors of the paired difference.
MIN_LEAD = 1.0
#: Candidates with an error within this factor of the smallest are averaged, and the largest number of them.
TIED, MAX_TIED = 1.05, 4
#: Number of parts of the rows by which the weights are cross-validated.
N_PARTS = 5


@dataclass(eq=False)
class Combination:
    """A weighted mean of models, whose predictions are clipped to the range from ``low`` to ``high``."""

    weights: list[float]
    models: list[Any]
    low: float
    high: float

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predictions of shape (n_samples,)."""
        total = np.zeros(len(X))
        for weight, model in zip(self.weights, self.models, strict=True):
            total += weight * np.clip(model.predict(X), self.low, self.high)
        return total


@dataclass(eq=False)
class Average:
    """The mean prediction of the fits without each fold."""

    models: list[Any] = field(default_factory=list)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predictions of shape (n_samples,)."""
        return np.mean([model.predict(X) for model in self.models], axis=0)


def choose(entries: list[Entry], y: np.ndarray, seen: np.ndarray, seed: int) -> dict[str, float]:
    """Return the weights of the chosen candidates by name, from predictions for the rows held out (mask ``seen``).

    Only candidates with predictions for all of these rows are considered. Stacking weights are cross-validated: they
    are found without each fifth of the rows and applied to it. They are used if the resulting error is below that of
    the best candidate by more than one standard error. Otherwise the candidates that are as good as the best one (at
    most 4, within 5 % of its error and within one standard error) are averaged, with weights halfway between equal and
    stacking weights, if this lowers the out-of-fold error. Otherwise the best candidate is used alone.
    """
    complete = [entry for entry in entries if entry.complete]
    P, labels = np.array([entry.out_of_fold[seen] for entry in complete]), y[seen]
    errors = np.mean((P - labels) ** 2, axis=1)
    best = int(np.argmin(errors))
    considered = np.flatnonzero(errors <= MAX_RATIO * errors[best])
    if len(considered) == 1 or errors[best] == 0:
        return {complete[best].name: 1.0}
    parts = np.random.RandomState(seed).permutation(len(labels)) % min(N_PARTS, len(labels))
    predicted = np.empty(len(labels))
    for part in range(parts.max() + 1):
        w = stacking_weights(P[np.ix_(considered, parts != part)], labels[parts != part])
        predicted[parts == part] = w @ P[np.ix_(considered, parts == part)]
    if not lead(np.array([(P[best] - labels) ** 2, (predicted - labels) ** 2])) > MIN_LEAD:
        squares = (P - labels) ** 2
        tied = [i for i in np.argsort(errors) if errors[i] <= TIED * errors[best]]
        tied = [i for i in tied if i == best or lead(squares[[i, best]]) <= MIN_LEAD][:MAX_TIED]
        w = (stacking_weights(P[tied], labels) + 1 / len(tied)) / 2
        if not np.mean((w @ P[tied] - labels) ** 2) < errors[best]:
            return {complete[best].name: 1.0}
        return {complete[i].name: float(weight) for i, weight in zip(tied, w, strict=True)}
    w = stacking_weights(P[considered], labels)
    w = np.where(w >= MIN_WEIGHT, w, 0.0)
    w /= w.sum()
    return {complete[i].name: float(weight) for i, weight in zip(considered, w, strict=True) if weight}
