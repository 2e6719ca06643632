"""
Where the variance of a hierarchical polynomial lies
====================================================

A polynomial of degree 3 of a balanced sum of cubic terms has degree 9. Its variance by Hermite degree says what a
kernel method can learn from d, d² or d³ samples, and how much is left. The energies are exact, computed from
generating functions in any dimension.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.targets import Hierarchical

figure, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
degrees = np.arange(10)
for j, d in enumerate((8, 16, 32)):
    target = Hierarchical(d, {"name": "balanced_sum", "degree": 3}, "cube", normalize=True)
    energies = target.degree_energies(9)
    ax.bar(degrees + 0.27 * (j - 1), energies, 0.25, label=f"d = {d}")
ax.set(xlabel="Hermite degree", ylabel="share of E h²", xticks=degrees, title="h = C p³, p a balanced sum of h₃")
ax.legend(frameon=False)
plt.show()
