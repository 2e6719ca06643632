"""Tangent and quadratic model of a network (Lee 2020): the `regressor`, its Taylor terms, and its SGD with signs."""

from layerwise.learners.quadratic_model.regressor import QuadraticModelRegressor

__all__ = ["QuadraticModelRegressor"]
