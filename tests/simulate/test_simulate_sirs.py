"""The kernels for SIRS: known in the limits of no noise of their own, and found by jwst's data model."""

import numpy as np
from helpers.simulated import small
from stdatamodels.jwst import datamodels

from gpipe.simulate import ExposureConfig, NoiseEffects, write_cache
from gpipe.simulate.sirs import make_sirskernel


def kernels(**noise):
    return make_sirskernel([small(noise=NoiseEffects(**noise))]).nrcb1.instance


def test_quiet_reference_pixels_tell_their_own_output_all():
    found = kernels(one_over_f=1.0, read_noise=0)
    for side, output in (("gamma", 0), ("zeta", 3)):
        np.testing.assert_allclose(found[side][output], 1)
    np.testing.assert_allclose(found["zeta"][0], 0, atol=1e-9)
    np.testing.assert_allclose(found["gamma"][1], found["zeta"][2])
    np.testing.assert_allclose(found["gamma"][1], 1 / 3)


def test_without_noise_of_rows_nothing_is_subtracted():
    found = kernels(one_over_f=0, read_noise=1)
    assert not found["gamma"].any()
    assert not found["zeta"].any()


def test_slow_noise_is_predicted_better_than_fast_noise():
    gamma = kernels(one_over_f=0.3, read_noise=1)["gamma"][0].real
    assert np.all(np.diff(gamma[1:]) < 0)
    assert gamma[1] > 0.9
    assert gamma[-1] < 0.1


def test_one_file_serves_all_detectors_of_an_instrument(tmp_path):
    others = [ExposureConfig(detector=name, readpatt="RAPID", subarray="SUB64P", ngroups=2) for name in ("NRCALONG",)]
    cache = write_cache([small(), *others], tmp_path, full_frame=False)
    with datamodels.SIRSKernelModel(cache.reference("NIRCAM", "sirskernel")) as model:
        assert {name for name in ("nrcb1", "nrcalong", "nrca1") if model.hasattr(name)} == {"nrcb1", "nrcalong"}
        assert model.nrcb1.gamma.shape == (4, 1025)
        assert model.meta.reftype == "sirskernel"
