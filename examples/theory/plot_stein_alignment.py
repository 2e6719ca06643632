"""
The approximate Stein lemma, exactly
====================================

For h = g(p) with a polynomial p of degree k that is close to Gaussian, the degree-k part of h is close to E[g'] p.
Stage 1 of layerwise training estimates this part; the theory bounds the difference by d^(-1/2). Hermite algebra gives
it exactly.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.targets import Hierarchical
from layerwise.theory import stein_alignment

dims = [4, 6, 8, 12, 16, 24, 32, 48]
figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for degree in (2, 3):
    feature = {"name": "balanced_sum", "degree": degree}
    found = [stein_alignment(Hierarchical(d, feature, [0, 1, 0.5, 0.5])) for d in dims]
    residuals = np.array([s.residual_norm for s in found])
    slope = np.polyfit(np.log(dims), np.log(residuals), 1)[0]
    ax.loglog(dims, residuals, "o-", label=f"k = {degree}: slope {slope:.2f}")
ax.loglog(dims, 2 * np.array(dims) ** -0.5, color="grey", linewidth=0.8, label="slope -1/2")
ax.set(xlabel="dimension d", ylabel="|P_k h - E[g'] p|", xticks=dims, xticklabels=dims)
ax.minorticks_off()
ax.legend(frameon=False)
plt.show()
