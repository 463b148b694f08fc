"""Folders of files that are written at the same time."""

from contextlib import ExitStack, contextmanager

import pytest

from gpipe.controller.products import folders
from gpipe.controller.products.folders import folder_for
from gpipe.exceptions import OutputError


class WritingError(Exception):
    """Writing a file failed."""


@pytest.fixture
def place(tmp_path):
    yield tmp_path / "a" / "b"
    assert not folders._made.intersection((tmp_path / "a" / "b").parents)
    assert not folders._busy


@contextmanager
def writing(path):
    """A file that is being written; call what this gives to end that, with a file or without one."""
    stack = ExitStack()
    stack.enter_context(folder_for(path))

    def end(*, fails):
        if not fails:
            path.write_text("pixels")
            stack.close()
            return
        with pytest.raises(WritingError), stack:
            raise WritingError

    yield end


def test_a_missing_folder_is_made_and_stays_with_its_file(place):
    with writing(place / "one") as end:
        assert place.is_dir()
        end(fails=False)
    assert [file.name for file in place.iterdir()] == ["one"]


def test_a_folder_that_was_there_stays(place):
    place.parent.mkdir()
    with writing(place / "one") as end:
        end(fails=True)
    assert place.parent.is_dir()
    assert not place.exists()


@pytest.mark.parametrize("first_fails", [False, True])
@pytest.mark.parametrize("second_fails", [False, True])
@pytest.mark.parametrize("first_ends_first", [False, True])
def test_of_two_files_the_last_one_that_fails_removes_the_folder(place, first_fails, second_fails, first_ends_first):
    with writing(place / "one") as end_first, writing(place / "two") as end_second:
        ends = [(end_first, first_fails), (end_second, second_fails)]
        (early, early_fails), (late, late_fails) = ends if first_ends_first else reversed(ends)
        early(fails=early_fails)
        assert place.is_dir()  # the other one is still at work in it
        late(fails=late_fails)
    came = [name for name, fails in (("one", first_fails), ("two", second_fails)) if not fails]
    assert sorted(file.name for file in place.iterdir()) == came if came else not place.parent.exists()


def test_a_file_in_a_folder_of_a_folder_counts_for_both(place):
    with writing(place / "one") as end_first, writing(place.parent / "two") as end_second:
        end_second(fails=True)
        assert place.is_dir()
        end_first(fails=True)
    assert not place.parent.exists()


def test_what_somebody_else_has_put_there_stays(place):
    with writing(place / "one") as end:
        (place.parent / "theirs").write_text("a file")
        end(fails=True)
    assert [path.name for path in place.parent.iterdir()] == ["theirs"]


def test_a_folder_that_cannot_be_made_is_named(place):
    place.parent.write_text("a file")
    with (
        pytest.raises(OutputError, match=r"b: cannot be made \(.*\), expected a writable folder"),
        folder_for(place / "x"),
    ):
        pytest.fail("the folder is not there")
