"""Tables from a summary."""

from helpers.comparison import summary_line
from helpers.worst_figures import of_products, of_steps, table

PRODUCTS, STEPS = "test_products_agree_and_recover_the_truth", "test_each_step_agrees_on_the_same_input"
OTHERS = ("DQ", "ERR", "VAR_POISSON", "VAR_RNOISE")


def summary(*agreements):
    return "\n".join(summary_line(*agreement) for agreement in agreements)


def test_products_count_for_the_seed_where_more_differ():
    log = summary(
        *((f"{PRODUCTS}[fgs-full-seed{seed}]", f"rate {plane}", 1.0, 0, 0.0) for seed in (11, 12) for plane in OTHERS),
        (f"{PRODUCTS}[fgs-full-seed11]", "rate SCI", 0.9999, 2, 0.011),
        (f"{PRODUCTS}[fgs-full-seed11]", "rateints SCI", 0.9999, 2, 1.2e-4),
        (f"{PRODUCTS}[fgs-full-seed12]", "rate SCI", 1.0, 1, float("inf")),
        ("test_something_else[fgs-full-seed11]", "rate SCI", 0.5, 70, 1.0),
    )
    assert list(of_products(log)) == [("fgs-full", "4, inf", "0", "0, 0.0e+00", "0, 0.0e+00", "0, 0.0e+00")]


def test_steps_of_all_exposures_together():
    log = summary(
        (f"{STEPS}[fgs-full-seed11]", "jump SCI", 1.0, 0, 0.0),
        (f"{STEPS}[fgs-full-seed11]", "jump GROUPDQ", 0.9, 3, 1.0),
        (f"{STEPS}[miri-full-seed11]", "jump PIXELDQ", 0.9, 4, 1.0),
        (f"{STEPS}[miri-full-seed11]", "ramp_fit rate SCI", 1.0, 1, 2e-3),
        (f"{STEPS}[miri-full-seed11]", "ramp_fit rateints SCI", 1.0, 1, 1e-3),
        (f"{STEPS}[miri-full-seed11]", "ramp_fit rate DQ", 1.0, 0, 0.0),
        (f"{STEPS}[miri-full-seed11]", "ramp_fit rate ERR", 1.0, 0, 3e-7),
    )
    rows = list(of_steps(log))
    assert rows == [("jump", "0, 0.0e+00", "7", ""), ("ramp_fit", "2, 2.0e-03", "0", "ERR 0, 3.0e-07")]
    assert table(("step", "SCI", "DQ", "others"), rows).splitlines()[:3] == [
        "| step | SCI | DQ | others |",
        "| --- | --- | --- | --- |",
        "| jump | 0, 0.0e+00 | 7 |  |",
    ]
