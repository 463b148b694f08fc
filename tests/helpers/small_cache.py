"""A CRDS cache small enough to write for one test: a context with one instrument and a few reference types."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import asdf
import numpy as np
from astropy.io import fits

BY_DETECTOR = ("META.INSTRUMENT.DETECTOR",)
WHEN = ("META.OBSERVATION.DATE", "META.OBSERVATION.TIME")
EXPOSURE = {
    "meta.instrument.name": "NIRCAM",
    "meta.instrument.detector": "NRCALONG",
    "meta.exposure.type": "NRC_IMAGE",
    "meta.observation.date": "2024-05-06",
    "meta.observation.time": "01:02:03.000",
}


def _text(header: dict, selector: str) -> str:
    lines = "".join(f"    {key!r} : {value!r},\n" for key, value in header.items())
    return signed(f"header = {{\n{lines}}}\n\nselector = {selector}\n")


def signed(text: str) -> str:
    """Rules with their checksum, in place of one that they had."""
    unsigned = "".join(line for line in text.splitlines(True) if "sha1sum" not in line)
    sha1sum = hashlib.sha1(unsigned.encode()).hexdigest()
    return unsigned.replace("header = {\n", f"header = {{\n    'sha1sum' : '{sha1sum}',\n", 1)


@dataclass
class SmallCache:
    """A folder that the crds client takes for a cache; ``references`` maps a type to its file name, or to 'N/A'."""

    root: Path
    context: str = "jwst_0001.pmap"
    instrument: str = "nircam"
    references: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        for folder in ("config/jwst", "mappings/jwst", f"references/jwst/{self.instrument}"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.set_default(self.context)
        self.write_rules()

    def set_default(self, context: str) -> None:
        config = {"observatory": "jwst", "operational_context": context, "bad_files_list": [], "last_synced": ""}
        (self.root / "config/jwst/server_config").write_text(repr(config))

    def add_context(self, context: str, **references: str) -> None:
        """A second context, with other references, in the same cache."""
        SmallCache.write_rules(SmallCacheView(self.root, context, self.instrument, references))

    def mapping(self, name: str) -> Path:
        return self.root / "mappings/jwst" / name

    def reference(self, name: str) -> Path:
        return self.root / "references/jwst" / self.instrument / name

    def write_rules(self) -> None:
        serial = self.context.removesuffix(".pmap").rpartition("_")[2]
        common = {"observatory": "JWST", "derived_from": "none"}
        imap = f"jwst_{self.instrument}_{serial}.imap"
        header = {"mapping": "PIPELINE", "name": self.context, "parkey": ("META.INSTRUMENT.NAME",), **common}
        self.mapping(self.context).write_text(_text(header, f"{{\n    {self.instrument.upper()!r} : {imap!r},\n}}"))
        entries = {}
        for reftype, name in self.references.items():
            entries[reftype.upper()] = "N/A" if name == "N/A" else f"jwst_{self.instrument}_{reftype}_{serial}.rmap"
            if name != "N/A":
                self._write_rmap(entries[reftype.upper()], reftype, name, common)
        body = "".join(f"    {key!r} : {value!r},\n" for key, value in entries.items())
        header = {"mapping": "INSTRUMENT", "name": imap, "parkey": ("REFTYPE",), **common}
        header["instrument"] = self.instrument.upper()
        self.mapping(imap).write_text(_text(header, f"{{\n{body}}}"))

    def _write_rmap(self, rmap, reftype, name, common):
        header = {"mapping": "REFERENCE", "name": rmap, "parkey": (BY_DETECTOR, WHEN), **common}
        header |= {"instrument": self.instrument.upper(), "filekind": reftype.upper()}
        dates = f"UseAfter({{\n        '2015-01-01 00:00:00' : {name!r},\n    }})"
        self.mapping(rmap).write_text(_text(header, f"Match({{\n    ('NRCALONG',) : {dates},\n}})"))
        if name.endswith(".asdf"):
            asdf.AsdfFile({"parameters": {}}).write_to(self.reference(name))
        else:
            write_reference(self.reference(name), reftype)


class SmallCacheView(SmallCache):
    """Rules of another context in an existing cache."""

    def __init__(self, root, context, instrument, references):
        self.root, self.context, self.instrument, self.references = root, context, instrument, references


def write_reference(path: Path, reftype: str, *, shape: tuple[int, ...] = (8, 8), **keywords: object) -> Path:
    """A reference file with the keywords that identify it and one array."""
    primary = fits.PrimaryHDU()
    primary.header.update(
        {
            "TELESCOP": "JWST",
            "REFTYPE": reftype.upper(),
            "INSTRUME": "NIRCAM",
            "DETECTOR": "NRCALONG",
            "PEDIGREE": "DUMMY",
            "USEAFTER": "2015-01-01T00:00:00",
            "DESCRIP": "for a test",
            "AUTHOR": "a test",
            "SUBARRAY": "GENERIC",
            "SUBSTRT1": 1,
            "SUBSTRT2": 1,
            "SUBSIZE1": shape[-1],
            "SUBSIZE2": shape[-2],
            "FASTAXIS": -1,
            "SLOWAXIS": 2,
            **keywords,
        }
    )
    science = fits.ImageHDU(np.zeros(shape, np.float32), name="SCI")
    dq = fits.ImageHDU(np.zeros(shape, np.uint32), name="DQ")
    fits.HDUList([primary, science, dq]).writeto(path, overwrite=True)
    return path
