"""The trap model against jwst 1.20.2, the last series that has it: its results are kept in golden/.

Compared: corrected ramps, PIXELDQ, the traps filled at the end and what was subtracted, for small exposures with and
without filled traps, saturation, gaps in the references, and jumps. Counts to the tolerance of the design, where a DN
is the error of a trap's charge: jwst subtracts in float32 what has decayed, which leaves its rounding error.

Of the files that are saved on the side: extensions and their order, dtypes, keywords with values, comments and their
order, metadata in the ASDF extension. Different on purpose, see docs/steps/persistence.md: gpipe adds S_PERSIS and
names the references; ``_trapsfilled`` says that it covers the whole detector; ``_output_pers`` has no flags, which are
all 0 in jwst, and no copy of ZEROFRAME.

Not compared: a jump's height relative to the full well, which jwst leaves out; here counts are in full wells.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import persistence_files as files
from helpers.comparison import compare_flags, compare_science
from helpers.early_steps import apply
from helpers.fault_pixels import unknown_reference
from helpers.persistence_models import CASES, CUTOFF, arrays, earlier_traps, ramp, references

from gpipe.persistence import PersistenceStep

GOLDEN = Path(__file__).parent / "golden"

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "persistence_jwst_1.20.2.npz") as file:
        return dict(file)


@pytest.mark.parametrize("case", CASES)
def test_the_trap_model(case, golden, agree, tmp_path):
    made = arrays(**CASES[case])
    assert np.sum(made["data"], dtype=np.float64) == golden[f"{case}/input_sum"], "other random numbers"
    parameters = {"save_persistence": True, "save_trapsfilled": True, "flag_pers_cutoff": CUTOFF}
    if (earlier := earlier_traps(made)) is not None:
        earlier.save(tmp_path / "earlier_trapsfilled.fits")
        parameters["input_trapsfilled"] = tmp_path / "earlier_trapsfilled.fits"
    out = apply(PersistenceStep(algorithm="trap_model", **parameters), ramp(made), **references(made))
    traps, subtracted = (product.model.data for product in out.side_products)
    unit = np.float32(1 / 60000 if case == "jumps" else 1)
    x, y, columns, rows = made["window"]
    known = ~unknown_reference(made["density"], made["full_well"])[y - 1 : y - 1 + rows, x - 1 : x - 1 + columns]
    agree(
        [
            compare_science("SCI", out.results[0].data, golden[f"{case}/data"], 8 * unit),
            compare_flags("PIXELDQ", out.results[0].pixeldq[known], golden[f"{case}/pixeldq"][known]),
            compare_science("trapsfilled", traps, golden[f"{case}/traps"], unit),
            compare_science("output_pers", subtracted, golden[f"{case}/persistence"], unit),
        ]
    )


REFERENCES = {"trapdensity": "R_TRPDEN", "trappars": "R_TRPPAR", "persat": "R_PERSAT"}
WHOLE = {"name": "GENERIC", "xstart": 1, "ystart": 1, "xsize": 12, "ysize": 15}
KEYWORDS_OF_WHOLE = dict(zip(("SUBARRAY", "SUBSTRT1", "SUBSTRT2", "SUBSIZE1", "SUBSIZE2"), WHOLE.values(), strict=True))
NOT_IN_OURS = {"output_pers": {"PIXELDQ", "GROUPDQ", "ZEROFRAME"}, "trapsfilled": set()}


@pytest.mark.parametrize("suffix", files.SUFFIXES)
@pytest.mark.parametrize("case", files.CASES)
def test_the_files(case, suffix, tmp_path):
    path, parameters = files.write(case, tmp_path)
    saved = {"save_persistence": True, "save_trapsfilled": True, "output_dir": tmp_path}
    PersistenceStep.call(path, skip=False, algorithm="trap_model", **saved, **parameters, configure_log=False)
    ours = files.content(tmp_path / f"{files.STEM}_{suffix}.fits")
    theirs = json.loads((GOLDEN / "persistence_files_jwst_1.20.2.json").read_text())[case][suffix]
    assert theirs["extensions"].keys() >= NOT_IN_OURS[suffix]
    for name in NOT_IN_OURS[suffix]:
        del theirs["extensions"][name]
    if case == "subarray" and suffix == "trapsfilled":
        theirs["metadata"]["subarray"] |= WHOLE
        cards = theirs["extensions"]["PRIMARY"]["cards"]
        cards[:] = [[key, KEYWORDS_OF_WHOLE.get(key, value), comment] for key, value, comment in cards]
    assert_added(ours, {reftype: parameters[f"override_{reftype}"] for reftype in REFERENCES})
    assert list(ours["extensions"]) == list(theirs["extensions"])
    for name, extension in theirs["extensions"].items():
        assert ours["extensions"][name] == extension, name
    assert ours["metadata"] == theirs["metadata"]


def assert_added(ours, references):
    """Check the keywords that gpipe adds, and remove them."""
    added = {"S_PERSIS": "COMPLETE"} | {REFERENCES[reftype]: path for reftype, path in references.items()}
    primary = ours["extensions"]["PRIMARY"]
    assert {key: value for key, value, _ in primary["cards"] if key in added} == added
    primary["cards"] = [card for card in primary["cards"] if card[0] not in added]
    metadata = ours["metadata"]
    assert metadata["cal_step"].pop("persistence") == "COMPLETE"
    assert {reftype: metadata["ref_file"].pop(reftype)["name"] for reftype in references} == references
