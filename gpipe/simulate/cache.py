"""A local CRDS cache that the crds client serves without a server."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asdf
from crds.core.utils import clear_function_caches

from gpipe.assign_wcs.modes import REFERENCES as OF_WCS
from gpipe.datamodels.exposures.window import StripedWindow
from gpipe.exceptions import ParameterError
from gpipe.simulate import references
from gpipe.simulate.anomalies import make_reset, make_rscd
from gpipe.simulate.config import ExposureConfig
from gpipe.simulate.interference import make_emicorr
from gpipe.simulate.interleaved import interleave_pixels
from gpipe.simulate.irs2_reference import make_refpix
from gpipe.simulate.picture_frame import make_picture_frame
from gpipe.simulate.pixels import make_pixels
from gpipe.simulate.readout import READ_PATTERNS
from gpipe.simulate.sirs import make_sirskernel
from gpipe.simulate.striped import span
from gpipe.simulate.striped_exposure import arranged

_CONTEXT = "jwst_0001.pmap"
_SINCE = "2020-01-01 00:00:00"
_DATES = ("META.OBSERVATION.DATE", "META.OBSERVATION.TIME")
_BY_DETECTOR = ("META.INSTRUMENT.DETECTOR", "META.EXPOSURE.READPATT")
_BY_SUBARRAY = (*_BY_DETECTOR, "META.SUBARRAY.NAME")
_TRADITIONAL, _INTERLEAVED = "NRS|NRSRAPID", "NRSIRS2|NRSIRS2RAPID"
_BY_READOUT = {"NIRSPEC": ("mask", "superbias"), "MIRI": ("readnoise",)}
"""References that differ between kinds of readout: by interleaved reference pixels in IRS2, by samples in MIRI."""
_BY_EXPOSURE_TYPE = ("META.EXPOSURE.TYPE",)
_NOT_APPLICABLE = ("sirskernel", "rscd", "reset", "emicorr", "flat", "pastasoss", "pictureframe", "lastframe", *OF_WCS)
_OF_ALL_DETECTORS: dict[str, dict[str, Callable]] = {
    **{name: {"sirskernel": make_sirskernel} for name in ("NIRCAM", "NIRISS", "NIRSPEC")},
    "MIRI": {"emicorr": make_emicorr},
}
"""References that tell of all detectors of an instrument."""
_NONE = Path("N/A")
_NO_SERVER = "https://jwst-serverless.stsci.edu"


@dataclass(frozen=True)
class CrdsCache:
    """A folder that is a CRDS cache, complete for the exposures that it was made for."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which the crds client uses this cache and contacts no server."""
        return {"CRDS_PATH": str(self.folder), "CRDS_SERVER_URL": _NO_SERVER, "CRDS_CONTEXT": _CONTEXT}

    def reference(self, instrument: str, reftype: str, number: int = 1) -> Path:
        """The path of a reference file."""
        suffix = "asdf" if reftype.startswith("pars-") or reftype in ("sirskernel", "emicorr") else "fits"
        name = f"{_stem(instrument, reftype, number)}.{suffix}"
        return self.folder / "references" / "jwst" / instrument.lower() / name

    @contextmanager
    def activated(self) -> Iterator["CrdsCache"]:
        """Use this cache in this process; what crds remembers of another cache is dropped before and after."""
        before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        clear_function_caches()
        try:
            yield self
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            clear_function_caches()


def write_cache(
    configs: Iterable[ExposureConfig],
    folder: Path | str,
    *,
    pars: Mapping[str, Mapping[str, Any]] | None = None,
    others: Mapping[str, Path | None] | None = None,
    full_frame: bool = True,
) -> CrdsCache:
    """Write every reference file that the exposures need, and the mappings that lead to them.

    Parameters
    ----------
    configs : the exposures, of any instruments. Those of one detector must agree on ``pixels``, on the noise that
        the read-noise reference describes, and on ``gain_factor``.
    folder : made when missing; becomes CRDS_PATH.
    pars : parameter files by type, e.g. ``{"pars-jumpstep": {"class": ..., "name": "jump", "parameters": {...}}}``,
        given to every instrument and exposure type.
    others : files of further reference types, given to every instrument and exposure type; None for N/A.
    full_frame : write full-frame references from which subarrays are cut; otherwise only what the windows of the
        exposures span, which is small and quick. Darks always cover just the subarray, one each.
    """
    cache = CrdsCache(Path(folder).resolve())
    instruments: dict[str, list[ExposureConfig]] = {}
    for config in configs:
        instruments.setdefault(config.sca.instrument, []).append(config)
    for instrument, of_instrument in instruments.items():
        leaves = _write_instrument(cache, instrument, of_instrument, full_frame)
        leaves |= _write_pars(cache, instrument, pars or {}) | _write_others(cache, instrument, others or {})
        header = {"mapping": "INSTRUMENT", "instrument": instrument, "parkey": ("REFTYPE",)}
        _write_mapping(cache, f"jwst_{instrument.lower()}_0001.imap", header, _dictionary(leaves))
    leaves = {name: f"jwst_{name.lower()}_0001.imap" for name in instruments}
    header = {"mapping": "PIPELINE", "parkey": ("META.INSTRUMENT.NAME",)}
    _write_mapping(cache, _CONTEXT, header, _dictionary(leaves))
    server = {
        "observatory": "jwst",
        "operational_context": _CONTEXT,
        "bad_files_list": [],
        "last_synced": "",
    }
    _write_text(cache.folder / "config" / "jwst" / "server_config", f"{server!r}\n")
    return cache


