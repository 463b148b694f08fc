import json
from pathlib import Path

import pytest

from gpipe.associations import asn_from_list, read_association
from gpipe.exceptions import InputError, ParameterError


class DMSLevel2bBase:
    """Stands for the class of this name in jwst, which scripts hand over."""


def named(association):
    return {
        product["name"]: [(m["expname"], m["exptype"]) for m in product["members"]]
        for product in association["products"]
    }


def test_level_3_is_one_product_of_all_files():
    found = asn_from_list(["a_cal.fits", Path("x/b_cal.fits")], product_name="mosaic", asn_id="c1000")
    assert named(found) == {"mosaic": [("a_cal.fits", "science"), ("x/b_cal.fits", "science")]}
    assert (found["asn_rule"], found["asn_id"], found["asn_pool"]) == ("DMS_Level3_Base", "c1000", "none")


@pytest.mark.parametrize("rule", ["DMSLevel2bBase", DMSLevel2bBase])
def test_level_2_is_a_product_of_each_file_named_by_it_without_suffix(rule):
    found = asn_from_list(["x/a_rate.fits", "b_rateints.fits", "other.fits"], rule)
    assert named(found) == {
        "x/a": [("x/a_rate.fits", "science")],
        "b": [("b_rateints.fits", "science")],
        "other": [("other.fits", "science")],
    }


def test_backgrounds_join_the_science_product_before_them():
    items = [("a_rate.fits", "science"), ("b_rate.fits", "Background"), ("c_rate.fits", ""), ("d.ecsv", "sourcecat")]
    assert named(asn_from_list(items, "DMSLevel2bBase", with_exptype=True)) == {
        "a": [("a_rate.fits", "science"), ("b_rate.fits", "Background")],
        "c": [("c_rate.fits", "science"), ("d.ecsv", "sourcecat")],
    }
    assert named(asn_from_list(items, product_name="m", with_exptype=True))["m"][1] == ("b_rate.fits", "Background")


def test_what_it_makes_can_be_written_and_read(tmp_path):
    found = asn_from_list(["a_cal.fits"], product_name="m")
    (tmp_path / "m_asn.json").write_text(json.dumps(found))
    assert read_association(tmp_path / "m_asn.json").products == read_association(found).products


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"items": ["a.fits"]}, ParameterError, "product_name: found none"),
        ({"items": ["a.fits"], "rule": "Asn_Image"}, ParameterError, "rule: found 'Asn_Image', expected"),
        ({"items": [], "rule": "DMSLevel2bBase"}, InputError, r"key products: found \[\], expected a list of products"),
        (
            {"items": [("a.fits", "background")], "rule": "DMSLevel2bBase", "with_exptype": True},
            InputError,
            r"found a.fits \(background\) before any science file",
        ),
    ],
)
def test_what_cannot_be_made(given, error, message):
    with pytest.raises(error, match=message):
        asn_from_list(**given)
