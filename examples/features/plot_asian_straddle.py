"""
The direction of an option's price
==================================

One gradient step finds the direction on which the price of an Asian straddle mainly depends. The price has 50
Gaussian inputs, the steps of a random walk. Step i moves the walk on day i and on all later days, so its weight in
the average decreases linearly with i.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.learners import TwoLayerRegressor
from layerwise.targets import AsianStraddle

target = AsianStraddle(50)
X, y = target.sample(2000, random_state=0)
X_new, y_new = target.sample(2000, random_state=1)
model = TwoLayerRegressor(random_state=0).fit(X, y)

# %%
# Left: the first principal direction of the first layer beside the first-order weights of the steps. Right: predictions
# for new samples.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
days = np.arange(50)
slope = (50.0 - days) / np.linalg.norm(50.0 - days)
left.bar(days, model.directions_[0] * np.sign(model.directions_[0] @ slope), label="learnt")
left.plot(days, slope, color="C1", label="first-order weight")
left.set(xlabel="input (day)", ylabel="weight", title="First principal direction of W")
left.legend(frameon=False)
right.scatter(model.predict(X_new), y_new, s=4, alpha=0.4)
right.axline((0, 0), slope=1, color="grey", linewidth=0.8)
right.set(xlabel="predicted", ylabel="price", title=f"New samples, R² = {model.score(X_new, y_new):.2f}")
plt.show()
