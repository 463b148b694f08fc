"""Names of products: none is written over another of the call, or over an input, and that is told before work."""

from dataclasses import replace
from typing import ClassVar

import pytest
from helpers.members import rate_model
from helpers.stub_associations import StubGroup, members, save_association, save_uncal
from helpers.stub_steps import AddStep, RatePipeline, StubPipeline, TimesStep, uncal

from gpipe.controller import Pipeline, Produced, SideProduct, Step
from gpipe.controller import parameters as p
from gpipe.datamodels.exposures.groups.group import Group
from gpipe.exceptions import ExposureErrors, OutputError


class NamedStep(Step):
    """Writes a file that a parameter names, and one that nobody knows before."""

    alias = "named"
    log_file = p.OutputFile(None)
    save_more = p.Boolean(False)
    secret = p.Boolean(False)

    def named_files(self):
        return () if self.log_file is None else (self.log_file,)

    def apply(self, exposure, references):
        products = [SideProduct(exposure, output_file=self.log_file)] if self.log_file else []
        products += [SideProduct(exposure, suffix="more")] if self.save_more or self.secret else []
        return Produced((exposure,), tuple(products))


@pytest.fixture
def worked(monkeypatch):
    """The file names of exposures that a step has worked on."""
    heard, apply = [], AddStep.apply

    def tell(self, exposure, references):
        heard.append(exposure.meta.filename)
        return apply(self, exposure, references)

    monkeypatch.setattr(AddStep, "apply", tell)
    return heard


@pytest.fixture
def twins(tmp_path):
    """Two files of one name in two folders."""
    return [save_uncal(tmp_path / folder, "x_uncal.fits", level) for folder, level in (("a", 1), ("b", 2))]


def products(folder):
    return sorted(path.name for path in folder.glob("*.fits"))


def both(twins, name):
    return rf"^{name}: found as the name of a product of {twins[0]} \(input 1\) and of {twins[1]} \(input 2\); expected"


@pytest.mark.parametrize("where", [{"save_results": True}, {"output_dir": "out"}])
def test_two_inputs_of_one_name_are_refused_before_work(where, twins, worked, tmp_path):
    name = "out/x_add.fits" if "output_dir" in where else "x_add.fits"
    with pytest.raises(OutputError, match=both(twins, name)):
        AddStep.call(twins, **where)
    assert worked == []
    assert products(tmp_path) == []
    assert not (tmp_path / "out").exists()


def test_a_list_that_writes_nothing_may_have_equal_names(twins):
    assert [float(result.data[0, 0, 0, 0]) for result in AddStep.call([*twins, twins[0]])] == [2, 3, 2]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"output_dir": "out"}, ["x_add.fits"]),
        ({"output_dir": "out", "save_results": False}, []),
        ({"output_dir": "out", "output_file": "x", "save_results": False}, ["x_add.fits"]),
        ({"output_dir": "out", "config_file": "all.asdf"}, ["x_add.fits"]),
    ],
)
def test_who_says_that_nothing_is_saved_gets_no_file(given, written, twins, tmp_path):
    AddStep().export_config("all.asdf")  # lists save_results: false, which nobody has said
    AddStep.call(twins[0], **given)
    assert products(tmp_path / "out") == written


def test_a_file_twice_in_a_list_is_refused(path, worked):
    with pytest.raises(OutputError, match=rf"{path} \(input 1\) and of {path} \(input 3\)"):
        AddStep.call([path, uncal_named("other_uncal.fits"), path], save_results=True)
    assert worked == []


def uncal_named(name):
    model = uncal()
    model.meta.filename = name
    return model


def test_open_models_of_one_name_are_refused(worked):
    with pytest.raises(OutputError, match=r"x_uncal.fits \(input 1\) and of x_uncal.fits \(input 2\)"):
        AddStep.call([uncal_named("x_uncal.fits") for _ in range(2)], save_results=True)
    assert worked == []


def test_products_of_an_association_of_one_name_are_refused(twins, tmp_path, worked):
    listed = [("field", members(science=str(path))) for path in twins]
    with pytest.raises(OutputError, match=r"field_add.fits: .*field \(input 1\) and of field \(input 2\)"):
        AddStep.call(save_association(tmp_path / "two_asn.json", *listed), save_results=True)
    assert worked == []


