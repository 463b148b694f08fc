import pytest

from gpipe.assign_wcs.boxes import bounding_box

WHOLE = ((-0.5, 2047.5), (-0.5, 1023.5))


@pytest.mark.parametrize(
    ("shape", "corner", "of_reference", "expected"),
    [
        ((1024, 2048), (1, 1), None, WHOLE),
        ((5, 1024, 2048), (1, 1), None, WHOLE),
        ((1024, 2048), (1, 1), ((3.5, 1900.5), (-0.5, 1023.5)), ((3.5, 1900.5), (-0.5, 1023.5))),
        ((64, 32), (101, 1), ((3.5, 1900.5), (-0.5, 1023.5)), ((-0.5, 31.5), (-0.5, 63.5))),
        ((64, 32), (1, 1), WHOLE, ((-0.5, 31.5), (-0.5, 63.5))),
        ((64, 32), (1, 1), ((3.5, 1900.5), (-0.5, 1023.5)), ((3.5, 31.5), (-0.5, 63.5))),
    ],
    ids=["no box", "cube", "box of the reference", "window", "window at the corner", "both"],
)
def test_the_box(shape, corner, of_reference, expected):
    assert bounding_box(shape, corner, of_reference) == expected
