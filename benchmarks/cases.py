"""The exposures that are timed."""

from gpipe.simulate import ExposureConfig

CASES = {
    "full frame, 8 groups": ExposureConfig(detector="NRCALONG", readpatt="SHALLOW4", ngroups=8),
    "SUBSTRIP256, 40 integrations": ExposureConfig(
        detector="NIS", readpatt="NISRAPID", subarray="SUBSTRIP256", ngroups=5, nints=40, exp_type="NIS_SOSS"
    ),
    "MIRI imaging, 10 integrations of 20 groups": ExposureConfig(
        detector="MIRIMAGE", readpatt="FASTR1", ngroups=20, nints=10
    ),
    "MIRI slitless prism, 100 integrations of 40 groups": ExposureConfig(
        detector="MIRIMAGE", readpatt="FASTR1", subarray="SLITLESSPRISM", ngroups=40, nints=100
    ),
    "160x160": ExposureConfig(detector="NRCALONG", readpatt="RAPID", subarray="SUB160", ngroups=8),
}
TINY = {"64x64": ExposureConfig(detector="NRCALONG", readpatt="RAPID", subarray="SUB64P", ngroups=4)}
