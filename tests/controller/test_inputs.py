import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.stub_associations import StubGroup, members, save_association, save_uncal
from helpers.stub_steps import AddStep, StubPipeline, uncal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gpipe.backends
from gpipe.controller.inputs import NO_ASSOCIATION, jobs
from gpipe.datamodels import Header, Ramp, Rate, open_exposure
from gpipe.datamodels.exposures.groups.scratch import Storage
from gpipe.datamodels.group_header import GroupHeader
from gpipe.datamodels.groups import open_group
from gpipe.exceptions import InputError, ParameterError

NUMBERS = {
    "program_number": "01234",
    "observation_number": "005",
    "visit_number": "006",
    "visit_group": "07",
    "sequence_id": "8",
    "activity_id": "0A",
    "exposure_number": "00009",
}


def first(result):
    return float(np.asarray(result.data)[0, 0, 0, 0])


def in_flight(model):
    return open_exposure(model, gpipe.backends.get("numpy"))


@pytest.fixture
def asn(tmp_path):
    """Two products beside their members, elsewhere than the current folder; exptypes in mixed case."""
    folder = tmp_path / "elsewhere"
    for name, level in (("a_uncal.fits", 10), ("b_uncal.fits", 20), ("back_uncal.fits", 4)):
        save_uncal(folder, name, level)
    products = [
        ("first_product", members(SCIENCE="a_uncal.fits", Background=["back_uncal.fits"])),
        (None, members(background="back_uncal.fits", Science="b_uncal.fits")),
    ]
    return save_association(folder / "two_asn.json", *products, asn_pool="pool.csv", asn_id="o001")


# --- one exposure, and lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [str, Path, "model", "in flight"])
def test_one_exposure_is_one_job(path, model, form):
    source = {"model": model, "in flight": in_flight(model)}.get(form) or form(path)
    (job,) = jobs(source, (Ramp,))
    assert (job.as_list, job.product_name, job.association, list(job.companions)) == (False, None, None, [])
    assert isinstance(job.science, Header)
    assert job.science is job.science
    assert job.science.meta.filename == "jw01_uncal.fits"
    assert "asn" not in job.science.meta.instance


def test_a_list_is_a_job_for_each(path, model, asn):
    found = jobs([path, model, in_flight(model), asn], (Ramp,))
    assert [job.as_list for job in found] == [True] * 5
    assert [job.product_name for job in found] == [None, None, None, "first_product", None]
    assert jobs([], (Ramp,)) == []


def test_headers_of_a_list_are_read_before_any_work(path, tmp_path):
    heard = []
    with pytest.raises(InputError, match=r"none\.fits"):
        AddStep.call([path, tmp_path / "none.fits"], post_hooks=[heard.append])
    assert heard == []


def test_a_list_in_a_list_is_no_input(path):
    with pytest.raises(InputError, match=r"found builtins\.list as input"):
        AddStep.call([[path]])


def test_run_takes_lists_and_associations_too(path, asn, tmp_path):
    step = AddStep(output_file="x", output_dir="out")
    assert [first(result) for result in step.run(asn)] == [11, 21]
    assert step.output_file == "x"
    assert first(AddStep().run([path])[0]) == 11
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == ["b_add.fits", "first_product_add.fits"]
    with pytest.raises(ParameterError, match="output_file: found one name for 2 exposures"):
        step.run([path, path])


def test_a_plan_for_each_job(path, asn):
    assert len(AddStep.plan(asn)) == 2
    assert str(AddStep.plan([path])[0]) == str(AddStep.plan(path))


