"""Values made from other source than is here now are told, and what a class does not use does not count."""

import json
import linecache
import math
import subprocess
import sys
from dataclasses import replace
from importlib import import_module, invalidate_caches
from importlib.metadata import version

import pytest
from children import ENVIRONMENT
from throwaway import Mean, small_study

from layerwise.studies import LearnerSpec, Outcome, Store, StoreError, run_study
from layerwise.studies.trials.provenance import UNKNOWN, libraries, sources

OWN = """
import numpy as np
from helper_of_mine import UNUSED, WIDTH, level

SEEDS = 3
SHIFT = 0.0


class Base:
    def fit(self, X, y):
        self.level_ = level(y) + SHIFT + 0 * WIDTH
        return self


class L(Base):
    def predict(self, X):
        return np.full(len(X), self.level_)


class Other:
    def fit(self, X, y):
        return self

    def predict(self, X):
        return X[:, 0]
"""
HELPER = "UNUSED = 1\nWIDTH = 2\ndef level(y):\n    return y.mean()\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.sqlite"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a user's two modules and import them anew; a study of the one learner `L`."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def written(own=OWN, helper=HELPER, name="L"):
        for module, text in (("own_of_mine", own), ("helper_of_mine", helper)):
            (tmp_path / f"{module}.py").write_text(text)
            sys.modules.pop(module, None)
        invalidate_caches()
        import_module("own_of_mine")
        return small_study(learners=[LearnerSpec(label="l", use=f"own_of_mine.{name}")], n=[40], dims=[3], seeds=2)

    yield written
    for module in ("own_of_mine", "helper_of_mine"):
        sys.modules.pop(module, None)


@pytest.mark.parametrize(
    "change",
    [
        {"own": OWN.replace("SHIFT = 0.0", "SHIFT = 1.0")},  # what it names
        {"own": OWN.replace("np.full(len(X), self.level_)", "np.ones(len(X))")},  # itself
        {"own": OWN.replace("level(y) + SHIFT", "level(y) - 1 + SHIFT")},  # the class it is a kind of
        {"own": OWN + "\nL.predict = Other.predict\n"},  # what changes it from outside
        {"helper": HELPER.replace("mean", "max")},  # another file
        {"helper": HELPER.replace("WIDTH = 2", "WIDTH = 3")},  # a number of another file
    ],
)
def test_changed_code_is_told_and_run_again_when_asked(written, path, change):
    # catches: the value of a learner as it was yesterday handed out as today's, without a word
    with Store(path) as store:
        run_study(written(), store)
        run_study(written(), store)  # nothing has changed: no warning, which would be an error
        study = written(**change)
        with pytest.warns(UserWarning, match=r"2 trials .* another source of own_of_mine\.L, .*--rerun-changed"):
            run_study(study, store, callback=lambda *_: 1 / 0)
        found = run_study(study, store, rerun_changed=True)
        assert found.outcomes == run_study(study, store, callback=lambda *_: 1 / 0).outcomes
    fresh = run_study(study)
    assert [o.risk for o in found.outcomes.values()] == [fresh.outcomes[key].risk for key in found.outcomes]


@pytest.mark.parametrize(
    "change",
    [
        {"own": OWN.replace("SEEDS = 3", "SEEDS = 4  # a grid")},
        {"own": OWN.replace("X[:, 0]", "X[:, 1]")},  # another learner
        {"helper": HELPER.replace("UNUSED = 1", "UNUSED = 2")},
        {"own": "# of mine\n" + OWN + "\n\nclass New(L):\n    pass\n"},
    ],
)
def test_what_a_class_does_not_use_changes_nothing(written, path, change):
    # catches: a learner added to the file, or a seed, that puts a night's trials in doubt
    with Store(path) as store:
        run_study(written(), store)
        run_study(written(**change), store, callback=lambda *_: 1 / 0)


def test_changed_code_that_fails_does_not_keep_the_old_value(written, path):
    # catches: a success of the old code left in the store under the failure of the new
    with Store(path) as store:
        run_study(written(), store)
        run_study(written(OWN.replace("level(y)", "level(no_such)")), store, rerun_changed=True)
        assert [row.outcome.error is None for row in store.rows()] == [False, False]
        store.add(small_study().trials()[0], Outcome(0.5, 0.1))
        store.add(small_study().trials()[0], Outcome(math.nan, math.nan, "of the same source"))
        assert next(iter(store.outcomes([small_study().trials()[0].key]).values())).error is None


