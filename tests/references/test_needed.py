"""References that exposures need: from the real crds client, on a simulated cache and a server on this machine."""

import os
import shutil
from pathlib import Path

import pytest
from astropy.io import fits
from crds.client.proxy import crds_encode
from helpers.crds_server import known, serving
from helpers.simulated import small

from gpipe import references, simulate
from gpipe.controller.references import crds_client
from gpipe.datamodels import read_header
from gpipe.exceptions import InputError, ParameterError, ReferenceFileError
from gpipe.references import State
from gpipe.references.collecting import Collection

PARS = {"pars-jumpstep": {"class": "jwst.jump.jump_step.JumpStep", "name": "jump", "parameters": {"skip": True}}}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder, config = tmp_path_factory.mktemp("simulated"), small()
    cache = simulate.write_cache([config], folder / "crds", full_frame=False, pars=PARS)
    return simulate.write_exposure(config, folder).path, cache


@pytest.fixture
def path(simulated, tmp_path, monkeypatch):
    """An exposure; CRDS_PATH is a cache that a test may change, ``tmp_path / "crds"``."""
    exposure, cache = simulated
    shutil.copytree(cache.folder, tmp_path / "crds")
    for name, value in {**cache.environment, "CRDS_PATH": str(tmp_path / "crds")}.items():
        monkeypatch.setenv(name, value)
    return exposure


@pytest.fixture
def cached(path, tmp_path):
    """A function from a type to its file in the cache."""
    return lambda reftype: next((tmp_path / "crds/references/jwst/nircam").glob(f"*_{reftype}_*"))


def by_type(found):
    return {one.type: one for one in found.references}


def tell_sizes(tmp_path):
    """Let the configuration of the cache tell sizes and checksums, as a server leaves it there."""
    config = tmp_path / "crds/config/jwst/server_config"
    files = (tmp_path / "crds/references/jwst/nircam").iterdir()
    told = crds_encode({file.name: known(file.read_bytes()) for file in files})
    config.write_text(config.read_text().rstrip().rstrip("}") + f", 'download_metadata': {told!r}}}")


# --- which ----------------------------------------------------------------------------------------------------------


def test_each_reference_with_its_steps_exposures_and_size(path, cached):
    found = references.needed(path)
    gain, ipc, pars = (by_type(found)[name] for name in ("gain", "ipc", "pars-jumpstep"))
    assert (gain.name, gain.path, gain.state) == (cached("gain").name, cached("gain"), State.CACHED)
    assert gain.bytes == cached("gain").stat().st_size
    assert gain.exposures == found.exposures == (str(path),)
    assert gain.steps == ("ramp_fit", "gain_scale")  # the parameter file skips jump
    assert (ipc.state, ipc.path) == (State.NOT_APPLICABLE, None)
    assert (pars.state, pars.steps) == (State.CACHED, ("jump",))
    assert found.context == "jwst_0001.pmap"
    assert not found.problems
    assert not found.lacking


def test_files_of_the_cache_by_their_path_rules_included(path, tmp_path):
    names = references.needed(path).names()
    assert names[:2] == ["mappings/jwst/jwst_0001.pmap", "mappings/jwst/jwst_nircam_0001.imap"]
    assert "references/jwst/nircam/" + by_type(references.needed(path))["gain"].name in names
    assert all((tmp_path / "crds" / name).is_file() for name in names)


def test_a_step_that_is_skipped_needs_none(path):
    everything, fewer = references.needed(path), references.needed(path, steps={"superbias": {"skip": True}})
    assert by_type(everything)["superbias"].steps == ("saturation", "superbias")
    assert by_type(fewer)["superbias"].steps == ("saturation",)
    assert "linearity" not in by_type(references.needed(path, steps={"linearity": {"skip": True}}))
    assert "pars-jumpstep" not in by_type(references.needed(path, steps={"jump": {"skip": True}}))
    assert "jump" in by_type(references.needed(path, uses_crds_parameters=False))["gain"].steps


def test_a_step_alone(path):
    found = by_type(references.needed(path, pipeline="linearity"))
    assert list(found) == ["linearity"]


