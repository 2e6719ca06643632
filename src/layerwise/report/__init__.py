"""Studies as an HTML page: one self-contained file, or a live page while the study runs.

`make_report` writes the file; `LiveServer` serves the page of a store that another process writes. Both need plotly and
Jinja2: ``pip install 'layerwise[report]'``. The browser computes nothing: the threshold slider steps through thresholds
at which `layerwise.studies` computed every n*, exponent and interval.
"""

from layerwise.report.live import LiveServer
from layerwise.report.page import make_report
from layerwise.report.source import Record, Source

__all__ = ["LiveServer", "Record", "Source", "make_report"]
