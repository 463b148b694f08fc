"""Steps of jwst's first stage that gpipe does not have yet: named, so that they can be skipped, and no more."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gpipe.controller import Step
from gpipe.controller import parameters as p
from gpipe.controller.settings import Kind, Origin, Settings
from gpipe.exceptions import ParameterError

log = logging.getLogger(__name__)


class PlannedStep(Step):
    """A step that the order of near-infrared exposures holds a place for; it can only be skipped."""

    skip = p.Boolean(True, help="This step does not exist yet: True is the only value.")

    def _assign(self, name: str, value: Any, origin: Origin) -> None:
        super()._assign(name, value, origin)
        if name != "skip" or self.skip:
            return
        super()._assign(name, True, origin)
        if origin.kind != Kind.CRDS:
            raise ParameterError(
                f"{self.label}.skip: found {value!r}, but gpipe does not have this step yet; expected True"
            )
        log.warning("%s recommends step %s, which gpipe does not have yet; it is skipped", origin, self.label)

    def _configure(self, layers: Sequence[Settings], problems: list[str]) -> None:
        """Files often hold every parameter of every step, skipped or not; a keyword is meant."""
        known = type(self).parameters()
        unused = sorted({n for layer in layers if layer.origin.file for n in layer.values if n not in known})
        if unused:
            log.info("Step %s is skipped; of its parameters not used: %s", self.label, ", ".join(unused))
        super()._configure([_without(unused, layer) if layer.origin.file else layer for layer in layers], problems)

    def _unknown(self, name: str) -> str:
        return f"{super()._unknown(name)}; gpipe does not have this step yet"


def _without(names: Sequence[str], layer: Settings) -> Settings:
    return replace(layer, values={name: value for name, value in layer.values.items() if name not in names})


class MiriStep(PlannedStep):
    """A step for MIRI exposures; any ``skip`` is as good as another for the exposures that gpipe calibrates."""

    def _assign(self, name: str, value: Any, origin: Origin) -> None:
        Step._assign(self, name, value, origin)


class EmiCorrStep(MiriStep):
    """Planned: subtract MIRI's electromagnetic interference."""

    class_alias = "emicorr"


class RscdStep(MiriStep):
    """Planned: flag MIRI groups that the reset switch charge decay touches."""

    class_alias = "rscd"
    skip = p.Boolean(False)


class FirstFrameStep(MiriStep):
    """Planned: flag the first group of MIRI integrations."""

    class_alias = "firstframe"


class LastFrameStep(MiriStep):
    """Planned: flag the last group of MIRI integrations."""

    class_alias = "lastframe"
    skip = p.Boolean(False)


class ResetStep(MiriStep):
    """Planned: subtract MIRI's reset anomaly."""

    class_alias = "reset"
    skip = p.Boolean(False)


class CleanFlickerNoiseStep(PlannedStep):
    """Planned: subtract 1/f noise from groups."""

    class_alias = "clean_flicker_noise"
