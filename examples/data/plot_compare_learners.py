"""
Which learner suits which structure?
====================================

Six learners on four targets with 800 rows. Each target has a structure that one of them is made for; ridge regression
and boosting are the references.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV

from layerwise import learners
from layerwise.targets import Hierarchical, SingleIndex

d, n = 10, 800
rng = np.random.default_rng(0)
X, X_new = rng.standard_normal((n, d)), rng.standard_normal((4000, d))
targets = {
    "linear": lambda X: X[:, 0] + 0.5 * X[:, 1],
    "one direction": SingleIndex(d, link=[0, 0, 0.7, 0.7], rotate=True, random_state=0),
    "function of a quadratic": Hierarchical(d, "quadratic", rotate=True, random_state=0),
    "additive": lambda X: np.sin(2 * X).sum(axis=1) / 2,
}
models = {
    "ridge": RidgeCV(np.logspace(-3, 3, 13)),
    "boosting": HistGradientBoostingRegressor(random_state=0),
    "kernel (NTK)": learners.KernelRegressor("ntk"),
    "two-layer": learners.TwoLayerRegressor(400, random_state=0),
    "moments": learners.MomentRegressor(random_state=0),
    "hierarchical": learners.HierarchicalRegressor(2, refine=True, random_state=0),
}
scores = np.empty((len(models), len(targets)))
for j, f in enumerate(targets.values()):
    y = f(X) + 0.1 * rng.standard_normal(n)
    for i, model in enumerate(models.values()):
        scores[i, j] = model.fit(X, y).score(X_new, f(X_new))

# %%
# R² on new samples.
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.imshow(scores, vmin=0, vmax=1, cmap="Blues", aspect="auto")
ax.set_xticks(range(len(targets)), list(targets))
ax.set_yticks(range(len(models)), list(models))
for (i, j), r2 in np.ndenumerate(scores):
    ax.text(j, i, f"{max(r2, -9):.2f}", ha="center", va="center", color="white" if r2 > 0.6 else "black")
plt.show()
