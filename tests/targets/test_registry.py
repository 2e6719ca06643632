"""Targets by name."""

import json

import numpy as np
import pytest

import layerwise.targets as targets
from layerwise.targets import SingleIndex, make_target
from layerwise.targets.registry import TARGETS

EXTRA = {"random_tensor": {"random_state": 0}}


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_name_builds_its_class_in_any_spelling(name):
    made = make_target(name, 8, **EXTRA.get(name, {}))
    assert made.dim == 8
    for spelling in (type(made).__name__, name.upper(), name.replace("_", "-")):
        assert type(make_target(spelling, 8)) is type(made)
    assert type(made).__name__ in targets.__all__


def test_names_used_by_the_papers():
    names = "asian_straddle lognormal_pde excess_of_loss fatigue single_index relu_of_quadratic hermite_single_index"
    assert set(names.split()) <= set(TARGETS)


def test_specifications_are_preserved_by_json():
    spec = {
        "name": "hierarchical",
        "dim": 6,
        "feature": {"name": "balanced_sum", "degree": 2, "weights": "ones"},
        "link": [0, 1, 0, 0.5],
        "rotate": True,
        "random_state": 3,
    }
    X = np.random.default_rng(0).standard_normal((5, 6))
    assert np.array_equal(make_target(json.loads(json.dumps(spec)))(X), make_target(spec)(X))
    assert make_target(spec).parameters["link"] == [0, 1, 0, 0.5]


def test_instances_are_returned_unchanged():
    target = SingleIndex(4)
    assert make_target(target) is target
    assert make_target(target, 4) is target


def test_repr():
    assert repr(make_target("single_index", 10, link="he2")) == "SingleIndex(dim=10, link='he2')"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: make_target("single_indx", 5), ValueError, "Did you mean 'single_index'"),
        (lambda: make_target("asian", 5), ValueError, "Did you mean 'asian_straddle'"),
        (lambda: make_target("single_index"), TypeError, "dim=None must be an integer, as SingleIndex"),
        (lambda: make_target("single_index", 5, lnk="relu"), TypeError, "Did you mean 'link'"),
        (lambda: make_target(SingleIndex(4), 5), ValueError, "dim=5 must be 4"),
        (lambda: make_target(SingleIndex(4), link="relu"), TypeError, "built already"),
        (lambda: make_target(3, 5), TypeError, "target=3 must be a name"),
        (lambda: make_target({"dim": 5}), TypeError, "'name'"),
        (lambda: make_target("single_index", 5, link="rellu"), ValueError, "Did you mean 'relu'"),
    ],
)
def test_messages_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()
