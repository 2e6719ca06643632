"""Each fault of a table is reported, and a table without faults has no warnings."""

import numpy as np
import pandas as pd
import pytest

from layerwise.diagnosis.sample import prepare, read_arrays
from layerwise.diagnosis.table_warnings import table_warnings, tail_index


def warnings_of(frame, y):
    table = read_arrays(frame, y)
    return {each.kind: each for each in table_warnings(table, prepare(table))}


@pytest.fixture
def clean():
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.standard_normal((300, 5)), columns=list("abcde"))
    return frame, frame["a"].to_numpy() + generator.standard_normal(300)


def test_a_clean_table_has_no_warnings():
    """False alarms: 40 Gaussian and uniform tables."""
    for seed in range(40):
        generator = np.random.default_rng(seed)
        X = generator.standard_normal((300, 8)) if seed % 2 else generator.random((300, 8))
        assert not warnings_of(X, X[:, 0] + generator.standard_normal(300))


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("constant", np.full(300, 7.0)),
        ("identifier", np.arange(300.0) + 1000),
        ("identifier", np.random.default_rng(1).permutation(300) * 1.0),
        ("scale", np.random.default_rng(1).standard_normal(300) * 1e6),
        ("heavy tails", np.exp(2 * np.random.default_rng(1).standard_normal(300))),
        ("heavy tails", np.where(np.arange(300) == 17, 1e4, np.random.default_rng(1).standard_normal(300))),
        ("discrete", np.random.default_rng(1).integers(0, 3, 300) * 1.0),
    ],
)
def test_faults_of_single_columns(clean, kind, column):
    X, y = clean
    found = warnings_of(X.assign(z=column), y)
    assert "z" in found[kind].columns
    assert "z" in found[kind].message
    assert set(found) <= {kind, "scale"}  # an identifier and lognormal values are larger, too


def test_faults_of_several_columns(clean):
    """A copy in other units that is not found; a copy counted as collinearity as well."""
    X, y = clean
    found = warnings_of(X.assign(z=-1.8 * X["b"] + 32), y)
    assert found["duplicate"].message == "z is the same as b up to shift and scale: drop it."
    assert set(found) == {"duplicate"}
    found = warnings_of(X.assign(z=X["a"] + X["b"] + X["c"]), y)
    assert set(found) == {"collinear"}
    assert set(found["collinear"].columns) == {"a", "b", "c", "z"}
    assert "above 1e7" in found["collinear"].message


def test_copies_of_the_target(clean):
    X, y = clean
    assert "a copy" in warnings_of(X.assign(z=2 * y + 1), y)["copy of the target"].message
    assert "monotone" in warnings_of(X.assign(z=-np.exp(y)), y)["copy of the target"].message


def test_the_target(clean):
    X, y = clean
    assert "classification" in warnings_of(X, y > 0)["two-valued target"].message
    assert "4 values" in warnings_of(X, np.digitize(y, [-1, 0, 1]))["discrete target"].message
    assert warnings_of(X, np.exp(2 * y))["heavy tails"].columns == ()
    assert "few rows" in warnings_of(X.iloc[:40], y[:40])


def test_names_with_braces(clean):
    """Names of columns used as format strings."""
    X, y = clean
    X = X.rename(columns={"a": "{a}", "b": "THEY {0}"}).assign(**{"{z}": 1.0})
    assert "{z} is constant: drop it." in warnings_of(X, y)["constant"].message


@pytest.mark.parametrize("index", [0.5, 0.8])
def test_the_tail_index_of_pareto_variables(index):
    """Exponents confused with their inverses; values not centred at the median change it little here.

    Hill's standard error is index / sqrt(k), k = 1000: within 6 of them, and .1 for the shift by the median.
    """
    values = np.random.default_rng(2).pareto(1 / index, 20_000)
    assert abs(tail_index(values) - index) < 6 * index / np.sqrt(1000) + 0.1
