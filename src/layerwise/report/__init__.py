"""Studies and fitted tables as HTML pages: self-contained files, or a live page while a study runs.

`make_report` writes the page of studies, `make_table_report` that of a fitted table; `LiveServer` serves the page of a
store that another process writes. They need Jinja2, those of studies also plotly: ``pip install 'layerwise[report]'``.
The browser computes nothing: the threshold slider steps through thresholds at which `layerwise.studies` computed every
n*, exponent and interval.
"""

from layerwise.report.live import LiveServer
from layerwise.report.page import make_report
from layerwise.report.source import Record, Source
from layerwise.report.table import make_table_report

__all__ = ["LiveServer", "Record", "Source", "make_report", "make_table_report"]
