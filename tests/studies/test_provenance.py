"""Values made from other source are reported, and computed again on request; unused files do not count."""

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
from layerwise.studies.trials import provenance
from layerwise.studies.trials.provenance import UNKNOWN, libraries, sources

OWN = """
import numpy as np
from helper_of_mine import WIDTH, level

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


if __name__ == "__main__":
    SEEDS = 3
"""
HELPER = "WIDTH = 2\ndef level(y):\n    return y.mean()\n"
UNUSED = "x = 1\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.sqlite"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A function that writes and imports a user's modules, and returns a study of the learner `L`."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def written(own=OWN, helper=HELPER, unused=UNUSED, name="L"):
        for module, text in (("own_of_mine", own), ("helper_of_mine", helper), ("unused_of_mine", unused)):
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
        {"own": OWN.replace("SHIFT = 0.0", "SHIFT = 1.0")},  # a constant
        {"own": OWN.replace("np.full(len(X), self.level_)", "np.ones(len(X))")},  # the class itself
        {"own": OWN.replace("level(y) + SHIFT", "level(y) - 1 + SHIFT")},  # its base class
        {"own": OWN.replace("\n\nif", "\nL.predict = Other.predict\n\nif")},  # a method replaced later
        {"helper": HELPER.replace("mean", "max")},  # another file
        {"helper": HELPER.replace("WIDTH = 2", "WIDTH = 3")},  # a constant of another file
    ],
)
def test_changed_code_is_reported_and_run_again_on_request(written, path, change):
    # catches: the value of an earlier version of a learner returned as that of the current one, without a warning
    with Store(path) as store:
        run_study(written(), store)
        run_study(written(), store)  # unchanged: a warning would be an error
        study = written(**change)
        with pytest.warns(UserWarning, match=r"2 trials .* other source of own_of_mine\.L, .*--rerun-changed"):
            run_study(study, store, callback=lambda *_: 1 / 0)
        found = run_study(study, store, rerun_changed=True)
        assert found.outcomes == run_study(study, store, callback=lambda *_: 1 / 0).outcomes
    fresh = run_study(study)
    assert [o.risk for o in found.outcomes.values()] == [fresh.outcomes[key].risk for key in found.outcomes]


@pytest.mark.parametrize(
    "change",
    [
        {"own": OWN.replace("SEEDS = 3", "SEEDS = 4\n    LEARNERS = 5")},
        {"unused": "x = 2"},
    ],
)
def test_what_a_class_does_not_use_does_not_count(written, path, change):
    # catches: trials reported as changed because the grid of a script, or an unrelated file, did
    with Store(path) as store:
        run_study(written(), store)
        run_study(written(**change), store, callback=lambda *_: 1 / 0)


def test_changed_code_that_fails_replaces_the_old_value(written, path):
    # catches: a success of the old code kept where the new code fails
    with Store(path) as store:
        run_study(written(), store)
        run_study(written(OWN.replace("level(y)", "level(no_such)")), store, rerun_changed=True)
        assert [row.outcome.error is None for row in store.rows()] == [False, False]
        store.add(small_study().trials()[0], Outcome(0.5, 0.1))
        store.add(small_study().trials()[0], Outcome(math.nan, math.nan, "of the same source"))
        assert next(iter(store.outcomes([small_study().trials()[0].key]).values())).error is None


def test_two_scripts_with_a_class_of_one_name(tmp_path, path):
    # catches: two scripts that each define L, taken for the same learner
    code = (
        "import sys\nfrom layerwise.studies import LearnerSpec, Store, run_study\nfrom throwaway import Mean, {base}\n"
        "from throwaway import small_study\nclass L({base}): pass\n"
        "with Store(sys.argv[1]) as store:\n"
        "    run_study(small_study(learners=[LearnerSpec(label='l', use=L)], n=[40], dims=[3], seeds=1), store)\n"
    )
    warnings = []
    for base in ("Mean", "Features"):
        (tmp_path / f"{base}.py").write_text(code.format(base=base))
        command = [sys.executable, tmp_path / f"{base}.py", path]
        warnings.append(subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True).stderr)
    assert warnings[0] == ""
    assert "other source of __main__.L" in warnings[1]


