"""Steps of jwst's first stage that gpipe does not have yet, all for MIRI: named, so that scripts can set ``skip``."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from gpipe.controller import Step
from gpipe.controller import parameters as p
from gpipe.controller.settings import Settings

log = logging.getLogger(__name__)


class MiriStep(Step):
    """A step for MIRI exposures; any ``skip`` is as good as another for the exposures that gpipe calibrates."""

    skip = p.Boolean(True, help="This step does not exist yet, and has no effect.")

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


class EmiCorrStep(MiriStep):
    """Planned: subtract MIRI's electromagnetic interference."""

    class_alias = "emicorr"
