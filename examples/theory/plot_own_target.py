"""
A target and a learner of one's own
===================================

A target is a subclass of `Target` with one method. Its variance, energies by degree and expected Hessian are then
computed numerically, and it can be part of a study by its import path, as can any scikit-learn regressor.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.learners import RandomFeatureRegressor, TwoLayerRegressor
from layerwise.targets import Target


class Ridges(Target):
    """``f(x) = |x_1 + x_2|``."""

    def evaluate(self, Z):
        """Values at the rows of Z."""
        return np.abs(Z[:, 0] + Z[:, 1])


target = Ridges(20)
print(f"variance {target.variance:.3f}, energies by degree {np.round(target.degree_energies(4), 3)}")
print(f"eigenvalues of the expected Hessian: {np.round(np.linalg.eigvalsh(target.expected_hessian())[[0, -1]], 3)}")

# %%
# The risk of one gradient step and of random features, at growing sample sizes.
sizes = [200, 400, 800, 1600, 3200]
X_new = np.random.default_rng(1).standard_normal((10_000, 20))
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for learner in (RandomFeatureRegressor, TwoLayerRegressor):
    risks = []
    for n in sizes:
        X, y = target.sample(n, noise=0.1, random_state=2)
        error = learner(500, random_state=0).fit(X, y).predict(X_new) - target(X_new)
        risks.append(np.mean(error**2) / target.variance)
    ax.loglog(sizes, risks, "o-", label=learner.__name__)
ax.set(xlabel="samples", ylabel="risk", xticks=sizes, xticklabels=sizes)
ax.minorticks_off()
ax.legend(frameon=False)
plt.show()
