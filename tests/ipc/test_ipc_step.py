import numpy as np
import pytest
from helpers.stub_exposures import StubReference, header, ramp, references

from gpipe.arrays.interleaved import own_rows, rows_around
from gpipe.datamodels import window_of
from gpipe.datamodels.exposures.chunks import Chunk, chunks_of, cut, without_halo
from gpipe.exceptions import ReferenceFileError
from gpipe.ipc import IPCStep
from gpipe.ipc.ipc import Border, correct_ipc
from gpipe.ipc.ipc_step import reference_border

KERNEL = np.array([[0, 0, 0], [0, 1, 0], [0, 0.5, 0]], dtype=np.float32)


@pytest.mark.parametrize("own_kernels", [False, True])
def test_one_kernel_for_all_pixels_or_one_for_each(own_kernels):
    data = np.zeros((1, 1, 6, 7), dtype=np.float32)
    data[0, 0, 3, 3] = 100
    kernel = np.broadcast_to(KERNEL[:, :, None, None], (3, 3, 6, 7)) if own_kernels else KERNEL
    exposure = ramp(data, corner=(100, 200))
    out = IPCStep().apply(exposure, references(ipc=StubReference(data=np.array(kernel)))).data[0, 0]
    assert out[3, 3] == 100
    assert out[4, 3] == 50
    assert out.sum() == 150


@pytest.mark.parametrize(
    ("corner", "size", "instrument", "expected"),
    [
        ((1, 1), (2048, 2048), "NIRCAM", Border(4, 4, 4, 4)),
        ((1, 1), (64, 64), "NIRISS", Border(bottom=4, left=4)),
        ((3, 2), (64, 64), "NIRISS", Border(bottom=3, left=2)),
        ((1, 1793), (2048, 256), "NIRISS", Border(top=4, left=4, right=4)),
        ((1985, 1983), (62, 64), "NIRCAM", Border(top=2, right=2)),
        ((500, 500), (32, 32), "FGS", Border()),
        ((1, 1), (1032, 1024), "MIRI", Border(left=4, right=4)),
    ],
)
def test_reference_pixels_at_the_edges(corner, size, instrument, expected):
    meta = header((1, 1, size[1], size[0]), corner=corner, instrument=instrument).meta
    assert reference_border(meta, window_of(meta)) == expected


@pytest.mark.parametrize("shape", [(2, 3), (3, 3, 3), (3, 4, 10, 10)])
def test_kernels_of_another_form_are_refused(shape):
    kernel = StubReference(data=np.ones(shape, np.float32))
    with pytest.raises(ReferenceFileError, match=r"stub\.fits: found a kernel of shape"):
        IPCStep().check(header((1, 1, 10, 10)).meta, references(ipc=kernel))


@pytest.mark.parametrize("own_kernels", [False, True])
def test_interleaved_reference_pixels_are_no_neighbours(rng, own_kernels):
    data = rng.normal(0, 10, (1, 2, 3200, 12)).astype(np.float32)
    kernel = np.broadcast_to(KERNEL[:, :, None, None], (3, 3, 2048, 12)) if own_kernels else KERNEL
    exposure = ramp(data, instrument="NIRSPEC", readpatt="NRSIRS2")
    out = IPCStep().apply(exposure, references(ipc=StubReference(data=np.array(kernel)))).data
    places, expected = list(own_rows(slice(0, 3200), reference_first=True).places), data.copy()
    border = Border(bottom=4, top=4, left=4)
    expected[..., places, :] = correct_ipc(data[..., places, :], KERNEL, border=border)
    np.testing.assert_array_equal(out, expected)
    assert (out != data).any()


class FullFrameReference(StubReference):
    """A reference of a whole detector, cut to the window that is asked for."""

    def read(self, array, *, window=None, first=None):
        if window is None:
            return self._arrays[array]
        rows, columns = (
            slice(at - 1, at - 1 + size) for at, size in ((window.ystart, window.ysize), (window.xstart, window.xsize))
        )
        return self._arrays[array][..., rows, columns]


CUT = [
    ("NIRCAM", (1, 2, 40, 30), (1, 1), 9),
    ("NIRCAM", (1, 2, 40, 30), (2019, 2009), 3),
    ("MIRI", (1, 2, 40, 30), (1003, 1), 11),
    ("NIRSPEC", (1, 1, 3200, 12), (1, 1), 310),
]


@pytest.mark.parametrize(("instrument", "shape", "corner", "length"), CUT)
@pytest.mark.parametrize("own_kernels", [False, True])
@pytest.mark.parametrize("size", [(3, 3), (5, 1)])
def test_chunks_with_their_halo_are_corrected_as_the_whole(rng, instrument, shape, corner, length, own_kernels, size):
    whole = ramp(rng.normal(100, 9, shape).astype(np.float32), instrument=instrument, corner=corner)
    pixels = (corner[1] - 1 + whole.window.ysize, corner[0] - 1 + shape[-1]) if own_kernels else ()
    ipc = references(ipc=FullFrameReference(data=rng.normal(0, 1, (*size, *pixels)).astype(np.float32)))
    step = IPCStep()
    expected = step.apply(whole, ipc).data
    halo = step.halo(whole.meta, ipc)
    assert halo == max(size) // 2
    for chunk in chunks_of(shape[2], length, halo=rows_around(halo, shape)):
        found = without_halo(step.apply(cut(whole, chunk), ipc), chunk)
        np.testing.assert_array_equal(found.data, expected[..., chunk.own, :])
    for columns in chunks_of(shape[3], 5, halo=halo):
        chunk = Chunk(slice(0, shape[2]), slice(0, shape[2]), columns=columns)
        found = without_halo(step.apply(cut(whole, chunk), ipc), chunk)
        np.testing.assert_array_equal(found.data, expected[..., columns.own])
