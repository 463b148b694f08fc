"""Small exposures and references as ``stdatamodels`` models, given to a step of gpipe and to the code behind jwst's."""

import numpy as np

import gpipe.backends
from gpipe.controller import References
from gpipe.datamodels import Reference, open_exposure

ROWS, COLUMNS = 24, 20
"""Size of the references; they cover the detector from column 1001 and row 901 on."""
CORNER = (1001, 901)


def place(model, corner, shape, detector="NRCA1"):
    model.meta.instance.setdefault("subarray", {})  # the schema of IPC kernels has none
    subarray = model.meta.subarray
    subarray.xstart, subarray.ystart = corner
    subarray.ysize, subarray.xsize = shape[-2:]
    model.meta.instrument.name = "MIRI" if detector.startswith("MIR") else "NIRCAM"
    model.meta.instrument.detector = detector
    return model


def ramp_model(data, *, groupdq=None, pixeldq=None, zeroframe=None, corner=CORNER, detector="NRCA1", **exposure):
    """A RampModel with what steps read of the metadata."""
    from stdatamodels.jwst.datamodels import RampModel

    model = place(RampModel(data=data), corner, data.shape, detector)
    model.meta.subarray.fastaxis, model.meta.subarray.slowaxis = -1, 2
    model.groupdq = np.zeros(data.shape, np.uint8) if groupdq is None else groupdq
    model.pixeldq = np.zeros(data.shape[-2:], np.uint32) if pixeldq is None else pixeldq
    if zeroframe is not None:
        model.zeroframe = zeroframe
    settings = {
        "type": "NRC_IMAGE",
        "readpatt": "RAPID",
        "nframes": 1,
        "groupgap": 0,
        "nints": data.shape[0],
        "ngroups": data.shape[1],
        "frame_time": 10.7,
        "group_time": 10.7,
        "zero_frame": zeroframe is not None,
    }
    for name, value in (settings | exposure).items():
        setattr(model.meta.exposure, name, value)
    return model


def reference_model(name, corner=CORNER, detector="NRCA1", **arrays):
    """A reference model of this class, placed on the detector."""
    from stdatamodels.jwst import datamodels

    model = getattr(datamodels, name)()
    for array, values in arrays.items():
        setattr(model, array, values)
    return place(model, corner, next(iter(arrays.values())).shape, detector)


def window(rng):
    """Corner and shape of a random window inside the references."""
    rows, columns = rng.integers(6, ROWS + 1), rng.integers(6, COLUMNS + 1)
    corner = CORNER[0] + rng.integers(0, COLUMNS - columns + 1), CORNER[1] + rng.integers(0, ROWS - rows + 1)
    return tuple(int(c) for c in corner), (int(rows), int(columns))


def ramps(rng, shape):
    """Raw ramps, whole numbers, of which many saturate; with flags of every kind."""
    integrations, groups = int(rng.integers(1, 4)), int(rng.integers(1, 8))
    steps = rng.integers(0, 12000, (integrations, groups, *shape))
    steps[rng.random(steps.shape) < 0.05] += 30000
    data = np.cumsum(steps, axis=1).clip(0, 65535).astype(np.float32)
    data[rng.random(data.shape) < 0.02] = 0
    groupdq = rng.choice(np.array([0] * 30 + [1, 2, 4], dtype=np.uint8), data.shape)
    pixeldq = rng.integers(0, 2**32, shape, dtype=np.uint32) & rng.integers(0, 2**32, shape, dtype=np.uint32)
    zeroframe = rng.integers(0, 60000, (integrations, *shape)).astype(np.float32)
    zeroframe[rng.random(zeroframe.shape) < 0.1] = 0
    return {
        "data": data,
        "groupdq": groupdq,
        "pixeldq": pixeldq,
        "zeroframe": zeroframe if rng.random() < 0.5 else None,
    }


def apply(step, model, *, backend="numpy", **reference_models):
    """The exposure after ``step``, from models that stay as they are."""
    by_type = {t: None if m is None else Reference(t, m) for t, m in reference_models.items()}
    return step.apply(open_exposure(model, gpipe.backends.get(backend)), References(by_type))


def assert_same_ramp(ours, theirs, *, rtol=0.0, atol=0.0, leave_flags=False):
    """Flags equal, PIXELDQ but for ``leave_flags``; counts equal, or within the tolerance given; NaN where NaN is."""
    np.testing.assert_array_equal(ours.groupdq, theirs.groupdq)
    np.testing.assert_array_equal(np.where(leave_flags, 0, ours.pixeldq), np.where(leave_flags, 0, theirs.pixeldq))
    np.testing.assert_allclose(ours.data, theirs.data, rtol=rtol, atol=atol)
    assert (ours.zeroframe is None) == (not theirs.meta.exposure.zero_frame)
    if ours.zeroframe is not None:
        np.testing.assert_array_equal(ours.zeroframe, theirs.zeroframe)
