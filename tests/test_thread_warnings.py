"""Warnings of one thread are treated as it wants; filters and ``showwarning`` of the process are as before."""

import threading
import warnings
from contextlib import suppress

import pytest
import stdatamodels  # noqa: F401 - adds filters when it is imported

from gpipe.datamodels.files.warnings import complaints_logged, one_thread_at_a_time
from gpipe.thread_warnings import collected, ignored, shown_by

LONG = 30.0


def in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def state():
    return list(warnings.filters), warnings.filters, warnings.showwarning


def is_as_before(before):
    now = state()
    return now[0] == before[0] and now[1] is before[1] and now[2] is before[2]


BLOCKS = {
    "collected": collected,
    "ignored": lambda: ignored("loud"),
    "complaints_logged": lambda: complaints_logged("some.fits"),
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_two_threads_that_leave_in_the_order_of_entering_leave_nothing_behind(block):
    before = state()
    first_is_in, second_is_in, first_is_out = threading.Event(), threading.Event(), threading.Event()

    def first():
        with block():
            first_is_in.set()
            second_is_in.wait(LONG)
        first_is_out.set()

    def second():
        first_is_in.wait(LONG)
        with block():
            second_is_in.set()
            first_is_out.wait(LONG)

    for thread in [in_thread(first), in_thread(second)]:
        thread.join()
    assert is_as_before(before)
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", UserWarning, stacklevel=1)


def test_only_warnings_of_the_thread_are_collected():
    with warnings.catch_warnings(record=True) as elsewhere:
        warnings.simplefilter("always")
        with collected() as here:
            in_thread(lambda: warnings.warn("of another", UserWarning, stacklevel=1)).join()
            warnings.warn("mine", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in here] == ["mine"]
    assert [str(warning.message) for warning in elsewhere] == ["of another"]


def test_texts_that_begin_otherwise_are_shown():
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with ignored("Card is", "File may"):
            for text in ("Card is too long", "File may have been truncated", "The Card is too long"):
                warnings.warn(text, UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in shown] == ["The Card is too long"]


def test_without_a_text_to_ignore_all_are_shown():
    with pytest.warns(UserWarning, match="shown"), one_thread_at_a_time():
        warnings.warn("shown", UserWarning, stacklevel=1)


def test_a_filter_that_a_user_adds_meanwhile_stays():
    with warnings.catch_warnings():
        with collected():
            in_thread(lambda: warnings.simplefilter("ignore", UserWarning)).join()
        warnings.warn("not shown", UserWarning, stacklevel=1)


def test_what_comes_back_with_the_filters_of_another_block_has_no_effect():
    """A user's ``catch_warnings`` may begin within a block and end after it."""
    users = warnings.catch_warnings()
    block = ignored("")
    block.__enter__()
    users.__enter__()
    block.__exit__(None, None, None)
    users.__exit__(None, None, None)
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", UserWarning, stacklevel=1)


def test_a_function_that_somebody_puts_before_ours_stays(monkeypatch):
    before, seen = warnings.showwarning, []

    def users(*arguments):
        seen.append(arguments)

    with shown_by(lambda warning: None):
        warnings.showwarning = users
    assert warnings.showwarning is users
    warnings.showwarning = before


def test_errors_stay_errors_outside():
    with collected() as found:
        warnings.warn("no error here", UserWarning, stacklevel=1)
    assert len(found) == 1
    with pytest.raises(UserWarning, match="error again"):
        warnings.warn("error again", UserWarning, stacklevel=1)


def test_other_warnings_are_passed_on_unless_the_block_fails():
    with pytest.warns(DeprecationWarning, match="of asdf"), complaints_logged("some.asdf"):
        warnings.warn("of asdf", DeprecationWarning, stacklevel=1)
    with suppress(ValueError), complaints_logged("some.asdf"):
        warnings.warn("of asdf", DeprecationWarning, stacklevel=1)
        raise ValueError("damaged")
