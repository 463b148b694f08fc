import numpy as np
import pytest

from gpipe.emicorr.configuration import (
    SUBARRAY_CLOCKS,
    Configuration,
    case_of,
    case_tree,
    configuration_for,
    configuration_in,
)
from gpipe.emicorr.readout import Clocks
from gpipe.exceptions import ReferenceFileError

TREE = {
    "frequencies": {
        "Hz390": {"frequency": 390.625, "phase_amplitudes": np.ones(8)},
        "Hz10": {"frequency": 10.04, "phase_amplitudes": [1.0, 2.0, 3.0]},
        "Hz10slow": {"frequency": 10.05, "phase_amplitudes": np.ones(4)},
        "short": {"frequency": 10.05, "phase_amplitudes": np.ones(1)},
    },
    "subarray_cases": {
        "MASK1550": {
            "rowclocks": 82,
            "frameclocks": 23968,
            "freqs": {"FAST": ["Hz390", "Hz10"], "SLOW": {"MIRIMAGE": ["Hz10slow"], "MIRIFULONG": []}},
        },
        "FULL_FAST": {"rowclocks": 271, "frameclocks": 277504, "freqs": {"FAST": ["Hz10"]}},
        "FULL_SLOW": {"rowclocks": 2333, "frameclocks": 2388992, "freqs": {"SLOW": {"MIRIMAGE": ["Hz10slow"]}}},
        "SUB64": {"rowclocks": 28, "freqs": {"FAST": ["Hz390"]}},
        "SUB128": {"rowclocks": 44, "frameclocks": 11904, "freqs": {"FAST": ["Hz218"]}},
        "SUB256": {"rowclocks": 96, "frameclocks": 29952, "freqs": {"FAST": ["short"]}},
    },
}


def found(subarray, readpatt, detector="MIRIMAGE"):
    return configuration_in(TREE, subarray, readpatt, detector, "emi.asdf")


@pytest.mark.parametrize(
    ("subarray", "readpatt", "row", "names"),
    [
        ("MASK1550", "FASTR1", 82, ["Hz390", "Hz10"]),
        ("MASK1550", "SLOWR1", 82, ["Hz10slow"]),
        ("FULL", "FAST", 271, ["Hz10"]),
        ("FULL", "SLOW", 2333, ["Hz10slow"]),
    ],
)
def test_frequencies_depend_on_subarray_and_speed(subarray, readpatt, row, names):
    configuration = found(subarray, readpatt)
    assert configuration.clocks.row == row
    assert [wave.name for wave in configuration.interferences] == names
    assert configuration.interferences[-1].frequency == TREE["frequencies"][names[-1]]["frequency"]


@pytest.mark.parametrize(
    ("subarray", "readpatt", "detector"),
    [
        ("BRIGHTSKY", "FASTR1", "MIRIMAGE"),
        ("FULL", "SLOWR1", "MIRIFUSHORT"),
        ("MASK1550", "SLOWR1", "MIRIFULONG"),
    ],
)
def test_no_case_is_no_configuration(subarray, readpatt, detector):
    assert found(subarray, readpatt, detector) is None


@pytest.mark.parametrize(
    ("subarray", "message"),
    [
        ("SUB64", "emi.asdf: found no frameclocks of SUB64"),
        ("SUB128", "emi.asdf: found the frequency Hz218 with frequency None and 0 samples"),
        ("SUB256", "emi.asdf: found the frequency short with frequency 10.05 and 1 samples"),
    ],
)
def test_incomplete_references_are_told(subarray, message):
    with pytest.raises(ReferenceFileError, match=message):
        found(subarray, "FASTR1")


def test_frequencies_of_a_user_need_the_clocks_of_the_subarray():
    configuration = configuration_for([218.3, 10], "FULL", "SLOWR1")
    assert configuration.clocks == SUBARRAY_CLOCKS["FULL_SLOW"] == Clocks(2333, 2388992)
    assert [(wave.name, wave.frequency, wave.wave) for wave in configuration.interferences] == [
        ("218.3", 218.3, None),
        ("10", 10, None),
    ]
    assert configuration_for([218.3], "SUBPRISM", "FASTR1") is None
    assert configuration_for([], "FULL", "FASTR1") is None


@pytest.mark.parametrize(("subarray", "readpatt"), [("FULL", "FASTR1"), ("FULL", "SLOW"), ("SUB64", "FAST")])
def test_what_is_written_is_found_again(subarray, readpatt):
    configuration = configuration_for([218.3], subarray, readpatt)
    tree = {
        "frequencies": {"218.3": {"frequency": 218.3, "phase_amplitudes": [1.0, 2.0]}},
        "subarray_cases": case_tree(configuration, subarray, readpatt, "MIRIFULONG"),
    }
    again = configuration_in(tree, subarray, readpatt, "MIRIFULONG", "emi.asdf")
    assert isinstance(again, Configuration)
    assert (again.clocks, again.interferences[0].name) == (configuration.clocks, "218.3")


def test_full_frames_have_a_case_for_each_speed():
    assert [case_of("FULL", "FASTR1"), case_of("FULL", "slow"), case_of("SUB64", "FAST")] == [
        "FULL_FAST",
        "FULL_SLOW",
        "SUB64",
    ]
