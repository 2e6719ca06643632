"""
What a table contains
=====================

`LayerwiseRegressor` compares the learners of the library with ridge regression, boosting and other baselines, and
describes what it found. Here the label is a function of one quadratic polynomial of ten inputs, with noise.
"""

import matplotlib.pyplot as plt
import pandas as pd

from layerwise import LayerwiseRegressor
from layerwise.learners.automatic import StructureDisplay
from layerwise.targets import Hierarchical

target = Hierarchical(10, "quadratic", [0, 1, 0, 0.5], rotate=True, random_state=0)
X, y = target.sample(800, noise=0.1, random_state=1)
table = pd.DataFrame(X, columns=[f"input {i}" for i in range(10)])
model = LayerwiseRegressor(random_state=0).fit(table, y)
print(model.structure_)

# %%
# Candidates by R² out of fold, and the weight of each in the prediction.
print(model.scores_[["candidate", "r2", "standard_error", "weight"]].round(3).to_string())

# %%
# The link, the loadings, the degree spectrum of the data, and the scores.
StructureDisplay.from_estimator(model, table, y)
plt.show()
