"""Associations of lists: the products of jwst, which reads them."""

import json

import pytest

from gpipe.associations import asn_from_list

pytestmark = pytest.mark.parity
PAIRS = [("x/a_rate.fits", "science"), ("b_rate.fits", "science"), ("jw01-nrc_uncal.fits", "science")]


@pytest.mark.filterwarnings("ignore:Input association file contains path information:UserWarning")
@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ("DMSLevel2bBase", {}),
        ("DMSLevel2bBase", {"with_exptype": True}),
        ("DMS_Level3_Base", {"product_name": "m"}),
        ("DMS_Level3_Base", {"product_name": "m", "with_exptype": True}),
    ],
)
def test_products_and_keys_are_those_of_jwst_which_reads_the_file(rule, options):
    from jwst import associations
    from jwst.associations.asn_from_list import asn_from_list as jwst_asn_from_list
    from jwst.associations.lib import rules_level2_base, rules_level3_base

    rules = {"DMSLevel2bBase": rules_level2_base, "DMS_Level3_Base": rules_level3_base}
    items = PAIRS if options.get("with_exptype") else [path for path, _ in PAIRS]
    theirs = jwst_asn_from_list(items, rule=getattr(rules[rule], rule), **options)
    ours = asn_from_list(items, rule, **options)
    found = json.loads(theirs.dump()[1])
    for key in set(found) - {"code_version"}:
        assert ours[key] == found[key], key
    assert associations.load_asn(json.dumps(ours))["products"] == ours["products"]
