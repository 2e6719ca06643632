"""The tasks: each draws training and new rows for a seed; real tables, five folds."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.model_selection import KFold

from layerwise.hermite import HermitePolynomial
from layerwise.targets import (
    AsianStraddle,
    ExcessOfLoss,
    Fatigue,
    Hierarchical,
    LognormalPDE,
    MultiFeature,
    SingleIndex,
    Target,
)

Parts = list[tuple[Any, Any, Any, Any]]
N_NEW = 8000
UQ = (
    "Borehole",
    "OTLCircuit",
    "OTLCircuit20D",
    "Piston",
    "Piston20D",
    "WingWeight",
    "RobotArm",
    "Welch20D",
    "Friedman10D",
    "Dette8D",
    "Alemazkoor20D",
    "LinkletterSine",
)
#: Package, file inside it, target column, dropped columns.
TABLES = {
    "Auto": ("ISLP", "data/Auto.csv", "mpg", ["name"]),
    "Bikeshare": ("ISLP", "data/Bikeshare.csv", "bikers", ["Unnamed: 0", "casual", "registered"]),
    "Boston": ("ISLP", "data/Boston.csv", "medv", ["Unnamed: 0"]),
    "Carseats": ("ISLP", "data/Carseats.csv", "Sales", []),
    "College": ("ISLP", "data/College.csv", "Outstate", ["Unnamed: 0"]),
    "Credit": ("ISLP", "data/Credit.csv", "Balance", ["ID"]),
    "Hitters": ("ISLP", "data/Hitters.csv", "Salary", ["Unnamed: 0"]),
    "OJ": ("ISLP", "data/OJ.csv", "LoyalCH", []),
    "Wage": ("ISLP", "data/Wage.csv", "wage", ["Unnamed: 0", "logwage"]),
    "ccard": ("statsmodels", "datasets/ccard/ccard.csv", "AVGEXP", []),
    "elnino": ("statsmodels", "datasets/elnino/elnino.csv", "DEC", []),
    "fair": ("statsmodels", "datasets/fair/fair.csv", "affairs", []),
    "grunfeld": ("statsmodels", "datasets/grunfeld/grunfeld.csv", "invest", []),
    "randhie": ("statsmodels", "datasets/randhie/randhie.csv", "mdvis", []),
    "star98": ("statsmodels", "datasets/star98/star98.csv", "PR50M", []),
    "statecrime": ("statsmodels", "datasets/statecrime/statecrime.csv", "murder", ["state"]),
}
MAX_TABLE_ROWS = 3000


def tasks(only: str | None) -> Iterator[tuple[str, str, Callable[[int], Parts]]]:
    """Kind, name and draw of each task."""
    if only in (None, "synthetic"):
        for name, (n, make) in synthetic().items():
            yield "synthetic", name, partial(draw_target, make, n)
    if only in (None, "simulators"):
        for name in UQ:
            for embedded in (False, True):
                label = f"{name}, rotated" if embedded else name
                yield "simulators", label, partial(draw_uq, name, embedded)
    if only in (None, "tables"):
        yield "tables", "diabetes", lambda seed: folds(*load_diabetes(return_X_y=True, as_frame=True), seed)
        for name, (package, file, target, drop) in TABLES.items():
            if spec := importlib.util.find_spec(package):
                path = Path(str(spec.origin)).parent / file
                yield "tables", name, partial(draw_table, path, target, drop)


def synthetic() -> dict[str, tuple[int, Callable[[int], Any]]]:
    """Number of rows, and the target for a seed."""
    both = HermitePolynomial([[1, 0], [1, 1]], [0.5**0.5, 0.5**0.5])
    noise = {"noise": 0.2}
    return {
        "T1": (2000, lambda s: T1(s)),
        "T1, noise .2": (2000, lambda s: (T1(s), noise)),
        "T2": (2000, lambda s: Hierarchical(20, "quadratic", "clip", rotate=True, random_state=s)),
        "Asian straddle": (2000, lambda s: AsianStraddle(50)),
        "excess of loss": (2000, lambda s: ExcessOfLoss(30)),
        "fatigue": (2000, lambda s: Fatigue(30)),
        "lognormal PDE": (2000, lambda s: LognormalPDE(50)),
        "single index, h4": (1500, lambda s: SingleIndex(40, link="h4", rotate=True, random_state=s)),
        "tanh(2a) cos(b)": (1500, lambda s: Directions(25, 2, lambda z: np.tanh(2 * z[:, 0]) * np.cos(z[:, 1]), s)),
        "max(a, b, c)": (1500, lambda s: Directions(25, 3, lambda z: z.max(axis=1), s)),
        "two features": (1088, lambda s: MultiFeature(16, "quadratic", 2, link=both, rotate=True, random_state=s)),
        "sum of sines": (2000, lambda s: Additive(15)),
        "Friedman 1": (1000, None),
        "linear": (500, lambda s: (Directions(20, 1, lambda z: z[:, 0], s), {"noise": 0.5})),
        "noise": (500, lambda s: (Directions(20, 1, lambda z: 0 * z[:, 0], s), {"noise": 1.0})),
    }


def T1(seed: int) -> Target:
    """``p + (p^3 - 3p) / (2 sqrt 6)`` of a quadratic form in 20 rotated inputs (docs/refinement.md)."""
    return Hierarchical(20, "quadratic", [0, 1, 0, 0.5], rotate=True, random_state=seed)


class Directions:
    """A function of a few random directions in standard Gaussian inputs."""

    def __init__(self, dim, r, link, seed):
        self.dim, self.link = dim, link
        self.frame = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, r)))[0]

    def sample(self, n, noise=0.0, random_state=0):
        rng = np.random.default_rng(random_state)
        X = rng.standard_normal((n, self.dim))
        return X, self.link(X @ self.frame) + noise * rng.standard_normal(n)


class Additive(Directions):
    """``sum_i sin(2 x_i)``."""

    def __init__(self, dim):
        self.dim, self.frame, self.link = dim, np.eye(dim), lambda z: np.sin(2 * z).sum(axis=1)


def draw_target(make, n: int, seed: int) -> Parts:
    """Return n noisy training rows and `N_NEW` noiseless ones (with noise for the task "noise")."""
    if make is None:
        X, y = make_friedman1(n, 10, noise=1.0, random_state=seed)
        return [(X, y, *make_friedman1(N_NEW, 10, noise=0.0, random_state=10_000 + seed))]
    made = make(seed)
    target, options = made if isinstance(made, tuple) else (made, {})
    X, y = target.sample(n, random_state=20_000 + seed, **options)
    X_new, y_new = target.sample(N_NEW, random_state=30_000 + seed)
    if np.ptp(y_new) == 0:
        y_new = y_new + np.random.default_rng(seed).standard_normal(N_NEW)
    return [(X, y, X_new, y_new)]


def draw_uq(name: str, embedded: bool, seed: int) -> Parts:
    """Return 100 rows per input of a function of uqtestfuns; or among three times as many inert inputs, rotated."""
    import uqtestfuns

    function = getattr(uqtestfuns, name)()
    rng = np.random.default_rng(seed)
    n = 100 * function.input_dimension
    function.prob_input.reset_rng(seed)
    X = function.prob_input.get_sample(n + N_NEW)
    y = np.asarray(function(X)).ravel()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    if embedded:
        Z = np.column_stack([Z, rng.standard_normal((len(Z), 3 * Z.shape[1]))])
        Z = Z @ np.linalg.qr(rng.standard_normal((Z.shape[1], Z.shape[1])))[0]
    return [(Z[:n], y[:n], Z[n:], y[n:])]


def draw_table(path: Path, target: str, drop: list[str], seed: int) -> Parts:
    """Return five folds of at most `MAX_TABLE_ROWS` rows with a known target."""
    table = pd.read_csv(path, na_values="?").dropna(subset=[target])
    table = table.sample(min(len(table), MAX_TABLE_ROWS), random_state=seed)
    return folds(table.drop(columns=[target, *drop], errors="ignore"), table[target], seed)


def folds(X: pd.DataFrame, y: pd.Series, seed: int) -> Parts:
    """Return the training and the new rows of each of five folds."""
    split = KFold(5, shuffle=True, random_state=seed).split(X)
    return [(X.iloc[a], y.iloc[a].to_numpy(float), X.iloc[b], y.iloc[b].to_numpy(float)) for a, b in split]