def _write_instrument(
    cache: CrdsCache, instrument: str, configs: list[ExposureConfig], full_frame: bool
) -> dict[str, str]:
    """Write the references for the exposures of an instrument; return the rules by reference type."""
    leaves = dict.fromkeys((name.upper() for name in _NOT_APPLICABLE), "N/A")
    detectors: dict[str, list[ExposureConfig]] = {}
    for config in configs:
        detectors.setdefault(config.detector, []).append(config)
    entries: dict[str, dict[tuple[str, ...], Path]] = {
        name: {} for name in (*references.MAKERS, "dark", "refpix", "pictureframe", "reset", "rscd")
    }
    for of_detector in detectors.values():
        _check_agreement(of_detector)
        _write_detector(cache, of_detector, full_frame, entries)
        _write_darks(cache, of_detector, entries["dark"])
        _write_refpix(cache, of_detector, entries["refpix"])
        _write_picture_frame(cache, of_detector, entries["pictureframe"])
        _write_resets(cache, of_detector, entries)
    for reftype, files in entries.items():
        keys = _BY_SUBARRAY if reftype in ("dark", "reset") else _BY_DETECTOR
        leaves[reftype.upper()] = _write_rmap(cache, instrument, reftype, keys, files) if files else "N/A"
    for reftype, make in _OF_ALL_DETECTORS.get(instrument, {}).items():
        path = cache.reference(instrument, reftype)
        _save(make(of_detector[0] for of_detector in detectors.values()), path)
        files = {(name, "ANY"): path for name in detectors}
        leaves[reftype.upper()] = _write_rmap(cache, instrument, reftype, _BY_DETECTOR, files)
    return leaves


def _write_pars(cache: CrdsCache, instrument: str, pars: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    leaves = {}
    for reftype, tree in pars.items():
        path = cache.reference(instrument, reftype)
        path.parent.mkdir(parents=True, exist_ok=True)
        asdf.AsdfFile(dict(tree)).write_to(path)
        leaves[reftype.upper()] = _write_rmap(cache, instrument, reftype, _BY_EXPOSURE_TYPE, {("ANY",): path})
    return leaves


def _write_others(cache: CrdsCache, instrument: str, others: Mapping[str, Path | None]) -> dict[str, str]:
    leaves = {}
    for reftype, source in others.items():
        path = _NONE
        if source is not None:
            path = cache.reference(instrument, reftype).with_suffix(source.suffix)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)
        leaves[reftype.upper()] = _write_rmap(cache, instrument, reftype, _BY_EXPOSURE_TYPE, {("ANY",): path})
    return leaves


def _write_detector(cache: CrdsCache, configs: list[ExposureConfig], full_frame: bool, entries) -> None:
    """Write the references of one detector from which subarrays are cut."""
    config = configs[0]
    area = config.sca.full if full_frame else span([c.footprint for c in configs])
    pixels = make_pixels(config.sca, area, config.pixels)
    for reftype, make in references.MAKERS.items():
        if not references.applies(reftype, config):
            continue
        differs = reftype in _BY_READOUT.get(config.sca.instrument, ())
        kinds = _by_readout(configs) if differs else [("ANY", configs)]
        for readout, of_readout in kinds:
            path = cache.reference(config.sca.instrument, reftype, len(entries[reftype]) + 1)
            interleaved = readout == _INTERLEAVED
            described = interleave_pixels(pixels, config.sca, config.pixels.seed) if interleaved else pixels
            _save(make(of_readout[0], area, described), path)
            entries[reftype][(config.detector, readout)] = path


def _write_darks(cache: CrdsCache, configs: list[ExposureConfig], entries: dict) -> None:
    """Write a dark for each subarray and readout, with as many frames as its longest integration."""
    for subarray in dict.fromkeys(c.subarray for c in configs):
        for readout, of_subarray in _by_readout(c for c in configs if c.subarray == subarray):
            config = of_subarray[0]
            frames = max(c.pattern.frames(c.ngroups) for c in of_subarray)
            area, pixels = config.stripe_window(None), make_pixels(config.sca, config.footprint, config.pixels)
            pixels = arranged(pixels, area, config.footprint)
            area = config.window if isinstance(area, StripedWindow) else area
            path = cache.reference(config.sca.instrument, "dark", len(entries) + 1)
            _save(references.make_dark(config, area, pixels, frames=frames), path)
            entries[(config.detector, readout, subarray)] = path


