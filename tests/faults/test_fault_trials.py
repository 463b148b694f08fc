"""Short form of the trials; ``make faults`` runs many more."""

import tempfile
from pathlib import Path

import pytest

from faults.families import FAMILIES
from faults.trials import NotHereError, laboratory

SEED = 20261130
SHORT = [
    pytest.param(family, trial, id=f"{family.NAME}: {trial.name}".replace(" ", "-"))
    for family in FAMILIES
    for trial in family.trials(SEED, long=False)
]


@pytest.fixture(scope="module")
def place():
    """The exposures and the process that children come from.

    The folder is not one of pytest's: their long names leave no room for the name of a socket.
    """
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, laboratory(Path(folder)) as found:
        yield found


@pytest.mark.parametrize(("family", "trial"), SHORT)
def test_what_is_promised_holds(family, trial, place):
    try:
        trial.check(place.room(f"{family.NAME}: {trial.name}"))
    except NotHereError as reason:
        pytest.skip(f"not possible here: {reason}")
