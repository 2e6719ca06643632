"""
One gradient step turns neurons towards the hidden direction
=============================================================

Before the step, the neurons of a two-layer network point in random directions, and their overlap with a hidden
direction u in 30 dimensions is small. After a single step of gradient descent on the squared loss, every active
neuron is nearly parallel to u: the gradient is close to ``w'H``, where H is the expected Hessian of the target
(Damian, Lee, Soltanolkotabi 2022, Theorem 1).
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.learners import TwoLayerRegressor
from layerwise.targets import SingleIndex

target = SingleIndex(30, link="he2", rotate=True, random_state=0)
X, y = target.sample(8192, noise=0.1, random_state=1)
model = TwoLayerRegressor(2000, random_state=2).fit(X, y)

# %%
# The overlap of a weight vector w with u is \|w.u\| / \|w\|.
rng = np.random.default_rng(3)
before = rng.standard_normal((2000, 30))
after = model.first_step_.weights_
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for weights, label in ((before, "at initialisation"), (after, "after one step")):
    norms = np.linalg.norm(weights, axis=1)
    overlap = np.abs(weights[norms > 0] @ target.direction) / norms[norms > 0]
    ax.hist(overlap, bins=np.linspace(0, 1, 41), alpha=0.7, label=label)
ax.set(xlabel="overlap with the hidden direction", ylabel="neurons")
ax.legend(frameon=False)
plt.show()
