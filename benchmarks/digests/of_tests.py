"""Tables of exposures that belong to the tests, whose folder is no package of the distribution."""

import sys
from importlib import import_module
from pathlib import Path

TESTS = str(Path(__file__).parents[2] / "tests")

if TESTS not in sys.path:
    sys.path.append(TESTS)
device_kinds = import_module("helpers.device_kinds")
exposures = import_module("helpers.exposures")
flicker_kinds = import_module("helpers.flicker_kinds")
jump_truth = import_module("helpers.jump_truth")
miri_parameters = import_module("helpers.miri_parameters")
optical_kinds = import_module("helpers.optical_kinds")
optics = import_module("helpers.optics")
saved_kinds = import_module("helpers.saved_kinds")
