"""Helpers for models: the same pixels and orientations as references and exposures of the keywords."""

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from gpipe.exceptions import InputError, ReferenceFileError
from gpipe.lib import reffile_utils as ru

FULL = {"xstart": 1, "ystart": 1, "xsize": 2048, "ysize": 2048}
CUT = {"xstart": 5, "ystart": 9, "xsize": 16, "ysize": 8}


def model(cls, shape, window, instrument="NIRCAM"):
    made = cls(data=np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
    made.meta.instrument.name = instrument
    made.meta.subarray.instance.update(window)
    return made


@pytest.mark.parametrize(
    ("instrument", "shape", "found"),
    [
        ("NIRCAM", (2048, 2048), False),
        ("NIRCAM", (2048, 1024), True),
        ("MIRI", (1024, 1032), False),
        ("MIRI", (1024, 1000), True),
    ],
)
def test_is_subarray(instrument, shape, found):
    assert ru.is_subarray(model(datamodels.ImageModel, shape, {}, instrument)) is found


def test_a_reference_is_cut_to_the_exposure():
    science, gain = model(datamodels.RampModel, (1, 2, 8, 16), CUT), model(datamodels.GainModel, (2048, 2048), FULL)
    assert not ru.ref_matches_sci(science, gain)
    found = ru.get_subarray_model(science, gain)
    assert isinstance(found, datamodels.GainModel)
    np.testing.assert_array_equal(found.data, gain.data[8:16, 4:20])
    found.data[:] = 0
    assert gain.data[8, 4] > 0
    same = model(datamodels.GainModel, (8, 16), CUT)
    assert ru.ref_matches_sci(science, same)
    np.testing.assert_array_equal(ru.get_subarray_model(science, same).data, same.data)


SUPERSTRIPES = {
    "name": "SUB64P_SUPSTP008",
    "xstart": 1851,
    "ystart": 1880,
    "xsize": 64,
    "ysize": 8,
    "fastaxis": 1,
    "slowaxis": -2,
    **{f"{kind}{number}": 0 for kind in ("multistripe_reads", "multistripe_skips") for number in (1, 2)},
    "repeat_stripe": 0,
    "interleave_reads1": 0,
    "superstripe_step": 8,
    "num_superstripe": 8,
}


def test_each_superstripe_has_its_part_of_a_reference():
    science = model(datamodels.RampModel, (8, 1, 8, 64), SUPERSTRIPES)
    gain = model(datamodels.GainModel, (2048, 2048), FULL)
    found = ru.get_subarray_model(science, gain)
    assert found.data.shape == (8, 8, 64)
    assert found.meta.instrument.name == "NIRCAM"
    np.testing.assert_array_equal(found.data[0], gain.data[1872:1880, 1850:1914])
    np.testing.assert_array_equal(found.data[7], gain.data[1816:1824, 1850:1914])


def test_flags_are_cut_with_a_mask():
    science = model(datamodels.RampModel, (1, 2, 8, 16), CUT)
    mask = datamodels.MaskModel(dq=np.arange(2048 * 2048, dtype=np.uint32).reshape(2048, 2048))
    mask.meta.instrument.name = "NIRCAM"
    mask.meta.subarray.instance.update(FULL)
    np.testing.assert_array_equal(ru.get_subarray_model(science, mask).dq, mask.dq[8:16, 4:20])


def test_keywords_that_lack_or_are_wrong():
    science = model(datamodels.RampModel, (1, 2, 8, 16), CUT)
    assert ru.ref_matches_sci(
        model(datamodels.RampModel, (1, 1, 2048, 2048), FULL), model(datamodels.GainModel, (2048, 2048), {})
    )
    with pytest.raises(ReferenceFileError, match="SUBSTRT1=None"):
        ru.ref_matches_sci(science, model(datamodels.GainModel, (8, 16), {}))
    with pytest.raises(InputError, match="SUBSTRT1=0"):
        ru.ref_matches_sci(model(datamodels.RampModel, (1, 2, 8, 16), CUT | {"xstart": 0}), science)
    small = model(datamodels.GainModel, (8, 16), CUT | {"xstart": 6})
    with pytest.raises(ReferenceFileError, match="expected to cover columns 5-20"):
        ru.get_subarray_model(science, small)
    science.meta.subarray.num_superstripe = 4
    assert not ru.ref_matches_sci(science, model(datamodels.GainModel, (8, 16), CUT))


@pytest.mark.parametrize("fast", [1, -1, 2, -2])
@pytest.mark.parametrize("sign", [1, -1])
def test_turned_to_the_detector_and_back(fast, sign):
    slow = sign * (3 - abs(fast))
    data = np.arange(24).reshape(2, 3, 4)
    turned = ru.science_detector_frame_transform(data, fast, slow)
    assert turned.shape == ((2, 3, 4) if abs(fast) == 1 else (2, 4, 3))
    np.testing.assert_array_equal(ru.detector_science_frame_transform(turned, fast, slow), data)
    first = turned[0, 0, :2] if fast > 0 else turned[0, 0, -2:][::-1]
    assert abs(int(first[1]) - int(first[0])) == (1 if abs(fast) == 1 else 4)
