"""Every file that Detector1Pipeline of gpipe and of jwst writes, one beside the other, with astropy's ``HDUDiff``.

Compared, for ``_rate``, ``_rateints``, ``_ramp``, ``_fitopt``, the result of every step and what steps save on the
side: the names of the files; the extensions and their order; all keywords with values, comments and their order;
dtypes; whole numbers and tables exactly, real numbers within the tolerances of ``comparison.py``; the metadata tree
in the ASDF extension.

Not compared, and why:

- DATE: when the file was written.
- CAL_VER: which package wrote it.
- the header of the ASDF extension: its lengths follow from DATE and CAL_VER.
- in the tree: ``meta.date`` and ``meta.calibration_software_version``, the same two again; ``_fits_hash``, of the whole
  file; ``history`` and ``asdf_library``, the software that was used; ``cal_logs``, the log.

Different on purpose, see docs/differences.md: what a step of gpipe saves on the side has the S_ keyword of the step
and names its references; S_DARK tells that dark_current was skipped. The mask of clean_flicker_noise is left to the
tests of that step: in jwst it has keywords and an empty ERR of the draft rate that it was made from.
"""

import io
from pathlib import Path

import asdf
import numpy as np
import pytest
from astropy.io import fits
from helpers.comparison import SCIENCE_TOLERANCE, VARIANCE_TOLERANCE
from helpers.fault_pixels import integration_void
from helpers.saved_kinds import BY_DEFAULT, KINDS, settings, skipped

from gpipe.pipeline import Detector1Pipeline

# jwst 3.0.0 raises deprecation and numerical warnings of its own.
pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

ROUNDING = 1e-4  # DN or DN/s, in addition to the relative tolerances
# DN/s; 1e-4 of the errors of rates, and what the last place of a ramp does to a rate in 0.1 s. emicorr rounds there.
ROUNDING_OF = {"miri": 5e-3}
IGNORED_KEYWORDS = {"DATE", "CAL_VER"}
IGNORED_IN_TREE = {"_fits_hash", "history", "asdf_library", "cal_logs"}
IGNORED_METADATA = {"date", "calibration_software_version"}

STATUS_OF = dict.fromkeys(("fitopt", "likely_chisq"), "S_RAMP") | dict.fromkeys(
    ("flicker_bkg", "flicker_noise"), "S_CLNFNS"
)
"""Suffixes of side products, and the keyword that gpipe adds to each."""
NO_KEYWORD = {("meta", "cal_step", "dark_current")}
"""Entry by which jwst records only in the tree that dark_current was skipped; dark_sub has the keyword."""
ALWAYS = {"rate", "rateints", "ramp", "0_ramp_fit", "1_ramp_fit", "gain_scaleints"}
OF_RATES = {"rate", "rateints", "fitopt", "0_ramp_fit", "1_ramp_fit", "gain_scale", "gain_scaleints"}
LIKELY = {"nircam-likely", "nircam-superstripes"}
"""Fitted so because that was asked for, and because repeats in a frame are unevenly spaced."""


def content(path):
    """The extensions, and the tree in the ASDF extension, of a file."""
    with fits.open(path, memmap=False) as hdus:
        extensions = [hdu.copy() for hdu in hdus if hdu.name != "ASDF"]
        names = [(hdu.name, hdu.ver, type(hdu)) for hdu in hdus]
        tree = asdf.util.load_yaml(io.BytesIO(hdus["ASDF"].data.tobytes()))
    return names, extensions, {key: value for key, value in tree.items() if key not in IGNORED_IN_TREE}


def differences(ours, theirs, only_ours, rounding=ROUNDING, void=None):
    """Describe the differences of two files, except for the keywords that only our file must have.

    Pixels in ``void``, bool (row, column), have an integration without a rate: their photon noise is left out.
    """
    our_names, our_extensions, our_tree = content(ours)
    their_names, their_extensions, their_tree = content(theirs)
    if our_names != their_names:
        return [f"extensions {our_names}, jwst {their_names}"]
    header = our_extensions[0].header
    found = [f"{key}: expected {value}" for key, value in only_ours.items() if header.pop(key, None) != value]
    for mine, other in zip(our_extensions, their_extensions, strict=True):
        if void is not None and mine.name in ("ERR", "VAR_POISSON"):
            mine.data[..., void] = other.data[..., void]
        found += _in_extension(mine, other, rounding)
    return [*found, *_in_tree(our_tree, their_tree, set(only_ours.values()))]


