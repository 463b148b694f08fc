"""Three exposures of one field, for tests of groups."""

import numpy as np
from stdatamodels.jwst import datamodels

from gpipe.datamodels import read_header
from gpipe.datamodels.groups import open_group

SHAPE = (12, 10)
PLANES = ("data", "dq", "err", "var_poisson", "var_rnoise")


def rate_model(number, shape=SHAPE):
    """A rate product as stdatamodels has it; pixels differ from number to number."""
    rng = np.random.default_rng(number)
    model = datamodels.ImageModel(shape)
    for name in PLANES:
        setattr(model, name, rng.integers(0, 200, shape).astype(np.uint32 if name == "dq" else np.float32))
    meta = model.meta
    meta.telescope, meta.filename = "JWST", f"member{number}_rate.fits"
    meta.instrument.instance.update(name="NIRCAM", detector="NRCALONG", filter="F444W", pupil="CLEAR")
    meta.exposure.type = "NRC_IMAGE"
    meta.subarray.instance.update(name="SUB160", xstart=101, ystart=201, xsize=shape[1], ysize=shape[0])
    return model


def rate_files(folder, count=3, shape=SHAPE):
    """Paths of rate products."""
    paths = [folder / f"member{number}_rate.fits" for number in range(count)]
    for number, path in enumerate(paths):
        rate_model(number, shape).save(path)
    return paths


def group_of(sources, backend, storage, **options):
    """A group of paths, models or exposures in flight."""
    return open_group([read_header(source) for source in sources], backend, storage, **options)


def pixels(group):
    """All planes of all members as NumPy arrays, read for this."""
    exposures = [member.pixels.exposure(group.backend) for member in group.members]
    return {name: np.stack([group.backend.to_host(getattr(e, name)) for e in exposures]) for name in PLANES}
