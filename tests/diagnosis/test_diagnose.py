"""`diagnose` as a whole: its result, its summary, its picture, its errors, and the command."""

import json
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import layerwise
from layerwise import cli, diagnose
from layerwise.diagnosis import Diagnosis, DiagnosisDisplay, sample


@pytest.fixture(scope="module")
def frame():
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.standard_normal((600, 6)), columns=[f"input {c}" for c in "abcdef"])
    u = (X["input b"] - X["input d"]) / np.sqrt(2)
    return X.assign(y=u**2 + 0.2 * generator.standard_normal(600))


@pytest.fixture(scope="module")
def found(frame):
    return diagnose(frame.drop(columns="y"), frame["y"])


def test_what_is_found(found):
    """Shares exchanged, a direction in other columns, learners without the number of directions."""
    assert isinstance(found, Diagnosis)
    assert found.linear.value < 0.05
    assert found.quadratic.value > 0.9
    assert abs(found.degrees[1].value - 2 / 2.04) < 4 * found.degrees[1].standard_error
    assert found.noise.upper_bound
    assert 0.01 < found.noise.share.value < 0.1  # .04 / 2.04
    (direction,) = found.directions.vectors
    np.testing.assert_allclose(np.abs(direction[[1, 3]]), np.sqrt(0.5), atol=0.1)
    assert direction[1] * direction[3] < 0
    rows = [each.n_samples for each in found.learners]
    assert rows == sorted(rows)
    assert all(each.affordable == (each.n_samples <= 600) for each in found.learners)
    assert {each.n_samples for each in found.learners if each.learner == "moments"} == {20 * 6}
    assert not found.warnings


def test_the_summary_says_it_in_the_names_of_the_columns(found):
    text = found.summary()
    for words in (
        "600 rows, 6 inputs",
        "1 direction stands out from 99",
        "input b",
        "quadratic",
        "at most",
        "two-layer",
    ):
        assert words in text
    assert text.isprintable() or "\n" in text


def test_the_dictionary_is_json(found):
    """Arrays, NumPy numbers or NaN in it; values that differ from the attributes."""
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["columns"] == list(found.columns)
    assert plain["directions"]["vectors"] == found.directions.vectors.tolist()
    assert plain["degrees"][1]["value"] == found.degrees[1].value
    assert plain["noise"]["share"]["value"] == found.noise.share.value


