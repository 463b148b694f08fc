"""Groups: the same results wherever members live, each read once in a pass, few in memory at a time."""

import gc
import shutil
import tempfile
import threading
import time
import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.members import PLANES, SHAPE, group_of, pixels, rate_files, rate_model
from helpers.strict_backend import StrictBackend
from hypothesis import given
from hypothesis import strategies as st

from gpipe.backends.numpy import NumpyBackend
from gpipe.datamodels import Rate, open_exposure, read_header
from gpipe.datamodels.exposures.groups.array_store import ArrayStore
from gpipe.datamodels.exposures.groups.group import Group
from gpipe.datamodels.exposures.groups.scratch import Storage
from gpipe.datamodels.files.array_source import FitsArrays
from gpipe.datamodels.groups import open_group
from gpipe.exceptions import InputError

BACKENDS = {"host": NumpyBackend, "device": StrictBackend}
EXPECTED = {name: np.stack([getattr(rate_model(number), name) for number in range(3)]) for name in PLANES}
"""Planes of the three members."""


@pytest.fixture(params=BACKENDS)
def backend(request):
    return BACKENDS[request.param]()


@pytest.fixture(params=Storage, ids=lambda storage: storage.name.lower())
def storage(request):
    return request.param


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return rate_files(tmp_path_factory.mktemp("members"))


@pytest.fixture(scope="module")
def models():
    return [rate_model(number) for number in range(3)]


@pytest.fixture
def loads(monkeypatch):
    """How often each plane of each file is read."""
    counts, load = Counter(), FitsArrays.load

    def counted(self, array, *args, **part):
        counts[self.name, array] += 1
        return load(self, array, *args, **part)

    monkeypatch.setattr(FitsArrays, "load", counted)
    return counts


@pytest.fixture(scope="module")
def headers(models):
    return [read_header(model) for model in models]


def brighter(exposure, level=1):
    return replace(exposure, data=exposure.data + level)


def assert_pixels(group, **changed):
    found = pixels(group)
    for name, expected in (EXPECTED | changed).items():
        np.testing.assert_array_equal(found[name], expected, err_msg=name, strict=True)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["file", "model", "in flight"])
def test_new_pixels_are_the_same_wherever_members_live(kind, threads, backend, storage, paths, models):
    flying = [open_exposure(model, backend) for model in models]
    group = group_of({"file": paths, "model": models, "in flight": flying}[kind], backend, storage)
    first = group.map(brighter, threads=threads)
    second = first.map(brighter, [10, 20, 30], threads=threads)
    levels = np.array([10, 20, 30], np.float32)[:, None, None]
    assert_pixels(first, data=EXPECTED["data"] + np.float32(1))
    assert_pixels(second, data=EXPECTED["data"] + np.float32(1) + levels)
    assert_pixels(group)
    assert [member.name for member in second.members] == [member.name for member in group.members]
    for model, expected in zip(models, EXPECTED["data"], strict=True):
        np.testing.assert_array_equal(model.data, expected)


def test_a_file_is_read_once_in_a_pass_and_not_again_where_it_is_held(backend, storage, paths, loads):
    group = group_of(paths, backend, storage)
    assert not loads, "metadata only"
    group.measure(lambda exposure: 0, name="one")
    assert set(loads.values()) == {1}
    assert len(loads) == 3 * len(PLANES)
    group.measure(lambda exposure: 0, name="two")
    assert set(loads.values()) == {2 if storage is Storage.DISK else 1}
    group = group.map(brighter)
    before = loads.copy()
    group.map(brighter).measure(lambda exposure: 0, name="three")
    more = loads - before
    assert set(more.values()) == ({2} if storage is Storage.DISK else set())
    assert not [name for name, plane in more if plane == "data"], "what a pass made is held"


def test_a_stack_reads_its_rows_only(backend, paths, monkeypatch):
    read, group = [], group_of(paths, backend, Storage.DISK)
    load = FitsArrays.load
    monkeypatch.setattr(
        FitsArrays, "load", lambda self, array, *a, **part: read.append((array, part)) or load(self, array, *a, **part)
    )
    next(group.stacks("err", 5))
    assert read == [("err", {"rows": slice(0, 5)})] * 3


