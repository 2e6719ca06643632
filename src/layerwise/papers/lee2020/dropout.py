"""Signed dropout: what becomes of the network's Taylor terms when every movement has a random sign in every step.

With signs z the first-order term ``f^(1) = (1/sqrt m) sum_r a_r sigma'(t_r) z_r w_r.h`` has mean 0, and by
Cauchy-Schwarz, with ``|W|_{2,4}^4 = sum_r |w_r|^4``,

    Var_Z f^(1) = (1/m) sum_r sigma'(t_r)^2 (w_r.h)^2 <= m^(-1/2) |W|_{2,4}^2 |h|^2 (mean_r sigma'(t_r)^4)^(1/2).

The tangent kernel's part is averaged out of training, and f^(2), which the signs do not change, is what learns. Without
signs a wide network goes where its tangent kernel goes.

The rate m^(-1/2) is reached by movements spread over all neurons. Trained networks do not show it at these widths: from
a small start few neurons carry the function, the fewer of them the wider the network.
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
WIDTHS, FULL_WIDTHS = (64, 256, 1024), (64, 256, 1024, 4096)
SIGNED, UNSIGNED = "signed dropout", "no signs"


def taylor_terms(full: bool) -> pd.DataFrame:
    """Train the network with and without signs at several widths, and measure its terms at fresh points.

    Columns ``training``, ``width``, ``risk``, ``norm`` (``|W|_{2,4}``); root mean squares of the terms at the movements
    as they are, ``first``, ``second`` and ``third``; and ``spread``, the standard deviation of f^(1) over random signs.
    """
    import pandas as pd

    rows = []
    for seed in range(5 if full else 3):
        target = TwoLayerTeacher(DIM, width=1, link=QUARTIC, rotate=True, random_state=seed)
        X, y = target.sample(N, noise=NOISE, random_state=100 + seed)
        X_test, y_test = target.sample(N_TEST, random_state=200 + seed)
        for width in FULL_WIDTHS if full else WIDTHS:
            for training in (SIGNED, UNSIGNED):
                model = QuadraticModelRegressor(
                    "hermite",
                    dynamics="network",
                    signed_dropout=training == SIGNED,
                    width=width,
                    random_state=seed,
                ).fit(X, y)
                risk = float(np.mean((model.predict(X_test) - y_test) ** 2)) / target.variance
                row = {"training": training, "width": width, "risk": risk, "norm": norm(model.weights_)}
                rows.append(row | sizes(model, X_test))
    return pd.DataFrame(rows)


def sizes(model: QuadraticModelRegressor, X: np.ndarray) -> dict[str, float]:
    """Root mean squares of the Taylor terms over X (n, d), and the spread of the first over random signs."""
    rng = np.random.default_rng(0)
    own = model.taylor_terms(X)
    drawn = [model.taylor_terms(X, rng.choice([-1.0, 1.0], model.width)).first for _ in range(SIGNS)]
    terms = {"first": own.first, "second": own.second, "third": own.third, "spread": drawn}
    return {name: float(np.sqrt(np.mean(np.square(values, dtype=float)))) for name, values in terms.items()}


def norm(W: np.ndarray) -> float:
    """``|W|_{2,4}`` of W (m, D)."""
    return float(np.sum(np.sum(W**2, axis=1, dtype=float) ** 2) ** 0.25)


def variance_exponent(table: pd.DataFrame) -> float:
    """a of ``Var_Z f^(1) / |W|_{2,4}^2 ~ m^a`` of networks trained with signs, by least squares on logarithms."""
    rows = table[table["training"] == SIGNED]
    variance = np.log((rows["spread"] / rows["norm"]) ** 2)
    return float(np.polyfit(np.log(rows["width"]), variance, 1)[0])


def first_over_second(table: pd.DataFrame, training: str) -> float:
    """Median of the size of f^(1) over that of f^(2), at the largest width."""
    rows = table[(table["training"] == training) & (table["width"] == table["width"].max())]
    return float((rows["first"] / rows["second"]).median())
