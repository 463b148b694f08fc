"""ASDF files that are damaged or meant to harm: one InputError that names the file, soon, in little memory."""

import struct

import asdf
import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from gpipe.datamodels import open_exposure, read_header
from gpipe.exceptions import InputError, ParameterError
from gpipe.group_scale import GroupScaleStep

BLOCK = b"\xd3BLK"
SIZES = struct.Struct(">QQQ")
"""Allocated, used and unpacked, 14 bytes after the start of a block."""


@pytest.fixture
def ramp_path(uncal_path, tmp_path):
    with datamodels.RampModel(str(uncal_path)) as model:
        model.save(str(tmp_path / "jw00001_ramp.asdf"))
    return tmp_path / "jw00001_ramp.asdf"


def refused(path, words):
    with pytest.raises(InputError, match=words) as caught:
        read_header(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def changed(path, old, new):
    content = path.read_bytes()
    assert content.count(old) >= 1
    path.write_bytes(content.replace(old, new, 1))


@pytest.mark.parametrize("kept", [0.02, 0.2, 0.5, 0.9, 0.98])
def test_a_file_that_was_cut(kept, ramp_path):
    content = ramp_path.read_bytes()
    last = content.index(b"#ASDF BLOCK INDEX")
    ramp_path.write_bytes(content[: int(kept * last)])
    refused(ramp_path, "truncated or damaged|cannot be read")


def test_pixels_that_do_not_fit_their_checksum(ramp_path):
    content = bytearray(ramp_path.read_bytes())
    place = content.index(BLOCK) + 200
    content[place] ^= 1
    ramp_path.write_bytes(content)
    refused(ramp_path, r"cannot be read as an ASDF data model \(.*checksum")


def test_pixels_are_those_of_the_moment_when_the_header_was_read(ramp_path, backend):
    header = read_header(ramp_path)
    expected = open_exposure(header, backend).data.copy()
    content = ramp_path.read_bytes()
    ramp_path.write_bytes(content[: content.index(BLOCK) + 54] + b"\7" * 5000)
    np.testing.assert_array_equal(open_exposure(header, backend).data, expected)


def bomb(levels):
    lines = ["a0: &a0 [x, x]"]
    return "\n".join([*lines, *(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, levels))])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (bomb(12), "more than 1000000 nodes"),
        ("deep: " + "[" * 150 + "]" * 150, "more than 100 levels"),
        ("deep: " + "[" * 50000 + "]" * 50000, "more than 100 levels|increasing flow level"),
        ("loop: &loop [*loop]", r"found 'loop' inside itself"),
    ],
)
@pytest.mark.parametrize("form", ["asdf", "fits"])
def test_trees_that_grow_when_they_are_read(text, words, form, ramp_path, uncal_path):
    if form == "asdf":
        changed(ramp_path, b"\nmeta:", b"\n" + text.encode() + b"\nmeta:")
        refused(ramp_path, words)
    else:
        refused(with_tree(uncal_path, text), words)


def with_tree(path, text):
    """The file with this text in the tree of its ASDF extension."""
    from astropy.io import fits

    content = f"#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n--- !<tag:stsci.edu:asdf/core/asdf-1.1.0>\n{text}\n...\n"
    data = np.frombuffer(content.encode(), np.uint8)[None, :]
    column = fits.Column(array=data, format=f"{data.size}B", name="ASDF_METADATA")
    with fits.open(path) as hdus:
        del hdus["ASDF"]
        hdus.append(fits.BinTableHDU.from_columns([column], name="ASDF"))
        hdus.writeto(path, overwrite=True)
    return path


def test_a_tree_with_aliases_is_read(ramp_path):
    changed(ramp_path, b"\nmeta:", b"\nshared: &one [1, 2]\nagain: *one\nmeta:")
    assert read_header(ramp_path).shape == (2, 5, 16, 12)