def test_the_display(found):
    """Panels exchanged; a figure that is not that of the axes given; more axes than panels accepted."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=DiagnosisDisplay.size)
    display = found.plot(figure.subplots(1, 3))
    assert isinstance(display, DiagnosisDisplay)
    assert display.figure_ is figure
    shares, moments, learners = display.ax_
    assert [bar.get_width() for bar in shares.patches][:3] == [
        found.linear.value,
        found.additive.value,
        found.quadratic.value,
    ]
    assert len(moments.collections) == 6
    assert len(learners.get_yticklabels()) == len(found.learners)
    alone = Figure().add_subplot()
    display.draw_shares(alone)
    assert alone.patches
    with pytest.raises(ValueError, match="axes has 2 entries; it must have 3"):
        found.plot(figure.subplots(1, 2))


def test_equal_seeds_and_frames_or_arrays_give_equal_results(frame, found):
    X, y = frame.drop(columns="y"), frame["y"]
    again = diagnose(X.to_numpy(), y.to_numpy())
    assert again.columns == tuple(f"x{i}" for i in range(6))
    assert again.to_dict() | {"columns": 0} == found.to_dict() | {"columns": 0}


def test_frames_of_several_types(frame, found):
    """A frame of floats, integers and truth values refused as a frame of objects."""
    X = frame.drop(columns="y").assign(count=range(600), flag=frame["y"] > 1).astype({"input a": "float32"})
    other = diagnose(X, frame["y"])
    assert other.columns[-2:] == ("count", "flag")
    assert other.quadratic.value > 0.9


def test_units_do_not_matter(frame, found):
    """A result that depends on the scale or the shift of columns and target; squares that overflow."""
    X = frame.drop(columns="y") * [1e-8, 1, 1e99, 1e6, 1, -1] + [0, 5, 0, 0, 0, 0]
    other = diagnose(X, 1e-99 * frame["y"].to_numpy())
    for name in ("linear", "additive", "quadratic"):
        assert getattr(other, name).value == pytest.approx(getattr(found, name).value, abs=1e-3)
    assert len(other.directions) == 1  # and the bins of the splines, of which one is left out, are not symmetric
    np.testing.assert_allclose(np.abs(other.directions.vectors), np.abs(found.directions.vectors), atol=1e-6)


def test_a_large_table_is_subsampled(monkeypatch, frame, found):
    monkeypatch.setattr(sample, "MAX_ROWS", 300)
    part = diagnose(frame.drop(columns="y"), frame["y"])
    assert (part.n_samples, part.n_used) == (600, 300)
    assert "600 rows (300 random rows used for structure)" in part.summary()
    assert part.linear.n_samples == 300
    assert [each.affordable for each in part.learners] == [each.affordable for each in found.learners]


@pytest.mark.parametrize("d", [1, 2, 30, 60])
def test_few_rows_and_columns(d):
    """Singular covariances, fewer rows than columns, a single column: a result without warnings of NumPy."""
    generator = np.random.default_rng(d)
    X = generator.standard_normal((25, d))
    X[:, -1] = np.round(X[:, -1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = diagnose(X, generator.standard_normal(25), n_permutations=19)
    assert np.isfinite([found.linear.value, found.additive.value, found.quadratic.value, found.noise.share.value]).all()
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.summary()


def test_constant_and_equal_columns_are_left_out(frame, found):
    X = frame.drop(columns="y").assign(same=frame["input b"], one=1.0)
    other = diagnose(X, frame["y"])
    assert (other.directions.vectors[:, 6:] == 0).all()
    np.testing.assert_allclose(other.directions.vectors[:, :6], found.directions.vectors, atol=1e-10)
    assert {each.kind for each in other.warnings} == {"duplicate", "constant"}


X_OK, Y_OK = np.random.default_rng(0).standard_normal((30, 2)), np.arange(30.0)


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (X_OK[:10], Y_OK[:10], ValueError, "X has 10 rows; a diagnosis needs at least 20"),
        (X_OK, Y_OK[:9], ValueError, "y has 9 entries; 30 are needed"),
        (X_OK[:, 0], Y_OK, ValueError, r"X has shape \(30,\)"),
        (np.where(X_OK[7, 1] == X_OK, np.nan, X_OK), Y_OK, ValueError, r"NaN or infinity in x1 \(1 rows\)"),
        (X_OK, np.where(Y_OK > 3, np.inf, Y_OK), ValueError, "y contains NaN"),
        (X_OK, np.ones(30), ValueError, r"y is constant \(1\)"),
        (np.ones((30, 2)), Y_OK, ValueError, "all columns of X are constant"),
        (pd.DataFrame(X_OK).assign(city="Rome"), Y_OK, TypeError, "columns city of X must hold numbers"),
    ],
)
def test_errors_name_what_is_wrong(X, y, error, message):
    with pytest.raises(error, match=message):
        diagnose(X, y)


def test_the_package_hands_it_out():
    assert layerwise.diagnose is diagnose
    assert layerwise.diagnosis.Diagnosis is Diagnosis


def command(arguments, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["layerwise", "diagnose", *map(str, arguments)])
    monkeypatch.setattr("warnings.showwarning", None)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    said = capsys.readouterr()
    return SimpleNamespace(returncode=stop.value.code or 0, stdout=said.out, stderr=said.err)


def test_the_command(tmp_path, frame, found, capsys, monkeypatch):
    """A summary of other data than the function's; a file that is missing or not listed."""
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    options = ["--target", "y", "--plot", tmp_path / "new" / "d.png", "--json", tmp_path / "d.json"]
    done = command([path, *options], capsys, monkeypatch)
    assert done.returncode == 0, done.stderr
    assert "table.csv, target y" in done.stdout
    assert "1 direction stands out" in done.stdout
    assert done.stdout.split()[-2:] == [str(tmp_path / "new" / "d.png"), str(tmp_path / "d.json")]
    assert (tmp_path / "new" / "d.png").read_bytes()[:4] == b"\x89PNG"
    written = json.loads((tmp_path / "d.json").read_text())
    assert written["linear"]["value"] == pytest.approx(found.linear.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "z"], 'has no column "z"'),
        (["--target", "y", "--plot", "d.doc"], "must end in .png, .svg, .pdf"),
        (["--target", "y", "--json", "table.csv"], "would overwrite"),
        (["--target", "one"], "y is constant (1)"),
    ],
)
def test_misuse_of_the_command_is_one_message(tmp_path, frame, capsys, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    frame.assign(one=1.0).to_csv("table.csv", index=False)
    done = command(["table.csv", *options], capsys, monkeypatch)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
