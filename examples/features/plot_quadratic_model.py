"""
Signed dropout keeps the quadratic term
=======================================

Training with random signs on the neurons cancels the linear (tangent kernel) term of a wide network and leaves the
quadratic one (Bai, Lee 2019; Lee 2020). The size of both terms during training, with and without random signs:
"""

import matplotlib.pyplot as plt

from layerwise.learners import QuadraticModelRegressor
from layerwise.targets import LowRankPolynomial

target = LowRankPolynomial(10, degree=4, rank=1, rotate=True, random_state=0)
X, y = target.sample(1500, noise=0.1, random_state=1)

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
for ax, signed in zip(axes, (False, True), strict=True):
    model = QuadraticModelRegressor(dynamics="network", width=1024, signed_dropout=signed, max_epochs=60)
    model.set_params(random_state=0).fit(X, y)
    epochs = model.history_[1:]
    for order in ("first_order", "second_order"):
        ax.semilogy([epoch[order] for epoch in epochs], label=order.replace("_", " ") + " term")
    ax.set(xlabel="epoch", title="random signs" if signed else "fixed signs")
axes[0].set_ylabel("root mean square over the rows")
axes[0].legend(frameon=False)
plt.show()
