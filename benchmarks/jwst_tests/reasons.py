"""Reasons for which a test of jwst's does not pass on gpipe, and the tests that each of them holds for."""

import re
from collections.abc import Mapping

INSIDE = "calls a function inside jwst or stcal, which gpipe does not have"
LOG = "waits for the words of a line in the log"
CRDS = "needs references from the CRDS server"
UNEXPLAINED = "unexplained"

BY_MESSAGE: Mapping[str, str] = {
    r"CRDS is not configured": CRDS,
}
"""Patterns of messages."""

BY_TEST: Mapping[str, str] = {}
"""Ends of the names of tests, for all else."""


def reason_of(record: Mapping[str, str]) -> str:
    """Say why a test did not pass; UNEXPLAINED if no reason is known."""
    if record["error"] == "AbsentError" or "AbsentError" in record["message"]:
        return INSIDE
    if "assert_seen" in record["message"] or record["where"].endswith("jwst/tests/helpers.py"):
        return LOG
    named = next((why for end, why in BY_TEST.items() if end in record["test"]), None)
    found = (why for pattern, why in BY_MESSAGE.items() if re.search(pattern, record["message"]))
    return named or next(found, UNEXPLAINED)
