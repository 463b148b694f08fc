"""Connected groups of pixels: which pixels they have, and where they are looked for."""

import logging
from types import SimpleNamespace

import array_api_strict
import numpy as np
import pytest
from helpers.flood_fill import flood
from hypothesis import given
from hypothesis import strategies as st

import gpipe.backends
from gpipe.jump import groups_host
from gpipe.jump.groups import pixels_of_groups
from gpipe.jump.groups_host import group_finder, large_groups

DEVICE = array_api_strict.Device("device1")


def slow_labels(flagged):
    """Numbers of eight-connected groups in the order of their first pixels, by flood fill."""
    labels, count = np.zeros(flagged.shape, np.int32), 0
    left = {(int(r), int(c)) for r, c in np.argwhere(flagged)}
    while left:
        count += 1
        group = flood({min(left)}, left)
        left -= group
        labels[tuple(np.transpose(list(group)))] = count
    return labels, count


def expected(flagged, least):
    labels, _ = slow_labels(flagged)
    found = [
        (place, n) for place, n in enumerate(labels.ravel().tolist()) if n and np.count_nonzero(labels == n) >= least
    ]
    return [place for place, _ in found], [n for _, n in found]


def image(seed, density=0.3):
    return np.random.default_rng(seed).random((11, 14)) < density


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.5), st.floats(-1, 12))
def test_pixels_are_those_of_a_flood_fill(seed, density, least):
    flagged = image(seed, density)
    place, group = large_groups(flagged, least)
    assert (place.tolist(), group.tolist()) == expected(flagged, least)


@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
def test_on_a_device(density):
    there = array_api_strict.asarray(image(5, density), device=DEVICE)

    def label(x, _neighbours):
        labels, count = slow_labels(np.array(x.to_device(array_api_strict.Device("CPU_DEVICE"))))
        return array_api_strict.asarray(labels, device=DEVICE), count

    found = pixels_of_groups(there, 4, label=label)
    assert all(x.device == DEVICE for x in found)
    place, group = (np.array(x.to_device(array_api_strict.Device("CPU_DEVICE"))).tolist() for x in found)
    assert (place, group) == expected(image(5, density), 4)


class Elsewhere:
    """A backend whose arrays are lists of rows, with or without its own search."""

    name = "elsewhere"

    def __init__(self, own):
        self._own = own

    def to_host(self, x):
        return np.array(x.rows)

    def native(self, function):
        return self._own or function


def rows(x):
    return SimpleNamespace(rows=x.tolist())


def test_a_backend_that_finds_groups_by_itself_only_gives_back_what_it_found(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    own = lambda flagged, least: tuple(rows(x) for x in large_groups(np.array(flagged.rows), least))  # noqa: E731
    find = group_finder(Elsewhere(own), "Snowballs")
    monkeypatch.setattr(groups_host, "large_groups", None)
    place, group = find(rows(image(3)), 4)
    assert (place.tolist(), group.tolist()) == expected(image(3), 4)
    assert not caplog.messages


def test_other_backends_say_that_the_host_works(caplog):
    caplog.set_level(logging.INFO)
    place, group = group_finder(gpipe.backends.get("numpy"), "Snowballs")(image(3), 4)
    assert not caplog.messages
    found = group_finder(Elsewhere(None), "Showers")(rows(image(3)), 4)
    assert [x.tolist() for x in found] == [place.tolist(), group.tolist()] == list(expected(image(3), 4))
    assert caplog.messages == ["Showers are looked for on the host"]
