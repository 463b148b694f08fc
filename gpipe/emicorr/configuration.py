"""Interference frequencies of an exposure, by its subarray and read pattern, and the clocks of its subarray."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpipe.emicorr.readout import Clocks
from gpipe.exceptions import ReferenceFileError

SUBARRAY_CLOCKS = {
    "BRIGHTSKY": Clocks(162, 86528),
    "FULL_FAST": Clocks(271, 277504),
    "FULL_SLOW": Clocks(2333, 2388992),
    "MASK1065": Clocks(82, 23968),
    "MASK1140": Clocks(82, 23968),
    "MASK1550": Clocks(82, 23968),
    "MASKLYOT": Clocks(90, 32400),
    "SLITLESSPRISM": Clocks(28, 15904),
    "SUB128": Clocks(44, 11904),
    "SUB256": Clocks(96, 29952),
    "SUB64": Clocks(28, 8512),
}
"""Clocks by the name of the case, for frequencies of the user; a reference has its own clocks."""


@dataclass(frozen=True)
class Interference:
    """A frequency to correct.

    Attributes
    ----------
    name : what the reference calls it.
    frequency : Hz.
    wave : the samples of one cycle, DN, as the reference has them; None: to be found in the data.
    """

    name: str
    frequency: float
    wave: Any = None


@dataclass(frozen=True)
class Configuration:
    """Clocks of a subarray and the interferences to correct, in order."""

    clocks: Clocks
    interferences: Sequence[Interference]


def speed(readpatt: str) -> str:
    """SLOW or FAST."""
    return "SLOW" if "SLOW" in readpatt.upper() else "FAST"


def case_of(subarray: str, readpatt: str) -> str:
    """The name of a subarray in a reference; full frames have one for each speed."""
    return f"{subarray}_{speed(readpatt)}" if "FULL" in subarray else subarray


def configuration_for(frequencies: Sequence[float], subarray: str, readpatt: str) -> Configuration | None:
    """Make the configuration for frequencies (Hz) without a reference; None if the subarray's clocks are unknown."""
    clocks = SUBARRAY_CLOCKS.get(case_of(subarray, readpatt))
    if clocks is None or not frequencies:
        return None
    return Configuration(clocks, [Interference(repr(frequency), frequency) for frequency in frequencies])


def configuration_in(
    tree: Mapping[str, Any], subarray: str, readpatt: str, detector: str, label: str
) -> Configuration | None:
    """Read the configuration of an exposure from a reference; None if the reference has no such case.

    Parameters
    ----------
    tree : with ``frequencies`` and ``subarray_cases``, as in the files of CRDS.
    label : the name of the reference in errors.

    Raises
    ------
    ReferenceFileError
        The case names a frequency without a wave or a value, or no numbers of clocks.
    """
    case = tree.get("subarray_cases", {}).get(case_of(subarray, readpatt))
    if case is None:
        return None
    names = case.get("freqs", {}).get(speed(readpatt))
    if isinstance(names, Mapping):
        names = names.get(detector)
    if not names:
        return None
    missing = [key for key in ("rowclocks", "frameclocks") if not case.get(key)]
    if missing:
        found = f"no {' and no '.join(missing)} of {case_of(subarray, readpatt)}"
        raise ReferenceFileError.at(f"emicorr reference {label}", found, "numbers of clocks", reference=label)
    waves = [_interference(tree.get("frequencies", {}), name, label) for name in names]
    return Configuration(Clocks(int(case["rowclocks"]), int(case["frameclocks"])), waves)


def case_tree(configuration: Configuration, subarray: str, readpatt: str, detector: str) -> dict[str, Any]:
    """The ``subarray_cases`` of a reference that `configuration_in` reads back for the same kind of exposure."""
    names: Any = [found.name for found in configuration.interferences]
    if speed(readpatt) == "SLOW":
        names = {detector: names}
    clocks = {"rowclocks": configuration.clocks.row, "frameclocks": configuration.clocks.frame}
    return {case_of(subarray, readpatt): {**clocks, "freqs": {speed(readpatt): names}}}


def _interference(frequencies: Mapping[str, Any], name: str, label: str) -> Interference:
    entry = frequencies.get(name, {})
    frequency, wave = entry.get("frequency"), entry.get("phase_amplitudes")
    if not frequency or wave is None or len(wave) < 2:
        found = f"the frequency {name} with frequency {frequency} and {0 if wave is None else len(wave)} samples"
        raise ReferenceFileError(f"emicorr reference {label}: found {found}; expected a frequency and two or more")
    return Interference(name, float(frequency), wave)
