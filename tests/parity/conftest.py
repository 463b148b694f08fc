"""Simulated exposures, calibrated by jwst through the same CRDS cache that gpipe uses."""

import os

import pytest
from helpers.comparison import summary_line

from gpipe import simulate


@pytest.fixture
def exposure_and_cache(tmp_path):
    """A function from a config to its simulated exposure and an active cache; the files go with the test.

    It passes other arguments on to ``write_cache``.
    """
    active = []

    def make(config, **settings):
        exposure = simulate.write_exposure(config, tmp_path)
        cache = simulate.write_cache([config], tmp_path / "crds_cache", **settings)
        manager = cache.activated()
        manager.__enter__()
        active.append(manager)
        os.chdir(tmp_path)
        return exposure

    start = os.getcwd()
    yield make
    os.chdir(start)
    for manager in active:
        manager.__exit__(None, None, None)


@pytest.fixture
def agree(request):
    """Assert that planes agree, and keep the figures for the summary."""

    def check(agreements):
        request.node.user_properties.extend(
            ("agreement", (request.node.name, a.plane, a.agreeing, a.different, a.worst)) for a in agreements
        )
        bad = [str(agreement) for agreement in agreements if not agreement.good_enough]
        assert not bad, "\n".join(bad)

    return check


def pytest_terminal_summary(terminalreporter):
    """The figures of every comparison, also when the tests ran in several processes."""
    agreements, jumps = (_figures(terminalreporter, key) for key in ("agreement", "jumps"))
    if agreements:
        terminalreporter.section("agreement with jwst")
    for figures in agreements:
        terminalreporter.line(summary_line(*figures))
    if jumps:
        terminalreporter.section("hits found, by size in standard deviations")
    for test, package, line in jumps:
        terminalreporter.line(f"{test:20} {package:6} {line}")


def _figures(terminalreporter, wanted):
    return [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for key, value in report.user_properties
        if key == wanted and report.when == "call"
    ]
