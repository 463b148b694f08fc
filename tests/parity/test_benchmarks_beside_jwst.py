"""The benchmarks time jwst, too."""

import pytest

from benchmarks import cases, tables
from benchmarks.inputs import prepared
from benchmarks.processes import Settings, compare

pytestmark = pytest.mark.parity


def test_both_packages_give_figures_of_the_same_case(tmp_path):
    case = cases.TINY_CASES[0]
    inputs = prepared(case.configs, tmp_path, full_frame=False)
    settings = Settings(packages=tables.PACKAGES, runs=1, patience=0.0, jwst_limit=600.0)
    outcomes = compare(case, inputs, settings, str(tmp_path), tell=lambda text: None)
    steps = {package: set(found.steps) for package, found in outcomes.items()}
    assert steps["gpipe"] == steps["jwst"]
    rows = list(tables.figure_rows(case.name, outcomes, None))
    assert all(float(cell.rstrip(tables.COLD)) > 0 for row in rows for cell in row[2:])
