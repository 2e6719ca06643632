"""The page without a browser: numbers, facts, escapes, errors."""

import html
import json
import math
import re
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import SIZES, keep, made_up
from throwaway import Witness, small_study

from layerwise.errors import UserError
from layerwise.report import charts, facts, make_report
from layerwise.report.page import embedded, page_data
from layerwise.report.payload import _cell, study_payload, thresholds
from layerwise.studies import LearnerSpec, Outcome, Store, StudyError, StudyResult, fit_exponent, sample_complexity


@pytest.fixture(scope="module")
def result():
    return made_up()


def in_a_new_process(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


class TestPage:
    def test_one_file(self, result, tmp_path):
        # catches: a reference to a file or a server
        path = make_report(result, tmp_path / "new" / "report.html")
        text = path.read_text(encoding="utf-8")
        own = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
        assert not re.search(r"https?:|\bsrc=|@import|url\(", own)
        assert "connect-src 'none'" in html.unescape(own)
        assert len(text) < 6e6

    def test_the_page_is_deterministic(self, result, tmp_path):
        # catches: sets and hashes in random order
        pages = [make_report(result, tmp_path / name).read_bytes() for name in ("a.html", "b.html")]
        assert pages[0] == pages[1]

    def test_nothing_has_run_yet(self, tmp_path):
        # catches: a crash on the first look at a store
        text = make_report(StudyResult(small_study(), {}), tmp_path / "report.html").read_text(encoding="utf-8")
        assert "0 of 18 trials done" in text

    def test_every_trial_failed(self, tmp_path):
        # catches: a crash on a study without a successful trial
        result = made_up(failing=lambda label, n: True)
        text = make_report(result, tmp_path / "report.html").read_text(encoding="utf-8")
        assert "189 failed" in text
        assert text.count("3 of 3 dimensions missing (all trials failed at d = 8, 16, 32)</td>") == 3
        assert text.count(">failed<small></small></td>") == 9

    def test_half_of_the_sizes_have_run(self, result):
        # catches: "< 1,024" on the live page, while the smaller sizes are still to be run
        late = {trial.key for trial in result.study.trials() if trial.n < SIZES[-1]}
        partly = StudyResult(result.study, {key: o for key, o in result.outcomes.items() if key not in late})
        page = study_payload(partly, 0.5, None, "s")
        texts = {cell["text"] for cells in page["cells"].values() for cell in cells}
        assert f"not run below {SIZES[-1]:,}" in texts
        assert not any(text.startswith("<") for text in texts)
        assert any("not run below n = " in fit["text"] for fits in page["fits"].values() for fit in fits)

    def test_what_is_left_out_is_listed(self, result, tmp_path):
        # catches: a page that looks complete but is not; a name interpreted as markup
        errors = [StudyError("cannot import <i>", 'study "lost"')]
        text = make_report(result, tmp_path / "a.html", unreadable=errors).read_text(encoding="utf-8")
        assert "left out:</p><ul><li>study &#34;lost&#34;: cannot import &lt;i&gt;</li></ul>" in text
        assert "left out:" not in make_report(result, tmp_path / "b.html").read_text(encoding="utf-8")
        shapes = {page_data([result], threshold=0.5, unreadable=its)["shape"] for its in ([], errors)}
        assert len(shapes) == 2  # a live page that hears of it loads anew

    def test_no_store_is_overwritten(self, result, tmp_path):
        # catches: a store overwritten by a page
        with Store(tmp_path / "report.html") as store:
            keep(result, store)
        before = (tmp_path / "report.html").read_bytes()
        with pytest.raises(UserError, match=r"report\.html is an SQLite file, perhaps the store"):
            make_report(result, tmp_path / "report.html")
        assert (tmp_path / "report.html").read_bytes() == before
        (tmp_path / "other.html").write_text("an earlier page")
        make_report(result, tmp_path / "other.html")
        make_report(result, tmp_path / "other.html")

    def test_mistakes(self, result, tmp_path):
        # catches: predictions for an unknown learner, no study at all, a negative threshold
        path = tmp_path / "report.html"
        with pytest.raises(ValueError, match=r"predicted has the key 'cubik'; .* Did you mean 'cubic"):
            make_report(result, path, predicted={"cubik": 3})
        with pytest.raises(UserError, match="no study to report"):
            make_report([], path)
        with pytest.raises(ValueError, match="threshold=-1"):
            make_report(result, path, threshold=-1)
        assert not path.exists()

    def test_predictions_apply_to_studies_with_that_learner(self, result):
        # catches: a prediction for one study refused by the other
        other = made_up(("linear", "other"))
        data = page_data([result, other], threshold=0.5, predicted={"cubic": 3, ("t", "other"): 2})
        predicted = [[part["fits"].get(f"0,{i}", [{}])[0].get("predicted") for i in (0, 1)] for part in data["studies"]]
        assert predicted == [[None, 3], [None, 2]]

    def test_extras_are_imported_late_and_reported_if_missing(self):
        # catches: an extra imported by every command; a traceback instead of the command to install it
        code = (
            "import sys, layerwise.report, layerwise.cli; print([m for m in ('plotly', 'jinja2') if m in sys.modules])"
        )
        assert in_a_new_process(code).stdout.strip() == "[]"
        code = (
            "import sys; sys.modules['plotly.graph_objects'] = None\nfrom layerwise.report.charts import base_layout\n"
        )
        error = in_a_new_process(code + "base_layout()").stderr
        assert "needs plotly, which is not installed" in error
        assert "pip install 'layerwise[report]'" in error

    def test_templates_are_part_of_the_package(self):
        # catches: templates missing from the wheel
        names = {path.name for path in (files("layerwise.report") / "templates").iterdir()}
        assert {"report.html", "report.css", "report.js", "_status.html", "_failures.html"} <= names

    @given(st.recursive(st.text() | st.floats(allow_nan=False, allow_infinity=False), st.lists, max_leaves=5))
    def test_embedded_json_ends_no_script(self, value):
        # catches: a label that closes its script element; a changed value
        text = embedded({"value": value, "hostile": "</script><!--<script>\u2028&"})
        assert not set("<>&\u2028\u2029") & set(text)
        assert json.loads(text)["value"] == value


class TestPayload:
    @pytest.mark.parametrize(("seeds", "text"), [(1, "one seed"), (2, "no bounds")])
    def test_an_open_interval_says_why(self, seeds, text):
        # catches: "one seed" for a cell with two seeds that differ widely
        row = {"censored": "", "n_star": 100.0, "lower": 0.0, "upper": math.inf, "n_min": 10, "n_max": 1000}
        assert _cell({**row, "seeds": seeds})["interval"] == text
        assert _cell({**row, "seeds": seeds, "upper": 300.0})["interval"] == "≤ 300"

    def test_every_threshold_agrees_with_the_analysis(self, result):
        # catches: cells of another threshold, intervals beyond the grid, a second rule for n*
        payload = study_payload(result, 0.37, {"cubic": 3}, "s")
        assert payload["thresholds"][payload["start"]] == 0.37
        assert payload["thresholds"] == sorted(payload["thresholds"])
        names = [spec.label for spec in result.study.learners]
        for k, threshold in enumerate(payload["thresholds"]):
            for row in sample_complexity(result, threshold).itertuples():
                cell = payload["cells"][f"0,{names.index(row.learner)},{row.dim}"][k]
                assert cell["side"] == row.censored
                at = {"": row.n_star, "right": SIZES[-1], "left": SIZES[0]}[row.censored]
                ends = (max(row.lower, SIZES[0]), min(row.upper, SIZES[-1]))
                assert (cell["at"], cell["low"], cell["high"]) == (at, *ends)
            for fit in fit_exponent(result, threshold, predicted={"cubic": 3}):
                shown = payload["fits"][f"0,{names.index(fit.learner)}"][k]
                assert shown["text"] == fit.verdict()
                assert shown["exponent"] == (fit.exponent if math.isfinite(fit.exponent) else None)
        json.dumps(payload, allow_nan=False)

    def test_thresholds_are_round_and_within_reach(self, result):
        # catches: a slider with positions that no curve reaches, or thousands of positions
        medians = result.summary()["median"]
        found = thresholds(result, 0.5)
        assert 0.5 in found
        assert medians.min() < min(found) <= max(found) < medians.max()
        assert max(found) == 1  # more is worse than the mean
        assert all(f"{value:.9e}"[2:11].strip("0") in ("", "5") for value in found)
        study = small_study()
        wide = {trial.key: Outcome(10.0 ** (trial.seed * 10 - trial.n / 10), 0.1) for trial in study.trials()}
        assert len(thresholds(StudyResult(study, wide), 0.5)) <= 48
        assert thresholds(StudyResult(study, {}), 0.5) == [0.5]
        perfect = {trial.key: Outcome(0.0, 0.1) for trial in study.trials()}
        assert thresholds(StudyResult(study, perfect), 0.5) == [0.5]

    def test_traces_are_the_summary(self, result):
        # catches: curves of another cell, bands of half the width, sizes out of order
        traces = {}
        for trace in charts.curve_traces(result):
            meta = trace["meta"]
            traces[meta["metric"], meta["learner"], meta["dim"], meta.get("band", False)] = trace
        for metric in ("risk", "feature_correlation"):
            for (learner, dim), rows in result.summary(metric=metric).groupby(["learner", "dim"]):
                i = [spec.label for spec in result.study.learners].index(learner)
                if rows["median"].isna().all():
                    assert (metric, i, dim, False) not in traces
                    continue
                line, band = traces[metric, i, dim, False], traces[metric, i, dim, True]
                np.testing.assert_allclose(line["x"], sorted(rows["n"]))
                np.testing.assert_allclose(line["y"], rows.sort_values("n")["median"])
                assert min(band["y"]) == rows["lower"].min()
                assert max(band["y"]) == rows["upper"].max()
        assert charts.measured(result).keys() == {"risk", "feature_correlation", "fit_seconds"}

    def test_styles_differ(self):
        # catches: a seventh learner that looks like the first
        styles = [tuple(charts.style(i).values()) for i in range(18)]
        assert len(set(styles)) == 18


class TestFacts:
    def test_failures_are_grouped(self):
        # catches: a page of ten thousand equal errors, errors of successful trials
        result = made_up(seeds=2, failing=lambda label, n: label == "cubic" and n > 100, error="MemoryError: <b>")
        (row,) = facts.failures(result)["errors"]
        assert (row["learner"], row["error"], row["trials"]) == ("cubic", "MemoryError: <b>", 36)
        assert (row["dims"], row["sizes"]) == ("8, 16, 32", "128 … 4,096")
        assert facts.failures(made_up())["errors"] == []

    def test_many_kinds_of_failure_are_counted(self):
        # catches: rows left out silently
        study = small_study(seeds=100)
        outcomes = {t.key: Outcome(math.nan, math.nan, f"Error: {i}") for i, t in enumerate(study.trials())}
        found = facts.failures(StudyResult(study, outcomes))
        assert (len(found["errors"]), found["more"]) == (200, 400)

    def test_status_counts_trials_not_labels(self):
        # catches: two labels of one trial counted twice; outcomes of other studies
        learners = [LearnerSpec(label=label, use=Witness) for label in "ab"]
        study = small_study(learners=learners)
        outcomes = {trial.key: Outcome(0.5, 0.1) for trial in study.trials()[1:]}
        assert facts.status(StudyResult(study, outcomes | {"x": Outcome(1.0, 1.0)})) == {
            "total": 12,
            "done": 11,
            "failed": 0,
        }

    def test_a_study_that_toml_cannot_express(self):
        # catches: a report refused for a parameter that is None
        study = small_study(learners=[LearnerSpec(label="a", use=Witness, params={"random_state": None})])
        assert json.loads(facts.definition(StudyResult(study, {})))["learners"][0]["params"] == {"random_state": None}
        assert facts.definition(made_up()).startswith('name = "made up"')
