"""Objects as parameter values: canonical, checked when the study is defined, built in the trial."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Product, Sum, WhiteKernel
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from throwaway import Features, Mean, Quadratic, bits, small_study

from layerwise.studies import LearnerSpec, Store, Study, StudyError, StudyResult, TargetSpec, run, run_study
from layerwise.studies.trials.provenance import libraries, sources

KERNELS = "sklearn.gaussian_process.kernels"
TOML = f"""
name = "nested"
dims = [3]
n = [40]
seeds = 2
noise = 0.5
n_test = 500

[[targets]]
label = "quadratic"
use = "throwaway.Quadratic"

[[learners]]
label = "pipeline"
use = "sklearn.pipeline.Pipeline"

[learners.params]
steps = [
  ["scale", {{ use = "sklearn.preprocessing.StandardScaler" }}],
  ["features", {{ use = "RandomFeatureRegressor", params = {{ width = 16 }} }}],
]

[[learners]]
label = "transformed"
use = "sklearn.compose.TransformedTargetRegressor"
params.regressor = {{ use = "sklearn.linear_model.Ridge", params = {{ alpha = 0.1 }} }}
params.transformer = {{ use = "sklearn.preprocessing.StandardScaler" }}

[[learners]]
label = "Gaussian process"
use = "sklearn.gaussian_process.GaussianProcessRegressor"

[learners.params]
optimizer = "fmin_l_bfgs_b"
kernel.use = "{KERNELS}.Sum"
kernel.params.k1 = {{ use = "{KERNELS}.RBF", params = {{ length_scale = 2.0 }} }}
kernel.params.k2 = {{ use = "{KERNELS}.WhiteKernel" }}
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(TOML, encoding="utf-8")
    return Study.from_toml(path)


def learner_of(**params):
    """The parameters of a trial whose learner records what it was given."""
    learners = [LearnerSpec(label="a", use=Takes, params=params)]
    return small_study(learners=learners, dims=[3], n=[40], seeds=1).trials()[0]


class Takes(Mean):
    given: list = []  # noqa: RUF012

    def __init__(self, value=None, random_state=None):
        self.value, self.random_state = value, random_state

    def fit(self, X, y):
        Takes.given.append(self)
        return super().fit(X, y)


class Seeded(TransformerMixin, BaseEstimator):
    def __init__(self, random_state=None):
        self.random_state = random_state


def given(trial):
    Takes.given.clear()
    assert run(trial).error is None
    return Takes.given[0]


def test_studies_run_pipelines_and_kernels(study, tmp_path):
    # catches: a table that reaches the learner as a dict; another value in a process, or after a round trip
    with Store(tmp_path / "study.sqlite") as store:
        result = run_study(study, store, workers="processes")
        assert bits(result) == bits(run_study(study)) == bits(StudyResult.from_store(study, store))
    assert result.table["error"].isna().all()
    assert len(result.table) == 6
    assert Study.from_json(study.to_json()) == study
    (tmp_path / "again.toml").write_text(study.to_toml(), encoding="utf-8")
    assert Study.from_toml(tmp_path / "again.toml") == study


def test_the_object_is_the_one_described():
    # catches: parameters of one level given to another, lists of objects left as tables
    rbf = {"use": RBF, "params": {"length_scale": np.float64(2.0)}}
    kernel = {"use": f"{KERNELS}.Product", "params": {"k1": {"use": f"{KERNELS}.WhiteKernel"}, "k2": rbf}}
    found = given(learner_of(value=[kernel, {"plain": [kernel, 1], "use": 1, "other": 2}])).value
    expected = Product(WhiteKernel(), RBF(2.0))
    assert found == [expected, {"plain": [expected, 1], "use": 1, "other": 2}]
    assert found[0] != Sum(WhiteKernel(), RBF(2.0))


