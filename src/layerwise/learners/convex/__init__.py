"""F_1 and F_2 (Bach 2017; Lee 2020): the `regressor`, and the path of penalties that F_1 chooses from."""

from layerwise.learners.convex.regressor import ConvexNeuralRegressor

__all__ = ["ConvexNeuralRegressor"]
