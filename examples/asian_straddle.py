"""The direction that one gradient step finds in an option price: the weight of each step of the random walk.

An Asian straddle on 50 Gaussian inputs depends, to first order, on one direction: input i moves the prices of day i and
of all later days, so its weight in the average decreases linearly with i. The figure shows the learnt direction with
this line, and the predictions for new samples after training on 2,000 samples. Writes asian_straddle.png.
Run: python examples/asian_straddle.py
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.learners import TwoLayerRegressor
from layerwise.targets import AsianStraddle


def main():
    target = AsianStraddle(50)
    X, y = target.sample(2000, random_state=0)
    X_new, y_new = target.sample(2000, random_state=1)
    model = TwoLayerRegressor(random_state=0).fit(X, y)

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    slope = np.arange(50, 0, -1.0)
    slope /= np.linalg.norm(slope)
    left.bar(
        np.arange(50), model.directions_[0] * np.sign(model.directions_[0] @ slope), color="#0072B2", label="learnt"
    )
    left.plot(np.arange(50), slope, color="#D55E00", label="first-order weight")
    left.set(xlabel="input (day)", ylabel="weight", title="First principal direction of W")
    left.legend(frameon=False)
    right.scatter(model.predict(X_new), y_new, s=4, alpha=0.4, color="#0072B2", linewidths=0)
    right.axline((0, 0), slope=1, color="#8c8c8c", linewidth=0.8)
    right.set(xlabel="predicted", ylabel="payoff", title=f"New samples, R² = {model.score(X_new, y_new):.2f}")
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig("asian_straddle.png", dpi=150)


if __name__ == "__main__":
    main()
