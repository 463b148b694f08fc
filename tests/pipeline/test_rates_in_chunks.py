"""Rates go through steps of the second stage in chunks, as ramps do through those of the first: the same bits."""

from typing import ClassVar

import numpy as np
import pytest
from helpers import imaging_files as files

from gpipe.controller import ChunkDone, Pipeline, watch
from gpipe.controller.plan import chunk_size, threads
from gpipe.datamodels import Image, Rate
from gpipe.exceptions import ParameterError
from gpipe.flatfield import FlatFieldStep
from gpipe.photom import PhotomStep

SHAPES = ((files.ROWS, files.COLUMNS), (5, 14, 12))
ARRAYS = ("data", "err", "dq", "var_poisson", "var_rnoise", "var_flat", "area")


class BothStepsPipeline(Pipeline):
    """Two steps that share chunks."""

    alias = "both"
    accepts = (Rate, Image)
    step_defs: ClassVar = {"flat_field": FlatFieldStep, "photom": PhotomStep}


@pytest.fixture
def references():
    photom = {"override_photom": files.photom(laws=("linear",)), "override_area": files.area()}
    return {"flat_field": {"override_flat": files.flat()}, "photom": photom}


@pytest.fixture(params=SHAPES, ids=["image", "cube"])
def rate(request):
    return files.rate(shape=request.param)


@pytest.fixture(params=["file", "model"])
def source(request, rate, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if request.param == "model":
        return rate
    rate.save("small_rate.fits")
    return "small_rate.fits"


@pytest.mark.parametrize("cores", [1, 2])
def test_the_bits_of_the_whole(source, references, cores, monkeypatch):
    whole = BothStepsPipeline.call(source, steps=references)
    monkeypatch.setattr(chunk_size, "RATE_SAMPLES", 128)
    monkeypatch.setattr(chunk_size, "FEWEST_SAMPLES", 64)
    monkeypatch.setattr(threads, "cores_of_this_process", lambda: cores)
    seen = []
    with watch(lambda event: isinstance(event, ChunkDone) and seen.append(event)):
        result = BothStepsPipeline.call(source, steps=references)
    assert len(seen) > 3
    assert {event.name for event in seen} == {"photom"}, "one section"
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(result, name), getattr(whole, name), err_msg=name, strict=True)
    assert result.meta.cal_step.instance == whole.meta.cal_step.instance
    assert result.meta.photometry.instance == whole.meta.photometry.instance
    assert result.meta.bunit_data == "MJy/sr"


def test_a_limit_below_the_rates_is_refused(rate, references):
    with pytest.raises(ParameterError, match="max_memory: found"):
        BothStepsPipeline.call(rate, steps=references, max_memory=5000)


def test_the_plan_has_one_section(rate, references):
    plan = BothStepsPipeline.plan(rate, steps=references)
    assert "flat_field, photom: 1 chunks" in str(plan)
