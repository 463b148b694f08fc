"""Files of a run: paths, patterns, folders and lists of names."""

import io
import os

import pytest

from gpipe.batch.files import expanded
from gpipe.exceptions import InputError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("a_uncal.fits", "b_uncal.fits", "c_rate.fits"):
        (tmp_path / "data" / name).touch()
    return tmp_path


def names(files):
    return [path.name for path in expanded(files)]


def test_paths_patterns_and_folders(folder):
    assert names("data/b_uncal.fits") == ["b_uncal.fits"]
    assert names(folder / "data" / "c_rate.fits") == ["c_rate.fits"]
    assert names(["data/*.fits"]) == ["a_uncal.fits", "b_uncal.fits", "c_rate.fits"]
    assert names(["data"]) == ["a_uncal.fits", "b_uncal.fits"]


def test_order_is_kept_and_nothing_is_done_twice():
    assert names(["data/b_uncal.fits", "data", "./data/a_uncal.fits"]) == ["b_uncal.fits", "a_uncal.fits"]


def test_a_name_may_look_like_a_pattern(folder):
    (folder / "data" / "d[1]_uncal.fits").touch()
    assert names("data/d[1]_uncal.fits") == ["d[1]_uncal.fits"]


def test_lists_of_names(folder, monkeypatch):
    (folder / "list.txt").write_text("data/b_uncal.fits\n\n data/a_uncal.fits \n")
    assert names("@list.txt") == ["b_uncal.fits", "a_uncal.fits"]
    monkeypatch.setattr("sys.stdin", io.StringIO("data/c_rate.fits\n"))
    assert names("-") == ["c_rate.fits"]


def test_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert names("~/data") == ["a_uncal.fits", "b_uncal.fits"]


def test_all_that_is_not_there_is_told():
    with pytest.raises(InputError) as caught:
        expanded(["data", "x.fits", "nowhere/*.fits", "@list.txt"])
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["x.fits: no such file", f"nowhere{os.sep}*.fits: no such file"]
    assert lines[2].startswith("list.txt: cannot be read as a list of names")


def test_a_folder_may_look_like_a_pattern(folder):
    (folder / "data").rename(folder / "data[1]")
    assert names("data[1]") == ["a_uncal.fits", "b_uncal.fits"]


def test_a_name_that_no_file_can_have():
    with pytest.raises(InputError, match=r"^x{300}: no such file$"):
        expanded("x" * 300)


@pytest.mark.parametrize("given", [[], ["@empty.txt"]])
def test_nothing_is_an_error(folder, given):
    (folder / "empty.txt").write_text("\n")
    with pytest.raises(InputError, match=r"found no (files|names), expected one"):
        expanded(given)


def test_an_open_model_is_no_path():
    with pytest.raises(InputError, match=r"^found a object, expected a path; a pipeline's call takes open models$"):
        expanded([object()])
