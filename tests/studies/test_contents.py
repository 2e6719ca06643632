"""What a store holds can be read without the file that declared its studies."""

import hashlib
import math

import pytest
from throwaway import Fails, Features, Mean, Quadratic, small_study

from layerwise.studies import (
    LearnerSpec,
    Outcome,
    Store,
    TargetSpec,
    learner_progress,
    merge_stores,
    run_study,
    stored_studies,
    study_titles,
    trial_table,
)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "study.sqlite") as store:
        yield store


def test_a_study_is_read_back_from_its_store(store):
    # catches: a parameter that JSON changes, such as None; trials that are not those of the study
    params = {"width": None, "pause": 0.0, "random_state": 7}
    targets = [TargetSpec(label="a", use=Quadratic), TargetSpec(label="b", use=Quadratic, inputs="Sphere")]
    learners = [
        LearnerSpec(label="é", use=Features, params=params, n={"power": [1, 2]}),
        LearnerSpec(label="m", use=Mean),
    ]
    study = small_study(targets=targets, learners=learners, n=[20], noise=1)
    store.keep_study(study)
    (found,), _ = stored_studies(store)
    assert found == study
    assert [t.key for t in found.trials()] == [t.key for t in study.trials()]


def test_a_study_replaces_the_earlier_one_of_its_name(store):
    # catches: a learner that was removed from the file and reappears on resume
    run_study(small_study(n=[20]), store)
    run_study(small_study(name="other", n=[20]), store)
    run_study(small_study(n=[20], seeds=1), store)
    assert [(study.name, study.seeds) for study in stored_studies(store)[0]] == [("other", 3), ("small", 1)]


def test_a_study_is_kept_before_its_first_trial(store):
    # catches: a run killed in its first trial that cannot be resumed from the store
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(small_study(), store, started=interrupt)
    assert stored_studies(store) == ([small_study()], [])


def test_progress_counts_each_learners_trials(store):
    # catches: failures counted as done, a shared trial counted twice, another study's trials counted here
    twins = [TargetSpec(label=label, use=Quadratic) for label in ("a", "b")]
    learners = [
        LearnerSpec(label="fails", use=Fails, params={"above": 100}),
        LearnerSpec(label="mean", use=Mean),
        LearnerSpec(label="late", use=Features),
    ]
    run_study(small_study(learners=learners[:2], seeds=2), store)
    run_study(small_study(learners=learners[2:], seeds=5, dims=[4]), store)
    found = learner_progress(small_study(targets=twins, learners=learners), store)
    assert [(p.learner, p.done, p.failed, p.remaining) for p in found] == [
        ("fails", 4, 4, 4),
        ("mean", 8, 0, 4),
        ("late", 0, 0, 12),
    ]
    assert [len(p.versions) for p in found] == [1, 1, 0]


def test_the_table_has_one_row_per_trial(store):
    # catches: a table that needs a study; metrics, failures or parameters left out
    trials = small_study().trials()
    store.add(trials[0], Outcome(1 / 3, 0.1, metrics={"overlap": 0.5}, peak_bytes=2**33))
    store.add(trials[1], Outcome(math.nan, math.nan, "E: no"))
    table = trial_table(store)
    assert list(table["key"]) == [trials[0].key, trials[1].key]
    assert table.loc[0, ["risk", "overlap", "peak_bytes", "n", "learner_params"]].tolist() == [
        *(1 / 3, 0.5, 2**33, 40),
        '{"width":32}',
    ]
    assert table["error"].isna().tolist() == [True, False]
    assert table["error"][1] == "E: no"
    assert math.isnan(table["overlap"][1])


def test_a_row_has_the_labels_of_the_first_study_that_names_it(store):
    # catches: an export in which only import paths identify a learner; a shared trial exported twice
    learners = [LearnerSpec(label="one", use=Mean), LearnerSpec(label="wide", use=Features, params={"width": 8})]
    run_study(small_study(learners=learners, n=[20], dims=[3], seeds=1), store)
    again = [LearnerSpec(label="other name", use=Mean)]
    run_study(small_study(name="second", learners=again, n=[20, 30], dims=[3], seeds=1), store)
    store.add(small_study(n=[99]).trials()[0], Outcome(0.5, 0.1))
    table = trial_table(store)
    labels = table[["study", "target_label", "learner_label"]]
    assert sorted(labels.dropna().itertuples(index=False, name=None)) == [
        ("second", "quadratic", "other name"),
        ("small", "quadratic", "one"),
        ("small", "quadratic", "wide"),
    ]
    assert labels.iloc[-1].isna().all()
    assert len(table) == 4


def test_an_empty_store_has_an_empty_table(store):
    # catches: an index error where there is nothing yet
    assert len(trial_table(store)) == 0
    assert stored_studies(store) == ([], [])


def test_a_study_whose_classes_are_missing_is_reported(store):
    # catches: a traceback for a module that is missing on this machine; the store's other studies refused with it
    run_study(small_study(name="lost", learners=[LearnerSpec(label="f", use=Fails)], n=[20], dims=[3]), store)
    run_study(small_study(n=[20], dims=[3]), store)
    text = store.studies()[0].definition.replace("throwaway.Fails", "gone.Fails")
    key = hashlib.sha256(text.encode()).hexdigest()
    store._database.connection.execute("UPDATE study SET definition = ?, key = ? WHERE name = 'lost'", [text, key])
    studies, (error,) = stored_studies(store)
    assert studies == [small_study(n=[20], dims=[3])]
    assert str(error).startswith('study "lost": learners[0].use: cannot import "gone.Fails"')


def test_studies_of_one_name_are_told_apart(tmp_path, store):
    # catches: two sections, or rows of two studies, that nothing distinguishes after a merge
    first, second = small_study(dims=[3], n=[20], seeds=1), small_study(dims=[5], n=[20], seeds=1)
    with Store(tmp_path / "other.sqlite") as other:
        run_study(first, store)
        run_study(second, other)
        merge_stores(store, [other])
    run_study(small_study(name="alone", n=[20], dims=[4], seeds=1), store)
    keys = [hashlib.sha256(study.to_json().encode()).hexdigest()[:8] for study in (first, second)]
    titles = [f"small ({keys[0]})", f"small ({keys[1]})", "alone"]
    assert study_titles(store.studies()) == study_titles(stored_studies(store)[0]) == titles
    assert dict(zip(trial_table(store)["dim"], trial_table(store)["study"], strict=True)) == dict(
        zip((3, 5, 4), titles, strict=True)
    )
