"""Tables of exposures that belong to the tests, whose folders are no packages."""

import sys
from importlib import import_module
from pathlib import Path

TESTS = Path(__file__).parents[2] / "tests"

sys.path += [folder for folder in (str(TESTS), str(TESTS / "parity")) if folder not in sys.path]
device_kinds = import_module("device_kinds")
exposures = import_module("exposures")
flicker_kinds = import_module("flicker_kinds")
jump_truth = import_module("jump_truth")
miri_parameters = import_module("miri_parameters")
optical_kinds = import_module("optical_kinds")
optics = import_module("optics")
saved_kinds = import_module("saved_kinds")
