"""The plan of a group: its members live where the limits say."""

from math import prod
from types import SimpleNamespace

import pytest
from helpers.strict_backend import StrictBackend
from hypothesis import given
from hypothesis import strategies as st

from gpipe.backends.numpy import NumpyBackend
from gpipe.controller.plan.group_plan import IN_HAND, UNASKED, plan_group, storage_for
from gpipe.controller.plan.memory import Limits, format_both
from gpipe.datamodels.exposures.groups.scratch import Storage
from gpipe.exceptions import ParameterError

MB = 10**6
SIZE = 5 * 4 * 200 * 100
"""Bytes of a member."""
KEPT, ONE = 2 * 3 * SIZE, IN_HAND * SIZE
"""Bytes of three members before and after a pass, and of one in hand."""


def headers(count=3, shape=(200, 100)):
    return [
        SimpleNamespace(name=f"member{number}.fits", shape=shape, nbytes=20 * prod(shape)) for number in range(count)
    ]


@pytest.mark.parametrize(
    ("limit", "storage", "threads"),
    [
        (KEPT + ONE, Storage.DEVICE, 1),
        (KEPT + 2 * ONE, Storage.DEVICE, 2),
        (KEPT + ONE - 1, Storage.DISK, 2),
        (ONE, Storage.DISK, 1),
        (None, Storage.DEVICE, 2),
    ],
)
def test_on_the_host_members_are_in_memory_or_on_disk(limit, storage, threads):
    plan = plan_group(headers(), NumpyBackend(), Limits(host=limit), threads=2)
    assert (plan.storage, plan.threads) == (storage, threads)


@pytest.mark.parametrize(
    ("free", "host", "storage"),
    [
        (KEPT + ONE, None, Storage.DEVICE),
        (KEPT, None, Storage.HOST),
        (KEPT, KEPT, Storage.HOST),
        (KEPT, KEPT - 1, Storage.DISK),
    ],
)
def test_with_a_device_members_go_to_the_host_before_they_go_to_disk(free, host, storage):
    assert plan_group(headers(), StrictBackend(free), Limits(host=host), threads=1).storage is storage


def test_a_device_may_be_limited_to_less_than_its_free_memory():
    limits = Limits(device=KEPT)
    assert plan_group(headers(), StrictBackend(10 * KEPT), limits, threads=1).storage is Storage.HOST


def test_without_a_limit_many_members_are_read_again_rather_than_held():
    assert storage_for(UNASKED, NumpyBackend(), Limits()) is Storage.DEVICE
    assert storage_for(UNASKED + 1, NumpyBackend(), Limits()) is Storage.DISK


def test_a_member_that_does_not_fit_is_named():
    large = headers(1, (400, 400))[0]
    with pytest.raises(ParameterError, match=r"max_memory: found 1 MB; expected 10 MB or more, for member0\.fits"):
        plan_group([*headers()[1:], large], NumpyBackend(), Limits(host=MB), threads=1)


@given(
    shapes=st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=1, max_size=8),
    limit=st.integers(1, 20 * MB),
    threads=st.integers(1, 8),
)
def test_the_peak_is_within_the_limit_or_the_group_is_refused(shapes, limit, threads):
    members = [header for shape in shapes for header in headers(1, shape)]
    largest = max(header.nbytes for header in members)
    try:
        plan = plan_group(members, NumpyBackend(), Limits(host=limit), threads=threads)
    except ParameterError:
        assert limit < IN_HAND * largest
        return
    assert plan.peak <= limit
    assert 1 <= plan.threads <= min(threads, len(members))


def test_the_plan_as_text():
    plan = plan_group(headers(), NumpyBackend(), Limits(host=100 * MB), threads=2)
    assert str(plan) == "3 members kept on the device, 2 MB; 2 in hand, 2 MB"


@pytest.mark.parametrize(
    ("found", "expected", "texts"),
    [(3990, 4040, ("3990 bytes", "4040 bytes")), (0, 4040, ("0 kB", "4 kB")), (10**6, 10**9, ("1 MB", "1.0 GB"))],
)
def test_what_is_found_and_what_is_expected_are_told_apart(found, expected, texts):
    assert format_both(found, expected) == texts
