import pytest

from gpipe.exceptions import ParameterError
from gpipe.simulate import ExposureConfig
from gpipe.simulate.detectors import DETECTORS
from gpipe.simulate.readout import READ_PATTERNS, SUBARRAYS, has_reference_pixels, window

# Documented frame times, https://jwst-docs.stsci.edu, pages on the subarrays of each instrument.
FRAME_TIMES = [
    ("NRCALONG", "RAPID", "FULL", None, 10.73677),
    ("NRCB1", "RAPID", "SUB64P", None, 0.05016),
    ("NRCB1", "RAPID", "SUB160", None, 0.27864),
    ("NRCB1", "RAPID", "SUB320", None, 1.06904),
    ("NRCB1", "RAPID", "SUB640", None, 4.18584),
    ("NRCALONG", "RAPID", "SUBGRISM64", 4, 0.34061),
    ("NRCALONG", "RAPID", "SUBGRISM256", 4, 1.34669),
    ("NRCALONG", "RAPID", "SUBGRISM256", 1, 5.31480),
    ("NIS", "NISRAPID", "SUBSTRIP256", None, 5.494),
    ("NIS", "NISRAPID", "SUBSTRIP96", None, 2.214),
    ("NIS", "NISRAPID", "SUB80", None, 0.07544),
    ("NRS1", "NRSRAPID", "FULL", None, 10.73677),
    ("NRS1", "NRSRAPID", "SUB2048", None, 0.90200),
    ("NRS2", "NRSRAPID", "SUB512", None, 0.22616),
    ("NRS1", "NRSRAPID", "SUB512S", None, 0.14392),
    ("MIRIMAGE", "FASTR1", "FULL", None, 2.77504),
    ("MIRIFULONG", "SLOWR1", "FULL", None, 23.88992),
    ("MIRIMAGE", "FASTGRPAVG", "BRIGHTSKY", None, 0.86528),
    ("MIRIMAGE", "FASTR1", "SUB256", None, 0.29952),
    ("MIRIMAGE", "FASTR1", "SUB128", None, 0.11904),
    ("MIRIMAGE", "FASTR1", "SUB64", None, 0.08512),
    ("MIRIMAGE", "FASTR1", "SLITLESSPRISM", None, 0.15904),
    ("MIRIMAGE", "FASTR1", "MASK1140", None, 0.23968),
    ("MIRIMAGE", "FASTR1", "MASKLYOT", None, 0.32400),
]
# Direction in which each detector is read, from the JWST keyword dictionary.
AXES = {
    "NRCA1": (-1, 2), "NRCA2": (1, -2), "NRCA3": (-1, 2), "NRCA4": (1, -2), "NRCALONG": (-1, 2),
    "NRCB1": (1, -2), "NRCB2": (-1, 2), "NRCB3": (1, -2), "NRCB4": (-1, 2), "NRCBLONG": (1, -2),
    "NIS": (-2, -1), "NRS1": (2, 1), "NRS2": (-2, -1), "GUIDER1": (-2, -1), "GUIDER2": (2, -1),
    "MIRIMAGE": (1, 2), "MIRIFUSHORT": (1, 2), "MIRIFULONG": (1, 2),
}  # fmt: skip


@pytest.mark.parametrize(("detector", "readpatt", "subarray", "noutputs", "seconds"), FRAME_TIMES)
def test_frame_times_are_the_documented_ones(detector, readpatt, subarray, noutputs, seconds):
    config = ExposureConfig(detector=detector, readpatt=readpatt, subarray=subarray, noutputs=noutputs, ngroups=2)
    assert config.frame_time == pytest.approx(seconds, abs=5e-6)


def test_detectors_are_read_as_the_keyword_dictionary_says():
    assert {name: (sca.fast, sca.slow) for name, sca in DETECTORS.items()} == AXES


@pytest.mark.parametrize("instrument", SUBARRAYS)
def test_every_subarray_lies_on_its_detector(instrument):
    for name, corners in SUBARRAYS[instrument].items():
        for detector in corners:
            assert DETECTORS[detector].instrument == instrument
            assert window(DETECTORS[detector], name).inside(DETECTORS[detector].full), (name, detector)


def test_only_windows_at_the_edge_have_reference_pixels():
    assert has_reference_pixels(DETECTORS["NRCA1"], window(DETECTORS["NRCA1"], "SUB160"))
    assert has_reference_pixels(DETECTORS["NIS"], window(DETECTORS["NIS"], "SUBSTRIP96"))
    assert not has_reference_pixels(DETECTORS["NRCALONG"], window(DETECTORS["NRCALONG"], "SUB160"))
    assert not has_reference_pixels(DETECTORS["NRS1"], window(DETECTORS["NRS1"], "SUB512"))
    assert has_reference_pixels(DETECTORS["MIRIMAGE"], window(DETECTORS["MIRIMAGE"], "SUB64"))
    assert not has_reference_pixels(DETECTORS["MIRIMAGE"], window(DETECTORS["MIRIMAGE"], "BRIGHTSKY"))


def test_a_gap_follows_every_group_but_the_last():
    deep = READ_PATTERNS["NIRCAM"]["DEEP8"]
    frames = [8 * "x" + 12 * "-"] * 2 + [8 * "x"]
    assert deep.frames(3) == len("".join(frames))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"detector": "NRCA5"}, "'NRCA5' is unknown; expected one of NRCA1"),
        ({"readpatt": "NISRAPID"}, "READPATT 'NISRAPID' is not one of NIRCAM; expected one of RAPID"),
        ({"subarray": "SUBSTRIP96"}, "SUBARRAY 'SUBSTRIP96' is not one of NRCB1; expected one of SUB64P"),
        ({"subarray": "SUBGRISM64"}, "SUBARRAY 'SUBGRISM64' is not used on NRCB1; expected one of NRCA1"),
        ({"instrument": "NIRISS"}, "NRCB1 belongs to NIRCAM, not to NIRISS"),
        ({"ngroups": 0}, "ngroups=0"),
        ({"noutputs": 2}, "noutputs=2: expected 1 or 4"),
        ({"detector": "NIS", "readpatt": "NIS", "zero_frame": True}, "only NIRCam"),
    ],
)
def test_what_cannot_be_simulated_is_named(wrong, named):
    with pytest.raises(ParameterError, match=named):
        ExposureConfig(**{"detector": "NRCB1", "readpatt": "RAPID", "ngroups": 2} | wrong)
