import os

import numpy as np
import pytest
from astropy.io import fits
from helpers.stub_exposures import StubReference, header, ramp, references

from gpipe import dq
from gpipe.dq_init import DQInitStep
from gpipe.exceptions import ParameterError

SHAPE = (1, 2, 3, 4)
MASK = np.zeros(SHAPE[-2:], dtype=np.uint32)
MASK[0, 0] = dq.DO_NOT_USE | dq.DEAD


def written(folder, values):
    path = folder / "flags.fits"
    fits.PrimaryHDU(values).writeto(path)
    return path


def test_mask_goes_into_both_kinds_of_flags():
    out = DQInitStep().apply(ramp(np.zeros(SHAPE, np.float32)), references(mask=StubReference(dq=MASK)))
    np.testing.assert_array_equal(out.pixeldq, MASK)
    assert (out.groupdq[0, :, 0, 0] == dq.DO_NOT_USE).all()
    assert np.count_nonzero(out.groupdq) == 2


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.uint32, np.float32])
def test_user_flags_of_any_integer_like_type(tmp_path, dtype):
    flags = np.zeros(SHAPE[-2:], dtype=dtype)
    flags[2, 3] = 1
    step = DQInitStep(user_supplied_dq=written(tmp_path, flags))
    step.check(header(SHAPE).meta, references())
    out = step.apply(ramp(np.zeros(SHAPE, np.float32)), references(mask=StubReference(dq=MASK)))
    assert out.pixeldq[2, 3] == dq.DO_NOT_USE
    assert (out.groupdq[0, :, 2, 3] == dq.DO_NOT_USE).all()
    assert out.pixeldq[0, 0] == MASK[0, 0]


def test_the_highest_bit_of_signed_flags_is_kept(tmp_path):
    flags = np.full(SHAPE[-2:], np.uint32(dq.REFERENCE_PIXEL).view(np.int32))
    step = DQInitStep(user_supplied_dq=written(tmp_path, flags))
    out = step.apply(ramp(np.zeros(SHAPE, np.float32)), references(mask=StubReference(dq=np.zeros_like(MASK))))
    assert (out.pixeldq == dq.REFERENCE_PIXEL).all()


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.zeros((3, 5), np.uint8), r"shape \(3, 5\)"),
        (np.full((3, 4), 0.5, np.float32), "fractions"),
        (np.full((3, 4), np.nan, np.float32), "fractions"),
        (None, "found"),
    ],
)
def test_wrong_user_flags_are_refused_before_work(tmp_path, values, found):
    step = DQInitStep(user_supplied_dq=written(tmp_path, values))
    with pytest.raises(ParameterError, match=found) as error:
        step.check(header(SHAPE).meta, references())
    assert "flags.fits" in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_and_foreign_files_are_refused(tmp_path):
    (tmp_path / "notes.fits").write_text("no image")
    for name in ("missing.fits", "notes.fits"):
        with pytest.raises(ParameterError, match=name):
            DQInitStep(user_supplied_dq=tmp_path / name).check(header(SHAPE).meta, references())


def test_user_flags_of_irs2_readout_have_its_rows(tmp_path):
    step = DQInitStep(user_supplied_dq=written(tmp_path, np.zeros((3200, 4), np.uint8)))
    step.check(header((1, 1, 3200, 4), readpatt="NRSIRS2").meta, references())
    with pytest.raises(ParameterError, match=r"expected an image of shape \(2048, 4\)"):
        step.check(header((1, 1, 2048, 4), readpatt="NRS").meta, references())


@pytest.mark.parametrize("value", [1 << 32, -(1 << 40)])
def test_user_flags_of_more_than_32_bits_are_refused(tmp_path, value):
    step = DQInitStep(user_supplied_dq=written(tmp_path, np.full(SHAPE[-2:], value)))
    with pytest.raises(ParameterError, match=r"found numbers of more than 32 bits; expected flags of 32"):
        step.check(header(SHAPE).meta, references())


def test_a_pipe_of_user_flags_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "flags.fits")
    with pytest.raises(
        ParameterError, match=r"flags.fits: found found a FIFO; expected a regular file; expected a FITS file"
    ):
        DQInitStep(user_supplied_dq=tmp_path / "flags.fits").check(header(SHAPE).meta, references())
