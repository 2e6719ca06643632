"""The definition: one object in two forms, and errors that name the key and the cure."""

import re

import numpy as np
import pytest
from throwaway import Features, Inputs, Mean, Quadratic, small_study

from layerwise.studies import LearnerSpec, Study, StudyError, TargetSpec

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


def test_toml_and_python_are_the_same_object(write):
    # catches: a key that one of the two forms spells or defaults differently
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
    # catches: a value the writer drops or rounds, a label it does not escape
    params = {"x": [1, 2.5, 1e-17], "deep": {"é": 'quote " \\ and\nline', "flag": True}, "i": 2**40, "f": 1.0}
    study = small_study(
        name='a "name"', noise=0.1, targets=[TargetSpec(label="<b>$x$</b>", use=anything_goes, params=params)]
    )
    again = Study.from_toml(write(study.to_toml()))
    assert again == study
    assert [t.key for t in again.trials()] == [t.key for t in study.trials()]


def anything_goes(dim, **params):
    return Quadratic(dim)


def test_one_class_has_one_address():
    # catches: the same trial under two keys, run twice because it was spelt in two ways
    from sklearn.linear_model import Ridge

    spellings = ["sklearn.linear_model.Ridge", "sklearn.linear_model._ridge.Ridge", Ridge]
    assert {LearnerSpec(label="a", use=use).use for use in spellings} == {"sklearn.linear_model.Ridge"}


def test_trials_follow_the_definition_and_own_grids():
    # catches: a learner's own n that is ignored, or applied to the others
    cells = [(learner, t.dim, t.n, t.seed) for _, learner, t in small_study(seeds=1).cells()]
    assert cells == [
        *(("features", d, n, 0) for d in (3, 5) for n in (40, 160)),
        *(("ridge", d, 40, 0) for d in (3, 5)),
    ]


def test_a_target_may_have_its_own_inputs():
    # catches: the study's inputs used instead, their parameters mixed with the target's own
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


def test_labels_take_no_part_in_the_trial():
    # catches: a renamed learner that is run all over again, or run twice under two names
    twice = [LearnerSpec(label=label, use=Mean) for label in ("a", "b")]
    study = small_study(learners=twice)
    assert len(study.trials()) == 12
    assert len(list(study.cells())) == 24