def test_the_same_path_in_two_folders(tmp_path, path):
    # catches: d1/own.py and d2/own.py, or two scripts that each define L, taken for one learner
    code = (
        "import sys\nfrom layerwise.studies import LearnerSpec, Store, run_study\nfrom throwaway import Mean, {base}\n"
        "from throwaway import small_study\nclass L({base}): pass\n"
        "with Store(sys.argv[1]) as store:\n"
        "    run_study(small_study(learners=[LearnerSpec(label='l', use=L)], n=[40], dims=[3], seeds=1), store)\n"
    )
    told = []
    for base in ("Mean", "Features"):
        (tmp_path / f"{base}.py").write_text(code.format(base=base))
        command = [sys.executable, tmp_path / f"{base}.py", path]
        told.append(subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True).stderr)
    assert told[0] == ""
    assert "another source of __main__.L" in told[1]


def test_a_package_is_followed_through_its_relative_imports(tmp_path, monkeypatch):
    # catches: a layer in a file of its own whose change is not seen; a compiled module that ends the study
    package = tmp_path / "package_of_mine"
    package.mkdir()
    texts = {
        "__init__": "from .learner import L",
        "learner": "from . import layer\nfrom .deep import depth as how_deep\nclass L:\n"
        "    def fit(self, X, y): return layer.f(X, how_deep)\n    def predict(self, X): return X[:, 0]",
        "layer": "from .deep import *\ndef f(X, k): return other",
        "deep": "depth = 1\nother = 1",
        "unused": "x = 1",
    }
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def digest(**changes):
        for name in [name for name in sys.modules if name.startswith("package_of_mine")]:
            del sys.modules[name]
        for name, text in (texts | changes).items():
            (package / f"{name}.py").write_text(text)
        invalidate_caches()
        use = "package_of_mine.L"
        return sources(small_study(learners=[LearnerSpec(label="l", use=use)]).trials()[0])[use]

    first = digest()
    assert digest() == digest(unused="x = 2") == first != UNKNOWN
    changes = {"layer": "from .deep import *\ndef f(X, k): return 2", "deep": "depth = 2\nother = 1"}
    assert len({first, *(digest(**{name: text}) for name, text in changes.items())}) == 3
    assert digest(deep="depth = 1\nother = 2") != first
    monkeypatch.setattr("layerwise.studies.trials.provenance._text", lambda *_: "\0\0")
    assert len(digest()) == 16


def cell(number, text, namespace):
    """Run a cell as a notebook does."""
    name = f"<cell {number}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), namespace)


def test_a_class_defined_again_in_a_notebook(path, monkeypatch):
    # catches: the first definition run under the second one's name, and its value taken for it
    notebook = type(sys)("__main__")
    monkeypatch.setitem(sys.modules, "__main__", notebook)
    text = "from throwaway import Mean\nclass L(Mean):\n    def predict(self, X):\n        return 0 * X[:, 0]\n"
    risks = []
    with Store(path) as store:
        for number, shift in enumerate(("0", "1")):
            cell(number, text.replace("return 0", f"return {shift}"), vars(notebook))
            study = small_study(learners=[LearnerSpec(label="l", use=notebook.L)], n=[40], dims=[3], seeds=1)
            risks.append(run_study(study, store, rerun_changed=True).table["risk"][0])
    assert risks[0] != risks[1]
    del linecache.cache["<cell 1>"]  # as of what is typed into an interpreter
    monkeypatch.setattr(notebook, "L", type("L", (Mean,), {"__module__": "__main__"}))
    assert sources(study.trials()[0])["__main__.L"] == UNKNOWN
    with Store(path) as store, pytest.warns(UserWarning, match=r"__main__\.L, or from one that is not known"):
        run_study(study, store)


def test_a_damaged_source_is_told(path):
    # catches: a traceback where the column holds no JSON
    study = small_study(n=[40], dims=[3], seeds=1)
    with Store(path) as store:
        run_study(study, store)
        store._database.connection.execute("UPDATE trial SET source = '{x' WHERE rowid = 1")
        with pytest.raises(StoreError, match="row 1 of the table trial has a source that is no JSON of hashes"):
            run_study(study, store)


def test_rows_say_which_libraries_made_them(path):
    # catches: a night that cannot be repeated, for nobody knows with which NumPy it was run
    study = small_study(n=[40], dims=[3], seeds=1)
    with Store(path) as store:
        run_study(study, store)
        row = next(row for row in store.rows() if row.trial.learner == "sklearn.linear_model.Ridge")
    names = ("numpy", "scipy", "scikit-learn")
    assert json.loads(row.libraries) == {name: version(name) for name in names}
    assert set(json.loads(row.source)) == {"throwaway.Quadratic", "throwaway.Inputs"}
    trial = replace(small_study().trials()[0], learner="pandas.Series")
    assert json.loads(libraries(trial))["pandas"] == version("pandas")
    assert "pandas.Series" not in sources(trial)
