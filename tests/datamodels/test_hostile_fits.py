"""FITS files that lie about themselves, or change while they are read: one error, soon, in little memory."""

import gzip
import os
import resource
import tempfile

import numpy as np
import pytest
from astropy.io import fits
from helpers.fits_cards import with_card

from gpipe.datamodels import open_exposure, read_header
from gpipe.exceptions import InputError, OutputError


def refused(path, words):
    with pytest.raises(InputError, match=words) as caught:
        read_header(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("keyword", "value", "words"),
    [
        ("NAXIS1", "-1", r"found NAXIS1 = -1 in extension SCI; expected a whole number, 0 or more"),
        ("NAXIS3", "1E3", r"found NAXIS3 = 1E3"),
        ("NAXIS4", "'2'", r"found NAXIS4 = '2'"),
        ("NAXIS4", "99999999999999999", r"truncated or damaged inside extension SCI"),
        ("NAXIS", "1000", r"found NAXIS = 1000"),
        ("BITPIX", "-16", r"found BITPIX = -16 in extension SCI; expected one of 8, 16, 32, 64, -32, -64"),
        ("PCOUNT", "-8640", r"found PCOUNT = -8640"),
        ("GCOUNT", "-1", r"found GCOUNT = -1"),
    ],
)
def test_sizes_that_cannot_be_are_refused_before_astropy_reads_by_them(keyword, value, words, uncal_path):
    uncal_path.write_bytes(with_card(uncal_path.read_bytes(), keyword, value, extension="SCI"))
    refused(uncal_path, words)


def test_a_table_of_a_thousand_million_columns(uncal_path):
    uncal_path.write_bytes(with_card(uncal_path.read_bytes(), "TFIELDS", "1000000000", extension="GROUP"))
    refused(uncal_path, r"found TFIELDS = 1000000000 in extension GROUP; expected a whole number, 0 to 999")


def test_a_header_without_an_end(uncal_path):
    uncal_path.write_bytes(uncal_path.read_bytes()[:2880] + b" " * 28800)
    refused(uncal_path, "truncated or damaged in a header after extension PRIMARY")


# --- compressed files -----------------------------------------------------------------------------------------------


