"""Comparison of a plane of gpipe with the same plane of jwst: the tolerances of the design, in one place."""

from dataclasses import dataclass

import numpy as np

from helpers.fault_pixels import large_variance

SCIENCE_TOLERANCE = 1e-4  # of max(|value|, its error)
VARIANCE_TOLERANCE = 1e-3  # relative
REQUIRED_FRACTION = 0.9999


@dataclass(frozen=True)
class Agreement:
    """Outcome for one plane: the share of pixels that agree, and the worst one that does not have to count as noise."""

    plane: str
    agreeing: float
    worst: float
    different: int

    @property
    def good_enough(self):
        return self.agreeing >= REQUIRED_FRACTION

    def __str__(self):
        return f"{self.plane}: {self.agreeing:.6%} agree, {self.different} differ, worst {self.worst:.3g}"


def summary_line(test, plane, agreeing, different, worst):
    """One line of the summary of a run, which ``worst_figures.py`` reads."""
    return f"{test:60} {plane:32} {agreeing:11.6%} {different:8d} differ, worst {worst:.2g}"


def compare_flags(plane, ours, theirs):
    """DQ must be equal."""
    assert ours.shape == theirs.shape, f"{plane}: shape {ours.shape}, jwst {theirs.shape}"
    different = int(np.count_nonzero(ours != theirs))
    return Agreement(plane, 1 - different / ours.size, float(different > 0), different)


def compare_values(plane, ours, theirs, scale, tolerance):
    """Values within tolerance * scale, NaN and infinities in the same places."""
    assert ours.shape == theirs.shape, f"{plane}: shape {ours.shape}, jwst {theirs.shape}"
    single = [x.dtype.newbyteorder("=") == np.float32 for x in (ours, theirs)]  # in a file numbers are big-endian
    assert all(single), f"{plane}: {ours.dtype}, jwst {theirs.dtype}"
    finite = np.isfinite(ours) & np.isfinite(theirs)
    same_special = ~finite & ((np.isnan(ours) & np.isnan(theirs)) | (ours == theirs))
    distance = np.zeros(ours.shape)
    np.subtract(ours, theirs, out=distance, where=finite)
    allowed = np.where(np.isfinite(scale), scale, 0).astype(float)
    relative = np.abs(distance) / np.where(allowed > 0, allowed, 1.0)
    bad = np.where(finite, relative > tolerance, ~same_special)
    different = int(np.count_nonzero(bad))
    worst = float(np.inf) if np.any(bad & ~finite) else float(np.max(relative[finite], initial=0.0))
    return Agreement(plane, 1 - different / ours.size, worst, different)


def compare_science(plane, ours, theirs, error=0.0):
    """Science values: the error, where there is one, sets the scale of faint pixels."""
    scale = np.fmax(np.abs(theirs), np.broadcast_to(error, theirs.shape))
    return compare_values(plane, ours, theirs, scale, SCIENCE_TOLERANCE)


def compare_variance(plane, ours, theirs):
    return compare_values(plane, ours, theirs, np.abs(theirs), VARIANCE_TOLERANCE)


def compare_rates(prefix, ours, theirs, *, leave_photons=False):
    """Compare all planes of a count-rate product.

    Errors are compared but for those that jwst reports as 0 (`large_variance`), and those that hold photon noise but
    for the pixels in ``leave_photons`` (row, column).
    """
    large = large_variance(ours, theirs.var_poisson, theirs.var_rnoise, theirs.err)
    read, photons = ~large, ~(large | leave_photons)
    return [
        compare_science(f"{prefix} SCI", ours.data, theirs.data, theirs.err),
        compare_flags(f"{prefix} DQ", ours.dq, theirs.dq),
        compare_science(f"{prefix} ERR", ours.err[photons], theirs.err[photons]),
        compare_variance(f"{prefix} VAR_POISSON", ours.var_poisson[photons], theirs.var_poisson[photons]),
        compare_variance(f"{prefix} VAR_RNOISE", ours.var_rnoise[read], theirs.var_rnoise[read]),
    ]


def compare_ramps(prefix, ours, theirs, noise):
    """Compare all planes of a ramp product; ``noise`` (row, column) is the read noise, DN, the error of a raw value."""
    agreements = [
        compare_science(f"{prefix} SCI", ours.data, theirs.data, noise),
        compare_flags(f"{prefix} GROUPDQ", ours.groupdq, theirs.groupdq),
        compare_flags(f"{prefix} PIXELDQ", ours.pixeldq, theirs.pixeldq),
    ]
    if theirs.hasattr("zeroframe"):
        agreements.append(compare_science(f"{prefix} ZEROFRAME", ours.zeroframe, theirs.zeroframe, noise))
    return agreements
