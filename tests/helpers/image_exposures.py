"""Rates of images with a pointing, and caches with all references that calwebb_image2 asks for."""

from dataclasses import dataclass

import numpy as np
from astropy.io import fits

from gpipe import simulate
from gpipe.assign_wcs.modes import REFERENCES
from helpers import imaging_files
from helpers.imaging_optics import (
    FGS,
    MIRI,
    NIRCAM,
    NIRISS,
    Camera,
    make_rate,
    write_distortion,
    write_offsets,
)

SUBARRAYS = {"NIRCAM": "SUB160", "NIRISS": "SUB64", "MIRI": "SUB256", "FGS": "SUB128LL"}
CONFIGS = {
    "NIRCAM": {"detector": "NRCALONG", "readpatt": "RAPID", "subarray": "SUB64P"},
    "NIRISS": {"detector": "NIS", "readpatt": "NISRAPID", "subarray": "SUB64"},
    "MIRI": {"detector": "MIRIMAGE", "readpatt": "FASTR1", "subarray": "SUB64"},
    "FGS": {"detector": "GUIDER1", "readpatt": "FGSRAPID", "subarray": "SUB32LL"},
}
CAMERAS = {one.instrument: one for one in (NIRCAM, NIRISS, MIRI, FGS)}


@dataclass(frozen=True)
class Place:
    """A window of a detector: x and y of its corner, from 1, columns and rows."""

    camera: Camera
    corner: tuple[int, int] = (33, 21)
    shape: tuple[int, int] = (40, 48)

    def rate(self, name, *, nints=None, seed=1, exp_type=None):
        """Rates about 5 DN/s with NaN and flags, in a file of this name."""
        columns, rows = self.shape[1], self.shape[0]
        model = make_rate(self.camera, window=(*self.corner, columns, rows), nints=nints)
        rng, shape = np.random.default_rng(seed), model.data.shape
        model.data = rng.normal(5, 1, shape).astype(np.float32)
        model.data[rng.random(shape) < 0.02] = np.nan
        model.var_poisson, model.var_rnoise = (rng.uniform(0.1, 0.5, shape).astype(np.float32) for _ in range(2))
        model.err = np.sqrt(model.var_poisson + model.var_rnoise)
        model.dq = np.where(rng.random(shape) < 0.1, rng.integers(0, 2**32, shape), 0).astype(np.uint32)
        model.meta.filename, model.meta.subarray.name = name, SUBARRAYS[self.camera.instrument]
        model.meta.exposure.type = exp_type or self.camera.exposure_type
        model.meta.exposure.mid_time = imaging_files.TIME
        model.meta.exposure.nints, model.meta.exposure.ngroups = nints or 1, 5
        times = {"exposure_time": 100.0, "effective_exposure_time": 99.0, "measurement_time": 98.0, "duration": 110.0}
        model.meta.exposure.instance.update(times, start_time=60100.0, end_time=60100.5)
        return model

    def references(self, folder):
        """Write references by type; None for those that are N/A."""
        name = self.camera.instrument
        told = {"filter": None, "pupil": None, **dict(self.camera.optics), "subarray": SUBARRAYS[name]}
        made = {
            "flat": imaging_files.flat(name, self.shape, corner=self.corner),
            "photom": imaging_files.photom(name, laws=("linear",), **told),
            "area": imaging_files.area(name, self._from_the_origin, corner=(1, 1)),
        }
        paths = dict.fromkeys([*REFERENCES, "bkg", "dflat", "fflat", "sflat"])
        for reftype, model in made.items():
            model.meta.instrument.detector = self.camera.detector
            model.save(paths.setdefault(reftype, folder / f"{reftype}.fits"))
        self._place(paths["area"])
        offset = {"column_offset": 1.25, "row_offset": -0.5, **dict(self.camera.optics)}
        paths["distortion"] = write_distortion(self.camera, folder / "distortion.asdf")
        paths["filteroffset"] = write_offsets(
            self.camera, folder / "offsets.asdf", [offset] if self.camera.optics else []
        )
        return paths

    @property
    def _from_the_origin(self):
        """Shape of a window that begins at the origin of the detector: jwst places areas nowhere else."""
        return self.corner[1] - 1 + self.shape[0], self.corner[0] - 1 + self.shape[1]

    def _place(self, path):
        """Write keywords that the schema of areas does not know."""
        with fits.open(path, mode="update") as file:
            for axis in (1, 2):
                file[0].header[f"SUBSTRT{axis}"] = 1
                file[0].header[f"SUBSIZE{axis}"] = self._from_the_origin[2 - axis]

    def cache(self, folder):
        """Write a cache with these references."""
        folder.mkdir(exist_ok=True)
        config = simulate.ExposureConfig(**CONFIGS[self.camera.instrument], ngroups=2)
        return simulate.write_cache([config], folder / "cache", others=self.references(folder), full_frame=False)

    def steps(self, folder):
        """Parameters of calwebb_image2 with which it uses these references, and asks nobody."""
        paths = self.references(folder)
        users = {"assign_wcs": REFERENCES, "flat_field": ["flat"], "photom": ["photom", "area"]}
        return {step: {f"override_{one}": str(paths[one] or "N/A") for one in types} for step, types in users.items()}
