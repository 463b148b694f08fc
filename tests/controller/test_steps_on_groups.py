"""Steps on the members of a group, and their references."""

from collections import Counter

import numpy as np
import pytest
from astropy.io import fits
from helpers.members import group_of, pixels, rate_model
from helpers.strict_backend import StrictBackend
from helpers.stub_steps import GainStep

from gpipe.backends.numpy import NumpyBackend
from gpipe.controller.references.resolution import resolve
from gpipe.datamodels import forget_references
from gpipe.datamodels.exposures.groups.scratch import Storage
from gpipe.datamodels.files.array_source import FitsArrays

GAIN = 2.0


@pytest.fixture
def gain_path(tmp_path):
    forget_references()
    image = fits.ImageHDU(np.full((2048, 2048), GAIN, np.float32), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "gain.fits")
    yield str(tmp_path / "gain.fits")
    forget_references()


@pytest.fixture
def loads(monkeypatch):
    """How often each file is read."""
    counts, load = Counter(), FitsArrays.load

    def counted(self, *args, **part):
        counts[self.name] += 1
        return load(self, *args, **part)

    monkeypatch.setattr(FitsArrays, "load", counted)
    return counts


def references_of(group, path):
    """Those of all members, resolved before any pixel is read."""
    wanted, given = {"gaining": GainStep.reference_file_types}, {"gaining": {"gain": path, "readnoise": "N/A"}}
    return [resolve(wanted, {}, given, member.meta).steps["gaining"] for member in group.members]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("storage", Storage)
@pytest.mark.parametrize("backend", [NumpyBackend(), StrictBackend()], ids=["host", "device"])
def test_a_step_for_a_member_runs_on_each_and_reads_its_reference_once(backend, storage, threads, gain_path, loads):
    models = [rate_model(number) for number in range(3)]
    group = group_of(models, backend, storage)
    references = references_of(group, gain_path)
    assert not loads
    step = GainStep()
    result = pixels(group.map(step.apply, references, threads=threads))
    np.testing.assert_array_equal(result["data"], np.stack([model.data for model in models]) * (1 + np.float32(GAIN)))
    assert loads == {gain_path: 1}