@pytest.mark.parametrize(("field", "value"), [(0, 1 << 40), (1, 1 << 40), (1, 1 << 62), (0, 0)])
def test_blocks_that_reach_beyond_the_file_or_into_each_other(field, value, ramp_path):
    content = bytearray(ramp_path.read_bytes())
    place = content.index(BLOCK) + 14
    sizes = list(SIZES.unpack_from(content, place))
    sizes[field] = value
    SIZES.pack_into(content, place, *sizes)
    ramp_path.write_bytes(content)
    refused(ramp_path, "truncated or damaged in the block")


def array_of(path):
    """The place of the description of the science array, and its end."""
    content = path.read_bytes()
    start = content.index(b"data: !core/ndarray")
    return content, start, content.index(b"\n", content.index(b"shape", start))


def test_an_array_that_repeats_one_number(ramp_path):
    content, start, _ = array_of(ramp_path)
    stop = content.index(b"\n", content.index(b"shape:", start))
    shape = b"shape: [100, 200, 300, 400]\nstrides: [4, 4, 4, 4]"
    place = content.index(b"shape:", start)
    ramp_path.write_bytes(content[:place] + shape + content[stop:])
    refused(ramp_path, "buffer is too small")


@pytest.mark.parametrize("source", [b"other.asdf", b"x", b"http://nowhere.example/x.asdf"])
def test_an_array_of_another_file_is_not_fetched(source, ramp_path):
    content, start, _ = array_of(ramp_path)
    place = content.index(b"source:", start)
    stop = content.index(b"\n", place)
    ramp_path.write_bytes(content[:place] + b"source: " + source + content[stop:])
    refused(ramp_path, "found an array in another file")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"\nmeta:", b"\nold_meta:", "found nothing for meta.instrument.name"),
        (b"ngroups: 5", b"ngroups: five", "found 'five' for meta.exposure.ngroups"),
        (b"nframes: 8", b"nframes: [8]", r"found \[8\] for meta.exposure.nframes"),
        (b"model_type: RampModel", b"model_type: [RampModel]", "found"),
        (b"\nmeta:", b"\nextra_fits: 5\nmeta:", "found a int for extra_fits; expected"),
        (b"int_times: !core/ndarray", b"int_times: soon\nold: !core/ndarray", "found a str for int_times"),
        (b"\ndata: !core/ndarray", b"\ndata: none\nold: !core/ndarray", "found a TaggedString for data|found a str"),
    ],
)
def test_trees_of_another_form(old, new, words, ramp_path):
    changed(ramp_path, old, new)
    refused(ramp_path, words)


@pytest.mark.filterwarnings("ignore:Invalid integer literal")
def test_integers_that_no_product_can_hold(ramp_path):
    changed(ramp_path, b"\nmeta:", b"\nown: [1, 99999999999999999999]\nmeta:")
    refused(ramp_path, "found an integer of more than 64 bits for own.1")


def test_its_arrays_are_in_the_plan(ramp_path):
    plain = str(GroupScaleStep.plan(ramp_path, max_memory="1 MB"))
    header = read_header(ramp_path)
    assert header.in_memory >= header.nbytes > 0
    plan = GroupScaleStep.plan(ramp_path)
    assert plan.in_memory == header.in_memory
    assert plan.arrays > header.in_memory
    assert plain
    message = r"max_memory: found \d+ bytes; expected more than \d+ bytes, .* is an ASDF file, which is read whole"
    with pytest.raises(ParameterError, match=message):
        GroupScaleStep.plan(ramp_path, max_memory=header.in_memory)


def test_compressed_blocks_count_with_what_they_unpack_to(ramp_path, tmp_path):
    with asdf.open(ramp_path) as file:
        file.write_to(tmp_path / "packed_ramp.asdf", all_array_compression="zlib")
    assert read_header(tmp_path / "packed_ramp.asdf").in_memory >= read_header(ramp_path).nbytes
