"""Sphinx configuration; tables of parameters are made from the Step classes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import parameter_tables

import gpipe

project = "gpipe"
author = "the gpipe developers"
release = gpipe.__version__
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": gpipe.__doc__, "page_width": "1100px"}


def setup(app):
    app.connect("source-read", parameter_tables.fill_in)
