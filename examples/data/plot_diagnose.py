"""
What can this table support?
============================

`diagnose` measures a table before anything is fitted: how much of the variance simple models and each Hermite degree
explain, the noise, the directions that stand out from permuted labels, and the rows that each learner needs.
"""

import matplotlib.pyplot as plt
import pandas as pd

from layerwise import diagnose
from layerwise.targets import Fatigue

X, y = Fatigue(12).sample(1500, noise=0.1, random_state=0)
table = pd.DataFrame(X, columns=[f"load_{i}" for i in range(12)])
found = diagnose(table, y)
print(found.summary())

# %%
found.plot()
plt.show()