def test_one_object_has_one_key():
    # catches: the same trial under two keys, run twice because an object was spelt in two ways
    spellings = [
        {"use": "sklearn.preprocessing.StandardScaler"},
        {"use": "sklearn.preprocessing._data.StandardScaler", "params": {}},
        {"use": StandardScaler},
    ]
    assert len({learner_of(value=[spelling]).key for spelling in spellings}) == 1
    own = [learner_of(value={"use": use}) for use in ("HermiteFeatures", "layerwise.representations.HermiteFeatures")]
    assert len({trial.key for trial in own}) == 1
    assert own[0].learner_params == {"value": {"use": "layerwise.representations.HermiteFeatures", "params": {}}}
    assert json.loads(own[0].definition)["learner_params"] == own[0].learner_params


def test_each_object_has_a_random_state_of_its_own():
    # catches: two layers with equal weights, a given random_state overwritten, one that depends on anything else
    one, other = {"use": Seeded}, {"use": Seeded, "params": {"random_state": 5}}
    trial = learner_of(value=[one, one, other])
    learner = given(trial)
    first, second, third = (item.random_state for item in learner.value)
    assert len({learner.random_state, first, second}) == 3
    assert third == 5
    assert [item.random_state for item in given(trial).value] == [first, second, third]
    assert given(replace(trial, seed=1)).value[0].random_state != first


def test_targets_and_inputs_take_objects(tmp_path):
    # catches: tables built for learners only
    target = TargetSpec(label="t", use=Shifted, params={"base": {"use": Quadratic, "params": {"dim": 3, "slope": 2.0}}})
    study = small_study(targets=[target], dims=[3], n=[40], seeds=1)
    assert run_study(study).table["error"].isna().all()


class Shifted(Quadratic):
    def __init__(self, dim, base, random_state=None):
        assert isinstance(base, Quadratic)
        assert base.slope == 2.0
        super().__init__(dim, random_state=random_state)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"steps": [["a", {"use": "sklearn.Nothing"}]]}, r'params\.steps\[0\]\[1\]\.use: sklearn has no "Nothing"'),
        ({"steps": [["a", {"use": 3}]]}, r"params\.steps\[0\]\[1\]\.use: must be an import path or a class, got 3"),
        ({"steps": [["a", {"use": Mean, "params": 3}]]}, r"params\.steps\[0\]\[1\]\.params: must be a table of par"),
        (
            {"steps": [["a", {"use": "HermiteFeature"}]]},
            r"params\.steps\[0\]\[1\]\.use: no public class of layerwise is .* Did you mean 'HermiteFeatures'",
        ),
        (
            {
                "steps": [
                    ["a", {"use": StandardScaler, "params": {"with_std": {"use": Features, "params": {"wdth": 1}}}}]
                ]
            },
            r"params\.steps\[0\]\[1\]\.params\.with_std\.params\.wdth: .* has no parameter \"wdth\" .* 'width'",
        ),
        ({"steps": [StandardScaler()]}, r"params\.steps\[0\]: StandardScaler\(\) cannot be .* an object is written"),
    ],
)
def test_mistakes_are_found_when_the_study_is_defined(params, message):
    # catches: a misspelt path or parameter that is noticed only when trials fail
    with pytest.raises(StudyError, match=rf"learners\[0\]\.{message}"):
        small_study(learners=[{"label": "a", "use": Pipeline, "params": params}])


def test_source_and_libraries_of_objects_are_recorded():
    # catches: a changed kernel of the user's own that is not noticed, because it is not the learner itself
    trial = learner_of(value=[{"use": Seeded}, {"use": "pandas.Series"}])
    assert set(sources(trial)) >= {f"{__name__}.Seeded"}
    assert "pandas" in json.loads(libraries(trial))


def test_a_kernel_object_gives_the_fit_of_its_python_form(study):
    # catches: a kernel that is built and then ignored
    trial = next(trial for trial in study.trials() if "gaussian_process" in trial.learner)
    params = dict(trial.learner_params)
    expected = GaussianProcessRegressor(RBF(2.0) + WhiteKernel()).get_params()["kernel"]
    from layerwise.studies.trials.run import build

    assert build(trial.learner, "", params, 0).kernel == expected
