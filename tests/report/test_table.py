"""The page of a fitted table: what it says, that it is one file without scripts, and how Chromium shows it."""

import html
import re

import numpy as np
import pandas as pd
import pytest

from layerwise.report import make_table_report
from layerwise.tables import Table, fit_table

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a table with a column whose name is markup, and a copy of the target."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((150, 4)), columns=["a", "b", HOSTILE, "d"])
    y = X["a"] ** 2 + X["b"] + 0.1 * rng.standard_normal(150)
    table = Table(X.assign(copy=y), y, notes=["rows without the target, dropped: 3"])
    fitted = fit_table(table, "two-layer")
    return make_table_report(
        fitted, table.inputs, tmp_path_factory.mktemp("page") / "r.html", title="t", model="m.skops"
    )


def test_the_page_has_every_part(page):
    """Catches a part that is missing, markup in a name that is not escaped, or a script."""
    text = page.read_text(encoding="utf-8")
    for part in ("Warnings", "Structure", "Comparison", "Predictions and residuals", "Columns", "Use"):
        assert f">{part}</h3>" in text
    assert html.escape(HOSTILE) in text
    assert "<script" not in text
    assert "copy is a copy of the target" in text
    assert "rows without the target, dropped: 3" in text
    assert "layerwise predict m.skops" in text
    assert set(re.findall(r'(?:src|href)="([^"]{5})', text)) == {"data:"}
    for model in ("two-layer", "ridge", "kernel ridge", "boosting", "mean"):
        assert f"<td>{model}</td>" in text


@pytest.mark.slow
def test_the_page_in_chromium(page, chromium):
    """Catches images or styles that the content security policy blocks, and a page wider than a phone."""
    chromium.get_log("browser")
    chromium.get(page.as_uri())
    sizes = chromium.execute_script("return [...document.images].map((image) => image.naturalWidth)")
    assert len(sizes) >= 2
    assert min(sizes) > 300
    assert chromium.execute_script("return [window.dialogs, window.violations]") == [[], []]
    assert chromium.get_log("browser") == []
    assert chromium.execute_script("return getComputedStyle(document.querySelector('.overline')).fontSize") == "13px"
