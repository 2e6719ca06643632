"""
A hidden polynomial and its link
================================

The target is a function of one quadratic polynomial of 16 inputs, itself of degree 6. `HierarchicalRegressor` learns
the polynomial and the link; refinement fits both together.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.learners import HierarchicalRegressor
from layerwise.targets import Hierarchical

target = Hierarchical(16, "quadratic", [0, 1, 0.7, 0.7], rotate=True, random_state=0)
X, y = target.sample(1024, noise=0.1, random_state=1)
X_new, y_new = target.sample(4000, random_state=2)
models = {
    "two stages, as in the paper": HierarchicalRegressor(2, random_state=0),
    "refined": HierarchicalRegressor(2, refine=True, random_state=0),
}

# %%
# Each point is a new sample: the true value of the hidden polynomial, and the value that the learner gives it.
p_new = target.feature(X_new)
figure, axes = plt.subplots(2, 2, figsize=(8, 6.6), layout="constrained")
for (name, model), (top, bottom) in zip(models.items(), axes.T, strict=True):
    model.fit(X, y)
    z = model.feature(X_new)
    correlation = np.corrcoef(z, p_new)[0, 1]
    z = (z - z.mean()) / z.std() * np.sign(correlation)
    top.scatter(p_new, z, s=4, alpha=0.4)
    top.set(xlabel="hidden polynomial", ylabel="learnt feature", title=f"{name}: correlation {abs(correlation):.3f}")
    order = np.argsort(z)
    bottom.scatter(z, y_new, s=4, color="lightgrey", label="target")
    bottom.plot(z[order], model.predict(X_new)[order], color="C1", label="prediction")
    bottom.set(xlabel="learnt feature", ylabel="y", title=f"R² = {model.score(X_new, y_new):.3f}")
    bottom.legend(frameon=False)
plt.show()
