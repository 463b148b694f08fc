"""The trap model against jwst 1.20.2, the last series that has it: its results are kept in golden/.

Compared: corrected ramps, PIXELDQ, the traps filled at the end and what was subtracted, for small exposures with and
without filled traps, saturation, gaps in the references, and jumps. Counts to the tolerance of the design, where a DN
is the error of a trap's charge: jwst subtracts in float32 what has decayed, which leaves its rounding error.

Not compared: a jump's height relative to the full well, which jwst leaves out; here counts are in full wells.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
from comparison import compare_flags, compare_science
from early_steps import apply

from gpipe.persistence import PersistenceStep

GOLDEN = Path(__file__).parent / "golden"
sys.path.insert(0, str(GOLDEN))
from persistence_models import CASES, CUTOFF, arrays, earlier_traps, ramp, references  # noqa: E402

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
    agree(
        [
            compare_science("SCI", out.results[0].data, golden[f"{case}/data"], 8 * unit),
            compare_flags("PIXELDQ", out.results[0].pixeldq, golden[f"{case}/pixeldq"]),
            compare_science("trapsfilled", traps, golden[f"{case}/traps"], unit),
            compare_science("output_pers", subtracted, golden[f"{case}/persistence"], unit),
        ]
    )
