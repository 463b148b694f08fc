"""Composites, by a stub: cutouts of a frame."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from helpers.strict_backend import StrictBackend

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels.exposures.composite import Composite, Pieces
from gpipe.datamodels.exposures.in_flight import Exposure
from gpipe.datamodels.files.reading import moved


@dataclass(frozen=True, kw_only=True)
class Cutout(Exposure):
    """Some columns of a frame."""

    name: str


class Cutouts(Pieces[Cutout]):
    """Cutouts of a frame."""

    piece: ClassVar[type[Exposure]] = Cutout


@pytest.fixture
def frame():
    return Exposure(object(), NumpyBackend(), data=np.arange(12.0).reshape(2, 6))


@pytest.fixture
def cutouts(frame):
    boxes = {"S1": slice(0, 2), "S2": slice(2, 3), "7": slice(3, 6)}
    return Cutouts.make(
        frame, (Cutout(frame.header, frame.backend, data=frame.data[:, box], name=name) for name, box in boxes.items())
    )


def names(cutouts):
    return [cutout.name for cutout in cutouts.pieces]


def test_a_frame_becomes_pieces_that_share_its_header(frame, cutouts):
    assert isinstance(cutouts, Composite)
    assert cutouts.header is frame.header
    assert cutouts.backend is frame.backend
    np.testing.assert_array_equal(cutouts.pieces[2].data, [[3, 4, 5], [9, 10, 11]])


def test_a_step_works_on_each_piece_in_order(cutouts):
    doubled = cutouts.map(lambda cutout: replace(cutout, data=2 * cutout.data))
    assert type(doubled) is Cutouts
    assert names(doubled) == names(cutouts)
    for before, after in zip(cutouts.pieces, doubled.pieces, strict=True):
        np.testing.assert_array_equal(after.data, 2 * before.data)


def test_pieces_are_dropped(cutouts):
    assert names(cutouts.drop(lambda cutout: cutout.data.shape[1] == 1)) == ["S1", "7"]


def test_pieces_are_parted_and_joined(cutouts):
    shutters, fixed = cutouts.part(lambda cutout: cutout.name.isdigit())
    assert (names(shutters), names(fixed)) == (["7"], ["S1", "S2"])
    assert names(shutters.join(fixed)) == ["7", "S1", "S2"]


def test_pieces_are_reduced_to_something_else(cutouts):
    assert cutouts.reduce(lambda cutout: float(cutout.data.sum())) == [14.0, 10.0, 42.0]


def test_a_new_header_is_that_of_all_pieces(frame, cutouts):
    other = object()
    again = replace(cutouts, header=other)
    assert all(cutout.header is other for cutout in again.pieces)
    assert all(cutout.header is frame.header for cutout in cutouts.join(again).pieces)


def test_all_pieces_move_to_another_device(cutouts):
    strict = StrictBackend()
    there = moved(cutouts, strict)
    assert there.backend is strict
    for before, after in zip(cutouts.pieces, there.pieces, strict=True):
        assert after.backend is strict
        np.testing.assert_array_equal(strict.to_host(after.data), before.data)
