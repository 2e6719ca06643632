"""The average of the features of several descents, each fitted to most of the rows.

The c at which a descent ends has an error due to noise, which descents on other rows share only in part. With the
features ``z_v = H c_v - o_v`` brought to one sign and, by factors ``a_v``, to variance 1 over the rows, the average

    z = (1/V) sum_v a_v z_v,   scaled to the variance of the first,

is closer to the true feature than they are on average, because the square is convex. The link remains that of the
first, fitted to all rows: links of folds with fewer large labels are unreliable in the tails.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layerwise.solvers.gauss_newton.descent import Candidate
from layerwise.solvers.gram import FeatureBlocks

#: Features less correlated than this with the first come from descents that ended elsewhere; they are left out.
MIN_CORRELATION = 0.95


def average_features(features: FeatureBlocks, members: Sequence[Candidate]) -> Candidate:
    """Return the first member with the average of the features that agree with its own.

    2 n V width flops for V members and features of shape (n_samples, width).
    """
    members = [member for member in members if member.coefficients.any()]
    Z = features @ np.column_stack([member.coefficients for member in members])
    spread = Z.std(axis=0)
    Z = (Z - Z.mean(axis=0)) / spread
    correlations = Z[:, 0] @ Z / len(Z)
    kept = np.flatnonzero(np.abs(correlations) >= MIN_CORRELATION)
    signs = np.sign(correlations[kept])
    weights = spread[0] * signs / spread[kept] / np.std(Z[:, kept] @ signs)
    coefficients = weights @ np.array([members[v].coefficients for v in kept])
    offset = float(weights @ np.array([members[v].offset for v in kept]))
    return members[0]._replace(coefficients=coefficients, offset=offset)
