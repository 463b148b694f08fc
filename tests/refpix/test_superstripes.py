import numpy as np

import gpipe.dq as dq
from gpipe.datamodels.exposures.stripes import StripePattern
from gpipe.refpix.orientation import Orientation
from gpipe.refpix.superstripes import NOTHING, Mosaic, assemble
from gpipe.refpix.superstripes_exposure import line_sources

SOURCES = [[1, 2, NOTHING, 4, 5], [1, 2, NOTHING, 4, 5]]


def test_lines_go_where_they_were_read_and_repeats_become_groups(library, rng):
    """Two integrations of two superstripes; three columns along the slow axis, read backwards, one of a reference."""
    data = rng.normal(size=(4, 2, 6, 3)).astype(np.float32)
    groupdq = rng.integers(0, 8, data.shape, dtype=np.uint8)
    pixeldq = rng.integers(0, 8, (2, 6, 3), dtype=np.uint32)
    zeroframe = data[:, 0]
    mosaic = Mosaic(2, SOURCES, Orientation(-2, -1))
    out = library.run(assemble, data, groupdq, pixeldq, zeroframe, mosaic=mosaic)
    assert out.data.shape == (2, 4, 6, 5)
    assert (out.data.dtype, out.groupdq.dtype, out.pixeldq.dtype) == (np.float32, np.uint8, np.uint32)
    for i in range(2):
        for group in range(4):
            for line, source in enumerate(SOURCES[0]):
                column = 4 - line
                if source == NOTHING:
                    assert np.isnan(out.data[i, group, :, column]).all()
                    assert not out.groupdq[i, group, :, column].any()
                    assert (out.pixeldq[:, column] == dq.REFERENCE_PIXEL).all()
                    continue
                stripe, within = divmod(source, 3)
                np.testing.assert_array_equal(
                    out.data[i, group, :, column], data[2 * i + stripe, group // 2, :, 2 - within]
                )
                np.testing.assert_array_equal(
                    out.groupdq[i, group, :, column], groupdq[2 * i + stripe, group // 2, :, 2 - within]
                )
                np.testing.assert_array_equal(out.pixeldq[:, column], pixeldq[stripe, :, 2 - within])
                np.testing.assert_array_equal(out.zeroframe[i, :, column], zeroframe[2 * i + stripe, :, 2 - within])


def test_sources_of_superstripes():
    pattern = StripePattern(
        size=5, origin=0, reads1=2, skips1=1, reads2=3, skips2=0, repeats=True, interleaves=True, step=3, count=2
    )
    assert line_sources(pattern, "SUB") == [[2, 3, 4, 7, 8, 9]]
    whole = line_sources(pattern, "SUB17STRIPE_SOSS")[0]
    assert whole[:10] == [NOTHING] * 3 + [2, 3, 4, 7, 8, 9] + [NOTHING]
    assert len(whole) == 2048
