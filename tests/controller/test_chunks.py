"""Parts on their way through steps."""

import weakref

import numpy as np

from gpipe.backends.numpy import NumpyBackend
from gpipe.controller.declaration.work import Work
from gpipe.controller.run.chunks import Stage, work_through
from gpipe.datamodels import Ramp
from gpipe.datamodels.exposures.assembly import Assembly
from gpipe.datamodels.exposures.chunks import spans

SHAPE = (2, 3, 12, 5)


def test_a_survey_that_looks_at_a_part_does_not_keep_it():
    place, seen, alive = NumpyBackend(), [], []

    def supply(span):
        data = np.full((*SHAPE[:2], span.inner.stop - span.inner.start, SHAPE[3]), span.inner.start, np.float32)
        seen.append(weakref.ref(data))
        flags = np.zeros(data.shape, np.uint8)
        return Ramp(None, place, data=data, groupdq=flags, pixeldq=np.zeros(data.shape[2:], np.uint32), rows=span.outer)

    found = work_through(
        [Stage("stub", Work(lambda part: part), 0)],
        supply,
        spans(SHAPE[2], 3),
        Assembly(SHAPE[2], by_rows=True),
        store=place,
        surveys={"later": lambda part: {"edge": part.data[..., 0]}},
        tell=lambda done: alive.append(sum(part() is not None for part in seen)),
    )
    assert alive == [0, 0, 0, 0]
    expected = np.broadcast_to(np.repeat([0, 3, 6, 9], 3), SHAPE[:3])
    np.testing.assert_array_equal(found["later"]["edge"], expected)
