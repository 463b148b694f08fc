"""The persistence step."""

from collections.abc import Sequence
from typing import Any

from gpipe.controller import Produced, Ref, References, Step
from gpipe.controller import parameters as p
from gpipe.datamodels import Ramp, Reference
from gpipe.exceptions import InputError, ParameterError
from gpipe.persistence.time_window_exposure import flag_exposure, windows_before
from gpipe.persistence.trap_model_exposure import check_earlier, correct_exposure, trap_families

TIME_WINDOW, TRAP_MODEL = "time_window", "trap_model"
_NO_FILE = ("", "None")


class _SavePersistence(p.Path):
    """The name of a file, or True or False: jwst 3.0.0 and jwst 1.20 mean different things by one parameter."""

    def convert(self, value: Any) -> Any:
        if isinstance(value, bool):
            return value
        text = super().convert(value)
        return p.Boolean(False).convert(text) if text.lower() in p.TRUTH_WORDS else text

    def kind(self) -> str:
        return f"a file name ('{TIME_WINDOW}'), or True or False ('{TRAP_MODEL}')"


class PersistenceStep(Step):
    """Flag or subtract what pixels remember of earlier, brighter light."""

    alias = "persistence"
    by_piece = False
    references = (Ref("trapdensity"), Ref("trappars"), Ref("persat"))
    after = ("saturation", "linearity")

    skip = p.Boolean(True, help="Leave the exposure as it is.")
    algorithm = p.Option(
        TIME_WINDOW,
        (TIME_WINDOW, TRAP_MODEL),
        help="'time_window' flags groups that follow saturation; 'trap_model' subtracts what charge traps release.",
    )
    save_persistence = _SavePersistence(
        None,
        help="time_window: ASDF file for the windows that are open at the end. "
        "trap_model: whether to save what was subtracted, as `_output_pers`.",
    )
    persistence_time = p.Integer(None, min=1, unit="s", help="time_window: length of a window.")
    dn_threshold = p.Float(None, unit="DN", help="time_window: samples above it open a window too.")
    persistence_array_file = p.Path(None, help="time_window: ASDF file with the windows that are open at the start.")
    persistence_dnu = p.Boolean(False, help="time_window: flag DO_NOT_USE beside PERSISTENCE.")
    input_trapsfilled = p.Path("", help="trap_model: `_trapsfilled` product of the detector's latest exposure.")
    flag_pers_cutoff = p.Float[float | None](
        40.0, optional=True, unit="DN", help="trap_model: pixels with this much persistence or more are flagged."
    )
    save_trapsfilled = p.Boolean(False, help="trap_model: save the filled traps at the end, as `_trapsfilled`.")

    @property
    def subtracts(self) -> bool:
        """True if the step changes the signal, not only flags."""
        return self.algorithm == TRAP_MODEL

    def wanted_references(self, meta: Any) -> Sequence[str]:
        return self.reference_file_types if self.subtracts else ()

    def check(self, meta: Any, references: References) -> None:
        if self.subtracts:
            self._check_trap_model(meta, references)
        else:
            self._check_time_window(meta)

    def apply(self, exposure: Ramp, references: References) -> Ramp | Produced:
        if self.subtracts:
            return correct_exposure(
                exposure,
                references,
                earlier=self._earlier_traps(),
                cutoff=self.flag_pers_cutoff,
                save_persistence=bool(self.save_persistence),
                save_traps=self.save_trapsfilled,
            )
        seconds = self.persistence_time or 0  # None is refused before work
        return flag_exposure(
            exposure,
            windows_before(exposure.meta, self.persistence_array_file, seconds),
            seconds=seconds,
            threshold=self.dn_threshold,
            do_not_use=self.persistence_dnu,
            save_as=self.save_persistence or None,
        )

    def _check_time_window(self, meta: Any) -> None:
        if self.persistence_time is None:
            raise ParameterError(
                f"{self.label}.persistence_time: found None, expected the length of a window [s], "
                f"or algorithm='{TRAP_MODEL}', which needs none"
            )
        if self.save_persistence is True:
            raise ParameterError(
                f"{self.label}.save_persistence: found True, expected a file name with algorithm='{TIME_WINDOW}'"
            )
        if meta.exposure.start_time is None:
            raise InputError(f"{meta.filename}: found nothing for meta.exposure.start_time; expected a date [MJD]")
        windows_before(meta, self.persistence_array_file, self.persistence_time)

    def _check_trap_model(self, meta: Any, references: References) -> None:
        if isinstance(self.save_persistence, str):
            raise ParameterError(
                f"{self.label}.save_persistence: found {self.save_persistence!r}, "
                f"expected True or False with algorithm='{TRAP_MODEL}'"
            )
        if (trappars := references.get("trappars")) is not None:
            trap_families(trappars)
        earlier = self._earlier_traps()
        complete = all(references.get(reftype) is not None for reftype in self.reference_file_types)
        if earlier is not None and complete:
            check_earlier(earlier, meta, references)

    def _earlier_traps(self) -> Reference | None:
        return None if self.input_trapsfilled in _NO_FILE else Reference("trapsfilled", self.input_trapsfilled)