@pytest.mark.parametrize(
    ("pipeline", "settings"),
    [
        (StubPipeline, {"steps": {"add": {"output_file": "mine"}}}),
        (StubPipeline, {"steps": {"add": {"save_results": True}}, "twins": True}),
        (StubPipeline, {"save_ramp": True, "twins": True}),
        (NamedStep, {"log_file": "mine"}),
        (NamedStep, {"save_more": True, "twins": True}),
    ],
    ids=["output_file of a step", "a step", "before a step", "a file with a name", "files on the side"],
)
def test_all_products_of_a_list_are_looked_at(pipeline, settings, twins, path, tmp_path, worked):
    sources = twins if settings.pop("twins", False) else [path, twins[0]]
    with pytest.raises(OutputError, match=r"found as the name of a product of .* \(input 1\) and of .* \(input 2\)"):
        pipeline.call(sources, **settings)
    assert worked == []
    assert products(tmp_path) == [path.name]


def test_a_name_that_nobody_knew_is_refused_when_it_is_written(twins, tmp_path):
    with pytest.raises(ExposureErrors, match=both(twins, "x_more.fits")[1:]) as caught:
        NamedStep.call(twins, secret=True)
    assert isinstance(caught.value.exceptions[0], OutputError)
    assert [result is None for result in caught.value.results] == [False, True]
    assert products(tmp_path) == ["x_more.fits"]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (
            {"suffix": "mine", "steps": {"add": {"save_results": True}, "times": {"save_results": True}}},
            "add and times",
        ),
        ({"save_results": True, "suffix": "ramp", "save_ramp": True}, "StubPipeline and times"),
        (
            {"save_results": True, "steps": {"add": {"save_results": True, "suffix": "stub_pipeline"}}},
            "StubPipeline and",
        ),
    ],
    ids=["a suffix reaches two steps", "before a step", "the step has the name of the whole"],
)
def test_two_products_of_a_run_are_refused_before_work(settings, names, path, tmp_path, worked):
    with pytest.raises(OutputError, match=rf"jw01_\w+\.fits: found as the name of two products, of {names}"):
        StubPipeline.call(path, **settings)
    assert worked == []
    assert products(tmp_path) == [path.name]


@pytest.mark.parametrize("form", ["path", "in a list", "relative", "by a linked folder"])
def test_a_product_over_its_input_is_refused(form, tmp_path, worked):
    path = save_uncal(tmp_path / "in", "x_jump.fits", 1)
    (tmp_path / "linked").symlink_to("in")
    source = {"in a list": [path], "relative": "in/x_jump.fits", "by a linked folder": "linked/x_jump.fits"}.get(
        form, path
    )
    before = path.read_bytes()
    with pytest.raises(
        OutputError, match=r"in/x_jump.fits: found an input under the name of a product; .*overwrite_input"
    ):
        AddStep.call(source, output_dir=tmp_path / "in", suffix="jump")
    assert worked == []
    assert path.read_bytes() == before


def test_a_product_over_another_input_of_the_list_is_refused(path, tmp_path, worked):
    other = save_uncal(tmp_path, "jw01_add.fits", 1)
    with pytest.raises(OutputError, match=r"jw01_add.fits: found an input under the name of a product"):
        AddStep.call([path, other], save_results=True)
    assert worked == []


def test_a_product_over_a_companion_is_refused(path, tmp_path, worked):
    save_uncal(tmp_path, "jw01_add.fits", 1)
    source = {"products": [{"members": members(science=path.name, background="jw01_add.fits")}]}
    with pytest.raises(OutputError, match=r"jw01_add.fits: found an input under the name of a product"):
        AddStep.call(source, save_results=True)
    assert worked == []


def test_a_ramp_over_its_input_is_refused(tmp_path, worked):
    save_uncal(tmp_path, "x_ramp.fits", 1)
    with pytest.raises(OutputError, match=r"x_ramp.fits: found an input under the name of a product"):
        StubPipeline.call("x_ramp.fits", save_ramp=True)
    assert worked == []


