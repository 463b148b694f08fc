"""References through the real crds client, on a small local cache with no server."""

import logging
import os
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import pytest
from helpers.small_cache import EXPOSURE, SmallCache, signed, write_reference
from stdatamodels.jwst import datamodels

from gpipe.controller.references import crds_client, resolution
from gpipe.controller.references.overrides import choice
from gpipe.exceptions import ReferenceFileError

SUPERBIAS = "jwst_nircam_superbias_0001.fits"
GAIN = "jwst_nircam_gain_0001.fits"
PARS = "jwst_nircam_pars-jumpstep_0001.asdf"


@pytest.fixture(autouse=True)
def no_crds_environment(monkeypatch):
    for variable in ("CRDS_PATH", "CRDS_CONTEXT", "CRDS_SERVER_URL", "CRDS_READONLY_CACHE"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """CRDS_PATH points to a cache with two references, a parameter file and a type that does not apply."""
    known = {"superbias": SUPERBIAS, "gain": GAIN, "ipc": "N/A", "pars-jumpstep": PARS}
    cache = SmallCache(tmp_path / "crds", references=known)
    monkeypatch.setenv("CRDS_PATH", str(cache.root))
    return cache


def exposure_meta():
    model = datamodels.RampModel((1, 2, 8, 8))
    for path, value in EXPOSURE.items():
        model[path] = value
    model.meta.subarray.instance.update(xstart=1, ystart=1, xsize=8, ysize=8)
    return model.meta


META = exposure_meta()


def resolve(wanted, overrides=None, **changes):
    parameters = {k: v for k, v in {**EXPOSURE, **changes}.items() if v is not None}
    return resolution.resolve(wanted, parameters, overrides or {}, META)


def complaint(*args, **changes):
    """The lines of the error that these references lead to."""
    with pytest.raises(ReferenceFileError) as caught:
        resolve(*args, **changes)
    return str(caught.value).split("\n")


# --- from CRDS ----------------------------------------------------------------------------------------------------


def test_best_references_of_all_steps(cache):
    found = resolve({"superbias": ["superbias"], "jump": ["gain"], "ipc": ["ipc"], "group_scale": []})
    assert found.steps["superbias"]["superbias"].name == f"crds://{SUPERBIAS}"
    assert found.steps["jump"]["gain"].reftype == "gain"
    assert found.steps["ipc"].get("ipc") is None
    assert list(found.steps["group_scale"]) == []
    assert (found.context, found.crds_version) == ("jwst_0001.pmap", crds_client.version())


def test_names_for_the_header(cache):
    found = resolve({"a": ["superbias", "ipc"]})
    assert found.steps["a"].names == {"superbias": f"crds://{SUPERBIAS}", "ipc": "N/A"}


def test_a_file_used_by_two_steps_is_one_reference(cache, caplog):
    caplog.set_level(logging.INFO, logger="gpipe")
    found = resolve({"jump": ["gain"], "ramp_fit": ["gain"]})
    assert found.steps["jump"]["gain"] is found.steps["ramp_fit"]["gain"]
    assert [r.getMessage() for r in caplog.records if r.name.startswith("gpipe")] == [f"gain reference: crds://{GAIN}"]


def test_all_types_are_one_request(cache, monkeypatch):
    asked = []
    real = crds_client.recommended
    monkeypatch.setattr(crds_client, "recommended", lambda p, types: asked.append(list(types)) or real(p, types))
    resolve({"superbias": ["superbias"], "jump": ["gain"], "ramp_fit": ["gain"], "ipc": ["ipc"]})
    assert asked == [["gain", "ipc", "superbias"]]


def test_nothing_wanted_asks_nobody(monkeypatch):
    monkeypatch.setattr(crds_client, "recommended", None)
    assert resolve({"group_scale": []}).context is None


def test_context_from_the_environment(cache, monkeypatch):
    cache.add_context("jwst_0002.pmap", superbias="jwst_nircam_superbias_0002.fits")
    assert resolve({"a": ["superbias"]}).steps["a"]["superbias"].name.endswith("_0001.fits")
    monkeypatch.setenv("CRDS_CONTEXT", "jwst_0002.pmap")
    changed = resolve({"a": ["superbias"]})
    assert changed.steps["a"]["superbias"].name.endswith("_0002.fits")
    assert changed.context == resolution.context()[0] == "jwst_0002.pmap"
    monkeypatch.delenv("CRDS_CONTEXT")
    assert resolve({"a": ["superbias"]}).context == "jwst_0001.pmap"


def test_default_context_of_the_cache_may_change(cache):
    cache.add_context("jwst_0002.pmap", superbias="jwst_nircam_superbias_0002.fits")
    assert resolve({"a": ["superbias"]}).context == "jwst_0001.pmap"
    cache.set_default("jwst_0002.pmap")
    os.utime(cache.root / "config/jwst/server_config", ns=(1, 1))
    assert resolve({"a": ["superbias"]}).context == "jwst_0002.pmap"


def test_without_jwst_the_latest_context_is_not_worth_a_warning(cache, monkeypatch, caplog):
    cache.add_context("jwst_0002.pmap", superbias="jwst_nircam_superbias_0002.fits")
    monkeypatch.setattr(crds_client, "_jwst_is_installed", lambda: False)
    assert resolve({"a": ["superbias"]}).context == "jwst_0001.pmap"
    assert not caplog.records
    monkeypatch.setenv("CRDS_CONTEXT", "jwst_0002.pmap")
    assert resolve({"a": ["superbias"]}).context == "jwst_0002.pmap"


def test_the_client_is_asked_for_the_context_once(cache, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(3):
        resolution.find_parameter_file("pars-jumpstep", EXPOSURE)
        resolve({"a": ["gain"]})
    assert len([record for record in caplog.records if "Calibration SW" in record.getMessage()]) <= 1


def test_another_cache(cache, tmp_path, monkeypatch):
    assert resolve({"a": ["superbias"]}).steps["a"]["superbias"].name.endswith("_0001.fits")
    other = SmallCache(tmp_path / "other", references={"superbias": "jwst_nircam_superbias_0009.fits"})
    monkeypatch.setenv("CRDS_PATH", str(other.root))
    found = resolve({"a": ["superbias"]}).steps["a"]["superbias"]
    assert found.name == "crds://jwst_nircam_superbias_0009.fits"
    assert found.shape("data") == (8, 8)


def test_a_flat_cache(cache, monkeypatch):
    flat = cache.root / "references/jwst"
    cache.reference(GAIN).rename(flat / GAIN)
    (cache.root / "config/jwst/ref_cache_subdir_mode").write_text("flat")
    assert resolve({"a": ["gain"]}).steps["a"]["gain"].shape("data") == (8, 8)


def test_a_read_only_cache_is_used_and_left_alone(cache):
    folders = [cache.root, *(p for p in cache.root.rglob("*") if p.is_dir())]
    before = sorted(cache.root.rglob("*"))
    for folder in folders:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert resolve({"a": ["gain"]}).steps["a"]["gain"].has("data")
        assert sorted(cache.root.rglob("*")) == before
    finally:
        for folder in folders:
            folder.chmod(stat.S_IRWXU)


def test_no_server_is_contacted(cache, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    resolve({"a": ["gain"]})
    cache.reference(SUPERBIAS).unlink()
    complaint({"a": ["superbias"]})
    monkeypatch.setenv("CRDS_SERVER_URL", "https://jwst-serverless.stsci.edu")
    resolve({"a": ["gain"]})


# --- what CRDS cannot answer --------------------------------------------------------------------------------------


def test_no_match_names_types_parameter_and_value_in_one_line(cache):
    [line] = complaint({"a": ["superbias", "gain"], "b": ["ipc"]}, **{"meta.instrument.detector": "NRCBLONG"})
    assert line.startswith("gain, superbias: no reference file in jwst_0001.pmap: ")
    assert line.count("META.INSTRUMENT.DETECTOR") == line.count("NRCBLONG") == 1


def test_unknown_type(cache):
    [line] = complaint({"a": ["linearity", "gain"]})
    assert line.startswith("linearity: no reference file in jwst_0001.pmap")
    assert "Unknown reference type 'linearity'" in line


def test_no_reference_old_enough_says_when_the_exposure_was_taken(cache):
    [line] = complaint({"a": ["gain"]}, **{"meta.observation.date": "2001-02-03"})
    assert "gain" in line
    assert "observed 2001-02-03 01:02:03.000" in line


def test_unknown_instrument(cache):
    [line] = complaint({"a": ["gain"]}, **{"meta.instrument.name": "MIRI"})
    assert "Unknown instrument 'miri'" in line
    assert "jwst_0001.pmap" in line


def test_no_instrument(cache):
    [line] = complaint({"a": ["gain"]}, **{"meta.instrument.name": None})
    assert "META.INSTRUMENT.NAME" in line


@pytest.mark.parametrize("mapping", ["jwst_0001.pmap", "jwst_nircam_0001.imap", "jwst_nircam_gain_0001.rmap"])
def test_missing_rules_are_named_with_the_cache(cache, mapping, capfd):
    cache.mapping(mapping).unlink()
    [line] = complaint({"a": ["gain"]})
    assert line.startswith(f"{mapping}: missing in the CRDS cache (CRDS_PATH={cache.root})")
    assert "Traceback" not in capfd.readouterr().err


def test_missing_references_are_named_with_the_cache(cache):
    cache.reference(GAIN).unlink()
    cache.reference(SUPERBIAS).unlink()
    [line] = complaint({"a": ["superbias", "gain"]})
    assert line.startswith(f"{GAIN}, {SUPERBIAS}: missing in the CRDS cache ({cache.root}")
    assert line.count("CRDS_SERVER_URL is not set") == 1


@pytest.mark.parametrize("detector", ["NRCBLONG", "NRCALONG"])
def test_the_exposure_is_named_whatever_is_wrong(cache, detector):
    cache.reference(GAIN).unlink()
    parameters = EXPOSURE | {"meta.instrument.detector": detector}
    with pytest.raises(ReferenceFileError, match=r"\(exposure: jw1_uncal.fits\)$"):
        resolution.resolve({"a": ["gain"]}, parameters, {}, META, "jw1_uncal.fits")


def test_damaged_rules(cache):
    cache.mapping("jwst_nircam_gain_0001.rmap").write_text("header = {")
    [line] = complaint({"a": ["gain"]})
    assert "CRDS" in line


def test_a_context_that_is_none(cache, monkeypatch):
    monkeypatch.setenv("CRDS_CONTEXT", "nonsense")
    [line] = complaint({"a": ["gain"]})
    assert "CRDS_CONTEXT" in line
    assert "nonsense" in line


def test_a_context_that_the_cache_lacks(cache, monkeypatch):
    monkeypatch.setenv("CRDS_CONTEXT", "jwst_4321.pmap")
    assert complaint({"a": ["gain"]})[0].startswith("jwst_4321.pmap: missing in the CRDS cache")


@pytest.mark.parametrize("variable", ["CRDS_MODE", "CRDS_CONTEXT", "CRDS_READONLY_CACHE"])
def test_a_variable_of_the_client_that_makes_no_sense(cache, monkeypatch, variable):
    monkeypatch.setenv(variable, "perhaps")
    [line] = complaint({"jump": ["gain"]})
    assert "perhaps" in line


def test_a_mode_that_the_client_does_not_know_as_it_is_imported(cache):
    program = """
from gpipe.controller.references import crds_client
from gpipe.exceptions import ReferenceFileError
try:
    crds_client.context()
except ReferenceFileError as error:
    print(error)
"""
    environment = {**os.environ, "CRDS_MODE": "perhaps"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "CRDS_MODE" in done.stdout


def test_no_configuration_at_all(monkeypatch):
    monkeypatch.setattr(crds_client, "DEFAULT_CACHE", "/no/such/folder")
    [line] = complaint({"a": ["gain"]})
    assert "CRDS_PATH is not set" in line
    assert "CRDS_SERVER_URL" in line


def test_an_empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CRDS_PATH", str(tmp_path))
    [line] = complaint({"a": ["gain"]})
    assert f"CRDS_PATH={tmp_path}" in line
    assert "server_config is missing" in line


def test_a_damaged_cache_configuration(cache):
    (cache.root / "config/jwst/server_config").write_text("not a literal {")
    [line] = complaint({"a": ["gain"]})
    assert "server_config" in line


def test_a_server_that_does_not_answer_leaves_the_cache(cache, monkeypatch):
    monkeypatch.setenv("CRDS_SERVER_URL", "https://localhost:9")
    assert resolve({"a": ["gain"]}).context == "jwst_0001.pmap"
    cache.reference(GAIN).unlink()
    assert GAIN in complaint({"a": ["gain"]})[0]


def test_a_missing_reference_is_fetched_from_the_server(cache, monkeypatch):
    asked = []

    def deliver(cacher, names, paths):
        asked.append(names)
        write_reference(paths[names[0]], "gain")

    monkeypatch.setenv("CRDS_SERVER_URL", "https://localhost:9")
    monkeypatch.setattr("crds.client.api.FileCacher.download_files", deliver)
    cache.reference(GAIN).unlink()
    assert resolve({"a": ["gain", "superbias"]}).steps["a"]["gain"].shape("data") == (8, 8)
    assert asked == [[GAIN]]


def test_what_arrives_damaged_is_not_in_the_cache(cache, monkeypatch):
    def deliver(cacher, names, paths):
        Path(paths[names[0]]).write_bytes(b"half")
        raise OSError("the checksum is another one")

    monkeypatch.setenv("CRDS_SERVER_URL", "https://localhost:9")
    monkeypatch.setattr("crds.client.api.FileCacher.download_files", deliver)
    cache.reference(GAIN).unlink()
    [line] = complaint({"a": ["gain"]})
    assert line.startswith(GAIN)
    assert "the checksum is another one" in line
    assert sorted(path.name for path in cache.reference(GAIN).parent.iterdir()) == [PARS, SUPERBIAS]


def test_nothing_is_fetched_into_a_read_only_cache(cache, monkeypatch):
    monkeypatch.setenv("CRDS_SERVER_URL", "https://localhost:9")
    monkeypatch.setattr("crds.client.api.FileCacher.download_files", None)
    cache.reference(GAIN).unlink()
    folder = cache.root / "references/jwst"
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        [line] = complaint({"a": ["gain"]})
    finally:
        folder.chmod(stat.S_IRWXU)
    assert GAIN in line
    assert "the cache is read-only" in line


def test_a_server_that_does_not_answer_and_no_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CRDS_SERVER_URL", "https://localhost:9")
    monkeypatch.setenv("CRDS_PATH", str(tmp_path))
    [line] = complaint({"a": ["gain"]})
    assert "https://localhost:9" in line
    assert str(tmp_path) in line


def test_bad_references_of_crds_are_refused(cache):
    config = cache.root / "config/jwst/server_config"
    config.write_text(config.read_text().replace("'bad_files_list': []", f"'bad_files_list': ['{GAIN}']"))
    [line] = complaint({"a": ["gain"]})
    assert GAIN in line
    assert "scientifically invalid" in line


# --- overrides ----------------------------------------------------------------------------------------------------


def test_override_with_a_path_of_any_kind(cache, tmp_path, monkeypatch):
    mine = write_reference(tmp_path / "mine.fits", "gain")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in (mine, str(mine), "mine.fits", "~/mine.fits", "$HOME/mine.fits"):
        found = resolve({"jump": ["gain", "superbias"]}, {"jump": {"gain": given}})
        assert found.steps["jump"]["gain"].name == str(mine)
        assert found.steps["jump"]["superbias"].name == f"crds://{SUPERBIAS}"


def test_override_is_for_one_step(cache, tmp_path):
    mine = write_reference(tmp_path / "mine.fits", "gain")
    found = resolve({"jump": ["gain"], "ramp_fit": ["gain"]}, {"jump": {"gain": mine}, "ramp_fit": {"gain": None}})
    assert found.steps["jump"]["gain"].name == str(mine)
    assert found.steps["ramp_fit"]["gain"].name == f"crds://{GAIN}"


def test_override_with_open_models(cache, tmp_path):
    files = [write_reference(tmp_path / name, "gain") for name in ("one.fits", "two.fits")]
    with datamodels.GainModel(files[0]) as one, datamodels.GainModel(files[1]) as two:
        one.data[:] = 3
        found = resolve({"a": ["gain"], "b": ["gain"]}, {"a": {"gain": one}, "b": {"gain": two}}).steps
        assert found["a"]["gain"].name == found["b"]["gain"].name == "override://GainModel"
        assert found["a"]["gain"].read("data")[0, 0] == 3
        assert found["b"]["gain"].read("data")[0, 0] == 0


def test_override_with_a_name_in_crds(cache):
    cache.add_context("jwst_0002.pmap", superbias="jwst_nircam_superbias_0002.fits")
    found = resolve({"a": ["superbias"]}, {"a": {"superbias": "crds://jwst_nircam_superbias_0002.fits"}})
    assert found.steps["a"]["superbias"].name == "crds://jwst_nircam_superbias_0002.fits"
    assert found.context == "jwst_0001.pmap"
    [line] = complaint({"a": ["superbias"]}, {"a": {"superbias": "crds://jwst_nircam_superbias_0003.fits"}})
    assert line.startswith("jwst_nircam_superbias_0003.fits: missing in the CRDS cache")


@pytest.mark.parametrize("word", ["N/A", "n/a", " N/A "])
def test_override_with_none(word):
    found = resolve({"a": ["superbias"]}, {"a": {"superbias": word}})
    assert found.steps["a"].get("superbias") is None
    assert found.steps["a"].names == {"superbias": "N/A"}
    assert found.context is None


def test_what_is_wrong_with_overrides_is_told_at_once(tmp_path):
    wrong = write_reference(tmp_path / "gain.fits", "gain")
    text = tmp_path / "text.fits"
    text.write_text("not FITS")
    given = {"superbias": wrong, "gain": tmp_path / "missing.fits", "mask": tmp_path, "dark": text}
    [line] = complaint({"a": list(given)}, {"a": given})
    told = line.split("; override_")
    assert len(told) == 4
    for (reftype, path), one in zip(given.items(), told, strict=True):
        assert one.removeprefix("override_").startswith(f"{reftype}: ")
        assert str(path) in one
    assert "found REFTYPE = GAIN" in told[0]


def test_a_reference_that_does_not_cover_the_exposure(tmp_path):
    small = write_reference(tmp_path / "small.fits", "gain", shape=(4, 8))
    [line] = complaint({"a": ["gain"]}, {"a": {"gain": small}})
    assert str(small) in line


def test_with_everything_overridden_crds_is_not_imported(tmp_path):
    mine = write_reference(tmp_path / "mine.fits", "gain")
    program = f"""
        import sys
        from types import SimpleNamespace as Tree
        from gpipe.controller.references import resolution
        window = Tree(xstart=1, ystart=1, xsize=8, ysize=8)
        meta = Tree(instrument=Tree(name="NIRCAM"), subarray=window)
        overrides = {{"a": {{"gain": {str(mine)!r}, "ipc": "N/A"}}}}
        found = resolution.resolve({{"a": ["gain", "ipc"]}}, {{}}, overrides, meta)
        assert found.steps["a"]["gain"].name == {str(mine)!r}
        assert found.context is None
        assert resolution.find_parameter_file("pars-jumpstep", {{}}) is None
        assert "crds" not in sys.modules
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CRDS_")}
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, env=environment)


def test_with_everything_overridden_the_context_in_force_is_recorded(cache, tmp_path, monkeypatch):
    given = {"a": {"gain": write_reference(tmp_path / "mine.fits", "gain")}}
    assert resolve({"a": ["gain"]}, given).context == "jwst_0001.pmap"
    assert resolve({"a": ["gain"]}, {"a": {"gain": "N/A"}}).context == "jwst_0001.pmap"
    monkeypatch.setenv("CRDS_CONTEXT", "nonsense")
    assert resolve({"a": ["gain"]}, given).context is None


def test_choices_of_one_file_are_one():
    assert choice("a.fits").key == choice(Path("a.fits")).key
    assert choice("a.fits").key != choice("b.fits").key


# --- parameter files ----------------------------------------------------------------------------------------------


def test_parameter_file(cache):
    assert resolution.find_parameter_file("pars-jumpstep", EXPOSURE) == cache.reference(PARS)


@pytest.mark.parametrize(
    ("reftype", "changes"),
    [
        ("pars-darkcurrentstep", {}),
        ("pars-jumpstep", {"meta.instrument.detector": "NRCBLONG"}),
        ("pars-jumpstep", {"meta.instrument.name": "MIRI"}),
        ("pars-jumpstep", {"meta.observation.date": "2001-01-01"}),
        ("pars-jumpstep", {"meta.observation.date": "someday"}),
    ],
)
def test_no_parameter_file_is_no_complaint(cache, reftype, changes, caplog, capfd):
    assert resolution.find_parameter_file(reftype, EXPOSURE | changes) is None
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    assert "ERROR" not in capfd.readouterr().err


def test_a_parameter_file_that_cannot_be_had_is_a_warning(cache, caplog):
    cache.reference(PARS).unlink()
    assert resolution.find_parameter_file("pars-jumpstep", EXPOSURE) is None
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert PARS in record.getMessage()
    assert str(cache.root) in record.getMessage()


def test_no_parameters_without_a_configuration(tmp_path, monkeypatch):
    monkeypatch.setattr(crds_client, "DEFAULT_CACHE", "/no/such/folder")
    assert resolution.find_parameter_file("pars-jumpstep", EXPOSURE) is None
    monkeypatch.setenv("CRDS_PATH", str(tmp_path))
    assert resolution.find_parameter_file("pars-jumpstep", EXPOSURE) is None


def test_many_threads_with_one_cache(cache):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: resolve({"a": ["gain", "superbias"]}), range(24)))
    assert {resolution.steps["a"]["gain"].name for resolution in found} == {f"crds://{GAIN}"}


# --- how long it takes --------------------------------------------------------------------------------------------


def test_a_look_up_in_a_running_process_takes_milliseconds(cache):
    wanted = {"superbias": ["superbias"], "jump": ["gain"], "ipc": ["ipc"]}
    resolve(wanted)
    seconds = []
    for _ in range(5):
        start = perf_counter()
        resolve(wanted)
        seconds.append(perf_counter() - start)
    assert min(seconds) < 0.05


def test_parameter_files_of_all_steps_are_one_request(cache, monkeypatch):
    asked = []
    parameters = {key: value for key, value in EXPOSURE.items() if value is not None}
    crds_client.context()  # makes ready
    import crds

    real = crds.getrecommendations
    monkeypatch.setattr(crds, "getrecommendations", lambda *a, **k: asked.append(k["reftypes"]) or real(*a, **k))
    types = ["pars-jumpstep", "pars-linearitystep", "pars-detector1pipeline"]
    resolution.parameter_file_names(types, parameters)
    found = [resolution.find_parameter_file(reftype, parameters) for reftype in types]
    assert [path.name if path else None for path in found] == [PARS, None, None]
    assert asked == [types]
    resolution.find_parameter_file(types[0], {**parameters, "meta.instrument.detector": "NRCBLONG"})
    assert asked == [types, types[:1]]


def questions(monkeypatch):
    """The types of each request to the client from now on."""
    asked = []
    crds_client.context()  # makes ready
    import crds

    real = crds.getrecommendations
    monkeypatch.setattr(crds, "getrecommendations", lambda *a, **k: asked.append(k["reftypes"]) or real(*a, **k))
    return asked


def test_exposures_that_the_rules_do_not_tell_apart_are_one_question(cache, monkeypatch):
    asked = questions(monkeypatch)
    for number in range(3000):
        day = {"meta.observation.date": f"20{18 + number % 7}-05-{1 + number % 28:02d}"}
        found = crds_client.recommended({**EXPOSURE, **day, "meta.observation.visit_id": str(number)}, ["gain", "ipc"])
        assert found == {"gain": GAIN, "ipc": "N/A"}
    assert asked == [["gain", "ipc"]]


def test_a_date_of_the_rules_and_a_value_that_they_look_at_are_another_question(cache, monkeypatch):
    rules = cache.mapping("jwst_nircam_gain_0001.rmap")
    older = f"'2010-01-01 00:00:00' : {SUPERBIAS!r},\n        '2015-01-01"
    rules.write_text(signed(rules.read_text().replace("'2015-01-01", older)))
    asked = questions(monkeypatch)
    expected = {"2014-12-31": SUPERBIAS, "2015-01-01": GAIN, "2012-02-03": SUPERBIAS, "2024-02-03": GAIN}
    for day, name in expected.items():
        changed = {**EXPOSURE, "meta.observation.date": day, "meta.observation.time": "00:00:00.000"}
        assert crds_client.recommended(changed, ["gain"]) == {"gain": name}
    assert len(asked) == 2
    other = {**EXPOSURE, "meta.instrument.detector": "NRCBLONG"}
    assert crds_client.recommended(other, ["gain"])["gain"].startswith("NOT FOUND")
    assert len(asked) == 3


def test_a_condition_of_the_rules_looks_at_a_value(cache):
    conditions = {"gain": "'rmap_omit' : '(META_EXPOSURE_TYPE == \"NRC_TACQ\")'",
                  "superbias": "'extra_keys' : ('META.EXPOSURE.TYPE',)"}  # fmt: skip
    for reftype, condition in conditions.items():  # the client hands on the values that any type looks at
        rules = cache.mapping(f"jwst_nircam_{reftype}_0001.rmap")
        rules.write_text(signed(rules.read_text().replace("header = {\n", f"header = {{\n    {condition},\n", 1)))
    for kind, name in [("NRC_TACQ", "N/A"), ("NRC_IMAGE", GAIN)] * 2:
        assert crds_client.recommended({**EXPOSURE, "meta.exposure.type": kind}, ["gain"]) == {"gain": name}


def test_a_date_that_is_none_is_a_question_of_its_own(cache):
    for day in ("2024-05-06", "6 May"):
        found = crds_client.recommended({**EXPOSURE, "meta.observation.date": day}, ["gain"])["gain"]
        assert (found == GAIN) == (day == "2024-05-06")


def test_another_context_within_a_block(cache):
    cache.add_context("jwst_0002.pmap", gain="jwst_nircam_gain_0002.fits")
    with crds_client.in_context("jwst_0002.pmap"):
        assert crds_client.context() == "jwst_0002.pmap"
        assert crds_client.recommended(EXPOSURE, ["gain"]) == {"gain": "jwst_nircam_gain_0002.fits"}
    assert crds_client.recommended(EXPOSURE, ["gain"]) == {"gain": GAIN}


def test_answers_are_not_remembered_without_end(cache, monkeypatch):
    monkeypatch.setattr(crds_client, "ANSWERS", 2)
    assert len(crds_client.recommended(EXPOSURE, ["gain", "ipc", "superbias"])) == 3
    assert len(crds_client._answers) == 2


def test_answers_of_another_cache_are_not_remembered(cache, tmp_path, monkeypatch):
    parameters = {key: value for key, value in EXPOSURE.items() if value is not None}
    assert crds_client.recommended(parameters, ["gain"]) == {"gain": GAIN}
    other = SmallCache(tmp_path / "other", references={"gain": "N/A"})
    monkeypatch.setenv("CRDS_PATH", str(other.root))
    assert crds_client.recommended(parameters, ["gain"]) == {"gain": "N/A"}


def test_the_client_is_not_asked_for_places_of_what_is_no_metadata(cache, monkeypatch):
    parameters = {key: value for key, value in EXPOSURE.items() if value is not None}
    crds_client.context()  # makes ready
    import crds.jwst.locate

    monkeypatch.setattr(crds.jwst.locate, "get_datamodels", None)  # makes a model, with all that asdf has installed
    assert crds_client.recommended({**parameters, "asdf_library.name": "asdf"}, ["gain"]) == {"gain": GAIN}
