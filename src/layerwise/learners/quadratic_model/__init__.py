"""Tangent and quadratic model of a wide network (Lee 2020): Taylor terms, and SGD with signed dropout."""

from layerwise.learners.quadratic_model.regressor import QuadraticModelRegressor

__all__ = ["QuadraticModelRegressor"]
