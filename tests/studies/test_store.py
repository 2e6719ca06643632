"""The store returns what was stored bit for bit, and stores all of a batch or nothing."""

import math
import sqlite3
import struct

import pytest
from throwaway import small_study

from layerwise.studies import Outcome, Store, run_study

TRIALS = small_study().trials()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "er" / "study.sqlite"


def test_outcomes_come_back_bit_for_bit(path):
    # catches: floats converted to text, NaN that becomes 0, a lost error message
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 1.0, 0.0, math.pi * 1e-17]
    stored = {trial.key: Outcome(value, value) for trial, value in zip(TRIALS, values, strict=False)}
    with Store(path) as store:
        for trial in TRIALS[: len(values)]:
            store.add(trial, stored[trial.key])
        store.add(TRIALS[-1], Outcome(math.nan, math.nan, 'Error: "é"\nand more'))
    with Store(path) as store:
        found = store.outcomes([trial.key for trial in TRIALS])
    failed = found.pop(TRIALS[-1].key)
    assert math.isnan(failed.risk)
    assert math.isnan(failed.fit_seconds)
    assert failed.error == 'Error: "é"\nand more'
    assert {key: struct.pack("d", o.risk) for key, o in found.items()} == {
        key: struct.pack("d", o.risk) for key, o in stored.items()
    }


def test_readers_see_a_row_once_it_is_added(path):
    # catches: outcomes held back in an open transaction; readers locked out while a study runs
    with Store(path) as writer, Store(path) as reader:
        for i, trial in enumerate(TRIALS):
            writer.add(trial, Outcome(float(i), 0.0))
            assert len(reader.outcomes(t.key for t in TRIALS)) == i + 1


def test_a_row_holds_its_definition_and_its_version(path):
    # catches: a store that can only be read together with the study
    with Store(path) as store:
        store.add(TRIALS[0], Outcome(0.5, 0.1))
        connection = sqlite3.connect(path)
        key, definition, version, finished = connection.execute(
            "SELECT key, definition, version, finished FROM trial"
        ).fetchone()
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.close()
    assert (key, definition) == (TRIALS[0].key, TRIALS[0].definition)
    assert version
    assert finished.endswith("+00:00")


def test_a_later_outcome_replaces_the_earlier(path):
    # catches: a retried trial that stays failed
    with Store(path) as store:
        store.add(TRIALS[0], Outcome(math.nan, math.nan, "E"))
        store.add(TRIALS[0], Outcome(0.5, 0.1))
        assert store.outcomes([TRIALS[0].key]) == {TRIALS[0].key: Outcome(0.5, 0.1)}


def test_a_success_is_never_replaced_by_a_failure(path):
    # catches: a value lost to a second run of the same trial that ran out of memory
    with Store(path) as store:
        store.add(TRIALS[0], Outcome(0.5, 0.1))
        store.add(TRIALS[0], Outcome(math.nan, math.nan, "MemoryError"))
        assert store.outcomes([TRIALS[0].key]) == {TRIALS[0].key: Outcome(0.5, 0.1)}


def test_metrics_come_back_bit_for_bit(path):
    # catches: a metric rounded on its way through JSON
    outcome = Outcome(0.5, 0.1, metrics={"feature_correlation": 1 / 3, "subspace_overlap": 5e-324})
    with Store(path) as store:
        store.add(TRIALS[0], outcome)
    with Store(path) as store:
        assert store.outcomes([TRIALS[0].key]) == {TRIALS[0].key: outcome}


def test_several_rows_or_none(path):
    # catches: half of a batch on disk, which the runner would take for the whole; a transaction left open by Ctrl-C
    def interrupted():
        yield TRIALS[0], Outcome(0.5, 0.1)
        raise KeyboardInterrupt

    with Store(path) as store:
        with pytest.raises(KeyboardInterrupt):
            store.add_all(interrupted())
        assert store.outcomes([TRIALS[0].key]) == {}
        store.add_all([(trial, Outcome(0.5, 0.1)) for trial in TRIALS])
        assert len(store.outcomes(trial.key for trial in TRIALS)) == len(TRIALS)


def test_many_keys_at_once(path):
    # catches: a query with more variables than SQLite allows
    with Store(path) as store:
        store.add(TRIALS[0], Outcome(0.5, 0.1))
        assert list(store.outcomes([*map(str, range(40_000)), TRIALS[0].key])) == [TRIALS[0].key]


def test_rows_of_another_version_are_reported(path):
    # catches: values of an older version presented as those of the present one
    with Store(path) as store:
        for trial in TRIALS[:2]:
            store.add(trial, Outcome(0.5, 0.1))
        assert store.other_versions(t.key for t in TRIALS) == set()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE trial SET version = '0.0.1' WHERE key = ?", [TRIALS[0].key])
    connection.commit()
    connection.close()
    with Store(path) as store:
        assert store.other_versions(t.key for t in TRIALS) == {"0.0.1"}
        assert store.other_versions([TRIALS[1].key]) == set()
        with pytest.warns(UserWarning, match=r"made by layerwise 0\.0\.1.*another store"):
            run_study(small_study(), store)
