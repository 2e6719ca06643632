"""A study as a page: one self-contained HTML file to send to a colleague, or the same page live while the study runs.

`make_report` writes the file, `LiveServer` serves the page of a store that another process writes. Charts are plotly's,
the page is Jinja2's: ``pip install 'layerwise[report]'``. Nothing is computed in the browser: the threshold slider
steps through thresholds at which `layerwise.studies` computed every n*, exponent and interval.
"""

from layerwise.report.live import LiveServer
from layerwise.report.page import make_report
from layerwise.report.source import Record, Source

__all__ = ["LiveServer", "Record", "Source", "make_report"]
