"""Reasons for which a test of jwst's does not pass on gpipe, and the tests that each of them holds for."""

import re
from collections.abc import Mapping

INSIDE = "calls a function inside `jwst` or `stcal`, which gpipe does not have"
FRAMEWORK = (
    "is about the framework of `jwst`: command line, containers, files that name classes, arguments of `process`"
)
CRDS = "needs references from the CRDS server"
REFUSED = "its exposure or reference contradicts its keywords, or is of another kind, which gpipe refuses"
WORDS = "waits for the words of a line in the log, of an error, or for a DeprecationWarning"
DIFFERENT = "differs on purpose, as [](differences.md) or the page of the step says"
NOT_BUILT = "is of spectra, or of NIRSpec, which gpipe does not calibrate yet"
UNEXPLAINED = "unexplained"

BY_TEST: Mapping[str, str] = {
    "tests_of_jwst/stpipe/": FRAMEWORK,
    "_step.py::test_output_type[True]": DIFFERENT,  # skip=True of a step alone
    "test_dq_im_wrong_shape": WORDS,
    "test_level1b": DIFFERENT,  # an open uncalibrated model is calibrated
    "test_nocrs_noflux_firstrows_are_nan": DIFFERENT,  # a rate without a segment is NaN
    "test_four_groups_four_CRs": DIFFERENT,
    "test_photon_noise_only_bad_last_frame_two_groups": DIFFERENT,  # products of NaN instead of none
    "test_miri_all_sat": DIFFERENT,
    "test_miri_no_good_pixel": DIFFERENT,
    "test_error_when_frame_time_not_set": WORDS,
    "test_photon_noise_with_unweighted_fit": INSIDE,
    "test_nframes_is_none": DIFFERENT,  # without NFRAMES, which is filled in here, an exposure is refused
    "test_nframes_or_frame_divisor_is_none": DIFFERENT,
    "test_invlin_corr": DIFFERENT,  # averaged frames in float32
    "test_fft_subarray_clean_error": DIFFERENT,  # too few pixels: nothing is subtracted
    "test_invalid_photom_file_missing_meta": DIFFERENT,  # references need no description
    "test_invalid_photom_file_bad_timecoeff": WORDS,
    "test_invalid_photom_file_empty_timecoeff": WORDS,
    "test_skip_no_flat": WORDS,
    "test_persistence_time_": DIFFERENT,  # a window of no length is an error
}
"""Parts of names of tests."""

BY_MESSAGE: Mapping[str, str] = {
    r"has no attribute 'from_cmdline'": FRAMEWORK,
    r"CRDS is not configured|^-1$": CRDS,
    r"not built yet|MultiSlitModel|SlitModel|TSOMultiSpecModel": NOT_BUILT,
    r"not in logs|(INFO|WARNING) +gpipe|Picture frame correction is not available|DeprecationWarning": WORDS,
    r"^(open \w+|override_\w+|[\w.]+\.fits): (\w+ reference \S+: )?found": REFUSED,
}
"""Patterns of messages."""


def reason_of(record: Mapping[str, str]) -> str:
    """Say why a test did not pass; UNEXPLAINED if no reason is known."""
    if record["error"] == "AbsentError" or "AbsentError" in record["message"]:
        return INSIDE
    if record["where"].endswith("jwst/tests/helpers.py"):
        return WORDS
    by_message = next(
        (why for pattern, why in BY_MESSAGE.items() if re.search(pattern, record["message"])), UNEXPLAINED
    )
    return next((why for part, why in BY_TEST.items() if part in record["test"]), by_message)