@given(rows=st.integers(1, SHAPE[0] + 1), plane=st.sampled_from(PLANES), storage=st.sampled_from(Storage))
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("name", BACKENDS)
def test_stacks_are_the_rows_of_all_members(headers, name, held, rows, plane, storage):
    backend = BACKENDS[name]()
    group = open_group(headers, backend, storage)
    group = group.map(lambda exposure: exposure) if held else group
    bands = [backend.to_host(band) for band in group.stacks(plane, rows)]
    assert [band.shape[1] for band in bands[:-1]] == [rows] * (len(bands) - 1)
    np.testing.assert_array_equal(np.concatenate(bands, axis=1), EXPECTED[plane], strict=True)


def test_stacks_of_exposures_in_flight_are_those_rows(backend, models):
    flying = [open_exposure(model, backend) for model in models]
    (band,) = group_of(flying, backend, Storage.DISK).stacks("dq", 100)
    np.testing.assert_array_equal(backend.to_host(band), EXPECTED["dq"], strict=True)


def test_members_that_differ_in_shape_make_no_stack(models):
    group = group_of([models[0], rate_model(1, (12, 11))], NumpyBackend(), Storage.DISK)
    with pytest.raises(InputError, match=r"member1_rate\.fits: found a shape of \(12, 11\); expected \(12, 10\)"):
        next(group.stacks("data", 4))


def test_planes_that_are_made_up_when_a_file_is_read_are_in_stacks_and_new_pixels(backend, storage, uncal, tmp_path):
    path = tmp_path / "only_uncal.fits"
    uncal.save(path)
    group = group_of([path], backend, storage)
    flags = np.zeros((1, *uncal.data.shape), np.uint8)
    for one in (group, group.map(lambda exposure: exposure)):
        band = np.concatenate([backend.to_host(band) for band in one.stacks("groupdq", 5)], axis=-2)
        np.testing.assert_array_equal(band, flags, strict=True)
        ramp = one.members[0].pixels.exposure(backend)
        np.testing.assert_array_equal(backend.to_host(ramp.data), uncal.data.astype(np.float32), strict=True)


def test_a_plane_that_members_lack_is_refused(backend, storage, models):
    group = group_of(models[:1], backend, storage).map(brighter)
    with pytest.raises(InputError, match="found no area; expected one of data, dq"):
        next(group.stacks("area", 4))


@pytest.mark.parametrize("kind", ["file", "model", "in flight", "new"])
def test_planes_that_stay_the_same_are_not_stored_again(kind, backend, storage, paths, models, monkeypatch):
    flying = [open_exposure(model, backend) for model in models]
    group = group_of({"file": paths, "new": paths, "in flight": flying}.get(kind, models), backend, storage)
    group.measure(lambda exposure: 0, name="first")  # what is held is in the store
    group = group.map(brighter) if kind == "new" else group
    stored, put = [], ArrayStore.put
    monkeypatch.setattr(ArrayStore, "put", lambda self, array: stored.append(array) or put(self, array))
    again = group.map(brighter)
    assert len(stored) == len(paths), "only the science pixels"
    assert_pixels(again, data=EXPECTED["data"] + np.float32(1 + (kind == "new")))


def test_small_results_go_with_the_members(backend, paths):
    group = group_of(paths, backend, Storage.HOST)
    assert group.results("mean") == [None] * 3
    xp_mean = [float(plane.mean()) for plane in EXPECTED["data"]]
    means = group.measure(lambda e: float(backend.to_host(e.data).mean()), name="mean", threads=2)
    assert means == pytest.approx(xp_mean)
    later = group.map(lambda exposure, mean: brighter(exposure, -mean), group.results("mean"))
    later.measure(lambda exposure: 0, name="more")
    assert later.results("mean") == means
    assert group.results("more") == [None] * 3


def test_results_hold_no_pixels(models):
    group = group_of(models[:1], NumpyBackend(), Storage.DISK)
    (row,) = group.measure(lambda exposure: {"row": exposure.data[0], "level": 3}, name="row")
    assert row["row"].base is None
    assert row["level"] == 3


