"""Configuration of the documentation: Sphinx, numpydoc, sphinx-gallery, MyST. Built by `make docs`."""

import os
import sys
from importlib import metadata

from sphinx_gallery.sorting import ExplicitOrder

sys.path.insert(0, os.path.dirname(__file__))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

project = "layerwise"
author = "The layerwise developers"
version = release = metadata.version("layerwise")

extensions = [
    "plain_docstrings",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx-mathjax-offline",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/**/*.ipynb", "auto_examples/**/*.py"]
templates_path = ["_templates"]
default_role = "py:obj"

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = "layerwise"
html_static_path = ["_static"]
html_css_files = ["layerwise.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "header_links_before_dropdown": 9,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
copyright = "2026, the layerwise developers"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "subsection_order": ExplicitOrder(["../examples/data", "../examples/features", "../examples/theory"]),
    "within_subsection_order": "FileNameSortKey",
    "reference_url": {"layerwise": None},
    "doc_module": ("layerwise",),
    "backreferences_dir": "generated/backreferences",
    "remove_config_comments": True,
    "show_memory": False,
    "only_warn_on_example_error": False,
    "min_reported_time": 30,
    "capture_repr": (),
}
