"""
F₁ adapts to few directions, F₂ does not
========================================

Infinitely wide networks with a penalty on the sum of absolute output weights (F₁) adapt to a target that depends on
one direction; with a quadratic penalty (F₂) they are a kernel method (Bach 2017). The quadratic activation makes F₁ a
nuclear-norm problem, which is solved to a certified duality gap.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.learners import ConvexNeuralRegressor

rng = np.random.default_rng(0)
X, X_new = rng.standard_normal((250, 20)), rng.standard_normal((4000, 20))
u = np.ones(20) / 20**0.5
y, y_new = (X @ u) ** 2 + 0.1 * rng.standard_normal(250), (X_new @ u) ** 2

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for space, marker in (("F1", "o"), ("F2", "s")):
    model = ConvexNeuralRegressor(space, random_state=0).fit(X, y)
    values = np.sort(np.abs(np.linalg.eigvalsh(model.matrix_)))[::-1]
    ax.plot(values, marker, label=f"{space}: R² = {model.score(X_new, y_new):.2f}")
ax.set(xlabel="index", ylabel="|eigenvalue| of the learnt quadratic form")
ax.legend(frameon=False)
plt.show()
