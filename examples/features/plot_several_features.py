"""
Two hidden polynomials under one link
=====================================

``y = (p₁ + p₁p₂)/√2`` depends on two quadratic polynomials on disjoint halves of 8 rotated inputs. Wang, Nichani and
Lee (2023) leave several features as an open question. ``n_features=2`` learns both and the surface on them.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.hermite import HermitePolynomial
from layerwise.learners import HierarchicalRegressor
from layerwise.targets import MultiFeature

link = HermitePolynomial([[1, 0], [1, 1]], [0.5**0.5, 0.5**0.5])
target = MultiFeature(8, "quadratic", 2, link=link, rotate=True, random_state=0)
X, y = target.sample(500, random_state=1)
X_new, y_new = target.sample(4000, random_state=2)
model = HierarchicalRegressor(2, n_features=2, random_state=0).fit(X, y)
print(f"R² on new samples: {model.score(X_new, y_new):.3f}")

# %%
# The learnt features span those of the target: each hidden polynomial is nearly a linear function of them.
Z, P = model.transform(X_new), target.transform(X_new)
fitted = Z @ np.linalg.lstsq(Z, P, rcond=None)[0]
figure, axes = plt.subplots(1, 3, figsize=(11, 3.5), layout="constrained")
for j, ax in enumerate(axes[:2]):
    r = np.corrcoef(fitted[:, j], P[:, j])[0, 1]
    ax.scatter(P[:, j], fitted[:, j], s=4, alpha=0.4)
    ax.set(xlabel=f"p{j + 1}", ylabel="from the learnt features", title=f"correlation {r:.3f}")
points = axes[2].scatter(*Z.T[:2], c=model.predict(X_new), s=6, cmap="RdBu_r", vmin=-3, vmax=3)
axes[2].set(xlabel="learnt feature 1", ylabel="learnt feature 2", title="prediction")
figure.colorbar(points, ax=axes[2])
plt.show()