# --- associations of the second stage -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [str, Path, "dict"])
def test_each_product_is_a_job(asn, form, monkeypatch):
    if form == "dict":
        monkeypatch.chdir(asn.parent)
        source = json.loads(asn.read_text())
    else:
        source = form(asn)
    one, two = jobs(source, (Ramp,))
    assert (one.product_name, two.product_name) == ("first_product", None)
    assert (one.as_list, one.one_of_several) == (True, True)
    assert [Path(job.source).name for job in (one, two)] == ["a_uncal.fits", "b_uncal.fits"]
    assert [[c.name for c in job.companions["background"]] for job in (one, two)] == [["back_uncal.fits"]] * 2
    assert list(one.companions) == ["background"]
    assert [(job.association.asn_id, job.association.pool) for job in (one, two)] == [("o001", "pool.csv")] * 2
    asn_of = one.science.meta.asn
    table = "singleton" if form == "dict" else "two_asn.json"
    assert (asn_of.pool_name, asn_of.table_name) == ("pool.csv", table)
    assert two.science.meta.asn.exptype is None  # as in jwst: it is for members of groups


def test_a_pipeline_calibrates_each_product_and_names_it(asn, tmp_path):
    results = StubPipeline.call(asn, output_dir="out")
    assert [first(result) for result in results] == [22, 42]
    assert [r.meta.filename for r in results] == ["first_product_stub_pipeline.fits", "b_stub_pipeline.fits"]
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == sorted(r.meta.filename for r in results)
    assert [r.meta.asn.table_name for r in results] == ["two_asn.json"] * 2


def test_a_product_gives_a_list_of_one(asn):
    source = json.loads(asn.read_text())
    save_association(asn.parent / "one_asn.json", (None, source["products"][0]["members"]))
    assert [first(result) for result in AddStep.call(asn.parent / "one_asn.json")] == [11]


def test_output_file_names_one_product(asn, tmp_path):
    source = json.loads(asn.read_text())
    one = save_association(asn.parent / "one_asn.json", ("mine", source["products"][0]["members"]))
    AddStep.call(one, output_file="other")
    assert [f.name for f in tmp_path.glob("*.fits")] == ["other_add.fits"]


def test_output_file_is_not_used_for_several_products_but_they_are_saved(asn, tmp_path, caplog):
    StubPipeline.call(asn, output_file="folder/x", steps={"add": {"output_file": "y"}})
    assert "Multiple products in input association. Output file name will be ignored." in caplog.messages
    assert sorted(f.name for f in tmp_path.rglob("*_add.fits")) == ["b_add.fits", "first_product_add.fits"]
    assert sorted(f.name for f in tmp_path.glob("*_pipeline.fits")) == [
        "b_stub_pipeline.fits",
        "first_product_stub_pipeline.fits",
    ]


@pytest.mark.parametrize(
    ("name", "base"),
    [("x", "x"), ("x_cal", "x"), ("a/x", "x"), ("x_v1.5", "x_v1.5"), ("x_rate.fits", "x"), ("x.fits.gz", "x")],
)
def test_a_product_name_is_the_base_of_names(path, tmp_path, name, base):
    source = {"products": [{"name": name, "members": members(science=path.name)}]}
    AddStep.call(source, save_results=True)
    assert [f.name for f in tmp_path.glob("*_add.fits")] == [f"{base}_add.fits"]


def test_without_a_science_member_an_error_names_the_product(path):
    source = {"products": [{"name": "x", "members": members(background=path.name)}]}
    with pytest.raises(InputError, match="singleton: product 'x': found no member of exptype science, expected one"):
        AddStep.call(source)


def test_of_several_science_members_the_first_is_used_with_a_warning(path, caplog):
    save_uncal(path.parent, "other_uncal.fits", 50)
    source = {"products": [{"members": members(science=[path.name, "other_uncal.fits"])}]}
    assert [first(result) for result in AddStep.call(source)] == [11]
    assert "singleton: product 1: found 2 science members; the first is used" in caplog.messages


def test_a_missing_science_member_is_told_before_any_work(asn):
    (asn.parent / "b_uncal.fits").unlink()
    heard = []
    with pytest.raises(InputError, match=r"two_asn.json: product 2, member 'b_uncal.fits': found no file .*elsewhere"):
        AddStep.call(asn, pre_hooks=[heard.append])
    assert heard == []


