"""Sphinx configuration. Tables of parameters and pages of commands are made from the code."""

import sys
from importlib.resources import files
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import parameter_tables

import gpipe

project = "gpipe"
author = "the gpipe developers"
release = gpipe.__version__
extensions = ["myst_parser", "command_pages", "mathml"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
smartquotes = False
highlight_language = "none"
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "gpipe"
html_show_copyright = False
html_math_renderer = "mathml"
# The font of equations comes with ziamath: not every system has one.
html_static_path = ["_static", str(files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf")]
html_css_files = ["gpipe.css"]


def setup(app):
    app.connect("source-read", parameter_tables.fill_in)
