"""Short form of the trials; ``make faults`` runs many more."""

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
def place(tmp_path_factory):
    """The exposures and the process that children come from."""
    with laboratory(tmp_path_factory.mktemp("faults")) as found:
        yield found


@pytest.mark.parametrize(("family", "trial"), SHORT)
def test_what_is_promised_holds(family, trial, place):
    try:
        trial.check(place.room(f"{family.NAME}: {trial.name}"))
    except NotHereError as reason:
        pytest.skip(f"not possible here: {reason}")
