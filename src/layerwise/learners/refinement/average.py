"""One feature from several: the average of refinements that saw most of the rows each.

Every descent ends at a c that is off by noise of its own, which descents on other rows share in part only. With the
features ``z_v = H c_v - o_v`` brought to one sign and to variance 1 over the rows, by ``a_v``, the average

    z = (1/V) sum_v a_v z_v,   scaled to the variance of the first,

is nearer to the true feature than they are on average, by convexity of the square. The link stays the first one's, of
all rows: those of folds with fewer large labels go astray in the tails.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layerwise.learners.refinement.descent import Candidate
from layerwise.solvers.gram import FeatureBlocks

#: Features less correlated than this with the first are of descents that went elsewhere, and left out.
AGREE = 0.95


def average(features: FeatureBlocks, members: Sequence[Candidate]) -> Candidate:
    """The first member with the average of the features that agree with its own.

    2 n V width flops for features of shape (n_samples, width).
    """
    members = [member for member in members if member.coefficients.any()]
    Z = features @ np.column_stack([member.coefficients for member in members])
    spread = Z.std(axis=0)
    Z = (Z - Z.mean(axis=0)) / spread
    agreement = Z[:, 0] @ Z / len(Z)
    kept = np.flatnonzero(np.abs(agreement) >= AGREE)
    signs = np.sign(agreement[kept])
    weights = spread[0] * signs / spread[kept] / np.std(Z[:, kept] @ signs)
    coefficients = weights @ np.array([members[v].coefficients for v in kept])
    offset = float(weights @ np.array([members[v].offset for v in kept]))
    return members[0]._replace(coefficients=coefficients, offset=offset)
