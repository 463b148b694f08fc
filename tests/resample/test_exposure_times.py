"""Times of a mosaic: each group counts once."""

from gpipe.resample.exposure_times import Times, combined


def test_groups_count_once():
    times = [Times(10.0, 12.0, 9.0, 5.0, 6.0), Times(10.0, 12.0, 9.0, 5.1, 6.2), Times(20.0, 21.0, 19.0, 4.0, 4.5)]
    assert combined(times, ["a", "a", "b"]) == Times(30.0, 33.0, 28.0, 4.0, 6.0)


def test_measured_times_need_all_groups():
    times = [Times(10.0, 12.0, 9.0, 5.0, 6.0), Times(10.0, None, None, None, None)]
    assert combined(times, ["a", "b"]) == Times(20.0, 12.0, None, 5.0, 6.0)
