"""The jump step."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gpipe.arrays import Array
from gpipe.arrays.unusable import unusable_rows
from gpipe.backends import Backend
from gpipe.controller import Block, Preview, Produced, References, Skip, Step, Work
from gpipe.controller import parameters as p
from gpipe.controller.plan import threads
from gpipe.datamodels import Ramp
from gpipe.exceptions import InputError
from gpipe.jump.after_jump import AfterJump
from gpipe.jump.detection import JumpSettings, flag_jumps, flag_unknown_gain, jumps_alone, unflag_full_groups
from gpipe.jump.iterative import Thresholds
from gpipe.jump.method import Method, choose_method, unusable_groups
from gpipe.jump.neighbours import Neighbours
from gpipe.jump.settings import ShowerSearch, shower_search
from gpipe.jump.showers_exposure import check_ring, with_showers

if TYPE_CHECKING:
    from gpipe.jump.snowballs_host import SnowballSettings

log = logging.getLogger(__name__)

MIN_GROUPS = 3
SNOWBALLS = "Used by expand_large_events only."
SHOWERS = "Used by find_showers only."


class JumpStep(Step):
    """Flag groups that begin with a jump: a cosmic-ray hit or another step in the ramp."""

    class_alias = "jump"
    reference_file_types = ("gain", "readnoise")
    missing_reference = "error"
    expects = ("dq_init", "saturation", "refpix", "linearity", "dark_sub")
    expects_near_infrared = ("superbias",)
    changes = ("groupdq:JUMP_DET", "pixeldq")
    summarized = ("groupdq:DO_NOT_USE",)
    preview = Preview.SAMPLE

    rejection_threshold = p.Float(4.0, min=0, unit="sigma", help="Threshold of a jump among four or more differences.")
    three_group_rejection_threshold = p.Float(6.0, min=0, unit="sigma", help="Threshold if two differences are left.")
    four_group_rejection_threshold = p.Float(5.0, min=0, unit="sigma", help="Threshold if three differences are left.")
    maximum_cores = p.Cores("1", help="Cores to look for jumps on. The flags do not depend on it.")
    flag_4_neighbors = p.Boolean(True, help="Also flag the four neighbours of a pixel with a jump.")
    max_jump_to_flag_neighbors = p.Float(1000.0, unit="sigma", help="Jumps from this on do not flag neighbours.")
    min_jump_to_flag_neighbors = p.Float(10.0, unit="sigma", help="Jumps up to this do not flag neighbours.")
    after_jump_flag_dn1 = p.Float(0.0, unit="DN", help="Jumps from this on flag groups for after_jump_flag_time1.")
    after_jump_flag_time1 = p.Float(0.0, unit="s", help="For how long groups after a jump are flagged.")
    after_jump_flag_dn2 = p.Float(0.0, unit="DN", help="Jumps from this on flag groups for after_jump_flag_time2.")
    after_jump_flag_time2 = p.Float(0.0, unit="s", help="For how long groups after a jump are flagged.")
    expand_large_events = p.Boolean(False, help="Flag snowballs: the surroundings of large events.")
    min_sat_area = p.Float(1.0, unit="pixel", help=f"Smallest saturated core. {SNOWBALLS}")
    min_jump_area = p.Float(5.0, unit="pixel", help=f"Smallest area of jumps. {SNOWBALLS}")
    expand_factor = p.Float(2.0, help=f"Growth of ellipses around events. {SNOWBALLS}")
    use_ellipses = p.Boolean(False, help="Deprecated; it has no effect, nor has it in jwst.")
    sat_required_snowball = p.Boolean(True, help=f"Whether an event must have a saturated core. {SNOWBALLS}")
    min_sat_radius_extend = p.Float(2.5, unit="pixel", help=f"Radius from which saturated cores grow. {SNOWBALLS}")
    sat_expand = p.Integer(2, unit="pixel", help=f"Growth of the radius of saturated cores. {SNOWBALLS}")
    edge_size = p.Integer(25, unit="pixel", help=f"Distance from the edge where no core is required. {SNOWBALLS}")
    mask_snowball_core_next_int = p.Boolean(True, help=f"Flag cores in the next integration, too. {SNOWBALLS}")
    snowball_time_masked_next_int = p.Integer(4000, unit="s", help=f"For how long they are flagged. {SNOWBALLS}")
    find_showers = p.Boolean(False, help="Flag showers of MIRI: large areas that are a little too bright.")
    max_shower_amplitude = p.Float(
        4.0, min=0, unit="DN/s", help=f"Flags that change a rate by more are taken back. {SHOWERS}"
    )
    extend_snr_threshold = p.Float(1.2, min=0, help=f"Least mean signal to noise in a ring. {SHOWERS}")
    extend_min_area = p.Integer(90, unit="pixel", help=f"Smallest area. {SHOWERS}")
    extend_inner_radius = p.Float(1.0, min=0, unit="pixel", help=f"Inner radius of the ring. {SHOWERS}")
    extend_outer_radius = p.Float(
        2.6, min=0, unit="pixel", help=f"Width of the ring: what the outer radius has over the inner one. {SHOWERS}"
    )
    extend_ellipse_expand_ratio = p.Float(1.1, help=f"Growth of ellipses around showers. {SHOWERS}")
    time_masked_after_shower = p.Float(
        15.0, min=0, unit="s", help=f"For how long groups after a shower are flagged. {SHOWERS}"
    )
    min_diffs_single_pass = p.Integer(10, help="Differences of an integration from which all are judged at once.")
    max_extended_radius = p.Integer(200, unit="pixel", help="Largest radius of snowballs and showers that is flagged.")
    minimum_groups = p.Integer(3, help="Usable groups of an integration that are needed to look for jumps.")
    minimum_sigclip_groups = p.Integer(
        100, help="Integrations, or groups if only_use_ints is off, from which jumps are found by sigma clipping."
    )
    only_use_ints = p.Boolean(True, help="Sigma clipping compares a group with the same group of other integrations.")

    def check(self, meta: Any, references: References) -> None:
        if self.find_showers:
            check_ring(self.label, self.extend_inner_radius, self.extend_outer_radius)
        for keyword, value in (("NFRAMES", meta.exposure.nframes), ("TGROUP", meta.exposure.group_time)):
            if value is None or not value > 0:
                raise InputError(f"{self.label}: found {keyword} {value}, expected more than 0")

    def block(self, meta: Any) -> Block:
        """Snowballs, showers and flags after jumps (of the median gain) look at the whole image."""
        after = self._after_jumps(meta.exposure.group_time)
        return Block.EXPOSURE if self.expand_large_events or self.find_showers or after else Block.ROWS

    def _may_clip_rows(self, meta: Any) -> bool:
        """Whether sigma clipping may see some rows at a time: it takes flags back where all of a group are flagged."""
        samples = meta.exposure.nints * (1 if self.only_use_ints else meta.exposure.ngroups)
        return self.block(meta) == Block.ROWS and samples >= self.minimum_sigclip_groups

    def halo(self, meta: Any) -> int:
        return 1

    def summarize(self, chunk: Ramp) -> Mapping[str, Array]:
        return {"unusable": chunk.backend.native(unusable_rows)(chunk.groupdq)}

    def begin(self, outline: Any, references: References, summary: Mapping[str, Any]) -> Work:
        groups = outline.shape[1]
        if groups < MIN_GROUPS:
            raise Skip(f"NGROUPS is {groups}; jump detection needs at least {MIN_GROUPS}")
        unusable = outline.backend.to_host(unusable_groups(summary["unusable"])).tolist()
        settings = self._settings(unusable, outline)
        differences = outline.shape[0] * (groups - 1) - sum(unusable)
        showers = self._shower_search(outline) if self.find_showers else None

        def apply(chunk: Ramp) -> Produced:
            gain, readnoise = (reference.plane("data", chunk) for reference in (references.gain, references.readnoise))
            found = chunk.backend.native(flag_jumps)(
                chunk.data,
                chunk.groupdq,
                gain,
                readnoise,
                settings=settings,
                workers=threads.inside(self, chunk),
            )
            groupdq, large_events = self._with_snowballs(found.groupdq, chunk)
            flagged = replace(chunk, groupdq=groupdq, pixeldq=flag_unknown_gain(chunk.pixeldq, gain))
            if showers is not None:
                groupdq, large_events = with_showers(flagged, gain, readnoise, showers, differences=differences)
            counts: dict[str, Any] = {}
            if found.primary is not None:
                counts = {"jumps": found.primary, "large events": large_events}
            if found.open_rows is not None and not settings.whole_images:
                counts |= _of_full_groups(found.groupdq, found.open_rows, chunk.backend)
            return Produced((replace(flagged, groupdq=groupdq),), counts=counts)

        def end(counts: Mapping[str, int]) -> None:
            if counts and settings.method is not None:
                jumps = counts["jumps"] - _taken_back(counts)
                log.info("%d jumps found (%s)", jumps, settings.method.value)
                _record_rates(outline, jumps, counts["large events"], differences)

        return Work(apply, end, _take_back)

    def _with_snowballs(self, groupdq: Array, exposure: Ramp) -> tuple[Array, int]:
        """The flags with those of snowballs, and how many there are."""
        if not self.expand_large_events:
            return groupdq, 0
        # SciPy is imported only where snowballs are looked for.
        from gpipe.jump.groups_host import group_finder
        from gpipe.jump.snowballs_host import flag_snowballs

        settings = self._snowball_settings(float(exposure.meta.exposure.group_time))
        found = flag_snowballs(groupdq, settings, group_finder(exposure.backend, "Snowballs"))
        log.info("%d snowballs found", found.count)
        return found.groupdq, found.count

    def _snowball_settings(self, group_time: float) -> "SnowballSettings":
        from gpipe.jump.snowballs_host import SnowballSettings

        masked = int(self.snowball_time_masked_next_int // group_time) if self.mask_snowball_core_next_int else 0
        return SnowballSettings(
            min_jump_area=self.min_jump_area,
            min_sat_area=self.min_sat_area,
            expand_factor=self.expand_factor,
            sat_required=self.sat_required_snowball,
            min_sat_radius_extend=self.min_sat_radius_extend,
            sat_expand=2 * self.sat_expand,
            edge_size=self.edge_size,
            max_axis=2 * self.max_extended_radius,
            next_integration_groups=masked,
        )

    def _shower_search(self, exposure: Any) -> ShowerSearch:
        frames, group_time = int(exposure.meta.exposure.nframes), float(exposure.meta.exposure.group_time)
        return shower_search(self.get_pars(), integrations=exposure.shape[0], frames=frames, group_time=group_time)

    def _settings(self, unusable: list[int], exposure: Any) -> JumpSettings:
        reach = Neighbours(least=self.min_jump_to_flag_neighbors, most=self.max_jump_to_flag_neighbors)
        return JumpSettings(
            method=self._method(unusable, exposure.shape[1]),
            thresholds=Thresholds(
                four_or_more=self.rejection_threshold,
                three=self.four_group_rejection_threshold,
                two=self.three_group_rejection_threshold,
            ),
            frames=int(exposure.meta.exposure.nframes),
            only_use_ints=self.only_use_ints,
            whole_images=not self._may_clip_rows(exposure.meta),
            neighbours=reach if self.flag_4_neighbors else None,
            after=self._after_jumps(float(exposure.meta.exposure.group_time)),
        )

    def _method(self, unusable: list[int], groups: int) -> Method | None:
        method = choose_method(
            unusable,
            groups,
            minimum_groups=self.minimum_groups,
            minimum_sigclip_groups=self.minimum_sigclip_groups,
            only_use_ints=self.only_use_ints,
            min_diffs_single_pass=self.min_diffs_single_pass,
        )
        if method is None:
            least = groups - max(unusable)
            log.warning("no jumps are looked for: found %d usable groups, expected %d", least, self.minimum_groups)
        return method

    def _after_jumps(self, group_time: float) -> tuple[AfterJump, ...]:
        given = (
            (self.after_jump_flag_dn1, self.after_jump_flag_time1),
            (self.after_jump_flag_dn2, self.after_jump_flag_time2),
        )
        after = (AfterJump(dn=dn, groups=int(seconds // group_time)) for dn, seconds in given)
        return tuple(a for a in after if a.groups > 0)


def _of_full_groups(groupdq: Array, open_rows: Array, backend: Backend) -> dict[str, Any]:
    """What must be counted to take flags back where all of the image has them."""
    closed = [(i, g) for i, g in np.argwhere(~backend.to_host(open_rows).any(axis=-1)).tolist()]
    return {"open rows": open_rows, "alone": jumps_alone(groupdq, closed)}


def _take_back(counts: Mapping[str, Any]) -> Callable[[Ramp], Ramp] | None:
    """What takes back flags that sigma clipping found in rows where all of the image has them."""
    if not _taken_back(counts):
        return None

    def taken_back(chunk: Ramp) -> Ramp:
        opened = chunk.backend.to_device(counts["open rows"] > 0)
        return replace(chunk, groupdq=unflag_full_groups(chunk.groupdq, opened))

    return taken_back


def _taken_back(counts: Mapping[str, Any]) -> int:
    """How many flags that is."""
    return int(counts["alone"][counts["open rows"] == 0].sum()) if "alone" in counts else 0


def _record_rates(exposure: Any, count: int, large_events: int, differences: int) -> None:
    """Jumps for 1000 pixel seconds, as PRIMECRS, and large events for a million, as EXTNCRS."""
    rows, columns = exposure.shape[2:]
    meta = exposure.meta.exposure
    if differences >= 1:
        meta.primary_cosmic_rays = 1000 * count / (meta.group_time * differences * rows * columns)
        meta.extended_emission_events = 1e6 * large_events / (meta.group_time * differences * rows * columns)
