"""Merging keeps each trial once, and refuses two different values of one trial."""

import math

import pytest
from throwaway import Features, Mean, small_study

from layerwise.studies import LearnerSpec, Outcome, Store, StoreError, merge_stores, run_study, stored_studies

TRIALS = small_study().trials()
FAILED = Outcome(math.nan, math.nan, "E: no")


@pytest.fixture
def open_store(tmp_path):
    opened = []

    def open_store(name, outcomes=None):
        opened.append(Store(tmp_path / f"{name}.sqlite"))
        opened[-1].add_all([(TRIALS[i], outcome) for i, outcome in (outcomes or {}).items()])
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


def held(store):
    found = store.outcomes(trial.key for trial in TRIALS)
    return {i: found[trial.key] for i, trial in enumerate(TRIALS) if trial.key in found}


def test_two_halves_of_a_study_make_a_whole(open_store):
    # catches: trials lost or run again after merging; a study whose definition is not merged
    first, second, both = (open_store(name) for name in ("first", "second", "both"))
    features = small_study(learners=[LearnerSpec(label="features", use=Features)])
    mean = small_study(name="other", learners=[LearnerSpec(label="mean", use=Mean)])
    run_study(features, first)
    run_study(mean, second, n_jobs=2)
    run_study(features, second)
    merged = merge_stores(both, [first, second])
    assert (merged.added, merged.overlapping, merged.replaced) == (24, 12, 0)
    assert stored_studies(both) == ([features, mean], [])
    ran = []
    whole = small_study(learners=[*features.learners, *mean.learners])
    run_study(whole, both, callback=lambda *call: ran.append(call))
    assert ran == []
    assert merge_stores(both, [first, second]).added == 0


def test_each_trial_is_kept_once(open_store):
    # catches: stores refused for different run times; a success overwritten by a failure, or a failure preferred to it
    here = {0: Outcome(0.5, 1.0, peak_bytes=7), 1: FAILED, 2: Outcome(0.25, 1.0), 3: FAILED}
    there = {0: Outcome(0.5, 2.0), 1: Outcome(0.125, 2.0), 2: FAILED, 3: FAILED, 4: Outcome(1.0, 2.0)}
    into = open_store("into", here)
    merged = merge_stores(into, [open_store("other", there)])
    assert (merged.added, merged.overlapping, merged.replaced) == (1, 3, 1)
    assert held(into) == {**there, 0: here[0], 2: here[2], 3: FAILED}


def test_a_metric_that_one_store_lacks_is_kept(open_store):
    # catches: a machine without an extra refused for what it did not measure; the other machine's value lost
    here = {0: Outcome(0.5, 1.0, peak_bytes=7), 1: Outcome(0.5, 1.0, metrics={"a": 1.0, "b": 2.0}), 2: FAILED}
    there = {0: Outcome(0.5, 2.0, metrics={"a": 0.1}), 1: Outcome(0.5, 2.0, metrics={"a": 1.0}), 2: FAILED}
    third = {0: Outcome(0.5, 3.0, metrics={"a": 0.1, "c": 1 / 3})}
    into = open_store("into", here)
    merged = merge_stores(into, [open_store("there", there), open_store("third", third)])
    assert (merged.added, merged.overlapping, merged.replaced) == (0, 4, 0)
    whole = Outcome(0.5, 1.0, metrics={"a": 0.1, "c": 1 / 3}, peak_bytes=7)
    assert held(into) == {0: whole, 1: here[1], 2: FAILED}
    with pytest.raises(StoreError, match=r"c = 0\.333.* and 0\.25 in"):
        merge_stores(into, [open_store("other", {0: Outcome(0.5, 3.0, metrics={"c": 0.25})})])


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Outcome(math.nextafter(0.5, 1), 1.0, metrics={"m": 1.0}), "risk = 0.5 in .* and 0.5000000000000001 in "),
        (Outcome(0.5, 1.0, metrics={"m": 2.0}), "m = 1.0 in .* and 2.0 in "),
        (Outcome(0.5, 1.0, metrics={"k": 3.0, "m": 2.0}), "m = 1.0 in .* and 2.0 in "),
    ],
)
def test_differing_values_are_refused_by_name(open_store, value, name):
    # catches: two programs' values mixed silently, a difference in the last bit accepted, half a merge
    into = open_store("into", {0: Outcome(0.5, 1.0, metrics={"m": 1.0})})
    fresh, other = open_store("fresh", {1: Outcome(1.0, 1.0)}), open_store("other", {0: value})
    with pytest.raises(StoreError, match=name) as caught:
        merge_stores(into, [fresh, other])
    text = str(caught.value)
    for word in (
        "throwaway.Features on throwaway.Quadratic",
        "dim = 3, n = 40, seed = 0",
        "into.sqlite",
        "other.sqlite",
    ):
        assert word in text
    assert "nothing was merged" in text
    assert list(held(into)) == [0]


def test_stores_that_differ_from_each_other_are_refused(open_store):
    # catches: only pairs with the first store compared
    others = [open_store(str(risk), {0: Outcome(risk, 1.0)}) for risk in (0.5, 0.25)]
    with pytest.raises(StoreError, match=r"risk = 0\.5 in .* and 0\.25 in"):
        merge_stores(open_store("into"), others)


def test_a_conflict_names_the_store_that_measured_the_metric(open_store):
    # catches: a metric of the second store attributed to the first, which never measured it
    names = {"first": {"a": 1.0}, "second": {"a": 1.0, "b": 2.0}, "third": {"a": 1.0, "b": 3.0}}
    stores = [open_store(name, {0: Outcome(0.5, 1.0, metrics=metrics)}) for name, metrics in names.items()]
    for into, others in ((stores[0], stores[1:]), (open_store("into"), stores)):
        with pytest.raises(StoreError, match=r"b = 2\.0 in \S*second\.sqlite .* and 3\.0 in \S*third\.sqlite"):
            merge_stores(into, others)
    assert held(stores[0]) == {0: Outcome(0.5, 1.0, metrics={"a": 1.0})}


def test_resuming_a_merged_store_keeps_studies_of_one_name(open_store):
    # catches: the other machine's half of a study forgotten when the first is resumed
    first, second, both = (open_store(name) for name in ("first", "second", "both"))
    run_study(small_study(dims=[3]), first)
    run_study(small_study(dims=[5]), second)
    merge_stores(both, [first, second])
    for study in stored_studies(both)[0]:
        run_study(study, both)
    assert [study.dims for study in stored_studies(both)[0]] == [(3,), (5,)]
