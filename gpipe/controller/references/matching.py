"""Values of an exposure that the rules of a reference type look at.

Exposures with the same ones have the same reference. Of the time of an exposure only the interval between two dates of
the rules counts, so that the exposures of a programme are a few dozen questions.
"""

import bisect
import re
from collections.abc import Hashable, Mapping
from typing import Any

DATE, TIME = "META.OBSERVATION.DATE", "META.OBSERVATION.TIME"
_SELECTORS = {"MatchSelector", "UseAfterSelector"}
_SINCE = "USEAFTER"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
_MISSING = "UNDEFINED"


class Matching:
    """Values that the rules of one reference type look at.

    Parameters
    ----------
    rules : a reference mapping of the ``crds`` client.
    """

    def __init__(self, rules: Any) -> None:
        names = set(rules.get_required_parkeys())
        self._dates, self._conditions = _dates(rules.selector), _conditions(rules.header)
        self._names = sorted(names - {DATE, TIME} if self._dates is not None else names)

    def values(self, conditioned: Mapping[str, str]) -> Hashable:
        """Select them from those of an exposure, by name in capitals, as the client conditions them."""
        names = list(self._names)
        if self._conditions:
            names += [name for name in conditioned if name.replace(".", "_") in self._conditions]
        return tuple((name, conditioned.get(name, _MISSING)) for name in names), self._interval(conditioned)

    def _interval(self, conditioned: Mapping[str, str]) -> Hashable:
        moment = f"{conditioned.get(DATE, _MISSING)} {conditioned.get(TIME, _MISSING)}"
        if self._dates is None or not _MOMENT.fullmatch(moment):
            return moment
        return bisect.bisect_right(self._dates, moment)


def _dates(selector: Any) -> list[str] | None:
    """List the dates from which references are valid, in order; None where the rules select by something else."""
    if not {type(each).__name__ for each in _with_inner(selector)} <= _SELECTORS:
        return None
    flat = selector.todict_flat()
    if _SINCE not in flat["parameters"]:
        return []
    place = list(flat["parameters"]).index(_SINCE)
    dates = sorted({row[place] for row in flat["selections"]})
    return dates if all(_MOMENT.fullmatch(date) for date in dates) else None


def _with_inner(selector: Any) -> list[Any]:
    inner = [choice for choice in selector.choices() if hasattr(choice, "choices")]
    return [selector, *(each for choice in inner for each in _with_inner(choice))]


def _conditions(header: Mapping[str, Any]) -> set[str]:
    """List the values that conditions in the header of the rules look at, with ``_`` for points."""
    conditions = repr([header.get(name, "") for name in ("rmap_relevance", "rmap_omit", "parkey_relevance")])
    return {name.replace(".", "_") for name in re.findall(r"\bMETA[._][\w.]+", conditions.upper())}
