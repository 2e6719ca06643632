"""Signed dropout: the Taylor terms of a network whose movements get new random signs in every step.

With signs z the first-order term ``f^(1) = (1/sqrt m) sum_r a_r sigma'(t_r) z_r w_r.h`` has mean 0, and by
Cauchy-Schwarz, with ``|W|_{2,4}^4 = sum_r |w_r|^4``,

    Var_Z f^(1) = (1/m) sum_r sigma'(t_r)^2 (w_r.h)^2 <= m^(-1/2) |W|_{2,4}^2 |h|^2 (mean_r sigma'(t_r)^4)^(1/2).

Training averages out f^(1), the part of the tangent kernel, and f^(2), which does not depend on the signs, learns.
Without signs a wide network follows its tangent kernel.

The rate m^(-1/2) holds for movements that are spread over all neurons. Trained networks do not show it at these widths:
from a small initialisation few neurons carry the function, and the wider the network, the fewer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from layerwise.learners import QuadraticModelRegressor
from layerwise.papers.lee2020.studies import NOISE, QUARTIC
from layerwise.papers.paper import Size, by_size
from layerwise.targets import TwoLayerTeacher

if TYPE_CHECKING:
    import pandas as pd

DIM, N, N_TEST, SIGNS = 10, 500, 500, 50
WIDTHS, FULL_WIDTHS = (64, 256, 1024), (64, 256, 1024, 4096)
SIGNED, UNSIGNED = "signed dropout", "no signs"


def taylor_terms(size: Size) -> pd.DataFrame:
    """Train the network with and without random signs at several widths, and measure its Taylor terms at new points.

    The columns are ``seed``, ``training``, ``width``, ``risk`` and ``norm`` (``|W|_{2,4}``); ``first``, ``second`` and
    ``third``, the root mean square of each term for the trained movements; ``spread``, the root mean square of f^(1)
    under random signs; ``ratio`` of first to second; and ``variance``, ``(spread / norm)^2``.
    """
    import pandas as pd

    rows = []
    for seed in range(5):
        target = TwoLayerTeacher(DIM, width=1, link=QUARTIC, rotate=True, random_state=seed)
        X, y = target.sample(N, noise=NOISE, random_state=100 + seed)
        X_test, y_test = target.sample(N_TEST, random_state=200 + seed)
        for width in by_size(size, WIDTHS[:2], WIDTHS, FULL_WIDTHS):
            for training in (SIGNED, UNSIGNED):
                model = QuadraticModelRegressor(
                    "hermite",
                    dynamics="network",
                    signed_dropout=training == SIGNED,
                    width=width,
                    standardize=False,
                    random_state=seed,
                ).fit(X, y)
                risk = float(np.mean((model.predict(X_test) - y_test) ** 2)) / target.variance
                row = {"seed": seed, "training": training, "width": width, "risk": risk, "norm": norm(model.weights_)}
                rows.append(row | sizes(model, X_test))
    table = pd.DataFrame(rows)
    variance = (table["spread"] / table["norm"]) ** 2
    return table.assign(ratio=table["first"] / table["second"], variance=variance)


def sizes(model: QuadraticModelRegressor, X: np.ndarray) -> dict[str, float]:
    """Return root mean squares of the Taylor terms over X (n, d), and that of the first one under random signs."""
    rng = np.random.default_rng(0)
    trained = model.taylor_terms(X)
    drawn = [model.taylor_terms(X, rng.choice([-1.0, 1.0], model.width)).first for _ in range(SIGNS)]
    terms = {"first": trained.first, "second": trained.second, "third": trained.third, "spread": drawn}
    return {name: float(np.sqrt(np.mean(np.square(values, dtype=float)))) for name, values in terms.items()}


def norm(W: np.ndarray) -> float:
    """Return ``|W|_{2,4}`` for W of shape (m, D)."""
    return float(np.sum(np.sum(W**2, axis=1, dtype=float) ** 2) ** 0.25)