@pytest.mark.parametrize(
    ("value", "state"), [("mine.fits", State.OVERRIDE), ("no.fits", State.MISSING), ("N/A", State.NOT_APPLICABLE)]
)
def test_an_override(path, cached, tmp_path, monkeypatch, value, state):
    monkeypatch.chdir(tmp_path)
    shutil.copy(cached("linearity"), "mine.fits")
    found = references.needed(path, steps={"linearity": {"override_linearity": value}})
    one = by_type(found)["linearity"]
    assert one.state == state
    assert one.path == (None if value == "N/A" else tmp_path / value)
    assert not any("linearity" in name for name in found.names() if "references" in name)


def test_hundreds_of_exposures_are_one_question(path, monkeypatch):
    import crds

    from gpipe.controller.call import CallOptions
    from gpipe.pipeline import Detector1Pipeline

    asked = []
    crds_client.context()
    real = crds.getrecommendations
    monkeypatch.setattr(crds, "getrecommendations", lambda *a, **k: asked.append(k["reftypes"]) or real(*a, **k))
    header, collection = read_header(path), Collection(Detector1Pipeline, CallOptions({}))
    for number in range(300):
        header.meta.observation.date = f"20{22 + number % 3}-0{1 + number % 9}-11"
        header.meta.observation.visit_id = str(number)
        object.__setattr__(header, "name", f"{number}_uncal.fits")
        collection.add(header)
    assert len(asked) == 2  # parameter files, and references
    found = collection.needed()
    assert {len(one.exposures) for one in found.references} == {300}


# --- in which state -------------------------------------------------------------------------------------------------


def test_a_reference_that_is_not_there(path, cached, tmp_path):
    tell_sizes(tmp_path)
    size = cached("gain").stat().st_size
    missing = cached("gain")
    missing.unlink()
    found = references.needed(path)
    assert found.lacking == [by_type(found)["gain"]]
    assert (by_type(found)["gain"].state, by_type(found)["gain"].path) == (State.MISSING, missing)
    assert by_type(found)["gain"].bytes == size
    assert found.totals().endswith("1 missing (gpipe refs fetch gets <0.1 MB)")


def test_a_size_that_is_not_that_of_crds(path, cached, tmp_path):
    tell_sizes(tmp_path)
    os.truncate(cached("gain"), 3000)
    one = by_type(references.needed(path))["gain"]
    assert one.state == State.DAMAGED
    assert one.problem.startswith(f"gain reference {cached('gain')}: found 3000 bytes; expected ")


def change_type(file):
    with fits.open(file, mode="update") as opened:
        opened[0].header["REFTYPE"] = "FLAT"


def change_window(file):
    with fits.open(file, mode="update") as opened:
        opened[0].header["SUBSTRT1"] = 1500


