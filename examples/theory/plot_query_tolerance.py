"""
A lower bound for correlational queries
=======================================

Every gradient is an answer of an oracle that may be wrong by a tolerance and returns 0 whenever it may. A target with
h₂ and h₄ (Assumption 2 of Damian, Lee and Soltanolkotabi 2022) is learnt at tolerances of order 1/d, the accuracy of
d² samples. h₄ alone requires a tolerance far below :math:`d^{-p/4} = 1/d`, the bound of their Theorem 2.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.targets import SingleIndex
from layerwise.theory import QueryOracle, query_gradient_descent

dims = np.array([16, 32, 64, 128])
links = {"h₂ + h₄": [0, 0, 0.5**0.5, 0, 0.5**0.5], "h₄": "h4"}


def overlap(dim, link, tolerance, seed):
    """The overlap with the hidden direction after ten steps."""
    target = SingleIndex(dim, link=link, direction="random", random_state=seed)
    w = query_gradient_descent(
        QueryOracle(target, tolerance), max_queries=30 * dim, n_steps=10, random_state=1000 + seed
    )
    return abs(w @ target.direction)


# %%
# Each point is the largest tolerance at which the median overlap of 5 seeds exceeds 1/2.
figure, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
for label, link in links.items():
    tolerances = []
    for dim in dims:
        tolerance = 8.0 / dim
        while np.median([overlap(dim, link, tolerance, seed) for seed in range(5)]) <= 0.5:
            tolerance /= 2**0.5
        tolerances.append(tolerance)
    slope = np.polyfit(np.log(dims), np.log(tolerances), 1)[0]
    ax.loglog(dims, tolerances, "o-", label=f"{label}: slope {slope:.2f}")
ax.loglog(dims, 1.0 / dims, color="grey", linewidth=0.8, label="1/d, the bound for h₄")
ax.set(xlabel="dimension d", ylabel="largest tolerance at which it is learnt", xticks=dims, xticklabels=dims)
ax.minorticks_off()
ax.legend(frameon=False)
plt.show()
