"""Signals end ``gpipe run`` with the status that shells know, and nothing partial is left."""

import signal
import subprocess
import sys
import time

import pytest
from astropy.io import fits
from helpers.simulated import small

from gpipe import simulate

SCRIPT = "from gpipe.cli import main; main()"
LONG = 60.0


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """An exposure, and a cache with what its first step needs."""
    folder = tmp_path_factory.mktemp("simulated")
    return simulate.write_exposure(small(), folder).path, simulate.write_cache(
        [small()], folder / "crds_cache", full_frame=False
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_ends_a_run_and_leaves_whole_products_only(simulated, tmp_path, monkeypatch, number, status):
    exposure, cache = simulated
    for name, value in cache.environment.items():
        monkeypatch.setenv(name, value)
    files = [tmp_path / f"jw{k:03d}_uncal.fits" for k in range(40)]
    for file in files:
        file.hardlink_to(exposure)
    # A script that starts a process with & has it ignore SIGINT, and so has what that starts.
    plain = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [sys.executable, "-c", plain + SCRIPT, "run", str(tmp_path / "jw*"), "-p", "dq_init", "-q", "-o", "cal"]
    running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    begun = time.monotonic()
    while not list(tmp_path.glob("cal/*_dq_init.fits")) and time.monotonic() < begun + LONG:
        time.sleep(0.01)
    running.send_signal(number)
    error = running.communicate(timeout=LONG)[1]
    assert running.returncode == status
    assert "Traceback" not in error
    left = list((tmp_path / "cal").iterdir())
    assert 0 < len(left) < len(files)
    for path in left:
        assert path.name.endswith("_dq_init.fits"), "a file in pieces"
        fits.getdata(path, "SCI")
