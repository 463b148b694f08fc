import json
import os
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gpipe.associations import Association, find_file, is_association, read_association, schema
from gpipe.exceptions import InputError


def content(**more):
    members = [
        {"expname": "a_rate.fits", "exptype": "Science", "group_id": 7, "other": [1]},
        {"expname": "b_rate.fits", "exptype": "BACKGROUND", "group_id": None, "tweakreg_catalog": "b_cat.ecsv"},
    ]
    return {"asn_id": "o001", "asn_pool": "pool.csv", "mine": 3, "products": [{"name": "a", "members": members}]} | more


@pytest.fixture
def path(tmp_path):
    (tmp_path / "some_asn.json").write_text(json.dumps(content()))
    return tmp_path / "some_asn.json"


def test_a_file_and_a_dict_of_the_same_form_give_the_same(path):
    for found in (read_association(path), read_association(str(path)), read_association(content())):
        assert (found.asn_id, found.pool, found.keys) == ("o001", "pool.csv", content())
        (product,) = found.products
        science, background = product.members
        assert product.name == "a"
        assert (science.exptype, science.expname, science.group_id) == ("science", "a_rate.fits", "7")
        assert (background.exptype, background.group_id, background.tweakreg_catalog) == (
            "background",
            None,
            "b_cat.ecsv",
        )
        assert science.keys["other"] == [1]
        assert product.of_type("background") == (background,)
    assert (read_association(path).table, read_association(path).folder) == ("some_asn.json", path.parent)
    assert (read_association(content()).table, read_association(content()).folder) == ("singleton", None)


def test_what_may_be_missing():
    found = read_association({"products": [{"members": []}]})
    assert (found.asn_id, found.pool, found.products[0].name) == (None, "none", None)


def test_yaml_is_read_with_a_deprecation_warning(tmp_path):
    (tmp_path / "some_asn.yaml").write_text("products:\n- members:\n  - {expname: a.fits, exptype: science}\n")
    with pytest.warns(DeprecationWarning, match="associations in YAML are deprecated"):
        found = read_association(tmp_path / "some_asn.yaml")
    assert found.products[0].members[0].expname == "a.fits"


@pytest.mark.parametrize(
    ("source", "wanted"),
    [("a.json", True), ("A.JSON", True), ("a.yml", True), ({}, True), ("a.fits", False), ([], False), (3, False)],
)
def test_what_is_taken_for_an_association(source, wanted):
    assert is_association(source) is wanted


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ([], r"found \[\], expected the key products$"),
        ({}, "found no key products, expected a list of products"),
        ({"products": []}, r"key products: found \[\], expected a list of products"),
        (content(asn_id=3), "key asn_id: found 3, expected a text or null"),
        ({"products": [{"name": "x"}]}, "product 'x': found no key members, expected a list of members"),
        ({"products": [{"name": 3, "members": []}]}, "product 1: key name: found 3, expected a text or null"),
        ({"products": [{"members": [3]}]}, "product 1, member 1: found 3, expected the keys expname and exptype"),
        (
            {"products": [{"name": "x", "members": [{"expname": "a.fits"}]}]},
            "product 'x', member 'a.fits': found no key exptype, expected a text",
        ),
        (
            {"products": [{"name": "x", "members": [{"expname": "", "exptype": "science"}]}]},
            "product 'x', member 1: key expname: found '', expected a text",
        ),
        (
            {"products": [{"members": [{"expname": "a", "exptype": "science", "group_id": True}]}]},
            "member 'a': key group_id: found True, expected a text, an integer or null",
        ),
    ],
)
def test_an_error_names_product_member_and_key(broken, message):
    with pytest.raises(InputError, match=f"association: no valid association.*{message}"):
        schema.check(broken, "association")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list("ab")) | st.text(max_size=3), inner)
    ),
    max_leaves=8,
)
MEMBERS = st.fixed_dictionaries(
    {}, optional={"expname": st.just("a.fits") | JSON, "exptype": st.just("science") | JSON, "group_id": JSON}
)
PRODUCTS = st.fixed_dictionaries({}, optional={"members": st.lists(MEMBERS | JSON, max_size=2) | JSON, "name": JSON})
CONTENTS = JSON | st.fixed_dictionaries({"products": st.lists(PRODUCTS | JSON, max_size=2) | JSON, "asn_id": JSON})
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@in_one_folder
@given(CONTENTS)
def test_any_json_is_an_association_or_one_line_of_error(tmp_path, found):
    path = tmp_path / "any.json"
    path.write_text(json.dumps(found))
    assert isinstance(found_or_error(path), Association | InputError)


