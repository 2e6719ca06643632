"""
A quadratic feature in the middle layer
=======================================

After one gradient step on its middle layer, a three-layer network has a neuron that follows the quadratic form x'Ax
(Nichani, Damian, Lee 2023). A two-layer network would need a neuron for each direction of A.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.learners import ThreeLayerRegressor
from layerwise.targets import QuadraticFeature

target = QuadraticFeature(16, link="tanh", rotate=True, random_state=0)
figure, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained", sharey=True)
X_new, y_new = target.sample(3000, random_state=2)
for ax, n in zip(axes, (256, 1024, 4096), strict=True):
    X, y = target.sample(n, random_state=1)
    model = ThreeLayerRegressor(random_state=0).fit(X, y)
    phi, p = model.transform(X_new)[:, 0], target.feature(X_new)
    r = np.corrcoef(phi, p)[0, 1]
    ax.scatter(p, np.sign(r) * phi / phi.std(), s=4, alpha=0.4)
    ax.set(xlabel="x'Ax", title=f"n = {n}: correlation {abs(r):.2f}, R² = {model.score(X_new, y_new):.2f}")
axes[0].set_ylabel("learnt feature")
plt.show()
