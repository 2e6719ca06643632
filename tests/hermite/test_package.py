"""The package: public names, and the examples in its docstrings."""

import doctest
import importlib

import pytest

import layerwise.hermite

MODULES = ["degree_kernel", "multivariate", "polynomial", "quadrature", "univariate"]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run_as_written(name):
    """Catches an example whose output is not that of the code."""
    module = importlib.import_module(f"layerwise.hermite.{name}")
    assert doctest.testmod(module).failed == 0


def test_every_public_name_exists_and_is_documented():
    """Catches a name in __all__ that is missing, hidden by a module, or without a docstring."""
    for name in layerwise.hermite.__all__:
        public = getattr(layerwise.hermite, name)
        assert callable(public)
        assert public.__doc__