def _write_refpix(cache: CrdsCache, configs: list[ExposureConfig], entries: dict) -> None:
    """Write weights for IRS2 readout; for traditional readout CRDS says N/A."""
    for readout, of_readout in _by_readout(configs):
        config, path = of_readout[0], _NONE
        if config.interleaved:
            path = cache.reference(config.sca.instrument, "refpix", len(entries) + 1)
            _save(make_refpix(config), path)
        entries[(config.detector, readout)] = path


def _write_picture_frame(cache: CrdsCache, configs: list[ExposureConfig], entries: dict) -> None:
    """Write the pattern on the whole detector, if an exposure has it."""
    if any(config.noise.picture_frame for config in configs):
        path = cache.reference(configs[0].sca.instrument, "pictureframe", len(entries) + 1)
        _save(make_picture_frame(configs[0], configs[0].sca.full), path)
        entries[(configs[0].detector, "ANY")] = path


def _write_resets(cache: CrdsCache, configs: list[ExposureConfig], entries: dict) -> None:
    """Write a reset reference for each subarray and read pattern of MIRI, and the rscd reference."""
    first = configs[0]
    if not first.sca.mid_infrared:
        return
    for config in {(c.subarray, c.readpatt): c for c in configs}.values():
        path = cache.reference("MIRI", "reset", len(entries["reset"]) + 1)
        pixels = make_pixels(config.sca, config.window, config.pixels)
        _save(make_reset(config, config.window, pixels), path)
        entries["reset"][(config.detector, config.readpatt, config.subarray)] = path
    path = cache.reference("MIRI", "rscd", len(entries["rscd"]) + 1)
    _save(make_rscd(first), path)
    entries["rscd"][(first.detector, "ANY")] = path


def _by_readout(configs: Iterable[ExposureConfig]) -> Iterator[tuple[str, list[ExposureConfig]]]:
    """Yield the read patterns of each kind of readout, for CRDS to match, and the exposures of this kind."""
    kinds: dict[str, list[ExposureConfig]] = {}
    for config in configs:
        kinds.setdefault(_readout(config), []).append(config)
    yield from kinds.items()


def _readout(config: ExposureConfig) -> str:
    """Return the read patterns of the same kind as that of an exposure."""
    if config.sca.mid_infrared:
        samples = config.pattern.samples
        return "|".join(name for name, found in READ_PATTERNS["MIRI"].items() if found.samples == samples)
    usual = _TRADITIONAL if config.sca.instrument == "NIRSPEC" else "ANY"
    return _INTERLEAVED if config.interleaved else usual


def _save(model: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with model:
        model.save(path)


def _check_agreement(configs: list[ExposureConfig]) -> None:
    for config in configs[1:]:
        if _described_by_references(config) != _described_by_references(configs[0]):
            raise ParameterError(
                f"exposures of {config.detector} differ in what the references describe (pixels, read_noise, "
                "one_over_f, gain_factor); expected one set in a cache"
            )
    for subarray in {c.subarray for c in configs}:
        times = {(c.pattern.samples, c.frame_time) for c in configs if c.subarray == subarray and not c.interleaved}
        if len(times) > len({samples for samples, _ in times}):
            raise ParameterError(f"{configs[0].detector} {subarray}: one and four outputs; expected one in a cache")


def _described_by_references(config: ExposureConfig) -> tuple:
    return config.pixels, config.noise.read_noise, config.noise.one_over_f, config.gain_factor


def _stem(instrument: str, reftype: str, number: int) -> str:
    return f"jwst_{instrument.lower()}_{reftype}_{number:04d}"


def _write_rmap(cache: CrdsCache, instrument: str, reftype: str, keys: tuple[str, ...], files: Mapping) -> str:
    name = f"{_stem(instrument, reftype, 1)}.rmap"
    header = {"mapping": "REFERENCE", "instrument": instrument, "filekind": reftype.upper(), "parkey": (keys, _DATES)}
    cases = (f"    {key!r} : {_selection(path)},\n" for key, path in files.items())
    _write_mapping(cache, name, header, f"Match({{\n{''.join(cases)}}})")
    return name


def _selection(path: Path) -> str:
    return repr("N/A") if path == _NONE else f"UseAfter({{\n        {_SINCE!r} : {path.name!r},\n    }})"


def _write_mapping(cache: CrdsCache, name: str, header: Mapping[str, Any], selector: str) -> None:
    """Write a CRDS mapping; its checksum is that of the text without the line that holds it."""
    header = {"name": name, "observatory": "JWST", "derived_from": "none", **header}
    text = f"header = {_dictionary(header)}\n\nselector = {selector}\n"
    checksum = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    text = text.replace("header = {\n", f"header = {{\n    'sha1sum' : {checksum!r},\n", 1)
    _write_text(cache.folder / "mappings" / "jwst" / name, text)


def _dictionary(items: Mapping[str, Any]) -> str:
    return "{\n" + "".join(f"    {key!r} : {value!r},\n" for key, value in items.items()) + "}"


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
