"""
A metric learnt from gradients
==============================

y = tanh(2 z₁) cos(z₂) depends on two directions through a link that is not a polynomial. A kernel regression whose
metric is the average outer product of its own gradients finds both directions within a few rounds.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.learners import KernelRegressor, RecursiveFeatureRegressor

rng = np.random.default_rng(0)
frame = np.linalg.qr(rng.standard_normal((20, 2)))[0].T
X, X_new = rng.standard_normal((800, 20)), rng.standard_normal((4000, 20))


def f(X):
    """The target."""
    z = X @ frame.T
    return np.tanh(2 * z[:, 0]) * np.cos(z[:, 1])


model = RecursiveFeatureRegressor(random_state=0).fit(X, f(X))
kernel = KernelRegressor("ntk").fit(X, f(X))
print(f"R²: {model.score(X_new, f(X_new)):.3f}; neural tangent kernel: {kernel.score(X_new, f(X_new)):.3f}")

# %%
# The learnt metric and the projection on the span of the two directions, which it should resemble.
figure, axes = plt.subplots(1, 2, figsize=(8, 3.7), layout="constrained")
truth = frame.T @ frame
for ax, matrix, title in ((axes[0], truth, "projection on the span"), (axes[1], model.metric_, "learnt metric")):
    size = np.abs(matrix).max()
    ax.imshow(matrix, cmap="RdBu_r", vmin=-size, vmax=size)
    ax.set(title=title, xlabel="input", ylabel="input")
plt.show()
