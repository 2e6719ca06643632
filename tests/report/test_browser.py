"""The page in Chromium: what is drawn, what the controls change, that labels stay text, and that nothing is sent."""

import html
import json
import threading
from urllib.parse import urlsplit

import pytest
from made_up import SIZES, keep, made_up

from layerwise.report import LiveServer, Source, make_report
from layerwise.studies import Outcome, Store, StudyResult, fit_exponent, sample_complexity

pytestmark = pytest.mark.slow  # a real browser

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)> %{x} {{ 7 * 7 }} $x$ &lt;b&gt;",
)
CHART = "const chart = document.querySelector('#study-1 [data-chart=\"%s\"]');"
MEDIANS = "chart.data.filter(({meta}) => meta && !meta.band && !meta.star)"
RINGS = "chart.data.filter(({meta}) => meta && meta.star)"


class Page:
    """A loaded page, queried in JavaScript."""

    def __init__(self, chromium):
        self.chromium = chromium

    def open(self, address):
        self.chromium.get_log("performance")
        self.chromium.get_log("browser")
        self.chromium.get(address)
        return self

    def ask(self, script, chart="curves"):
        return self.chromium.execute_script((CHART % chart) + f"return {script}")

    def text(self, selector):
        return self.ask(f"document.querySelector({json.dumps(selector)}).textContent.trim()")

    def element(self, selector):
        return self.chromium.find_element("css selector", selector)

    def settle(self):
        """Wait until the page has redrawn."""
        done = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));"
        self.chromium.execute_async_script(done)

    def press(self, selector, *keys):
        element = self.element(selector)
        self.chromium.execute_script("arguments[0].focus()", element)
        element.send_keys(*keys)
        self.settle()

    def wait(self, script, seconds=180, chart="curves"):
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.chromium, seconds, poll_frequency=0.2).until(lambda _: self.ask(script, chart))


@pytest.fixture
def page(chromium):
    return Page(chromium)


@pytest.fixture(scope="module")
def result():
    return made_up(targets=("t", "u"))


@pytest.fixture(scope="module")
def address(result, tmp_path_factory):
    return make_report(result, tmp_path_factory.mktemp("page") / "report.html", predicted={"cubic": 3}).as_uri()


def cells_of(result, threshold):
    return {(row.target, row.learner, row.dim): row for row in sample_complexity(result, threshold).itertuples()}


def test_curves_are_drawn(page, address):
    # catches: a script that stops with an error, empty axes, a missing panel, medians of both targets in one panel
    page.open(address)
    drawn = "[...chart.querySelectorAll('path.js-line')].filter((line) => line.getAttribute('d').length > 20).length"
    assert page.ask(f"{MEDIANS}.length") == 9  # three learners in three panels
    assert page.ask(drawn) >= 9
    assert page.ask("chart.querySelectorAll('.subplot.xy, .subplot.x2y2, .subplot.x3y3').length") >= 3
    points = page.ask("chart.querySelectorAll('.points path').length")
    assert points == 9 * len(SIZES) + page.ask(f"{RINGS}.length")
    assert page.ask("chart.querySelectorAll('.points path').length", "growth") == 9
    assert page.ask("chart.querySelectorAll('path.js-line').length", "growth") == 3  # two fits and one prediction
    assert [entry for entry in page.chromium.get_log("browser") if entry["level"] == "SEVERE"] == []
    assert page.ask("window.violations") == []


def test_the_slider_moves_n_star(page, address, result):
    # catches: a slider that changes only its label; numbers of another threshold, cell or target; stale verdicts
    from selenium.webdriver.common.keys import Keys

    page.open(address)
    slider = '[data-control="threshold"]'
    seen = []
    for key in (None, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.HOME, Keys.END):
        if key is not None:
            page.press(slider, key)
        threshold = float(page.text('output[data-shown="threshold"]'))
        assert page.element(slider).get_attribute("aria-valuetext") == f"risk {threshold:g}"
        cells = cells_of(result, threshold)
        rings = {(m["learner"], m["dim"]): x for m, x in page.ask(f"{RINGS}.map(({{meta, x}}) => [meta, x[0]])")}
        uncensored = {
            (("linear", "cubic", "never").index(learner), dim): row.n_star
            for (target, learner, dim), row in cells.items()
            if target == "t" and not row.censored
        }
        assert rings == pytest.approx(uncensored)
        assert page.ask("chart.layout.shapes.map(({y0}) => y0)") == [threshold] * 3
        for (target, learner, dim), row in cells.items():
            place = f"{('t', 'u').index(target)},{('linear', 'cubic', 'never').index(learner)},{dim}"
            shown = page.ask(f"document.querySelector('[data-cell=\"{place}\"]').firstChild.textContent")
            if row.censored:
                sign, end = (">", row.n_max) if row.censored == "right" else ("<", row.n_min)
                assert shown == f"{sign} {end:,}"
            else:
                assert float(shown.replace(",", "")) == pytest.approx(row.n_star, rel=6e-3)
        for fit in fit_exponent(result, threshold, predicted={"cubic": 3}):
            place = f"{('t', 'u').index(fit.target)},{('linear', 'cubic', 'never').index(fit.learner)}"
            assert page.text(f'[data-fit="{place}"]') == fit.verdict()
        seen.append(rings)
    assert [other == seen[0] for other in seen] == [True, False, False, False, False]


