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

DIM, N, N_TEST, SIGNS = 10, 500, 500, 50
SIGNED, UNSIGNED, SPREAD = "signed dropout", "no signs", "random movements, |W|₂,₄ = 1"
WIDTHS, FULL_WIDTHS = (64, 256, 1024), (64, 256, 1024, 4096)


def taylor_terms(full: bool) -> pd.DataFrame:
    """Train the network with and without signs at several widths, and measure its terms at fresh points.

    A third row a width has random movements instead of the trained ones, all of length ``m^(-1/4)``.

    Columns ``training``, ``width``, ``seed``, ``risk``, ``norm`` (``|W|_{2,4}``) and root mean squares: ``first_mean``
    of the mean of f^(1) over random signs, ``first`` of f^(1) around that mean, ``second`` and ``third`` of f^(2) and
    f^(3). The movements of the network without signs have the signs they have.
    """
    import pandas as pd

    rows = []
    for seed in range(5 if full else 3):
        target = TwoLayerTeacher(DIM, width=1, link=QUARTIC, rotate=True, random_state=seed)
        X, y = target.sample(N, noise=NOISE, random_state=100 + seed)
        X_test, y_test = target.sample(N_TEST, random_state=200 + seed)
        for width in FULL_WIDTHS if full else WIDTHS:
            for training in (SIGNED, UNSIGNED, SPREAD):
                signed = training != UNSIGNED
                model = QuadraticModelRegressor(
                    "hermite", dynamics="network", signed_dropout=signed, width=width, random_state=seed
                ).fit(X, y)
                if training == SPREAD:
                    W = np.random.default_rng(seed).standard_normal(model.weights_.shape)
                    model.weights_ = W / np.linalg.norm(W, axis=1, keepdims=True) * width**-0.25
                risk = float(np.mean((model.predict(X_test) - y_test) ** 2)) / target.variance
                norm = float(np.sum(np.sum(model.weights_**2, axis=1, dtype=float) ** 2)) ** 0.25
                row = {"training": training, "width": width, "seed": seed, "risk": risk, "norm": norm}
                rows.append(row | sizes(model, X_test, signed=signed))
    return pd.DataFrame(rows)


def sizes(model: QuadraticModelRegressor, X: np.ndarray, *, signed: bool) -> dict[str, float]:
    """Root mean squares over X of the terms, over random signs where ``signed``."""
    rng = np.random.default_rng(0)
    draws = [rng.choice([-1.0, 1.0], model.width) for _ in range(SIGNS)] if signed else [np.ones(model.width)]
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
    return float(np.polyfit(np.log(rows["width"]), np.log(rows["first"] ** 2), 1)[0])


def size_of(table: pd.DataFrame, training: str, term: str) -> float:
    """Median of a term over that of f^(2), at the largest width."""
    rows = table[(table["training"] == training) & (table["width"] == table["width"].max())]
    return float((rows[term] / rows["second"]).median())
