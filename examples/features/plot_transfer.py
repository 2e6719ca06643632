"""
Transfer: a learnt first layer serves a second task
===================================================

The first layer is trained on one task with many samples; `fit_head` then trains only the head on a second task that
depends on the same two directions. The number of samples that the second task needs no longer depends on the
dimension (Damian, Lee, Soltanolkotabi 2022, Theorem 3), although its own expected Hessian is 0, so that a gradient
step would find nothing.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.learners import TwoLayerRegressor

rng = np.random.default_rng(0)
d = 30


def draw(n, task):
    """Inputs and labels of a task."""
    X = rng.standard_normal((n, d))
    a, b = X[:, 0], X[:, 1]
    y = a**2 - b**2 if task == "source" else (a**3 - 3 * a) / 6**0.5 + (b**3 - 3 * b) / 6**0.5
    return X, y + 0.1 * rng.standard_normal(n)


X_new, y_new = draw(10_000, "target")
source = TwoLayerRegressor(1000, random_state=0).fit(*draw(20_000, "source"))

# %%
# Risk is the mean squared error divided by the variance of the labels.
sizes = [64, 128, 256, 512, 1024, 2048]
risks = {"head on the source's first layer": [], "both layers from scratch": []}
for n in sizes:
    X, y = draw(n, "target")
    scratch = TwoLayerRegressor(1000, random_state=0).fit(X, y)
    risks["both layers from scratch"].append(1 - scratch.score(X_new, y_new))
    risks["head on the source's first layer"].append(1 - source.fit_head(X, y).score(X_new, y_new))

figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for label, values in risks.items():
    ax.loglog(sizes, values, "o-", label=label)
ax.set(xlabel="samples of the second task", ylabel="risk", xticks=sizes, xticklabels=sizes)
ax.minorticks_off()
ax.legend(frameon=False)
plt.show()
