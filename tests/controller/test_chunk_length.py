"""How many rows or integrations are a chunk, where nobody limits memory."""

import pytest

from gpipe.controller.declaration.blocks import Block
from gpipe.controller.plan.chunk_size import CHUNK_SAMPLES, FEWEST_SAMPLES, MANY_SAMPLES, chunk_length
from gpipe.controller.plan.sections import Section

BY_ROWS, BY_INTEGRATIONS = (Section((), (), block) for block in (Block.PIXELS, Block.INTEGRATIONS))


def length(shape, section=BY_ROWS, *, halo=0, on_host=True, threads=2):
    return chunk_length(shape, section, halo=halo, budget=None, on_host=on_host, threads=threads)


def test_a_device_gets_all_at_once():
    assert length((2, 8, 2048, 2048), on_host=False) == 2048


@pytest.mark.parametrize("groups", [8, 20])
def test_chunks_of_a_full_frame_have_so_many_samples(groups):
    assert length((1, groups, 2048, 2048)) == CHUNK_SAMPLES // (groups * 2048)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_have_several_chunks_each_of_what_is_not_large(threads):
    share = max(-(-640 // (2 * threads)), FEWEST_SAMPLES // 6400)
    assert length((1, 10, 640, 640), threads=threads) == min(share, CHUNK_SAMPLES // 6400)


def test_nothing_is_cut_smaller_than_what_a_thread_is_worth():
    assert length((1, 8, 160, 160)) == 160
    assert length((1, 20, 320, 320)) == FEWEST_SAMPLES // 6400
    assert length((8, 8, 160, 160), BY_INTEGRATIONS) == 2


@pytest.mark.parametrize(("halo", "rows"), [(1, 12), (2, 24), (3, 36)])
def test_rows_around_a_chunk_are_few_beside_its_own(halo, rows):
    assert length((1, 45, 2048, 2048), halo=halo) == max(rows, CHUNK_SAMPLES // (45 * 2048))
    series = (60, 20, 256, 2048)  # of which a row has 2.5 million samples: memory counts for more
    assert MANY_SAMPLES // (60 * 20 * 2048) == 1
    assert length(series, halo=halo) == rows // 2
