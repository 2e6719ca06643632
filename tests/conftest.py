"""Shared by all tests."""

import os

# scikit-learn skips one of its estimator checks unless this is set before SciPy is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
# Two test processes with two BLAS threads each on two cores fight: five times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
