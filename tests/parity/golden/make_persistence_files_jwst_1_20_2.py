"""Makes persistence_files_jwst_1.20.2.json: headers and structure of what the trap model of jwst 1.20.2 writes.

Run it once in an environment of its own, then keep the file:

    python -m venv old && old/bin/pip install jwst==1.20.2
    PYTHONPATH=tests old/bin/python tests/parity/golden/make_persistence_files_jwst_1_20_2.py

The inputs are those of ``helpers/persistence_files.py``, which the test makes again.
"""

import json
import tempfile
from importlib.metadata import version
from pathlib import Path

from helpers.persistence_files import CASES, STEM, SUFFIXES, content, write
from jwst.persistence import PersistenceStep

WANTED = "1.20.2"


def products(case):
    """Run the step; return the side products that it saves, by suffix."""
    with tempfile.TemporaryDirectory() as folder:
        path, parameters = write(case, Path(folder))
        step = PersistenceStep()
        for name, value in parameters.items():
            setattr(step, name, value)
        step.output_file, step.output_dir, step.save_persistence = str(path), folder, True
        step.process(str(path))
        return {suffix: content(Path(folder) / f"{STEM}_{suffix}.fits") for suffix in SUFFIXES}


if __name__ == "__main__":
    found = version("jwst")
    if found != WANTED:
        raise SystemExit(f"found jwst {found}, expected {WANTED}")
    text = json.dumps({case: products(case) for case in CASES}, indent=None, separators=(",", ":"))
    Path(__file__).with_name(f"persistence_files_jwst_{WANTED}.json").write_text(f"{text}\n")