def test_a_member_of_another_kind_is_refused_as_a_file_would_be(asn, path):
    with pytest.raises(InputError, match=r"a_uncal\.fits: found a ramp .* expected a count-rate product"):
        jobs(asn, (Rate,))[0].science  # noqa: B018


def test_products_of_the_second_stage_name_an_association_in_any_case(path):
    class SecondStage(StubPipeline):
        names_association = True

    asn = SecondStage.call(path).meta.asn
    assert (asn.pool_name, asn.table_name) == ("singleton", "singleton")
    assert "asn" not in StubPipeline.call(path).meta.instance


def test_an_open_model_is_not_changed_by_the_names_of_its_association(model):
    (job,) = jobs(model, (Ramp,), unless_given=NO_ASSOCIATION)
    assert job.science.meta.asn.pool_name == "singleton"
    assert "asn" not in model.meta.instance


# --- groups ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def mosaic(tmp_path):
    """An association of three science members; of one the group is named, of one the metadata tell it."""
    folder = tmp_path / "elsewhere"
    save_uncal(folder, "a_cal.fits", 10)
    save_uncal(folder, "b_cal.fits", 20, **NUMBERS)
    save_uncal(folder, "c_cal.fits", 30)
    (folder / "b.ecsv").write_text("")
    found = members(Science=["a_cal.fits", "b_cal.fits", "c_cal.fits"], psf="p_psf.fits")
    found[0]["group_id"], found[1]["group_id"], found[1]["tweakreg_catalog"] = 7, None, "b.ecsv"
    return save_association(folder / "mosaic_asn.json", ("mosaic", found), asn_id="c1000", asn_pool="pool.csv")


def test_an_association_is_one_job_where_a_group_is_accepted(mosaic):
    (job,) = jobs(mosaic, (StubGroup,))
    header = job.science
    assert isinstance(header, GroupHeader)
    assert (header.name, header.kind, header.shape) == ("mosaic", StubGroup, (2, 4, 8, 8))
    assert (job.product_name, job.as_list, job.association.asn_id) == ("mosaic", False, "c1000")
    assert [c.name for c in job.companions["psf"]] == ["p_psf.fits"]
    assert header.group_ids == ("7", "jw01234005006_0780A_00009", "exposure0003")
    assert [one.meta.instance["group_id"] for one in header.headers] == list(header.group_ids)
    assert [one.meta.filename for one in header.headers] == ["a_cal.fits", "b_cal.fits", "c_cal.fits"]
    assert [one.meta.asn.table_name for one in header.headers] == ["mosaic_asn.json"] * 3
    assert [m.tweakreg_catalog for m in header.members] == [None, mosaic.parent / "b.ecsv", None]


def test_a_group_opens_from_its_header(mosaic):
    header = jobs(mosaic, (StubGroup,))[0].science
    options = {"kind": header.kind, "model": header.model, "group_ids": header.group_ids}
    group = open_group(header.headers, gpipe.backends.get("numpy"), Storage.HOST, **options)
    assert isinstance(group, StubGroup)
    assert group.measure(lambda ramp: float(ramp.data[0, 0, 0, 0]), name="level") == [10, 20, 30]
    assert [member.group_id for member in group.members] == list(header.group_ids)


def test_metadata_of_a_group_are_a_copy_of_those_of_the_first_member(mosaic):
    header = jobs(mosaic, (StubGroup,))[0].science
    assert header.meta.filename == "a_cal.fits"
    header.meta.cal_step.dq_init = "COMPLETE"
    assert header.headers[0].meta.cal_step.dq_init is None


