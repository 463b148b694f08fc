"""One switch turns off all that gpipe does to start faster; the products stay the same."""

import os
import subprocess
import sys

import pytest
from astropy.io import fits

CALIBRATE = """
import gc, sys
from gpipe.pipeline import Detector1Pipeline
Detector1Pipeline.call(sys.argv[1], output_dir=sys.argv[2], save_calibrated_ramp=True)
from gpipe import imports
print(any(type(finder) is imports._Finder for finder in sys.meta_path), "astropy.modeling" in sys.modules)
"""
TELLS_OF_MEMORY = """
import ctypes
from types import SimpleNamespace
called = []
ctypes.CDLL = lambda name: SimpleNamespace(mallopt=lambda *a: called.append(a), malloc_trim=lambda *a: called.append(a))
import gpipe.backends.host_memory as memory
memory.keep_blocks(), memory.keep_workspace(), memory.release_workspace()
print(len(called))
"""


def run(code, *arguments, plain):
    environment = os.environ | {"GPIPE_PLAIN_IMPORTS": "1" if plain else "", "GPIPE_BACKEND": "numpy"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()


def test_products_are_the_same_without_the_tricks(exposure, tmp_path):
    plain = run(CALIBRATE, exposure, tmp_path / "plain", plain=True)
    quick = run(CALIBRATE, exposure, tmp_path / "quick", plain=False)
    assert (plain, quick) == (["False", "True"], ["True", "False"])
    names = sorted(path.name for path in (tmp_path / "plain").iterdir())
    assert [name.rpartition("_")[2] for name in names] == ["ramp.fits", "rate.fits", "rateints.fits"]
    for name in names:
        with fits.open(tmp_path / "plain" / name) as ours, fits.open(tmp_path / "quick" / name) as theirs:
            told = fits.FITSDiff(ours, theirs, ignore_keywords=["DATE"], ignore_hdus=["ASDF"])
            assert told.identical, told.report()


@pytest.mark.parametrize(("plain", "calls"), [(True, "0"), (False, "5")])
def test_the_c_library_is_told_nothing(plain, calls):
    assert run(TELLS_OF_MEMORY, plain=plain) == [calls]
