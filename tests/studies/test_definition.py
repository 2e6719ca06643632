"""The definition of a study: equivalent Python and TOML forms, and errors that name the key and the remedy."""

import re

import numpy as np
import pytest
from throwaway import Features, Inputs, Mean, Quadratic, small_study

from layerwise.studies import LearnerSpec, Sizes, Study, StudyError, TargetSpec

TOML = """
name = "small"
dims = [3, 5]
n = [40, 160]
seeds = 3
noise = 1
inputs = "throwaway.Inputs"
inputs_params = { scale = 2.0 }

[[targets]]
label = "quadratic"
use = "throwaway.Quadratic"
params = { slope = 0.5 }

[[learners]]
label = "features"
use = "throwaway.Features"
n = [40]

[[learners]]
label = "ridge"
use = "sklearn.linear_model.Ridge"
params = { alpha = 0.1 }
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "study.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_toml_and_python_define_equal_studies(write):
    # catches: a key that has different names or defaults in the two forms
    python = Study(
        name="small",
        targets=[TargetSpec(label="quadratic", use=Quadratic, params={"slope": 0.5})],
        learners=[
            LearnerSpec(label="features", use=Features, n=[40]),
            LearnerSpec(label="ridge", use="sklearn.linear_model.Ridge", params={"alpha": 0.1}),
        ],
        dims=[np.int64(3), 5],
        n=np.array([40, 160]),
        seeds=3,
        noise=1,
        inputs=Inputs,
        inputs_params={"scale": np.float64(2)},
    )
    assert Study.from_toml(write(TOML)) == python


def test_round_trip_through_toml(write):
    # catches: a value that is dropped or rounded, a label that is not escaped
    params = {"x": [1, 2.5, 1e-17], "deep": {"é": 'quote " \\ and\nline', "flag": True}, "i": 2**40, "f": 1.0}
    study = small_study(
        name='a "name"', noise=0.1, targets=[TargetSpec(label="<b>$x$</b>", use=anything_goes, params=params)]
    )
    again = Study.from_toml(write(study.to_toml()))
    assert again == study
    assert [t.key for t in again.trials()] == [t.key for t in study.trials()]


def anything_goes(dim, **params):
    return Quadratic(dim)


def test_one_class_has_one_path():
    # catches: one trial with two keys, run twice because its import path was written in two ways
    from sklearn.linear_model import Ridge

    spellings = ["sklearn.linear_model.Ridge", "sklearn.linear_model._ridge.Ridge", Ridge]
    assert {LearnerSpec(label="a", use=use).use for use in spellings} == {"sklearn.linear_model.Ridge"}


def test_trials_follow_the_order_of_the_definition():
    # catches: the n of one learner ignored, or applied to other learners
    cells = [(learner, t.dim, t.n, t.seed) for _, learner, t in small_study(seeds=1).cells()]
    assert cells == [
        *(("features", d, n, 0) for d in (3, 5) for n in (40, 160)),
        *(("ridge", d, 40, 0) for d in (3, 5)),
    ]


def test_a_target_may_have_its_own_inputs():
    # catches: the study's inputs used instead, or their parameters mixed with the target's
    targets = [
        TargetSpec(label="own", use=Quadratic, inputs="Sphere"),
        TargetSpec(label="scaled", use=Quadratic, inputs=Inputs, inputs_params={"scale": 2.0}),
        TargetSpec(label="study's", use=Quadratic),
    ]
    study = small_study(targets=targets, dims=[3], seeds=1, n=[40], inputs=Inputs, inputs_params={"scale": 3.0})
    found = {target: (trial.inputs, trial.inputs_params) for target, _, trial in study.cells()}
    ours = "throwaway.Inputs"
    assert found == {"own": ("Sphere", {}), "scaled": (ours, {"scale": 2.0}), "study's": (ours, {"scale": 3.0})}
    with pytest.raises(StudyError, match="inputs_params: are given without inputs"):
        TargetSpec(label="a", use=Quadratic, inputs_params={"scale": 2.0})


def test_labels_do_not_affect_the_trial():
    # catches: a learner run again after its label has changed, or run twice for two labels
    twice = [LearnerSpec(label=label, use=Mean) for label in ("a", "b")]
    study = small_study(learners=twice)
    assert len(study.trials()) == 12
    assert len(list(study.cells())) == 24


def test_sample_sizes_may_depend_on_the_dimension(write):
    # catches: a table of sizes evaluated at the wrong dimension, or written to TOML as a list
    text = TOML.replace("n = [40, 160]", "n = { times = [1, 2.5], power = 2 }")
    study = Study.from_toml(write(text.replace("n = [40]", "n = { times = 10, degree = 2 }")))
    sizes = {(learner, trial.dim, trial.n) for _, learner, trial in study.cells()}
    assert sizes == {
        *(("features", 3, 100), ("features", 5, 210)),
        *(("ridge", 3, 9), ("ridge", 3, 22), ("ridge", 5, 25), ("ridge", 5, 62)),
    }
    again = Study.from_toml(write(study.to_toml()))
    assert again == study == Study.from_json(study.to_json())
    assert again.n == Sizes(times=(1, np.float64(2.5)), power=np.int64(2))


def test_sizes_follow_their_laws():
    # catches: factors and exponents interchanged, a factor or exponent that does not default to 1
    assert Sizes(times=[1, 2, 4]).at(5) == [5, 10, 20]
    assert Sizes(power=[1, 1.5, 2]).at(16) == [16, 64, 256]
    assert Sizes(times=0.5, power=[2, 3]).at(4) == [8, 32]
    assert Sizes(times=[2, 4], degree=3).at(2) == [20, 40]  # C(5, 3) = 10


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("n = [40, 160]", 'n = "d^2"', r"n: must be a list such as \[100, 200\], or a table such as .*, got 'd\^2'"),
        ("n = [40]", "n = 40", r"learners\[0\]\.n: must be a list .*, got 40"),
        ("n = [40, 160]", "n = { times = [1, 2], power = [1, 2] }", "n: times and power are both lists"),
        ("n = [40, 160]", "n = { power = 2, degree = 2 }", "n: power and degree exclude each other"),
        ("n = [40, 160]", "n = { tiems = 2 }", r"n\.tiems: there is no such key\. Did you mean 'times'\?"),
        ("n = [40, 160]", "n = { times = [] }", r"n\.times: is empty"),
        ("n = [40, 160]", "n = { times = [1, -1] }", r"n\.times\[1\]: must be greater than 0, got -1"),
        ("n = [40, 160]", 'n = { power = "2" }', r"n\.power\[0\]: must be a valid number, got '2'"),
        ("n = [40, 160]", "n = { times = 0.001 }", "n: times=0.001, power=1 gives n = 0 at dim = 3; sizes must be pos"),
        ("n = [40, 160]", "n = { power = [700] }", r"n: times=1, power=700 gives an n of 2\^63 or more at dim = 3"),
        ("n = [40]", "n = { power = 60 }", r"learners\[0\]\.n: times=1, power=60 gives an n of 2\^63 or more at dim"),
        (
            "n = [40, 160]",
            "n = { times = [1, 2, 1.01] }",
            r"n: \(times=1, power=1\) and \(times=1\.01, power=1\) both give n = 3 at dim = 3; sizes must differ",
        ),
        ("seeds = 3", "sedes = 3", r"study\.toml: sedes: there is no such key\. Did you mean .seeds.\?"),
        ("seeds = 3", "", "seeds: is missing"),
        ("seeds = 3", 'seeds = "3"', "seeds: must be a valid integer, got '3'"),
        ("seeds = 3", "seeds = true", "seeds: must be a valid integer, got True"),
        ("seeds = 3", "seeds = 0", "seeds: must be greater than 0, got 0"),
        ("dims = [3, 5]", "dims = []", "dims: is empty"),
        ("dims = [3, 5]", "dims = 3", r"dims: must be a list such as \[3\], got 3"),
        ("dims = [3, 5]", 'dims = "3"', r"dims: must be a list such as \['3'\], got '3'"),
        ("[[targets]]", "[targets]", r"targets: must be a list of tables; in TOML, write \[\[targets\]\]"),
        ("n = [40, 160]", "n = [9223372036854775808]", r"n\[0\]: must be less than 9223372036854775808"),
        ("dims = [3, 5]", "dims = [3, 3]", "dims: 3 is repeated"),
        ("n = [40, 160]", "n = [40, 160.5]", r"n\[1\]: must be a valid integer, got 160.5"),
        ("noise = 1", "noise = -1", "noise: must be greater than or equal to 0"),
        ("noise = 1", "noise = nan", "noise: must be a finite number"),
        ("noise = 1", 'noise_distribution = "cauchy"', "noise_distribution: must be 'gaussian' or 'rademacher'"),
        ('label = "ridge"', 'label = "features"', r'learners\[1\]\.label: "features" is already taken'),
        ('label = "ridge"', 'label = ""', r"learners\[1\]\.label: is empty"),
        ('label = "ridge"', 'lable = "ridge"', r"learners\[1\]\.lable: there is no such key\. Did you mean .label."),
        (
            "alpha = 0.1",
            "alhpa = 0.1",
            r"study\.toml: learners\[1\]\.params\.alhpa: .* \"alhpa\" .* Did you mean 'alpha'",
        ),
        (
            "alpha = 0.1",
            "alpha = 1979-05-27",
            r"learners\[1\]\.params\.alpha: datetime.*cannot be written as plain data",
        ),
        ("alpha = 0.1", "alpha = inf", r"learners\[1\]\.params\.alpha: inf cannot be written as plain data"),
        ("slope = 0.5", "dim = 3", r'targets\[0\]\.params\.dim: .*no parameter "dim" that can be set here'),
        ("linear_model.Ridge", "linear_model.Rigde", r'learners\[1\]\.use: sklearn.linear_model has no "Rigde"\. Did'),
        ("linear_model.Ridge", "linear_modle.Ridge", r'learners\[1\]\.use: cannot import "sklearn.linear_modle.Ridge"'),
        ("linear_model.Ridge", "linear_modle.Ridge", r"Did you mean .sklearn\.linear_model.\? Give"),
        (
            "throwaway.Inputs",
            "throwawy.Inputs",
            r'inputs: cannot import "throwawy.Inputs" .* Did you mean .throwaway.\?',
        ),
        (
            "sklearn.linear_model.Ridge",
            "os.getcwd",
            r'learners\[1\]\.use: "\w+.getcwd" has no method fit or predict; a learner must',
        ),
        (
            "sklearn.linear_model.Ridge",
            "pathlib.Path",
            r'"pathlib.Path" has no method fit or predict; a learner must have fit and predict\.',
        ),
        (
            "throwaway.Quadratic",
            "throwaway.Mean",
            r'targets\[0\]\.use: "throwaway.Mean" has no method sample; a target must',
        ),
        (
            "throwaway.Inputs",
            "throwaway.Mean",
            r'inputs: "throwaway.Mean" has no method sample; a distribution of inputs must',
        ),
        (
            "throwaway.Quadratic",
            "throwaway.CALLS",
            r'targets\[0\]\.use: "throwaway.CALLS" is of type list; it must be a class',
        ),
        ("throwaway.Inputs", "throwaway.Inputz", r'inputs: throwaway has no "Inputz"\. Did you mean .Inputs.'),
        (
            "scale = 2.0",
            "scal = 2.0",
            r"study\.toml: inputs_params\.scal: .*no parameter .scal. .* Did you mean 'scale'",
        ),
        ("seeds = 3", "seeds = ", r"study\.toml: is not valid TOML .*line 5"),
    ],
)
def test_mistakes_get_one_message(write, old, new, message):
    # catches: pydantic's own report, a message without key or file, an error that is raised only when trials run
    assert old in TOML
    path = write(TOML.replace(old, new))
    with pytest.raises(StudyError, match=message) as caught:
        Study.from_toml(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert not re.search("pydantic|validation error", text, re.IGNORECASE)


def test_a_byte_order_mark_is_accepted(tmp_path):
    # catches: a file with a byte order mark, as some Windows editors write it, refused as invalid TOML
    path = tmp_path / "study.toml"
    path.write_text(TOML, encoding="utf-8-sig")
    assert Study.from_toml(path).name == "small"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("def learner(:", "SyntaxError"),
        ("raise RuntimeError('no\\ndevice')", r"RuntimeError \(no device\)"),
        ("raise SystemExit('bye')", r"SystemExit \(bye\)"),
        ("import not_there", "No module named 'not_there'"),
    ],
)
def test_a_module_that_cannot_be_imported(tmp_path, monkeypatch, content, error):
    # catches: a traceback or a silent exit when a user's module raises an exception or exits on import
    (tmp_path / "broken_module.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StudyError, match=f"use: .*broken_module.*{error}") as caught:
        LearnerSpec(label="a", use="broken_module.Learner")
    assert "\n" not in str(caught.value)


def test_bare_names_are_looked_up_in_the_library():
    # catches: a bare name imported as a module, or an unhelpful error for a misspelt one
    with pytest.raises(StudyError, match=r"(?s)use: .*layerwise\.learners"):
        LearnerSpec(label="a", use="TwoLayerRegresor")


def test_what_cannot_be_written_or_imported_is_refused(tmp_path):
    # catches: None written as another value; a local class accepted although a resumed run cannot import it
    study = small_study(learners=[LearnerSpec(label="a", use=Features, params={"random_state": None})])
    with pytest.raises(StudyError, match=r"learners\[0\]\.params\.random_state: is None"):
        study.to_toml()

    class Local(Mean):
        pass

    with pytest.raises(StudyError, match=r"use: .*top level of a module"):
        LearnerSpec(label="a", use=Local)
    with pytest.raises(StudyError, match=r"absent\.toml: cannot be read \(No such file"):
        Study.from_toml(tmp_path / "absent.toml")


def test_numpy_numbers_are_numbers():
    # catches: NumPy integers refused in one field and accepted in another; a key that depends on the type of a number
    python = {"seeds": 2, "n_test": 50, "random_state": 7, "noise": 0.5, "dims": [3], "n": [20]}
    numpy = {name: np.array(value)[()] for name, value in python.items()} | {"seeds": np.uint8(2)}
    params = {"width": np.int32(4), "pause": np.float32(0.5), "random_state": np.int64(0)}
    learners = [LearnerSpec(label="a", use=Features, params=params)]
    study = small_study(**numpy, learners=learners)
    assert study.to_json() == small_study(**python, learners=learners).to_json()
    assert learners[0].params == {"width": 4, "pause": 0.5, "random_state": 0}
    for value, got in ((np.bool_(True), "True"), (np.float64(2.5), r"2\.5"), (np.inf, "inf")):
        with pytest.raises(StudyError, match=f"^seeds: must be .*, got {got}\\.$"):
            small_study(seeds=value)
    with pytest.raises(StudyError, match=r"^noise: must be a finite number, got inf\.$"):
        small_study(noise=np.float64(np.inf))


def test_parameters_that_contain_themselves_are_refused():
    # catches: a RecursionError
    loop, pair = {}, []
    loop["loop"] = loop
    pair.append({"x": pair})
    for params in (loop, {"a": pair}):
        with pytest.raises(StudyError, match=r"^params: contain themselves"):
            LearnerSpec(label="a", use=anything_goes, params=params)


def test_large_grids_are_counted_before_they_are_listed(capsys):
    # catches: a command that prints nothing for a minute, or lists trials until memory is exhausted
    assert small_study().n_cells == len(list(small_study().cells())) == 18
    assert small_study(seeds=500_000).n_cells == 3_000_000
    for change in ({"seeds": 10**11}, {"seeds": 10_000, "n": [*range(1, 1001)]}):
        with pytest.raises(
            StudyError, match=r"the grid has [\d,]+ trials; it must have at most 10,000,000\. Use fewer"
        ):
            small_study(**change)
    with pytest.raises(StudyError, match=r"^n: has 1,000,000,000 entries; it must have at most 10,000,000"):
        small_study(n=range(1, 10**9 + 1))
