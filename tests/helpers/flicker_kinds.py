"""Exposures with 1/f noise, parameters of clean_flicker_noise, and references that only this step has."""

import numpy as np
from stdatamodels.jwst import datamodels

from gpipe.simulate import DetectorEffects, ExposureConfig, NoiseEffects, Scene

FLICKER = NoiseEffects(one_over_f=1.5, cosmic_rays=20.0)
CROWDED = Scene(background=2.0, density=2e-3, brightest=3e3)
SMALL = {"noise": FLICKER, "scene": CROWDED, "pixels": DetectorEffects(nonlinearity=False)}
NIRCAM = ExposureConfig(detector="NRCALONG", readpatt="RAPID", subarray="SUB160", ngroups=5, nints=3, **SMALL)
NIRISS = ExposureConfig(
    detector="NIS", readpatt="NISRAPID", subarray="SUBSTRIP256", ngroups=4, nints=2, exp_type="NIS_SOSS", **SMALL
)
NIRISS_IMAGE = ExposureConfig(detector="NIS", readpatt="NISRAPID", subarray="SUB256", ngroups=4, nints=2, **SMALL)
SLITLESS = {"scene": Scene(background=0.3, density=0.0, spectrum=800.0), "noise": FLICKER}
NIRSPEC = ExposureConfig(
    detector="NRS1", readpatt="NRSRAPID", subarray="SUB2048", ngroups=4, nints=2, exp_type="NRS_BRIGHTOBJ", **SLITLESS
)
NIRSPEC_2 = ExposureConfig(
    detector="NRS2", readpatt="NRSRAPID", subarray="SUB512", ngroups=4, nints=2, exp_type="NRS_BRIGHTOBJ", **SLITLESS
)
FULL = {"ngroups": 3, "noise": FLICKER, "pixels": DetectorEffects(nonlinearity=False)}
SLIT = Scene(background=0.3, spectrum=800.0, density=0.0)
FULL_FRAMES = {
    "nircam-channels": (
        ExposureConfig(detector="NRCA1", readpatt="RAPID", scene=CROWDED, **FULL),
        {"fit_by_channel": True},
    ),
    "niriss-auto": (
        ExposureConfig(detector="NIS", readpatt="NISRAPID", scene=CROWDED, **FULL),
        {"autoparam": True},
    ),
    "nirspec-fft": (ExposureConfig(detector="NRS2", readpatt="NRSRAPID", scene=SLIT, **FULL), {"fit_method": "fft"}),
}
PARAMETERS = [
    {},
    {"background_method": None},
    {"background_method": "model"},
    {"background_method": "model", "background_box_size": [20, 40]},
    {"background_method": "median_image"},
    {"n_sigma": 3.0},
    {"n_sigma": 0.0},
    {"n_sigma": 0.0, "background_method": "model"},
    {"fit_histogram": True},
    {"single_mask": False},
    {"fit_by_channel": True},
    {"mask_science_regions": True},
]


def flat_reference(config, folder, *, seed=3):
    """A full-frame flat with holes."""
    rng = np.random.default_rng(seed)
    model = datamodels.FlatModel(data=rng.normal(1.0, 0.05, (2048, 2048)).astype(np.float32))
    holes = rng.random(model.data.shape) < 0.002
    model.data[holes] = np.where(rng.random(holes.sum()) < 0.5, np.nan, 0.0)
    model.dq = np.zeros((2048, 2048), np.uint32)
    model.meta.instrument.name, model.meta.instrument.detector = config.sca.instrument, config.detector
    model.meta.reftype, model.meta.telescope, model.meta.useafter = "FLAT", "JWST", "2020-01-01T00:00:00"
    model.meta.author, model.meta.pedigree, model.meta.description = "test", "DUMMY", "A flat with holes"
    subarray = model.meta.subarray
    subarray.xstart = subarray.ystart = 1
    subarray.xsize = subarray.ysize = 2048
    subarray.name, subarray.fastaxis, subarray.slowaxis = "FULL", config.sca.fast, config.sca.slow
    path = folder / "flat.fits"
    model.save(path)
    return str(path)


def pastasoss_reference(folder):
    model = datamodels.PastasossModel()
    columns = np.arange(2048.0)
    traces, wavelengths = [], []
    for order, (height, bend) in enumerate(((70.0, 40.0), (95.0, 90.0), (140.0, 130.0)), start=1):
        rows = height + bend * ((columns - 1000) / 1000) ** 2 * (columns / 2048)
        traces.append(
            {
                "spectral_order": order,
                "pivot_x": 1577.0,
                "pivot_y": 88.0,
                "trace": np.stack([columns, rows], axis=1),
            }
        )
        wavelengths.append(
            {
                "spectral_order": order,
                "polynomial_degree": 2,
                "coefficients": np.array([2.8 / order, -2.0 / order, 0.003, 0.05, 0.002, -0.001]),
                "scale_extents": np.array([[0.0, -0.17], [2047.0, 0.17]]),
            }
        )
    model.traces, model.wavecal_models = traces, wavelengths
    meta = model.meta
    meta.pwcpos_bounds, meta.pwcpos_cmd = [245.51, 246.01], 245.76
    meta.soss_xdim, meta.soss_ydim, meta.subarray_ymin = 2048, 300, 1792
    meta.wavemap_nwl, meta.wavemap_wlmin, meta.wavemap_wlmax = 5001, 0.5, 5.5
    meta.instrument.name, meta.reftype, meta.telescope = "NIRISS", "PASTASOSS", "JWST"
    path = folder / "pastasoss.asdf"
    model.save(path)
    return str(path)
