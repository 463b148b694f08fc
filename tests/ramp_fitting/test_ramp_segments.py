"""Cuts of ramps: each rule once, then all short ramps against the loop."""

from itertools import product

import numpy as np
import pytest
from array_api_compat import array_namespace
from helpers.ramp_oracle import runs

from gpipe.ramp_fitting.segments import find_segments

CODES = {".": 0, "J": 4, "D": 1, "S": 2, "P": 32, "j": 36, "L": 128, "B": 5}


def cut(groupdq):
    """The segments of ramps along the first axis, as planes stacked along it."""
    xp = array_namespace(groupdq)
    found = find_segments([groupdq[k, ...] for k in range(groupdq.shape[0])], xp=xp)
    return tuple(xp.stack(list(planes)) for planes in (found.joined, found.place, found.length)), found.lone


def found_in(ramp):
    """(start, length) of the segments of one ramp as ``find_segments`` writes them down."""
    if ramp.shape[0] == 1:
        return [(0, 1)] if find_segments([ramp[0:1]], xp=array_namespace(ramp)).lone[0] else []
    (joined, place, length), lone = cut(ramp[:, None])
    ends = [k for k in range(len(joined)) if joined[k, 0] and place[k, 0] == length[k, 0]]
    segments = [(k + 2 - int(length[k, 0]), int(length[k, 0])) for k in ends]
    assert not (lone[0] and segments)
    return segments


@pytest.mark.parametrize(
    ("ramp", "segments"),
    [
        ("......", [(0, 6)]),
        ("...J..", [(0, 3), (3, 3)]),
        ("..JJ..", [(0, 2), (3, 3)]),
        (".....J", [(0, 5)]),
        ("J.....", [(0, 6)]),
        ("...D..", [(0, 3), (4, 2)]),
        ("...SSS", [(0, 3)]),
        ("S.....", []),
        (".D....", [(2, 4)]),
        ("..J.D.", [(0, 2), (2, 2)]),
        ("..B...", [(0, 2), (3, 3)]),
        ("..P.j.", [(0, 4), (4, 2)]),
        ("...L..", [(0, 3), (4, 2)]),
        (".JJJJ.", [(4, 2)]),
        (".D.D.D", []),
        ("JJJJJJ", []),
    ],
)
def test_rules(ramp, segments):
    assert found_in(np.array([CODES[c] for c in ramp], np.uint8)) == segments


def test_a_ramp_of_isolated_groups_is_lone():
    ramps = np.array([[CODES[c] for c in ramp] for ramp in (".D.D", "DDD.", "DDDD", "S.DD", "..DD")], np.uint8).T
    np.testing.assert_array_equal(cut(ramps)[1], [True, True, False, False, False])


def test_all_ramps_of_five_groups(library):
    ramps = np.array(list(product((0, 4, 1, 2, 32), repeat=5)), np.uint8).T
    (joined, place, length), lone = library.run(cut, ramps)
    assert place.dtype == np.uint8
    for i in range(ramps.shape[1]):
        expected = runs([int(f) for f in ramps[:, i]])
        longer = [r for r in expected if r[1] > 1]
        inside = {start + k: (k + 2, n) for start, n in longer for k in range(n - 1)}
        assert bool(lone[i]) is (expected != [] and longer == [])
        for k in range(4):
            assert (bool(joined[k, i]), (int(place[k, i]), int(length[k, i]))) == (k in inside, inside.get(k, (0, 0)))


def test_long_ramps_count_beyond_a_byte():
    (_, place, length), _ = cut(np.zeros((300, 1), np.uint8))
    assert int(place[-1, 0]) == int(length[0, 0]) == 300