def peak_growth(call):
    """Bytes by which the process's peak grows; 0 if it stays below an earlier one."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    call()
    return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def packed_zeros(path, start, megabytes):
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(megabytes):
            file.write(bytes(1 << 20))


def test_a_small_file_that_unpacks_to_a_large_one_is_not_unpacked(tmp_path):
    path = tmp_path / "x_uncal.fits.gz"
    packed_zeros(path, b"", 256)
    assert peak_growth(lambda: refused(path, "not a FITS file")) < 64 << 20


def test_padding_of_any_length_after_the_last_extension_is_not_unpacked(uncal_path, tmp_path):
    path = tmp_path / "x_uncal.fits.gz"
    packed_zeros(path, uncal_path.read_bytes(), 256)
    assert peak_growth(lambda: read_header(path)) < 64 << 20


def test_a_header_that_asks_for_more_than_the_file_can_hold(uncal_path, tmp_path):
    path = tmp_path / "x_uncal.fits.gz"
    content = with_card(uncal_path.read_bytes(), "NAXIS4", "99999999999999999", extension="SCI")
    path.write_bytes(gzip.compress(content))
    refused(path, "truncated or damaged inside extension SCI")


def test_compressed_pixels_are_on_disk_not_in_memory(tmp_path, uncal):
    with fits.open(uncal_file(uncal, tmp_path)) as hdus:
        hdus["SCI"].data = np.zeros((2, 5, 2048, 2048), np.uint16)
        hdus[0].header.update(SUBSTRT1=1, SUBSTRT2=1, SUBSIZE1=2048, SUBSIZE2=2048)
        del hdus["ZEROFRAME"], hdus["ASDF"]
        hdus[0].header["ZEROFRAM"] = False
        hdus.writeto(tmp_path / "x_uncal.fits")
    with open(tmp_path / "x_uncal.fits", "rb") as plain, gzip.open(tmp_path / "x.fits.gz", "wb", 1) as packed:
        while piece := plain.read(1 << 20):
            packed.write(piece)
    assert peak_growth(lambda: read_header(tmp_path / "x.fits.gz")) < 40 << 20


def uncal_file(model, folder):
    model.save(str(folder / "small_uncal.fits"))
    return folder / "small_uncal.fits"


def test_no_room_for_a_compressed_file(uncal_path, tmp_path, monkeypatch):
    path = tmp_path / "x_uncal.fits.gz"
    path.write_bytes(gzip.compress(uncal_path.read_bytes()))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(OutputError, match=r"none: a compressed file cannot be unpacked here \(No such file"):
        read_header(path)


def test_a_compressed_file_of_several_members_is_whole(uncal_path, tmp_path, backend):
    content = uncal_path.read_bytes()
    path = tmp_path / "x_uncal.fits.gz"
    path.write_bytes(gzip.compress(content[:5000]) + gzip.compress(content[5000:]))
    np.testing.assert_array_equal(open_exposure(path, backend).data, open_exposure(uncal_path, backend).data)


# --- files that change ----------------------------------------------------------------------------------------------


def put_another(path):
    other = path.with_name("other.fits")
    other.write_bytes(path.read_bytes()[::-1])
    other.replace(path)


def write_over(path):
    with open(path, "r+b") as file:
        file.seek(-2880, os.SEEK_END)
        file.write(b"\1" * 2880)
    os.utime(path, ns=(1, 1))


def append(path):
    with open(path, "ab") as file:
        file.write(bytes(2880))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put_another, "another file took its place while it was read"),
        (write_over, "was written to while it was read"),
        (append, "was written to while it was read"),
    ],
)
def test_pixels_of_another_file_than_the_header_are_refused(change, words, uncal_path, backend):
    header = read_header(uncal_path)
    change(uncal_path)
    with pytest.raises(InputError, match=f"^{uncal_path}: {words}; expected the same file"):
        open_exposure(header, backend)


def test_a_file_that_is_deleted_is_read_to_its_end(uncal, uncal_path, backend):
    header = read_header(uncal_path)
    uncal_path.unlink()
    np.testing.assert_array_equal(open_exposure(header, backend).data, uncal.data)


# --- no regular files -----------------------------------------------------------------------------------------------


def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x_uncal.fits")
    refused(tmp_path / "x_uncal.fits", "found a FIFO; expected a regular file")


def test_a_name_with_nul():
    with pytest.raises(InputError, match=r"found NUL in the path 'a\\x00b_uncal.fits'; expected the path of a file"):
        read_header("a\0b_uncal.fits")


# --- pixels that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("BZERO", "NaN"), ("BZERO", "'zero'"), ("BZERO", "1E60"), ("BZERO", "T"), ("BSCALE", "0"), ("BSCALE", "1E36")],
)
def test_scales_that_make_no_number_are_refused_by_name(keyword, value, uncal_path):
    uncal_path.write_bytes(with_card(uncal_path.read_bytes(), keyword, value, extension="SCI"))
    refused(uncal_path, f"{keyword}")


@pytest.mark.parametrize(
    ("name", "dtype", "found"),
    [
        ("GROUPDQ", np.float32, "float32"),
        ("GROUPDQ", np.uint16, "uint16"),
        ("GROUPDQ", np.int32, "int32"),
        ("PIXELDQ", np.float64, "float64"),
        ("PIXELDQ", np.int64, "int64"),
    ],
)
def test_flags_of_types_that_cannot_be_are_refused_by_name(name, dtype, found, uncal_path):
    shape = (2, 5, 16, 12) if name == "GROUPDQ" else (16, 12)
    with fits.open(uncal_path, mode="append") as hdus:
        hdus.append(fits.ImageHDU(np.ones(shape, dtype), name=name))
    wanted = "uint8" if name == "GROUPDQ" else "uint32"
    refused(uncal_path, f"found {name.lower()} of type {found}; expected {wanted}, or narrower")


@pytest.mark.parametrize(("stored", "bits"), [(np.uint8, 7), (np.uint16, 15), (np.uint32, 31), (np.int32, -1)])
def test_flags_of_narrower_or_signed_types_keep_their_bits(stored, bits, uncal_path, backend):
    value = np.array(1 << bits if bits > 0 else -(1 << 31), np.int64).astype(stored)
    with fits.open(uncal_path, mode="append") as hdus:
        hdus.append(fits.ImageHDU(np.full((16, 12), value, stored), name="PIXELDQ"))
    assert (open_exposure(uncal_path, backend).pixeldq == (1 << (bits if bits > 0 else 31))).all()
