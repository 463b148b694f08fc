"""Whatever happens to a file, it is read and written again, or refused in one line: soon, in little memory."""

import gzip
import re
import resource
import signal
from contextlib import contextmanager

import pytest
from helpers.fits_cards import CARD, all_cards
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stdatamodels.jwst import datamodels

from gpipe.exceptions import GpipeError, OutputError
from gpipe.group_scale import GroupScaleStep

pytestmark = pytest.mark.filterwarnings("ignore")  # they would end a test where a user's run goes on
SECONDS, BYTES = 5, 300 << 20
QUICK = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class TooLong(BaseException):
    """Raised for what does not end."""


@contextmanager
def in_time_and_memory():
    def end(*_):
        raise TooLong

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Of the processor, and on the clock where somebody waits for nothing; other tests may share the processor.
    timers = {signal.SIGPROF: (signal.ITIMER_PROF, SECONDS), signal.SIGALRM: (signal.ITIMER_REAL, 20 * SECONDS)}
    handlers = {number: signal.signal(number, end) for number in timers}
    for timer, seconds in timers.values():
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for number, (timer, _) in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(number, handlers[number])
    assert 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < BYTES


def check(path, content):
    """Call a step on a file of this content: a product, or one line of error and no file."""
    path.write_bytes(content)
    out = path.parent / "out"
    with in_time_and_memory():
        error = error_of(path, out)
    if error is not None:
        assert not isinstance(error, OutputError), f"after the work: {error}"
        assert "\n" not in str(error)
        assert str(path) in str(error)
        assert not out.exists()
        return
    (product,) = out.iterdir()
    product.unlink()
    out.rmdir()


def error_of(path, out):
    try:
        GroupScaleStep.call(path, output_dir=str(out), configure_log=False)
    except GpipeError as error:
        return error
    return None


@pytest.fixture(autouse=True)
def alone(monkeypatch, uncal_path):
    monkeypatch.chdir(uncal_path.parent)
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", "True")


@pytest.fixture
def small(uncal, tmp_path):
    """The bytes of a small exposure that the step changes."""
    uncal.meta.exposure.frame_divisor = 4
    uncal.save(str(tmp_path / "small.fits"))
    return (tmp_path / "small.fits").read_bytes()


@pytest.fixture
def small_asdf(small, tmp_path):
    with datamodels.RampModel(str(tmp_path / "small.fits")) as model:
        model.save(str(tmp_path / "small.asdf"))
    return (tmp_path / "small.asdf").read_bytes()


NUMBERS = ["-1", "0", "1", "2", "3.0", "1E400", "-0.5", "20000", "2147483648", "9" * 30, "NaN", "inf"]
VALUES = st.sampled_from([*NUMBERS, "T", "F", "''", "'x'", "'5'", "", "'unclosed", "(1, 2)", "'\xe9'", "\0", "/ none"])
SHARES = st.integers(0, 9999).map(lambda k: k / 10000)
BYTES_OF_DAMAGE = st.lists(st.tuples(SHARES, st.integers(0, 255)), min_size=1, max_size=20)


def at(share, things):
    return things[int(share * len(things))]


@QUICK
@given(st.lists(st.tuples(SHARES, VALUES), min_size=1, max_size=3))
def test_any_value_of_any_keyword(small, tmp_path, changes):
    content = bytearray(small)
    cards = list(all_cards(small))
    for share, value in changes:
        place, keyword = at(share, cards)
        content[place : place + CARD] = f"{keyword:8}= {value:>20}".encode("latin-1").ljust(CARD)[:CARD]
    check(tmp_path / "x_uncal.fits", bytes(content))


def with_bytes(content, damage, stop=None):
    changed = bytearray(content)
    for share, value in damage:
        changed[int(share * (stop or len(changed)))] = value
    return bytes(changed)


@QUICK
@given(damage=BYTES_OF_DAMAGE, packed=st.booleans())
def test_any_bytes_of_fits(small, tmp_path, damage, packed):
    content = gzip.compress(small) if packed else small
    check(tmp_path / f"x_uncal.fits{'.gz' * packed}", with_bytes(content, damage))


@QUICK
@given(SHARES, st.sampled_from(["cut", "drop", "repeat", "zeros"]), st.integers(1, 4), st.booleans())
def test_any_records_of_fits(small, tmp_path, share, kind, count, packed):
    start = int(share * len(small)) // 2880 * 2880
    stop = start + 2880 * count
    middle = {"cut": small[start : start + 100], "drop": b"", "repeat": 2 * small[start:stop], "zeros": bytes(2880)}
    content = small[:start] + middle[kind] + (b"" if kind == "cut" else small[stop:])
    check(tmp_path / f"x_uncal.fits{'.gz' * packed}", gzip.compress(content) if packed else content)


YAML = st.sampled_from(
    [*NUMBERS, "true", "null", "[]", "{}", "'text'", "[1, [2]]", "{a: b}", "2020-99-99", "!x/y 1", "*a", "é"]
)


@QUICK
@given(st.lists(st.tuples(SHARES, YAML), min_size=1, max_size=3))
def test_any_value_of_an_asdf_tree(small_asdf, tmp_path, changes):
    text, marker, blocks = small_asdf.partition(b"\n...")
    for share, value in changes:
        place = at(share, list(re.finditer(rb"^[ -]*[\w-]+: (.+)$", text, re.MULTILINE)))
        text = text[: place.start(1)] + value.encode() + text[place.end(1) :]
    check(tmp_path / "x_ramp.asdf", text + marker + blocks)


@QUICK
@given(damage=BYTES_OF_DAMAGE, whole=st.booleans())
def test_any_bytes_of_asdf(small_asdf, tmp_path, damage, whole):
    end = len(small_asdf) if whole else small_asdf.index(b"\n...")
    check(tmp_path / "x_ramp.asdf", with_bytes(small_asdf, damage, end))


@QUICK
@given(SHARES)
def test_any_length_of_asdf(small_asdf, tmp_path, share):
    check(tmp_path / "x_ramp.asdf", small_asdf[: int(share * len(small_asdf))])
