"""
Nothing is found where there is nothing
=======================================

A learner that always reports a direction is of no use. `MomentRegressor` compares the eigenvalues of its moment
matrices with those for permuted labels: on a table whose labels do not depend on the inputs, its rank is 0.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.learners import MomentRegressor

rng = np.random.default_rng(0)
X = rng.standard_normal((1000, 20))
y = (X[:, 0] + X[:, 1]) ** 2 / 2 + 0.5 * rng.standard_normal(1000)
figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.6), layout="constrained", sharey=True)
for ax, labels, title in ((axes[0], y, "labels"), (axes[1], rng.permutation(y), "permuted labels")):
    model = MomentRegressor(random_state=0).fit(X, labels)
    values = np.abs(model.eigenvalues_[2])
    ax.plot(values, "o")
    ax.axhline(model.null_[2], color="grey", linewidth=0.8, label="largest of 19 permutations")
    ax.set(xlabel="index", title=f"{title}: rank {model.rank_}")
axes[0].set_ylabel("|eigenvalue| of the second moment")
axes[0].legend(frameon=False)
plt.show()
