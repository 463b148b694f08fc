import numpy as np
import pytest
from helpers.stub_exposures import StubReference, header, ramp, references

from gpipe.arrays.interleaved import science_rows, with_science_rows
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
    assert reference_border(meta) == expected


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
    border = reference_border(exposure.meta)
    normal = correct_ipc(science_rows(data, reference_first=True), KERNEL, border=border)
    np.testing.assert_array_equal(out, with_science_rows(data, normal, reference_first=True))
    assert (out != data).any()