@pytest.mark.parametrize("pipeline", [AddStep, StubPipeline])
def test_an_input_is_overwritten_if_that_is_asked_for(pipeline, tmp_path):
    save_uncal(tmp_path, "x_jump.fits", 1)
    result = pipeline.call("x_jump.fits", save_results=True, overwrite_input=True, suffix="jump")
    assert products(tmp_path) == ["x_jump.fits"]
    assert result.meta.filename == "x_jump.fits"
    assert AddStep.call("x_jump.fits").data[0, 0, 0, 0] == result.data[0, 0, 0, 0] + 1


# --- groups ---------------------------------------------------------------------------------------------------------


class TouchStep(Step):
    """Leaves each member as it is."""

    alias = "touch"
    accepts = RatePipeline.step_defs["gain_scale"].accepts

    def apply(self, exposure, references):
        return replace(exposure, data=exposure.data + 1)


class GroupStep(Step):
    """Takes the group as it is."""

    alias = "grouped"
    accepts = Group

    def apply(self, group, references):
        return group


class Grouped(Pipeline):
    alias = "grouping"
    accepts = Group
    step_defs: ClassVar = {"touch": TouchStep, "grouped": GroupStep}


@pytest.fixture
def rates(tmp_path):
    return [rate_model(number) for number in range(2)]


@pytest.mark.parametrize(
    ("settings", "suffix"),
    [
        ({"output_file": "mine"}, "grouping"),
        ({"steps": {"touch": {"output_file": "mine"}}}, "touch"),
        ({"steps": {"grouped": {"output_file": "mine"}}}, "grouped"),
    ],
)
def test_members_of_a_group_keep_their_names_and_a_warning_says_so(settings, suffix, rates, tmp_path, caplog):
    Grouped.call(rates, configure_log=False, **settings)
    assert products(tmp_path) == [f"member{number}_{suffix}.fits" for number in range(2)]
    label = "Grouped" if suffix == "grouping" else suffix
    warnings = [record.message for record in caplog.records if "output_file" in record.message]
    assert warnings[-1:] == [f"{label}: output_file is not used for members of a group, which keep their names"]


def test_an_only_member_has_the_name_that_is_asked_for(rates, tmp_path, caplog):
    Grouped.call(rates[:1], configure_log=False, output_file="mine")
    assert products(tmp_path) == ["mine_grouping.fits"]
    assert "is not used" not in caplog.text


def test_members_of_one_name_are_refused_before_work(rates, tmp_path):
    rates[1].meta.filename = rates[0].meta.filename
    with pytest.raises(OutputError, match=r"_touch.fits: .*\(input 1\) and of .*\(input 2\)"):
        Grouped.call(rates, configure_log=False, steps={"touch": {"save_results": True}})
    with pytest.raises(OutputError, match=r"_grouping.fits: .*\(input 1\) and of .*\(input 2\)"):
        Grouped.call(rates, configure_log=False, save_results=True)


def test_groups_of_one_name_are_refused_before_work(tmp_path):
    class Adding(Pipeline):
        alias = "adding"
        accepts = StubGroup
        step_defs: ClassVar = {"add": AddStep, "times": TimesStep}

    paths = [save_uncal(tmp_path, f"{name}_uncal.fits", 1) for name in "abcd"]
    listed = [
        save_association(tmp_path / f"{number}_asn.json", ("field", members(science=[str(path) for path in pair])))
        for number, pair in enumerate((paths[:2], paths[2:]))
    ]
    with pytest.raises(OutputError, match=r"field_\*.fits: .*field \(input 1\) and of field \(input 2\)"):
        Adding.call(listed, save_results=True)


def test_a_folder_under_the_name_of_a_product_is_told_before_work(tmp_path, worked):
    path = tmp_path / "jw01_uncal.fits"
    uncal().save(path)
    (tmp_path / "out" / "jw01_add.fits").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"jw01_add.fits: found a folder under the name of a product"):
        AddStep.call(str(path), output_dir=str(tmp_path / "out"), configure_log=False)
    assert worked == []
