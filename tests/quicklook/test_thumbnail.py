"""Thumbnails in tables of notebooks: small images of what exposures and products hold."""

import base64
import io
import re

import numpy as np
import pytest
from helpers.stub_steps import uncal
from matplotlib.image import imread

from gpipe.backends import get
from gpipe.batch import Outcome, RunReport
from gpipe.datamodels import open_exposure
from gpipe.quicklook import thumbnail as module
from gpipe.quicklook.thumbnail import SHOWN, thumbnail


def picture(html):
    (text,) = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return imread(io.BytesIO(base64.b64decode(text)))


@pytest.fixture
def ramp():
    model = uncal()
    model.data[:] = 0
    model.data[0, -1, 1, 2] = 1000
    return open_exposure(model, get("numpy"))


def test_a_ramp_shows_its_last_group_with_the_first_row_below(ramp):
    shown = picture(ramp._repr_html_())
    assert shown.shape[:2] == ramp.shape[-2:]
    bright = shown[..., 0] > shown[0, 0, 0]
    assert np.argwhere(bright).tolist() == [[ramp.shape[-2] - 2, 2]]


def test_large_images_are_small(ramp):
    from dataclasses import replace

    data = np.zeros((1, 1, 3 * SHOWN, SHOWN), np.float32)
    flags = {name: None for name in ramp.planes if name != "data"}
    assert picture(thumbnail(replace(ramp, data=data, **flags))).shape[:2] == (SHOWN, -(-SHOWN // 3))


def test_without_matplotlib_there_is_none(ramp, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert "<img" not in ramp._repr_html_()


def test_the_report_of_a_run_shows_the_first_product(tmp_path):
    uncal().save(tmp_path / "jw01_uncal.fits")
    outcomes = (Outcome("a", 1.0, (tmp_path / "jw01_uncal.fits",)), Outcome("b", 1.0, (tmp_path / "gone.fits",)))
    html = RunReport(outcomes, 2.0)._repr_html_()
    assert picture(html).ndim == 3
    assert html.count("<tr>") == 3
