"""The tolerance at which gradient steps stop learning, against the dimension: a lower bound for correlational queries.

Every gradient is an answer of an oracle that may be wrong by the tolerance, and returns 0 whenever it may. A target
with h_2 and h_4 (Assumption 2 of Damian, Lee, Soltanolkotabi 2022) is learnt at tolerances of order 1/d, the accuracy
of d^2 samples. h_4 alone requires a tolerance far below the bound d^(-p/4) = 1/d of their Theorem 2. Each point is the
largest tolerance at which the median overlap with the direction, of 5 seeds, exceeds 1/2. Writes query_tolerance.png.
Run: python examples/query_tolerance.py
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.targets import SingleIndex
from layerwise.theory import QueryOracle, query_gradient_descent

DIMS = (16, 32, 64, 128)
TARGETS = {"h₂ + h₄": ([0, 0, 0.5**0.5, 0, 0.5**0.5], "#0072B2"), "h₄": ("h4", "#D55E00")}


def overlap(dim, link, tolerance, seed):
    target = SingleIndex(dim, link=link, direction="random", random_state=seed)
    oracle = QueryOracle(target, tolerance)
    w = query_gradient_descent(oracle, max_queries=30 * dim, n_steps=10, random_state=1000 + seed)
    return abs(w @ target.direction)


def largest_tolerance(dim, link):
    tolerance = 8.0 / dim
    while np.median([overlap(dim, link, tolerance, seed) for seed in range(5)]) <= 0.5:
        tolerance /= 2**0.5
    return tolerance


def main():
    figure, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
    dims = np.array(DIMS)
    for label, (link, colour) in TARGETS.items():
        tolerances = np.array([largest_tolerance(dim, link) for dim in DIMS])
        slope = np.polyfit(np.log(dims), np.log(tolerances), 1)[0]
        ax.loglog(dims, tolerances, "o-", color=colour, label=f"{label}: slope {slope:.2f}")
    ax.loglog(dims, 1.0 / dims, color="#8c8c8c", linewidth=0.8, label="1/d, the bound for h₄")
    ax.set(xlabel="dimension d", ylabel="largest tolerance at which it is learnt", xticks=DIMS, xticklabels=DIMS)
    ax.minorticks_off()
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig("query_tolerance.png", dpi=150)


if __name__ == "__main__":
    main()
