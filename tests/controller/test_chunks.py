"""Parts on their way through steps."""

import weakref

import numpy as np

from gpipe.backends.numpy import NumpyBackend
from gpipe.controller.declaration.work import Work
from gpipe.controller.run.chunks import Course, Stage
from gpipe.datamodels import Ramp
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import chunks_of

SHAPE = (2, 3, 12, 5)


def test_a_summary_does_not_hold_its_chunk():
    backend, seen, alive = NumpyBackend(), [], []

    def read_chunk(chunk):
        data = np.full((*SHAPE[:2], chunk.own.stop - chunk.own.start, SHAPE[3]), chunk.own.start, np.float32)
        seen.append(weakref.ref(data))
        flags = np.zeros(data.shape, np.uint8)
        return Ramp(
            None, backend, data=data, groupdq=flags, pixeldq=np.zeros(data.shape[2:], np.uint32), rows=chunk.with_halo
        )

    course = Course(
        chunks_of(SHAPE[2], 3),
        read_chunk,
        lambda: Assembly(SHAPE[2], by_rows=True),
        backend,
        summarizers={"later": lambda chunk: {"edge": chunk.data[..., 0]}},
        tell=lambda done: alive.append(sum(chunk() is not None for chunk in seen)),
    )
    found = course.through([Stage("stub", Work(lambda chunk: chunk))]).summaries
    assert alive == [0, 0, 0, 0]
    expected = np.broadcast_to(np.repeat([0, 3, 6, 9], 3), SHAPE[:3])
    np.testing.assert_array_equal(found["later"]["edge"], expected)