def found_or_error(path):
    """The association, or an error of one line."""
    try:
        return read_association(path)
    except InputError as error:
        return error if re.fullmatch(r".*/any\.json: no valid association: .+", str(error)) else str(error)


@in_one_folder
@given(st.binary(max_size=40), st.sampled_from(["json", "yaml"]))
@example(b"[" * 100_000, "json")
@example(b"!!int ''", "yaml")
@example(b"!!timestamp x", "yaml")
@example(b"2026-99-99", "yaml")
@pytest.mark.filterwarnings("ignore:.*associations in YAML:DeprecationWarning")
def test_any_file_is_an_association_or_one_line_of_error(tmp_path, found, ending):
    path = tmp_path / f"any.{ending}"
    path.write_bytes(found)
    with pytest.raises(InputError, match=r"no valid association: ") as caught:
        read_association(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: no such file, expected an association"):
        read_association(tmp_path / "none.json")


# --- places of members ----------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of an association; the current one is another."""
    for name in ("of_association", "current"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "current")
    return tmp_path / "of_association"


def test_a_member_is_beside_the_association(folder, caplog):
    (folder / "a.fits").write_text("")
    assert find_file("a.fits", folder, "it") == folder / "a.fits"
    assert caplog.messages == []


def test_a_member_in_the_current_folder_is_logged(folder, tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "current" / "a.fits").write_text("")
    assert find_file("a.fits", folder, "product 'x'").absolute() == tmp_path / "current" / "a.fits"
    assert caplog.messages == ["product 'x': a.fits is in the current folder, not beside the association"]


def test_a_member_of_a_dict_is_in_the_current_folder_only(folder, tmp_path):
    (folder / "a.fits").write_text("")
    with pytest.raises(InputError, match=f"it: found no file {tmp_path}/current/a.fits$"):
        find_file("a.fits", None, "it")


def test_an_absolute_path_is_taken_as_it_is(folder, tmp_path):
    (folder / "a.fits").write_text("")
    (tmp_path / "current" / "a.fits").write_text("")
    assert find_file(str(folder / "a.fits"), None, "it") == folder / "a.fits"
    with pytest.raises(InputError, match=f"it: found no file {tmp_path}/b.fits$"):
        find_file(str(tmp_path / "b.fits"), folder, "it")


def test_two_different_files_are_refused_and_named(folder, tmp_path):
    (folder / "a.fits").write_text("")
    (tmp_path / "current" / "a.fits").write_text("")
    with pytest.raises(InputError, match=r"two different files .*of_association/a.fits and .*current/a.fits"):
        find_file("a.fits", folder, "it")


def test_one_file_under_two_names_is_one(folder, tmp_path):
    (folder / "a.fits").write_text("")
    os.link(folder / "a.fits", tmp_path / "current" / "a.fits")
    assert find_file("a.fits", folder, "it") == folder / "a.fits"


@pytest.mark.parametrize("name", ["none.fits", "\0", "\ud800", ".", "x" * 5000])
def test_a_name_that_is_no_file_is_an_error(folder, name):
    with pytest.raises(InputError, match="it: found no file"):
        find_file(name, folder, "it")