def test_items_must_be_as_many_as_members(models):
    group = group_of(models[:1], NumpyBackend(), Storage.DISK)
    with pytest.raises(ValueError, match="zip"):
        group.map(brighter, [1, 2])


def test_open_models_cannot_be_written_to(storage, models):
    def spoil(exposure):
        exposure.data[...] = 0
        return exposure

    with pytest.raises(ValueError, match="read-only"):
        group_of(models, NumpyBackend(), storage).map(spoil)


def test_metadata_of_group_members_and_open_models_are_separate(models):
    group = group_of(models, NumpyBackend(), Storage.HOST)
    group.members[0].meta.filename = "other.fits"
    group.meta.filename = "group.fits"
    after = group.map(brighter)
    assert (after.meta.filename, after.members[0].meta.filename) == ("group.fits", "other.fits")
    assert models[0].meta.filename == "member0_rate.fits"


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_names_the_member_and_leaves_nothing_behind(threads, storage, paths, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    def fails(exposure):
        if exposure.meta.filename == "member1_rate.fits":
            raise ZeroDivisionError
        assert not list(scratch.iterdir()), "files have no name while they are in use"
        return brighter(exposure)

    group = group_of(paths, NumpyBackend(), storage).map(brighter)
    with pytest.raises(ZeroDivisionError) as raised:
        group.map(fails, threads=threads)
    assert any("member1_rate.fits" in note for note in raised.value.__notes__)
    assert not list(scratch.iterdir())


def test_a_file_that_was_replaced_is_named(paths, storage, tmp_path):
    copies = [Path(shutil.copy(path, tmp_path)) for path in paths]
    group = group_of(copies, NumpyBackend(), storage)
    copies[0].replace(copies[2])
    with pytest.raises(InputError, match=r"member2_rate\.fits") as raised:
        next(group.stacks("data", 4))
    assert "member2_rate.fits" in raised.value.__notes__[0]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_as_many_members_are_in_hand_as_there_are_threads(threads, models):
    lock, together, in_hand, most = threading.Lock(), threading.Barrier(threads), 0, 0

    def work(exposure):
        nonlocal in_hand, most
        with lock:
            in_hand += 1
            most = max(most, in_hand)
        time.sleep(0.05)  # for another one to come in, if it may
        together.wait(timeout=20)
        with lock:
            in_hand -= 1
        return exposure

    group_of([*models, *models], NumpyBackend(), Storage.DISK).map(work, threads=threads)
    assert most == threads


LARGE = (300, 200)


@pytest.fixture(scope="module")
def large_files(tmp_path_factory):
    return rate_files(tmp_path_factory.mktemp("large"), 12, LARGE)


@pytest.mark.parametrize("act", ["map", "measure", "stacks"])
def test_memory_does_not_grow_with_the_group(act, large_files):
    member, bands = 4 * len(PLANES) * LARGE[0] * LARGE[1], len(large_files) * 4 * 10 * LARGE[1]
    groups = [group_of(files, NumpyBackend(), Storage.DISK) for files in (large_files[:3], large_files)]
    few, many = (peak_of(lambda group=group: passes(group, act)) for group in groups)
    assert few < 3 * member
    assert many < few + member / 2 + bands


def passes(group, act):
    if act == "map":
        group.map(brighter).map(brighter)
    elif act == "measure":
        group.measure(lambda exposure: float(exposure.data.mean()), name="mean")
    else:
        for band in group.stacks("data", 10):
            np.median(band, axis=0)


def peak_of(work):
    gc.collect()
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


class Pair(Group):
    """A group of a kind of its own."""


def test_a_group_is_what_its_header_says(backend, paths):
    options = {"kind": Pair, "group_ids": ["a", "a", "b"], "results": [{"catalog": path} for path in paths]}
    group = group_of(paths, backend, Storage.DISK, **options).map(brighter)
    assert type(group) is Pair
    assert [member.group_id for member in group.members] == ["a", "a", "b"]
    assert group.results("catalog") == paths
    outline = group.members[0].outline(backend)
    assert (group.members[0].kind, outline.shape, outline.window.xstart) == (Rate, SHAPE, 101)