def _in_extension(mine, other, rounding):
    if list(mine.header) != list(other.header):
        yield f"{mine.name}: keywords {list(mine.header)}, jwst {list(other.header)}"
    exact = other.data is None or other.data.dtype.kind != "f"
    if other.data is not None and mine.data.dtype != other.data.dtype:
        yield f"{mine.name}: {mine.data.dtype}, jwst {other.data.dtype}"
    relative = VARIANCE_TOLERANCE if other.name.startswith("VAR_") else SCIENCE_TOLERANCE
    allowed = {} if exact else {"rtol": relative, "atol": rounding}
    diff = fits.HDUDiff(mine, other, ignore_keywords=IGNORED_KEYWORDS, **allowed)
    if not diff.identical:
        yield f"{mine.name}: {diff.report()}"


def _in_tree(ours, theirs, only_ours):
    """Leaves of the trees that differ; ours may have these values where theirs has none."""
    mine, other = (dict(_leaves(tree)) for tree in (ours, theirs))
    for key in mine.keys() | other.keys():
        extra = other.get(key) is None and mine.get(key) in only_ours
        if mine.get(key) != other.get(key) and not extra and key not in NO_KEYWORD:
            yield f"tree {'.'.join(map(str, key))}: {mine.get(key)}, jwst {other.get(key)}"


def _leaves(node, path=()):
    if path[:1] == ("meta",) and path[-1] in IGNORED_METADATA and len(path) == 2:
        return
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _leaves(value, (*path, key))
    else:
        yield path, node


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_those_of_jwst(kind, exposure_and_cache):
    theirs = pytest.importorskip("jwst.pipeline").Detector1Pipeline
    exposure = exposure_and_cache(KINDS[kind], full_frame=KINDS[kind].striped)
    for folder, pipeline in (("ours", Detector1Pipeline), ("theirs", theirs)):
        Path(folder).mkdir()
        saved = {"output_dir": folder, "save_results": True, "save_calibrated_ramp": True}
        pipeline.call(str(exposure.path), **saved, steps=settings(kind))

    written = {suffix_of(path): path.name for path in Path("theirs").iterdir()}
    expected = {*ALWAYS, "likely_chisq" if kind in LIKELY else "fitopt", *settings(kind)} - {"ramp_fit"}
    assert written.keys() >= expected - skipped(kind)
    assert {path.name for path in Path("ours").iterdir()} == set(written.values())
    void = integration_void(fits.getdata(f"ours/{written['rateints']}", "DQ"))
    found = [
        f"{name}: {line}"
        for suffix, name in sorted(written.items())
        for line in differences(
            f"ours/{name}",
            f"theirs/{name}",
            on_purpose(kind, suffix),
            ROUNDING_OF.get(kind, ROUNDING),
            void if suffix in OF_RATES else None,
        )
    ]
    assert not found, "\n".join(found)


def suffix_of(path):
    return path.stem.split("_", 4)[4]


def on_purpose(kind, suffix):
    """Keywords that only gpipe writes, with their values."""
    expected = {STATUS_OF[suffix]: "COMPLETE"} if suffix in STATUS_OF else {}
    if suffix == "fitopt" and "jump" in skipped(kind):  # jump uses the same references
        files = {"R_GAIN": "gain", "R_READNO": "readnoise"}
        expected |= {keyword: f"crds://jwst_nircam_{reftype}_0001.fits" for keyword, reftype in files.items()}
    before_dark = suffix in BY_DEFAULT[: BY_DEFAULT.index("dark_current")]
    return expected | ({"S_DARK": "SKIPPED"} if "dark_current" in skipped(kind) and not before_dark else {})


def test_a_difference_is_found(tmp_path):
    """The comparison finds differences of order, comments, values, dtype and flags."""
    from stdatamodels.jwst.datamodels import ImageModel

    with ImageModel(data=np.ones((4, 4), np.float32), dq=np.full((4, 4), 1 << 30, np.uint32)) as model:
        model.meta.filename = "same.fits"
        model.meta.exposure.ngroups = 4
        model.save(tmp_path / "one.fits")
    assert differences(tmp_path / "one.fits", tmp_path / "one.fits", {}) == []
    comment = fits.getheader(tmp_path / "one.fits").comments["NGROUPS"]
    changes = {
        "comment": lambda h: h[0].header.set("NGROUPS", 4, "another"),
        "value": lambda h: h[0].header.set("NGROUPS", 5),
        "order": lambda h: h[0].header.insert(5, ("NGROUPS", h[0].header.pop("NGROUPS"), comment)),
        "data": lambda h: h["SCI"].data.__setitem__((1, 1), 1.001),
        "flag": lambda h: h["DQ"].data.__setitem__((1, 1), (1 << 30) + 1),
    }
    for what, change in changes.items():
        with fits.open(tmp_path / "one.fits") as hdus:
            change(hdus)
            hdus.writeto(tmp_path / "other.fits", overwrite=True)
        assert len(differences(tmp_path / "one.fits", tmp_path / "other.fits", {})) == 1, what
    absent = differences(tmp_path / "one.fits", tmp_path / "one.fits", {"S_RAMP": "COMPLETE"})
    assert absent == ["S_RAMP: expected COMPLETE"]
