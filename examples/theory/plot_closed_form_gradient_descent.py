"""
T steps of gradient descent in closed form
==========================================

Every head of the learners minimises a quadratic loss, so T steps of gradient descent are a polynomial of the Gram
matrix applied to the labels. From one eigendecomposition, `spectral` gives the iterate for any T; the loop gives the
same numbers. Early stopping acts as a penalty.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.representations import RandomFeatures
from layerwise.solvers import largest_stable_step, literal, spectral

rng = np.random.default_rng(0)
X, X_new = rng.standard_normal((400, 10)), rng.standard_normal((2000, 10))
y, y_new = X[:, 0] * X[:, 1] + 0.5 * rng.standard_normal(400), X_new[:, 0] * X_new[:, 1]
layer = RandomFeatures(1000, random_state=0).fit(X)
features, features_new = layer.transform(X), layer.transform(X_new)
step = largest_stable_step(features) / 2

# %%
# The loop and the closed form at the same T.
loop = literal(features, y, 2000, step)
closed = spectral(features, y, 2000, step, [0.0])[0]
print(f"relative difference after 2000 steps: {np.linalg.norm(loop - closed) / np.linalg.norm(loop):.1e}")

# %%
# Training and test error of any number of steps.
steps = np.unique(np.geomspace(1, 10**6, 40).astype(int))
iterates = np.array([spectral(features, y, int(T), step, [0.0])[0] for T in steps])
figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
ax.semilogx(steps, np.mean((iterates @ features.T - y) ** 2, axis=1), label="training error")
ax.semilogx(steps, np.mean((iterates @ features_new.T - y_new) ** 2, axis=1), label="test error")
ax.set(xlabel="T, steps of gradient descent", ylabel="mean squared error")
ax.legend(frameon=False)
plt.show()
