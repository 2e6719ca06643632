"""
Transforming the label finds what correlations cannot
=====================================================

The fourth Hermite polynomial of one direction has no moment of low order: from n of order d samples, neither gradient
steps nor moments of y see the direction. Moments of a transformed label do, because the generative exponent of the
target is 2. `MomentRegressor(label_transform="auto")` uses all of them.
"""

import matplotlib.pyplot as plt

from layerwise.learners import MomentRegressor
from layerwise.targets import SingleIndex

target = SingleIndex(80, link="h4", rotate=True, random_state=0)
print(f"information exponent {target.information_exponent}, generative exponent {target.generative_exponent}")
X, y = target.sample(640, noise=0.1, random_state=1)
X_new, y_new = target.sample(3000, random_state=2)

figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained", sharey=True)
for ax, transform, title in ((axes[0], None, "moments of y"), (axes[1], "auto", "moments of transformed y")):
    model = MomentRegressor(label_transform=transform, random_state=0).fit(X, y)
    ax.scatter(X_new @ target.direction, y_new, s=4, color="lightgrey", label="target")
    ax.scatter(X_new @ target.direction, model.predict(X_new), s=4, label="prediction")
    ax.set(xlabel="projection on the hidden direction", title=f"{title}: R² = {model.score(X_new, y_new):.2f}")
    ax.set_ylim(-3, 6)
axes[0].legend(frameon=False, markerscale=3)
plt.show()