def test_a_group_id_of_the_metadata_counts_before_that_of_the_observation(model):
    other = uncal()
    other.meta.observation.instance.update(NUMBERS)
    other.meta.group_id = "mine"
    (job,) = jobs([other, in_flight(model)], (StubGroup,))
    assert job.science.group_ids == ("mine", "exposure0002")
    assert job.science.name == "jw01_uncal.fits"
    assert "group_id" not in model.meta.instance


@pytest.mark.parametrize("listed", [True, False])
def test_exposures_without_an_association_are_a_group_too(path, listed):
    (job,) = jobs([path] if listed else path, (StubGroup,))
    assert isinstance(job.science, GroupHeader)
    assert (len(job.science.members), job.as_list, job.product_name) == (1, False, None)


def test_one_exposure_is_none_where_both_are_accepted(path):
    assert not isinstance(jobs(path, (StubGroup, Ramp))[0].science, GroupHeader)
    assert isinstance(jobs([path], (StubGroup, Ramp))[0].science, GroupHeader)


def test_several_associations_are_a_group_each(mosaic):
    assert [job.product_name for job in jobs([mosaic, mosaic], (StubGroup,))] == ["mosaic", "mosaic"]


def test_several_products_of_a_group_are_refused_and_named(mosaic):
    source = json.loads(mosaic.read_text())["products"][0]
    two = save_association(mosaic, ("x", source["members"]), (None, source["members"]))
    with pytest.raises(InputError, match=r"mosaic_asn.json: found products 'x' and 2, expected one"):
        jobs(two, (StubGroup,))


def test_members_of_another_kind_are_refused(mosaic):
    class RateGroup:
        member_kinds = (Rate,)

    with pytest.raises(InputError, match=r"a_cal\.fits: found a ramp .* expected a count-rate product"):
        jobs(mosaic, (RateGroup,))[0].science  # noqa: B018


def test_an_empty_list_is_no_group():
    with pytest.raises(InputError, match="found an empty list, expected exposures"):
        jobs([], (StubGroup,))


# --- what is no association -----------------------------------------------------------------------------------------


def test_a_json_that_is_no_association_says_so(tmp_path):
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(InputError, match=r"x\.json: no valid association: found \[1\], expected the key products"):
        AddStep.call(tmp_path / "x.json")


KEYS = st.sampled_from(["products", "members", "name", "expname", "exptype", "group_id", "tweakreg_catalog"])
NAMES = st.sampled_from(["jw01_uncal.fits", "none.fits", "science", "SCIENCE", "background", "", "\0", "/", "."])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | NAMES | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)
MEMBER = st.fixed_dictionaries({"expname": NAMES, "exptype": NAMES}, optional={"tweakreg_catalog": NAMES, "x": VALUES})
PRODUCT = st.fixed_dictionaries({"members": st.lists(MEMBER | VALUES, max_size=3)}, optional={"name": NAMES})
ASSOCIATION = VALUES | st.fixed_dictionaries({"products": st.lists(PRODUCT | VALUES, max_size=3)})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ASSOCIATION, st.sampled_from([Ramp, StubGroup]))
def test_any_json_gives_jobs_or_one_line_of_error(path, content, kind):
    (path.parent / "any_asn.json").write_text(json.dumps(content))
    outcome = jobs_or_error(path.parent / "any_asn.json", kind)
    assert "\n" not in str(outcome) if isinstance(outcome, InputError) else outcome


def jobs_or_error(path, kind):
    try:
        found = jobs(path, (kind,))
        return [job.science for job in found]
    except InputError as error:
        return error


def test_a_warning_of_a_member_elsewhere_is_in_the_log_of_the_call(asn, path, caplog):
    caplog.set_level(logging.INFO)
    save_association(asn, (None, members(science=path.name)))
    AddStep.call(asn)
    assert any("is in the current folder, not beside the association" in message for message in caplog.messages)


def test_jobs_can_be_changed_for_callers_that_know_better(path):
    (job,) = jobs(path, (Ramp,))
    assert replace(job, product_name="x_cal").file_name == "x_cal.fits"
