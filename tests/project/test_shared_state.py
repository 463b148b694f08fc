"""Code uses what several threads can use: no ``catch_warnings``, one kind of pool, locks that a fork opens."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / "gpipe").rglob("*.py"))}
LOCKS_OF_OBJECTS = {
    "gpipe/controller/reporting/progress.py": "never waited for",
    "gpipe/datamodels/exposures/groups/array_store.py": "of a group of one run",
    "gpipe/datamodels/exposures/groups/window_store.py": "of a group of one run",
    "gpipe/forks.py": "the lock itself",
    "gpipe/kernels/cuda/sources.py": "CUDA does not survive a fork",
}


def using(pattern):
    return {path for path, text in SOURCES.items() if re.search(pattern, text)}


def test_the_sources_are_found():
    assert len(SOURCES) > 200


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (r"catch_warnings\(|simplefilter\(|filterwarnings\(|captureWarnings\((?!logged)", set()),
        (r"\bThreadPoolExecutor\b", {"gpipe/arrays/threads.py"}),
        (r"functools import .*cached_property|functools\.cached_property", {"gpipe/forks.py"}),
        (r"threading\.R?Lock\(", set(LOCKS_OF_OBJECTS)),
    ],
)
def test_what_is_not_safe_is_used_in_no_other_place(pattern, allowed):
    assert using(pattern) == allowed
