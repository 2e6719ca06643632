"""Signed dropout: what is left of the network's Taylor terms when every movement has a random sign.

With signs z the first-order term ``f^(1) = (1/sqrt m) sum_r a_r sigma'(w_{0,r}.h) z_r w_r.h`` has mean 0 and variance
``(1/m) sum_r sigma'(w_{0,r}.h)^2 (w_r.h)^2``, of order ``m^(-1/2)`` where ``|W|_{2,4} = O(1)``: the tangent kernel is
averaged out, and ``f^(2)``, which the signs do not change, is what learns.

Trained networks do not show that rate here: from a small start few neurons carry the function, the fewer of them the
wider the network. Movements that are spread over all neurons do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from layerwise.learners import QuadraticModelRegressor
from layerwise.papers.lee2020.studies import NOISE, QUARTIC
from layerwise.targets import TwoLayerTeacher

if TYPE_CHECKING:
    import pandas as pd

DIM, N, N_TEST, STARTS = 10, 500, 250, 24
SIGNED, UNSIGNED, SPREAD = "signed dropout", "no signs", "random movements, |W|₂,₄ = 1"
WIDTHS, FULL_WIDTHS = (64, 256, 1024), (64, 256, 1024, 4096)


def taylor_terms(full: bool) -> pd.DataFrame:
    """Train the network with and without signs at several widths, and measure its terms at fresh points.

    Further rows have random movements of length ``m^(-1/4)`` instead of trained ones.

    Columns ``training``, ``width``, ``risk``, ``norm`` (``|W|_{2,4}``) and root mean squares: ``first_mean``
    of the mean of f^(1) over random signs, ``first`` of f^(1) around that mean, ``second`` and ``third`` of f^(2) and
    f^(3). The movements of the network without signs have the signs they have.
    """
    import pandas as pd

    rows = []
    for seed in range(5 if full else 2):
        for width in FULL_WIDTHS if full else WIDTHS:
            for training in (SIGNED, UNSIGNED):
                model, X, risk = train(seed, width, signed_dropout=training == SIGNED)
                rows.append(
                    row(training, width, model, sizes(model, X, 50 if training == SIGNED else 0)) | {"risk": risk}
                )
    for seed in range(STARTS):
        for width in FULL_WIDTHS if full else WIDTHS:
            model, X, _ = train(seed, width, max_epochs=1)
            W = np.random.default_rng(seed).standard_normal(model.weights_.shape)
            model.weights_ = W / np.linalg.norm(W, axis=1, keepdims=True) * width**-0.25
            rows.append(row(SPREAD, width, model, sizes(model, X, 10)))
    return pd.DataFrame(rows)


def train(seed: int, width: int, **params) -> tuple[QuadraticModelRegressor, np.ndarray, float]:
    """The network of a seed trained, fresh points, and its risk there."""
    target = TwoLayerTeacher(DIM, width=1, link=QUARTIC, rotate=True, random_state=seed)
    X, y = target.sample(N, noise=NOISE, random_state=100 + seed)
    X_test, y_test = target.sample(N_TEST, random_state=200 + seed)
    model = QuadraticModelRegressor("hermite", dynamics="network", width=width, random_state=seed, **params).fit(X, y)
    return model, X_test, float(np.mean((model.predict(X_test) - y_test) ** 2)) / target.variance


def row(training: str, width: int, model: QuadraticModelRegressor, terms: dict[str, float]) -> dict:
    """A row of the table."""
    norm = float(np.sum(np.sum(model.weights_**2, axis=1, dtype=float) ** 2)) ** 0.25
    return {"training": training, "width": width, "norm": norm} | terms


def sizes(model: QuadraticModelRegressor, X: np.ndarray, n_signs: int) -> dict[str, float]:
    """Root mean squares over X of the terms, over so many random signs; with the signs they have where 0."""
    rng = np.random.default_rng(0)
    draws = [rng.choice([-1.0, 1.0], model.width) for _ in range(n_signs)] or [np.ones(model.width)]
    terms = [model.taylor_terms(X, signs) for signs in draws]
    first, third = np.array([each.first for each in terms]), np.array([each.third for each in terms])
    return {
        "first_mean": rms(first.mean(axis=0)),
        "first": rms(first - first.mean(axis=0)),
        "second": rms(terms[0].second),
        "third": rms(third),
    }


def rms(values: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values, dtype=float))))


def variance_exponent(table: pd.DataFrame) -> float:
    """a of ``Var_Z f^(1) ~ m^a`` for random movements, by least squares on logarithms."""
    rows = table[table["training"] == SPREAD]
    variance = (rows["first"] ** 2).groupby(rows["width"]).mean()
    return float(np.polyfit(np.log(variance.index), np.log(variance), 1)[0])


def size_of(table: pd.DataFrame, training: str, term: str) -> float:
    """Median of a term over that of f^(2), at the largest width."""
    rows = table[(table["training"] == training) & (table["width"] == table["width"].max())]
    return float((rows[term] / rows["second"]).median())
