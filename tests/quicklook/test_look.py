"""`gpipe.look`: the picture of what a file holds."""

import numpy as np
import pytest
from helpers.simulated import small

import gpipe
from gpipe import simulate
from gpipe.exceptions import InputError, ParameterError
from gpipe.pipeline import Detector1Pipeline


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("look")
    path = simulate.write_exposure(small(), folder).path
    with simulate.write_cache([small()], folder / "crds_cache", full_frame=False).activated():
        steps = {"linearity": {"save_results": True}, "dq_init": {"save_results": True}}
        Detector1Pipeline.call(path, output_dir=str(folder), steps=steps, configure_log=False)
    return folder


def product(folder, suffix):
    (path,) = folder.glob(f"*_{suffix}.fits")
    return path


def labels(figure):
    return [line.get_label() for line in figure.axes[0].lines]


def test_rates_are_drawn_of_a_rate_file(folder, tmp_path):
    figure = gpipe.look(product(folder, "rate"), path=tmp_path / "a.png")
    assert figure.axes[0].get_title() == "rate [DN/s]"
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert gpipe.look(product(folder, "rateints")).axes[0].get_title() == "rate [DN/s]"


def test_groups_are_drawn_of_a_ramp_file_with_the_products_beside_it(folder):
    figure = gpipe.look(product(folder, "uncal"), pixel=(3, 4))
    assert [label for label in labels(figure) if label in ("uncal", "dq_init", "linearity", "rate")] == [
        "uncal", "dq_init", "linearity", "rate",
    ]  # fmt: skip
    assert labels(gpipe.look(product(folder, "linearity"), pixel=(3, 4)))[:3] == ["uncal", "dq_init", "linearity"]


def test_flags_are_drawn_of_both(folder):
    for suffix in ("rate", "linearity", "uncal"):
        gpipe.look(product(folder, suffix), "dq")


def test_models_are_drawn_too(folder):
    from stdatamodels.jwst import datamodels

    with datamodels.open(product(folder, "rate")) as model:
        assert gpipe.look(model).axes[0].get_title() == "rate [DN/s]"
    with datamodels.open(product(folder, "linearity")) as model:
        assert len(labels(gpipe.look(model, pixel=(3, 4)))) == 1


def test_a_pixel_may_be_of_numpy(folder):
    figure = gpipe.look(product(folder, "uncal"), pixel=np.array([3, 4]))
    assert " pixel 3, 4 (FITS 4, 5)" in figure.axes[0].get_title()


def test_a_file_without_flags_is_so_named(folder):
    assert gpipe.look(product(folder, "uncal"), "dq").get_suptitle().endswith("_uncal.fits: no flags")


@pytest.mark.parametrize(
    ("suffix", "keywords", "message"),
    [
        ("rate", {"kind": "ramp"}, "kind: found 'ramp' for a file with rates, expected 'dq' or none"),
        ("uncal", {"kind": "rate"}, "kind: found 'rate' for a file with ramps, expected 'dq' or none"),
        ("rate", {"kind": "rat"}, "kind: found 'rat', expected 'rate', 'dq', 'ramp'"),
        ("uncal", {"pixel": (64, 0)}, "pixel: found column 64, row 0, expected 0 to 63 and 0 to 63"),
        ("uncal", {"pixel": (1.5, 0)}, r"pixel: found \(1.5, 0\), expected a column and a row"),
        ("rate", {"pixel": (3, 4)}, r"pixel: found \(3, 4\) for a picture of kind 'rate', expected none"),
        ("uncal", {"kind": "dq", "pixel": (3, 4)}, r"pixel: found .* for a picture of kind 'dq', expected none"),
        ("rate", {"path": "a.gif"}, "picture a.gif: found file type '.gif', expected .png or .pdf or .svg"),
    ],
)
def test_mistakes(folder, suffix, keywords, message):
    with pytest.raises(ParameterError, match=f"^{message}$"):
        gpipe.look(product(folder, suffix), **keywords)


def test_another_file(tmp_path):
    (tmp_path / "a.fits").write_text("none")
    with pytest.raises(InputError, match="not a FITS file"):
        gpipe.look(tmp_path / "a.fits")