def test_sample_sizes_may_depend_on_the_dimension(write):
    # catches: a form evaluated at the wrong dimension, or turned into numbers on its way through TOML
    text = TOML.replace("n = [40, 160]", 'n = "[1, 2.5] * d**2"').replace("n = [40]", 'n = "10 * D(2)"')
    study = Study.from_toml(write(text))
    sizes = {(learner, trial.dim, trial.n) for _, learner, trial in study.cells()}
    assert sizes == {
        *(("features", 3, 100), ("features", 5, 210)),
        *(("ridge", 3, 9), ("ridge", 3, 22), ("ridge", 5, 25), ("ridge", 5, 62)),
    }
    again = Study.from_toml(write(study.to_toml()))
    assert again == study
    assert again.n == "[1, 2.5] * d**2"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("n = [40, 160]", 'n = "d^2"', r'n: "d\^2" is no list of sizes. Write \[100, 200\], "\[1, 2, 4\] \* d\*\*2"'),
        ("n = [40, 160]", 'n = "[1, 2] * d**[1, 2]"', "has two lists"),
        ("n = [40, 160]", 'n = "0.001 * d"', 'line 4: n: "0.001 . d" gives n = 0 at dim = 3; it must'),
        ("n = [40, 160]", 'n = "d**[700]"', r'line 4: n: "d\*\*\[700\]" gives an n beyond 2\^63 at dim = 3'),
        ("n = [40, 160]", 'n = "[1e4] * d**400"', r"is no list of sizes"),
        ("n = [40, 160]", 'n = "[2, 8] * D"', r'quadratic polynomials, that is "\[2, 8\] \* D\(2\)"\.'),
        ("n = [40, 160]", 'n = "D"', r'that is "D\(2\)"\.'),
        ("n = [40]", 'n = "d**60"', r"line 18: learners\[0\]\.n: .* gives n = 4239\d* at dim = 3; it must be pos"),
        ("n = [40]", 'n = "40"', r'learners\[0\]\.n: "40" is no list of sizes'),
        ("seeds = 3", "sedes = 3", r'study\.toml, line 5: sedes: there is no such key\. Did you mean "seeds"\?'),
        ("seeds = 3", "", "seeds: is missing"),
        ("seeds = 3", 'seeds = "3"', "seeds: should be a valid integer, got '3'"),
        ("seeds = 3", "seeds = true", "seeds: should be a valid integer, got True"),
        ("seeds = 3", "seeds = 0", "seeds: should be greater than 0, got 0"),
        ("dims = [3, 5]", "dims = []", "dims: is empty"),
        ("dims = [3, 5]", "dims = 3", r"dims: should be a list such as \[3\], got 3"),
        ("dims = [3, 5]", 'dims = "3"', r"dims: should be a list such as \['3'\], got '3'"),
        ("[[targets]]", "[targets]", r"targets: should be a list of tables; in TOML, write \[\[targets\]\]"),
        ("n = [40, 160]", "n = [9223372036854775808]", r"n\[0\]: should be less than 9223372036854775808"),
        ("dims = [3, 5]", "dims = [3, 3]", "dims: 3 stands there twice"),
        ("n = [40, 160]", "n = [40, 160.5]", r"n\[1\]: should be a valid integer, got 160.5"),
        ("noise = 1", "noise = -1", "noise: should be greater than or equal to 0"),
        ("noise = 1", "noise = nan", "noise: should be a finite number"),
        ("noise = 1", 'noise_distribution = "cauchy"', "noise_distribution: should be 'gaussian' or 'rademacher'"),
        ('label = "ridge"', 'label = "features"', r'learners\[1\]\.label: "features" is already taken'),
        ('label = "ridge"', 'label = ""', r"learners\[1\]\.label: is empty"),
        ('label = "ridge"', 'lable = "ridge"', r'learners\[1\]\.lable: there is no such key\. Did you mean "label"'),
        (
            "alpha = 0.1",
            "alhpa = 0.1",
            r'line 23: learners\[1\]\.params\.alhpa: .* "alhpa" .* Did you mean "alpha"',
        ),
        ("alpha = 0.1", "alpha = 1979-05-27", r"learners\[1\]\.params\.alpha: datetime.*has no plain form"),
        ("alpha = 0.1", "alpha = inf", r"learners\[1\]\.params\.alpha: inf has no plain form"),
        ("slope = 0.5", "dim = 3", r'targets\[0\]\.params\.dim: .*no parameter "dim" to set here'),
        ("linear_model.Ridge", "linear_model.Rigde", r'learners\[1\]\.use: sklearn.linear_model has no "Rigde"\. Did'),
        ("linear_model.Ridge", "linear_modle.Ridge", r'learners\[1\]\.use: cannot import "sklearn.linear_modle.Ridge"'),
        ("linear_model.Ridge", "linear_modle.Ridge", r'Did you mean "sklearn\.linear_model"\? Give'),
        (
            "throwaway.Inputs",
            "throwawy.Inputs",
            r'inputs: cannot import "throwawy.Inputs" .* Did you mean "throwaway"\?',
        ),
        ("sklearn.linear_model.Ridge", "os.getcwd", r'learners\[1\]\.use: "\w+.getcwd" has no fit and no predict, so'),
        (
            "sklearn.linear_model.Ridge",
            "pathlib.Path",
            r'"pathlib.Path" has no fit and no predict, so it is no',
        ),
        (
            "throwaway.Quadratic",
            "throwaway.Mean",
            r'targets\[0\]\.use: "throwaway.Mean" has no sample, so it is',
        ),
        ("throwaway.Inputs", "throwaway.Mean", r'inputs: "throwaway.Mean" has no sample, so it is no distrib'),
        ("throwaway.Quadratic", "throwaway.CALLS", r'targets\[0\]\.use: "throwaway.CALLS" is a list; a class'),
        ("throwaway.Inputs", "throwaway.Inputz", r'inputs: throwaway has no "Inputz"\. Did you mean "Inputs"'),
        (
            "scale = 2.0",
            "scal = 2.0",
            r'line 8: inputs_params\.scal: .*no parameter "scal" .* Did you mean "scale"',
        ),
        ("seeds = 3", "seeds = ", r"study\.toml: is not TOML .*line 5"),
    ],
)
def test_mistakes_get_one_message(write, old, new, message):
    # catches: a validation dump, a message without key or file, a mistake that only shows when trials run
    assert old in TOML
    path = write(TOML.replace(old, new))
    with pytest.raises(StudyError, match=message) as caught:
        Study.from_toml(path)
    text = str(caught.value)
    assert text.startswith((f"{path}: ", f"{path}, line "))
    assert "\n" not in text
    assert not re.search("pydantic|validation error", text, re.IGNORECASE)


def test_a_byte_order_mark_is_not_a_mistake(tmp_path):
    # catches: a file saved by Windows' editor that "is not TOML"
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
def test_a_users_module_that_breaks(tmp_path, monkeypatch, content, error):
    # catches: a traceback, or a silent exit, from a module that is none of ours
    (tmp_path / "broken_module.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(StudyError, match=f"use: .*broken_module.*{error}") as caught:
        LearnerSpec(label="a", use="broken_module.Learner")
    assert "\n" not in str(caught.value)


def test_bare_names_are_looked_up_in_the_library():
    # catches: a bare name that is imported as a module, or an unhelpful error for a misspelt one
    with pytest.raises(StudyError, match=r"(?s)use: .*layerwise\.learners"):
        LearnerSpec(label="a", use="TwoLayerRegresor")


def test_what_cannot_be_written_or_reached_is_refused(tmp_path):
    # catches: None written as something else, a local class whose path leads nowhere on resume
    study = small_study(learners=[LearnerSpec(label="a", use=Features, params={"random_state": None})])
    with pytest.raises(StudyError, match=r"learners\[0\]\.params\.random_state: is None"):
        study.to_toml()

    class Local(Mean):
        pass

    with pytest.raises(StudyError, match=r"use: .*top level of a module"):
        LearnerSpec(label="a", use=Local)
    with pytest.raises(StudyError, match=r"absent\.toml: cannot be read \(No such file"):
        Study.from_toml(tmp_path / "absent.toml")
