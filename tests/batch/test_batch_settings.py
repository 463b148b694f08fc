"""Parameters of a pipeline for a file: values, and all that is said for each."""

import pytest
from helpers.simulated import small

from gpipe import simulate
from gpipe.batch.settings import SettledParameters
from gpipe.controller.call import CallOptions
from gpipe.exceptions import ParameterError
from gpipe.jump import JumpStep
from gpipe.pipeline import Detector1Pipeline


def settled(source=None, cls=Detector1Pipeline, config_file=None, **steps):
    return SettledParameters(cls, source, CallOptions({}, steps, config_file))


def test_rows_are_those_of_the_whole_and_its_steps_in_order():
    rows = settled(jump={"rejection_threshold": "5"}).rows()
    names = [row.name for row in rows]
    assert names[0] == "save_calibrated_ramp"
    assert names.index("dq_init.skip") < names.index("jump.skip") < names.index("ramp_fit.skip")
    (changed,) = settled(jump={"rejection_threshold": "5"}).rows(changed=True)
    assert str(changed).startswith("jump.rejection_threshold = 5.0 sigma (keyword): Threshold of a jump")


def test_the_chain_has_all_layers_the_one_that_counts_first(tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text("steps:\n- name: jump\n  parameters: {rejection_threshold: 7}\n")
    found = settled(config_file=config, jump={"rejection_threshold": 5})
    chain = found.chain("jump.rejection_threshold")
    assert [(str(origin), value) for origin, value in chain] == [
        ("keyword", 5), ("config file mine.yaml", 7), ("default", 4.0),
    ]  # fmt: skip
    assert found.row("jump.rejection_threshold").value == 5.0
    assert [value for _, value in found.chain("save_calibrated_ramp")] == [False]


def test_synonyms_of_steps_count():
    assert settled(dark={"skip": True}).row("dark_current.skip").value is True
    assert len(settled(dark={"skip": True}).chain("dark_current.skip")) == 2


def test_a_step_alone():
    found = SettledParameters(JumpStep, None, CallOptions({"rejection_threshold": 6}))
    assert [value for _, value in found.chain("rejection_threshold")] == [6, 4.0]


def test_crds_is_asked_for_an_exposure(tmp_path):
    path = simulate.write_exposure(small(), tmp_path).path
    with simulate.write_cache([small()], tmp_path / "crds_cache", full_frame=False).activated():
        assert settled(path).rows() == settled().rows()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("jump.rejection_treshold", "unknown name 'jump.rejection_treshold'; did you mean 'jump.rejection_threshold'?"),
        ("jmp.skip", "unknown name 'jmp.skip'"),
        ("skipp", "unknown name 'skipp'; did you mean 'skip'?"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(ParameterError) as caught:
        settled().chain(name)
    assert message in str(caught.value)
