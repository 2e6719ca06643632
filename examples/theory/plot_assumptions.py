"""
Does a target satisfy the assumptions?
======================================

`check_assumptions` measures the constants that the theorems assume, for targets of the library and for functions of
one's own; `predicted_samples` states the rate that a theorem then gives.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.targets import Hierarchical, SingleIndex
from layerwise.theory import check_assumptions, predicted_samples

print(check_assumptions(SingleIndex(20, link="h4")))

# %%
# A hierarchical target, and the rates for three learners.
target = Hierarchical(20, {"name": "balanced_sum", "degree": 2})
print(check_assumptions(target))
for learner in ("HierarchicalRegressor", "ThreeLayerRegressor", "KernelRegressor"):
    print(predicted_samples(target, learner))

# %%
# The condition number κ of the expected Hessian, on which the rate of Damian et al. depends, for sums of r ridge
# functions with random directions: it grows as the directions become linearly dependent.
rng = np.random.default_rng(0)
kappas = []
ranks = [1, 2, 4, 8, 12, 16, 20]
for r in ranks:
    W = rng.standard_normal((r, 20)) / 20**0.5
    report = check_assumptions(lambda X, W=W: ((X @ W.T) ** 2).sum(axis=1), dim=20)
    kappas.append(report["kappa"].measured)
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.semilogy(ranks, kappas, "o-")
ax.set(xlabel="number of directions", ylabel="κ")
plt.show()