DAMAGES = {
    "truncated": (lambda file: os.truncate(file, file.stat().st_size - 3000), "truncated or damaged"),
    "another type": (change_type, "found REFTYPE = FLAT; expected gain"),
    "another part of the detector": (change_window, "expected a reference that covers"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_check_opens_each_file(path, cached, damage):
    spoil, message = DAMAGES[damage]
    assert not references.check(references.needed(path)).lacking
    spoil(cached("gain"))
    assert not references.needed(path).lacking
    found = references.check(references.needed(path))
    [one] = found.lacking
    assert (one.type, one.state) == ("gain", State.DAMAGED)
    assert message in one.problem
    assert "\n" not in one.problem
    assert str(found).splitlines()[-2] == one.problem


def test_check_compares_the_checksum_that_crds_tells(path, cached, tmp_path):
    tell_sizes(tmp_path)
    with cached("gain").open("r+b") as file:
        file.seek(-2000, os.SEEK_END)
        file.write(b"\x01")
    [one] = references.check(references.needed(path)).lacking
    assert "found sha1" in one.problem


def test_a_damaged_parameter_file(path, cached):
    cached("pars-jumpstep").write_bytes(b"#ASDF")
    [one] = references.check(references.needed(path)).lacking
    assert (one.type, one.state) == ("pars-jumpstep", State.DAMAGED)


# --- what is wrong with exposures -----------------------------------------------------------------------------------


def test_an_exposure_that_cannot_be_read_leaves_the_others(path, tmp_path):
    bad = tmp_path / "bad_uncal.fits"
    bad.write_text("no FITS file")
    found = references.needed([path, bad])
    assert found.exposures == (str(path),)
    [problem] = found.problems
    assert isinstance(problem, InputError)
    assert "bad_uncal.fits" in str(problem)
    with pytest.raises(InputError, match="bad_uncal"):
        references.needed(bad)


def test_an_exposure_that_crds_has_no_reference_for(path, tmp_path):
    other = Path(shutil.copy(path, tmp_path / "old_uncal.fits"))
    with fits.open(other, mode="update") as opened:
        opened[0].header["DATE-OBS"] = "2001-02-03"
    found = references.needed([path, other])
    assert found.exposures == (str(path),)
    [problem] = found.problems
    assert isinstance(problem, ReferenceFileError)
    assert "old_uncal.fits: " in str(problem)
    assert "\n" not in str(problem)


def test_a_wrong_parameter(path):
    with pytest.raises(ParameterError, match="no_such"):
        references.needed(path, steps={"jump": {"no_such": 1}})


# --- another context ------------------------------------------------------------------------------------------------


def add_context(tmp_path):
    """A context with another gain reference, which is not in the cache, and no parameter file for jump."""
    from helpers.small_cache import signed

    rules = tmp_path / "crds/mappings/jwst"

    def copy(old, new, **replaced):
        text = (rules / old).read_text().replace(old, new)
        for before, after in replaced.values():
            assert before in text
            text = text.replace(before, after)
        (rules / new).write_text(signed(text))

    gain = "jwst_nircam_gain_000{}.{}".format
    copy(gain(1, "rmap"), gain(2, "rmap"), file=(gain(1, "fits"), gain(2, "fits")))
    pars = ("'jwst_nircam_pars-jumpstep_0001.rmap'", "'N/A'")
    imap = ("jwst_nircam_0001.imap", "jwst_nircam_0002.imap")
    copy(*imap, gain=(gain(1, "rmap"), gain(2, "rmap")), pars=pars)
    copy("jwst_0001.pmap", "jwst_0002.pmap", imap=imap)


def test_exposures_that_another_context_would_change(path, tmp_path):
    add_context(tmp_path)
    found = references.changes(path, "jwst_0002.pmap")
    changed = {(one.type, one.before, one.after) for one in found}
    assert ("gain", "jwst_nircam_gain_0001.fits", "jwst_nircam_gain_0002.fits") in changed
    assert ("pars-jumpstep", "jwst_nircam_pars-jumpstep_0001.asdf", "N/A") in changed
    assert not {kind for kind, _, _ in changed} & {"linearity", "superbias"}
    assert all(one.exposures == (str(path),) for one in found)
    assert references.changes(path, "jwst_0001.pmap") == []
    assert references.needed(path).context == "jwst_0001.pmap"


def test_a_context_that_is_none(path):
    with pytest.raises(ReferenceFileError, match="jwst_4321"):
        references.changes(path, "jwst_4321.pmap")


# --- fetching -------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(path, tmp_path, monkeypatch):
    files = [file for file in (tmp_path / "crds").rglob("jwst_*") if file.is_file()]
    with serving(files, "jwst_0001.pmap") as server:
        monkeypatch.setenv("CRDS_SERVER_URL", server.url)
        monkeypatch.setenv("CRDS_CLIENT_RETRY_DELAY_SECONDS", "0")
        yield server


def test_what_is_missing_or_damaged_is_fetched_and_nothing_else(path, cached, server):
    gain, linearity = cached("gain"), cached("linearity")
    gain.unlink()
    os.truncate(linearity, 4000)
    arrived = {}
    found = references.fetch(
        references.needed(path), lambda name, count: arrived.update({name: arrived.get(name, 0) + count})
    )
    assert not found.lacking
    assert not references.check(references.needed(path)).lacking
    assert sorted(server.asked) == [gain.name, linearity.name]
    assert arrived == {file.name: file.stat().st_size for file in (gain, linearity)}
    assert references.fetch(found) is found


def test_a_half_file_is_not_taken_for_a_whole_one(path, cached, server):
    gain, linearity = cached("gain"), cached("linearity")
    gain.unlink()
    linearity.unlink()
    server.cut.add(gain.name)
    with pytest.raises(ReferenceFileError, match=gain.name) as caught:
        references.fetch(references.needed(path))
    assert len(str(caught.value).splitlines()) == 1
    assert not [file.name for file in gain.parent.iterdir() if "gain" in file.name]
    assert linearity.is_file()
    server.cut.clear()
    assert not references.fetch(references.needed(path)).lacking
    assert server.asked.count(linearity.name) == 1


def test_without_a_server(path, cached):
    cached("gain").unlink()
    with pytest.raises(ReferenceFileError, match="CRDS_SERVER_URL is not set, and 1 reference is missing"):
        references.fetch(references.needed(path))
