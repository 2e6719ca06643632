"""
Why kernels learn one degree at a time
======================================

The eigenvalues of a dot-product kernel on the sphere fall as d^(-k) with the degree k of their eigenfunctions, so a
kernel needs of order d^k samples to learn degree k. The spectrum of the kernel matrix shows it as plateaus of 1, d
and d(d+1)/2 eigenvalues.
"""

import matplotlib.pyplot as plt
import numpy as np

from layerwise.kernels import ArcCosineKernel, NeuralTangentKernel

rng = np.random.default_rng(0)
d, n = 16, 1500
X = rng.standard_normal((n, d))
X *= d**0.5 / np.linalg.norm(X, axis=1, keepdims=True)
figure, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
kernels = {"arc-cosine (random ReLU features)": ArcCosineKernel(1), "neural tangent": NeuralTangentKernel()}
for label, kernel in kernels.items():
    values = np.linalg.eigvalsh(kernel(X, X))[::-1]
    ax.loglog(np.arange(1, n + 1), values / values[0], label=label)
for count, name in ((1, "1"), (1 + d, "1 + d"), (d * (d + 3) // 2 + 1, "1 + d + d(d+1)/2")):
    ax.axvline(count + 0.5, color="lightgrey", zorder=0)
    ax.text(1.05 * count + 0.5, 0.97, name, transform=ax.get_xaxis_transform(), va="top", color="grey")
ax.set(xlabel="index", ylabel="eigenvalue / largest")
ax.legend(frameon=False, loc="lower left")
plt.show()