def test_failed_cells_are_shown(page, tmp_path):
    # catches: a script that stops at a cell without n*, or draws it at zero
    page.open(make_report(made_up(failing=lambda label, n: label == "never"), tmp_path / "report.html").as_uri())
    for dim in (8, 16, 32):
        assert page.ask(f"document.querySelector('[data-cell=\"0,2,{dim}\"]').textContent") == "failed"
    assert page.text('[data-fit="0,2"]') == "3 of 3 dimensions missing (all trials failed at d = 8, 16, 32)"
    assert page.ask("chart.querySelectorAll('.points path').length", "growth") == 6
    assert [entry for entry in page.chromium.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_controls_select(page, address):
    # catches: controls without effect, or that the keyboard cannot reach
    page.open(address)
    page.press('[data-control="learner"][value="2"]', " ")
    page.press('[data-control="dim"][value="16"]', " ")
    found = page.ask(f"{MEDIANS}.map(({{meta}}) => [meta.learner, meta.dim])")
    assert sorted(found) == [[0, 8], [0, 32], [1, 8], [1, 32]]
    assert page.ask("chart.data.filter(({mode}) => mode === 'markers').length", "growth") == 2
    assert page.ask("[chart._fullLayout.xaxis.type, chart._fullLayout.yaxis2.type]") == ["log", "log"]
    page.press('[data-control="metric"]', "\ue015")  # arrow down: correlation, which may be zero
    assert page.ask("chart._fullLayout.yaxis.type") == "linear"
    assert not page.element('[data-control="logy"]').is_enabled()
    page.press('[data-control="metric"]', "\ue013")  # up again
    page.press('[data-control="logx"]', " ")
    page.press('[data-control="logy"]', " ")
    assert page.ask("[chart._fullLayout.xaxis.type, chart._fullLayout.yaxis2.type]") == ["linear", "linear"]
    page.press('[data-control="target"][value="0"]', "\ue014")  # arrow right: the next radio button
    assert page.ask(f"{MEDIANS}.map(({{meta}}) => meta.target)") == [1] * 4
    page.press('[data-control="metric"]', "\ue015")
    assert page.ask(f"{MEDIANS}.map(({{meta}}) => meta.metric)") == ["feature_correlation"] * 2
    assert page.ask("chart.layout.shapes") == []
    for learner in (0, 1):
        page.press(f'[data-control="learner"][value="{learner}"]', " ")
    assert page.ask("chart.textContent.includes('nothing to draw yet')")


def test_hostile_names_are_text(page, tmp_path):
    # catches: a name interpreted as markup: in HTML, embedded JSON, titles, hover texts, errors, TOML
    result = made_up(HOSTILE, HOSTILE[:2], name=HOSTILE[1], failing=lambda label, n: n == 4096, error=HOSTILE[2])
    page.open(make_report(result, tmp_path / "report.html").as_uri())
    assert page.ask("window.dialogs") == []
    assert page.ask("window.violations") == []
    assert page.ask("document.scripts.length") == 3  # data, plotly, ours
    assert page.ask("[...document.scripts].some((script) => script.textContent.trim() === 'alert(1)')") is False
    assert (
        page.ask("document.querySelectorAll('img, iframe, object, embed, script[src], link[href^=http]').length") == 0
    )
    chips = page.ask(
        "[...document.querySelectorAll('[data-control=learner] + span')].map((e) => e.lastChild.textContent)"
    )
    assert tuple(chips) == HOSTILE
    assert page.text("h1") == HOSTILE[1]
    assert page.ask("document.title").startswith(HOSTILE[1])
    assert page.text("td.error") == HOSTILE[2]
    assert (
        tuple(
            page.ask("JSON.parse(document.getElementById('data').textContent).studies[0].learners.map((l) => l.label)")
        )
        == HOSTILE
    )
    for chart in ("curves", "growth"):
        for label in HOSTILE:
            name = json.dumps(html.escape(label, quote=False))
            hover = f"chart.data.findIndex((trace) => trace.hovertemplate && trace.name === {name})"
            page.ask(f"Plotly.Fx.hover(chart, [{{curveNumber: {hover}, pointNumber: 1}}], 'xy')", chart)
            page.wait(f"chart.querySelector('.hoverlayer').textContent.startsWith({json.dumps(label)})", chart=chart)
            assert page.ask("chart.querySelectorAll('script, img').length", chart) == 0


def test_nothing_leaves_the_page(page, address):
    # catches: a script, font, map or icon from another server; a policy that allows one
    page.open(address)
    page.press('[data-control="dim"][value="8"]', " ")
    events = [json.loads(entry["message"])["message"] for entry in page.chromium.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert address in urls
    assert {urlsplit(url).scheme for url in urls if url != address} <= {"data", "blob"}
    assert page.ask("performance.getEntriesByType('resource').filter((e) => !e.name.startsWith('data:')).length") == 0
    assert (
        page.ask(
            "[...document.querySelectorAll('.modebar-btn')].map((b) => b.dataset.title).filter("
            "(title) => /share|cloud|studio/i.test(title)).length"
        )
        == 0
    )
    # requests to other servers are blocked
    page.ask("(new Image().src = 'http://127.0.0.1:9/x.png', fetch('http://127.0.0.1:9/').catch(() => {}), 0)")
    page.wait("window.violations.length === 2")
    assert sorted(page.ask("window.violations")) == ["connect-src", "img-src"]


@pytest.mark.parametrize("width", [400, 1400])
def test_it_fits_the_window(page, address, width):
    # catches: a page that scrolls horizontally on a phone, charts with the width of another window
    page.open(address)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.wait(
            f"chart.clientWidth < {width} && Math.abs(chart.querySelector('.main-svg').clientWidth"
            " - chart.clientWidth) < 2"
        )
        assert page.ask("document.documentElement.scrollWidth") <= width
        columns = page.ask("new Set(['xaxis', 'xaxis2', 'xaxis3'].map((name) => chart.layout[name].domain[0])).size")
        assert columns == {400: 1, 1400: 3}[width]
        page.ask("window.dispatchEvent(new Event('beforeprint'))")
        assert page.ask("chart.layout.width") == 660
        page.ask("window.dispatchEvent(new Event('afterprint'))")
        assert page.ask("chart.layout.width") == page.ask("chart.clientWidth")
    finally:
        page.chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_is_accessible(page, address):
    # catches: controls without a label, a chart without a description
    page.open(address)
    unnamed = "[...document.querySelectorAll('input, select')].filter((e) => !e.labels?.length).length"
    assert page.ask(unnamed) == 0
    assert page.ask("[...document.querySelectorAll('[data-chart]')].every((e) => e.getAttribute('aria-label'))")
    assert page.ask("document.documentElement.lang") == "en"
    assert page.ask("document.querySelectorAll('h1').length") == 1


def test_several_studies(page, result, tmp_path):
    # catches: a slider that moves another study; one id for two sections
    page.open(make_report([result, made_up(("linear",), name="other")], tmp_path / "report.html").as_uri())
    assert page.text("h1") == "2 studies"
    assert page.ask("[...document.querySelectorAll('nav a')].map((a) => a.textContent)") == ["made up", "other"]
    other = '#study-2 output[data-shown="threshold"]'
    before = page.text(other), page.text('#study-1 output[data-shown="threshold"]')
    page.press('#study-2 [data-control="threshold"]', "\ue012")
    assert page.text(other) != before[0]
    assert page.text('#study-1 output[data-shown="threshold"]') == before[1]


def test_the_live_page_follows_the_store(page, tmp_path):
    # catches: a page that must be reloaded, forgets its controls, or interprets the markup of a new error
    whole = made_up(HOSTILE[:2])
    trials = {trial.key: trial for trial in whole.study.trials()}
    kept = {key: outcome for key, outcome in whole.outcomes.items() if trials[key].dim == 8}
    with Store(tmp_path / "study.sqlite") as store:
        keep(StudyResult(whole.study, kept), store)
        source = Source(store.path)
        with LiveServer(source, port=0) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                page.open(server.url)
                assert page.text('[data-fragment="status"]') == "42 of 126 trials done"
                page.ask("(window.mine = true)")
                page.press('[data-control="learner"][value="1"]', " ")
                cell = "document.querySelector('[data-cell=\"0,0,16\"]').firstChild.textContent"
                assert page.ask(cell) == "–"
                rest = [key for key in trials if key not in kept]
                store.add_all([(trials[key], whole.outcomes[key]) for key in rest[:-1]])
                store.add(trials[rest[-1]], Outcome(float("nan"), float("nan"), HOSTILE[2]))
                page.wait("document.querySelector('[data-fragment=status]').textContent.includes('all 126')")
                assert page.text('[data-fragment="status"]') == "all 126 trials done, 1 failed"
                assert page.ask("window.mine")
                assert page.ask(cell) == "160"
                assert page.ask(f"{MEDIANS}.map(({{meta}}) => [meta.learner, meta.dim])") == [[0, 8], [0, 16], [0, 32]]
                assert page.text("td.error") == HOSTILE[2]
                assert page.ask("window.dialogs") == []
                assert page.ask("document.images.length") == 0
                assert page.ask("window.violations") == []
                keep(made_up(("linear",), name="another"), store)
                page.wait("document.querySelectorAll('section.study').length === 2")  # it was reloaded
            finally:
                page.chromium.get("about:blank")
                server.shutdown()
                thread.join()
        source.close()