def test_a_package_is_followed_through_its_relative_imports(tmp_path, monkeypatch):
    # catches: a changed file of a package that is not noticed; a module that cannot be parsed and ends the study
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
        return digest_of_imported()

    def digest_of_imported(use="package_of_mine.L"):
        return sources(small_study(learners=[LearnerSpec(label="l", use=use)]).trials()[0])[use]

    first = digest()
    assert digest() == digest(unused="x = 2") == first != UNKNOWN
    changes = {"layer": "from .deep import *\ndef f(X, k): return 2", "deep": "depth = 2\nother = 1"}
    assert len({first, *(digest(**{name: text}) for name, text in changes.items())}) == 3
    assert digest(deep="depth = 1\nother = 2") != first
    (package / "deep.py").write_bytes(b"\0\0")
    provenance._digest.cache_clear()
    assert len(digest_of_imported()) == 16


def cell(number, text, namespace):
    """Run a cell of a notebook."""
    name = f"<cell {number}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), namespace)


def test_a_class_defined_again_in_a_notebook(path, monkeypatch):
    # catches: the value of the first definition returned for the second
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
    del linecache.cache["<cell 1>"]  # as for code typed at the prompt
    monkeypatch.setattr(notebook, "L", type("L", (Mean,), {"__module__": "__main__"}))
    assert sources(study.trials()[0])["__main__.L"] == UNKNOWN
    with Store(path) as store, pytest.warns(UserWarning, match=r"__main__\.L, or from unknown source"):
        run_study(study, store)


def test_a_notebook_class_depends_on_the_functions_and_modules_that_it_uses(monkeypatch, written):
    # catches: a changed helper in another cell, or in a file, that is not noticed; any other cell that counts
    written()
    cells = {
        "helpers": "def level(y):\n    return (lambda: inner(y))()\n",
        "inner": "def inner(y):\n    return y.mean()\n",
        "class": "from throwaway import Mean\nfrom own_of_mine import Base\nclass L(Base):\n"
        "    def predict(self, X):\n        return level(X)\n",
        "unused": "x = 1\n",
    }

    def digest(**changes):
        notebook = type(sys)("__main__")
        monkeypatch.setitem(sys.modules, "__main__", notebook)
        for name, text in (cells | changes).items():
            cell(f"{name} {changes}", text, vars(notebook))
        study = small_study(learners=[LearnerSpec(label="l", use=notebook.L)], n=[40], dims=[3], seeds=1)
        return sources(study.trials()[0])["__main__.L"]

    first = digest()
    assert digest(unused="x = 2\n") == first != UNKNOWN
    assert digest(inner="def inner(y):\n    return y.max()\n") != first
    assert digest(helpers="def level(y):\n    return 0 * inner(y)\n") != first
    written(helper=HELPER.replace("mean", "max"))
    assert digest() != first


def test_a_module_imported_during_the_fit_counts_from_the_start(tmp_path, monkeypatch, path):
    # catches: a hash that depends on what has been imported so far, so that unchanged code is reported as changed
    lazy = "from throwaway import Mean\nclass L(Mean):\n    def fit(self, X, y):\n"
    lazy += "        import lazy_helper_of_mine\n        return super().fit(X, y)\n"
    (tmp_path / "lazy_of_mine.py").write_text(lazy)
    (tmp_path / "lazy_helper_of_mine.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    study = small_study(learners=[LearnerSpec(label="l", use="lazy_of_mine.L")], n=[40], dims=[3], seeds=1)
    before = sources(study.trials()[0])
    run_study(study)
    assert "lazy_helper_of_mine" in sys.modules
    provenance._digest.cache_clear()
    assert sources(study.trials()[0]) == before


def test_a_damaged_source_is_reported(path):
    # catches: a traceback where the column does not hold JSON
    study = small_study(n=[40], dims=[3], seeds=1)
    with Store(path) as store:
        run_study(study, store)
        store._database.connection.execute("UPDATE trial SET source = '{x' WHERE rowid = 1")
        with pytest.raises(
            StoreError, match="row 1 of the table trial has a source that is not a JSON object of hashes"
        ):
            run_study(study, store)


def test_rows_say_which_libraries_made_them(path):
    # catches: results that cannot be reproduced, because the version of NumPy is not known
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
