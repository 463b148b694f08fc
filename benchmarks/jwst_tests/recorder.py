"""A plugin of pytest that writes what became of each test, a line of JSON each."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "JWST_TESTS_RECORD"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Record the call of a test, and a preparation that failed or was skipped."""
    report: Any = yield
    if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
        error = call.excinfo
        _write(
            {
                "test": item.nodeid,
                "outcome": report.outcome,
                "error": type(error.value).__name__ if error else "",
                "message": str(error.value) if error else "",
                "where": str(error.traceback[-1].path) if error else "",
            }
        )
    return report


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Record files that cannot be imported."""
    if report.failed:
        found = {"test": report.nodeid, "outcome": "failed", "error": "CollectError", "message": report.longreprtext}
        _write({**found, "where": ""})


def _write(record: dict[str, str]) -> None:
    with Path(os.environ[VARIABLE]).open("a") as file:
        file.write(json.dumps(record) + "\n")
