"""Makes persistence_jwst_1.20.2.npz: what the trap model of jwst 1.20.2 gives for small exposures.

Run it once in an environment of its own, then keep the file:

    python -m venv old && old/bin/pip install jwst==1.20.2
    PYTHONPATH=tests old/bin/python tests/parity/golden/make_persistence_jwst_1_20_2.py

The inputs are those of ``helpers/persistence_models.py``, which the test makes again from the same seeds.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
from helpers.persistence_models import CASES, CUTOFF, arrays, earlier_traps, ramp, references
from jwst.persistence.persistence import DataSet

WANTED = "1.20.2"


def outputs(settings):
    """Corrected ramps and flags, the traps afterwards, and the subtracted signal."""
    made = arrays(**settings)
    types = references(made)
    dataset = DataSet(
        ramp(made), earlier_traps(made), CUTOFF, True, types["trapdensity"], types["trappars"], types["persat"]
    )
    corrected, traps, subtracted, skipped = dataset.do_all()
    assert not skipped
    return {
        "data": corrected.data,
        "pixeldq": corrected.pixeldq,
        "traps": traps.data,
        "persistence": subtracted.data,
        "input_sum": np.sum(made["data"], dtype=np.float64),
    }


if __name__ == "__main__":
    found = version("jwst")
    if found != WANTED:
        raise SystemExit(f"found jwst {found}, expected {WANTED}")
    results = {f"{case}/{name}": x for case, how in CASES.items() for name, x in outputs(how).items()}
    np.savez_compressed(Path(__file__).with_name(f"persistence_jwst_{WANTED}.npz"), **results)
