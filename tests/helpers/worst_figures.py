"""The tables of worst figures in docs/parity.md, from the summary that a run of the parity tests ends with.

    make parity-all | tee parity.log
    python tests/helpers/worst_figures.py parity.log

A cell has the number of pixels that differ, and the largest difference over its scale (DQ: the number alone).
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

LINE = re.compile(
    r"(?P<test>\w+)\[(?P<exposure>[\w-]+)-seed(?P<seed>\d+)\] +(?P<plane>\w[\w ]*\w) +"
    r"[\d.]+% +(?P<different>\d+) differ, worst (?P<worst>\S+)"
)
PLANES = ("SCI", "DQ", "ERR", "VAR_POISSON", "VAR_RNOISE")
FLAGS = ("DQ", "GROUPDQ", "PIXELDQ")
RAMP_FIT = ("ramp_fit rate", "ramp_fit rateints")


def figures(log, test):
    """(exposure, seed, comparison, plane, pixels that differ, largest difference), of a test."""
    for found in LINE.finditer(log):
        if found["test"] == test:
            what, plane = found["plane"].rsplit(" ", 1)
            yield found["exposure"], found["seed"], what, plane, int(found["different"]), float(found["worst"])


def of_products(log):
    """A row for each exposure: pixels of both products together, of the seed where more differ."""
    different = defaultdict(lambda: defaultdict(int))
    worst = defaultdict(float)
    for exposure, seed, _, plane, count, largest in figures(log, "test_products_agree_and_recover_the_truth"):
        different[exposure, plane][seed] += count
        worst[exposure, plane] = max(worst[exposure, plane], largest)
    for exposure in sorted({exposure for exposure, _ in worst}):
        keys = [(exposure, plane) for plane in PLANES]
        yield exposure, *(_cell(key[1], max(different[key].values()), worst[key]) for key in keys)


def of_steps(log):
    """A row for each step, all exposures together."""
    different, worst = defaultdict(int), defaultdict(float)
    for _, _, what, plane, count, largest in figures(log, "test_each_step_agrees_on_the_same_input"):
        key = "ramp_fit" if what in RAMP_FIT else what, "DQ" if plane in FLAGS else plane
        different[key] += count
        worst[key] = max(worst[key], largest)
    for step in dict.fromkeys(step for step, _ in worst):
        cells = {plane: _cell(plane, different[step, plane], worst[step, plane]) for of, plane in worst if of == step}
        science, flags = cells.pop("SCI"), cells.pop("DQ")
        yield step, science, flags, "; ".join(f"{plane} {cell}" for plane, cell in cells.items())


def _cell(plane, different, worst):
    return str(different) if plane == "DQ" else f"{different}, {worst:.1e}"


def table(heads, rows):
    """Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text()
    print(table(("exposure", *PLANES), of_products(text)), end="\n\n")
    print(table(("step", "SCI", "DQ (group, pixel) or rate DQ", "others"), of_steps(text)))
