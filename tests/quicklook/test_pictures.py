"""Pictures of products: the data that they draw."""

from types import SimpleNamespace

import numpy as np
import pytest

from gpipe import dq
from gpipe.exceptions import ParameterError
from gpipe.quicklook import dq_picture, ramp_picture, rate_picture
from gpipe.quicklook.dq_picture import flags_in, image_flags, shown
from gpipe.quicklook.ramp_picture import chosen_pixels, group_times, line_of
from gpipe.quicklook.rate_picture import flag_numbers

SHAPE = (12, 20)
META = SimpleNamespace(filename="jw1_rate.fits", exposure=SimpleNamespace(group_time=2.0))


def rates():
    data = np.arange(240.0).reshape(SHAPE)
    data[3, 4] = np.nan
    flags = np.zeros(SHAPE, np.uint32)
    flags[3, 4], flags[5, 6], flags[7, 8] = dq.DO_NOT_USE | dq.SATURATED, dq.JUMP_DET, dq.SATURATED
    return SimpleNamespace(data=data, err=np.full(SHAPE, 0.5), dq=flags, meta=META)


def ramps(rate=3.0):
    """Two integrations of five groups, 10 DN above zero, that rise with ``rate`` DN/s."""
    data = np.full((2, 5, *SHAPE), 10.0, np.float32) + 2 * rate * np.arange(1, 6, dtype=np.float32)[:, None, None]
    groupdq = np.zeros(data.shape, np.uint8)
    data[:, :, 1, 2] *= 100  # bright
    groupdq[0, 4, 5, 6], groupdq[0, 2, 7, 8] = dq.SATURATED, dq.JUMP_DET
    groupdq[0, :, 9, 9] = dq.SATURATED
    return SimpleNamespace(data=data, groupdq=groupdq, meta=META)


def drawn(axes):
    return np.asarray(axes.images[0].get_array())


def test_rates_errors_and_flags_are_drawn_as_they_are():
    model = rates()
    rate, flags, err = rate_picture(model).axes[:3]
    np.testing.assert_array_equal(drawn(rate), model.data)
    np.testing.assert_array_equal(drawn(err), model.err)
    found = drawn(flags)
    assert (found[3, 4], found[5, 6], found[7, 8], found[0, 0]) == (3, 1, 2, 0)
    assert rate.images[0].origin == "lower"


def test_the_first_of_several_integrations_is_drawn():
    model = rates()
    several = SimpleNamespace(
        data=np.stack([model.data, 2 * model.data]),
        err=np.stack([model.err] * 2),
        dq=np.stack([model.dq] * 2),
        meta=META,
    )
    figure = rate_picture(several)
    np.testing.assert_array_equal(drawn(figure.axes[0]), model.data)
    assert figure.get_suptitle() == "jw1_rate.fits: integration 1 of 2"
    assert rate_picture(model).get_suptitle() == "jw1_rate.fits"
    assert ramp_picture({"ramp": ramps()}, integration=1).get_suptitle() == "jw1_rate.fits: integration 2 of 2"


@pytest.mark.parametrize("scale", ["asinh", "zscale"])
def test_the_sky_is_seen_whatever_the_brightest_star(scale):
    model = rates()
    model.data = np.random.default_rng(1).normal(1.0, 0.1, SHAPE)
    model.data[6, 6] = 1e7
    norm = rate_picture(model, scale=scale).axes[0].images[0].norm
    assert float(norm(1.2)) - float(norm(0.8)) > 0.01


def test_truth_adds_the_distribution_of_pulls():
    model = rates()
    figure = rate_picture(model, truth=model.data - model.err)
    heights = [patch.get_height() for patch in figure.axes[2].patches]
    assert np.argmax(heights) == 60  # of 100 from -5 to 5: one error above the truth


def test_a_panel_for_each_flag_with_its_number():
    figure = dq_picture(rates())
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == [
        "DO_NOT_USE\n1 pixels, 0.417%", "SATURATED\n2 pixels, 0.833%", "JUMP_DET\n1 pixels, 0.417%",
    ]  # fmt: skip


def test_single_flagged_pixels_of_a_large_image_are_seen():
    flags = np.zeros((2048, 2048), np.uint32)
    flags[0, 0] = flags[1000, 2047] = dq.HOT
    image = shown(flags, "HOT")
    assert image.shape == (512, 512)
    assert image.sum() == 9 + 15
    flags[:1024] |= dq.WARM
    np.testing.assert_array_equal(shown(flags, "WARM").mean(), 0.5)


def test_flags_of_integrations_are_united():
    flags = np.zeros((2, *SHAPE), np.uint32)
    flags[0, 1, 1], flags[1, 1, 1] = dq.HOT, dq.DEAD
    found = image_flags(SimpleNamespace(dq=flags))
    assert flags_in(found) == {"DEAD": 1, "HOT": 1}


def test_flag_numbers():
    flags = np.asarray([[0, dq.JUMP_DET, dq.JUMP_DET | dq.SATURATED, dq.DO_NOT_USE | dq.JUMP_DET, dq.HOT]], np.uint32)
    np.testing.assert_array_equal(flag_numbers(flags), [[0, 1, 2, 3, 0]])


def test_pixels_are_chosen_by_what_they_show():
    found = chosen_pixels(ramps())
    assert (found["bright"], found["saturated"], found["jump"]) == ((2, 1), (6, 5), (8, 7))
    assert set(found) == {"bright", "faint", "saturated", "jump", "random"}
    assert chosen_pixels(ramps(), integration=1).keys() == {"bright", "faint", "random"}


def test_a_pixel_is_drawn_with_its_flags_and_its_rate():
    model = ramps()
    rate = SimpleNamespace(data=np.full(SHAPE, 3.0))
    (axes,) = ramp_picture({"uncal": model, "linearity": model}, pixels={"": (8, 7)}, rate=rate).axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == ["uncal", "linearity", "jump", "rate"]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), model.data[0, :, 7, 8])
    np.testing.assert_allclose(axes.lines[2].get_xdata(), [6.0])
    np.testing.assert_allclose(axes.lines[3].get_ydata(), model.data[0, :, 7, 8])
    assert "8, 7 (FITS 9, 8)" in axes.get_title()


def test_the_line_goes_through_the_usable_samples():
    times, rate = group_times(ramps()), SimpleNamespace(data=np.full((1, *SHAPE), 2.0))
    np.testing.assert_allclose(line_of(rate, (0, 0), times, np.asarray([4.0, 8.0, np.nan, 16.0, 20.0])), 2 * times)
    assert np.all(np.isnan(line_of(rate, (0, 0), times, np.full(5, np.nan))))


def test_an_uncalibrated_exposure_has_no_flags():
    model = ramps()
    del model.groupdq
    assert chosen_pixels(model).keys() == {"bright", "faint", "random"}
    assert len(ramp_picture({"uncal": model}).axes) == 3


@pytest.mark.parametrize("pixel", [(20, 0), (0, 12), (-1, 0)])
def test_a_pixel_outside_is_refused(pixel):
    with pytest.raises(ParameterError, match=r"^pixel: found column .*, expected 0 to 19 and 0 to 11$"):
        ramp_picture({"uncal": ramps()}, pixels={"": pixel})
