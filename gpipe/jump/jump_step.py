"""The jump step."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from gpipe.arrays import Array
from gpipe.arrays.unusable import unusable_rows
from gpipe.controller import Block, Cut, Preview, Produced, Ref, References, Skip, Step, SummaryOf, Work
from gpipe.controller import parameters as p
from gpipe.controller.plan import threads
from gpipe.datamodels import Described, Ramp
from gpipe.datamodels.exposures.instruments import MIRI, OTHERS
from gpipe.exceptions import InputError
from gpipe.jump.detection import flag_jumps, flag_unknown_gain
from gpipe.jump.full_groups_exposure import full_group_counts, number_taken_back, take_back
from gpipe.jump.method import unusable_groups
from gpipe.jump.settings_exposure import after_jumps, jump_settings, shower_search, snowball_settings
from gpipe.jump.showers_exposure import check_ring, with_showers
from gpipe.jump.snowballs_exposure import with_snowballs

log = logging.getLogger(__name__)

MIN_GROUPS = 3
SNOWBALLS = "Used by expand_large_events only."
SHOWERS = "Used by find_showers only."
PREDECESSORS = ("dq_init", "saturation", "refpix", "linearity", "dark_sub")


class JumpStep(Step):
    """Flag groups that begin with a jump: a cosmic-ray hit or another step in the ramp."""

    alias = "jump"
    by_piece = False
    references = (Ref("gain", missing="error"), Ref("readnoise", missing="error"))
    after: ClassVar = {MIRI: PREDECESSORS, OTHERS: (*PREDECESSORS, "superbias")}
    cut = Cut(
        Block.ROWS,
        writes=("groupdq:JUMP_DET", "pixeldq"),
        halo=1,
        summary=SummaryOf(("groupdq:DO_NOT_USE",), preview=Preview.SAMPLE),
    )

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
                raise InputError.at(self.label, f"{keyword} {value}", "more than 0")

    def block(self, meta: Any) -> Block:
        """Snowballs, showers and flags after jumps (of the median gain) look at the whole image."""
        after = after_jumps(self.get_pars(), meta)
        return Block.EXPOSURE if self.expand_large_events or self.find_showers or after else Block.ROWS

    def summarize(self, chunk: Ramp) -> Mapping[str, Array]:
        return {"unusable": chunk.backend.native(unusable_rows)(chunk.groupdq)}

    def begin(self, outline: Described, references: References, summary: Mapping[str, Any]) -> Work:
        groups = outline.shape[1]
        if groups < MIN_GROUPS:
            raise Skip(f"NGROUPS is {groups}; jump detection needs at least {MIN_GROUPS}")
        unusable = outline.backend.to_host(unusable_groups(summary["unusable"])).tolist()
        differences = outline.shape[0] * (groups - 1) - sum(unusable)
        given = self.get_pars()
        settings = jump_settings(given, outline, unusable, whole_images=not self._may_clip_rows(outline.meta))
        snowballs = snowball_settings(given, outline) if self.expand_large_events else None
        showers = shower_search(given, outline) if self.find_showers else None

        def apply(chunk: Ramp) -> Produced:
            gain, readnoise = (references[reftype].plane("data", chunk) for reftype in ("gain", "readnoise"))
            found = chunk.backend.native(flag_jumps)(
                chunk.data,
                chunk.groupdq,
                gain,
                readnoise,
                settings=settings,
                workers=threads.inside(self, chunk),
            )
            groupdq, large_events = found.groupdq, 0
            if snowballs is not None:
                groupdq, large_events = with_snowballs(chunk, groupdq, snowballs)
            flagged = replace(chunk, groupdq=groupdq, pixeldq=flag_unknown_gain(chunk.pixeldq, gain))
            if showers is not None:
                groupdq, large_events = with_showers(flagged, gain, readnoise, showers, differences=differences)
            counts: dict[str, Any] = {}
            if found.primary is not None:
                counts = {"jumps": found.primary, "large events": large_events}
            if found.open_rows is not None and not settings.whole_images:
                counts |= full_group_counts(found.groupdq, found.open_rows, chunk.backend)
            return Produced((replace(flagged, groupdq=groupdq),), counts=counts)

        def end(counts: Mapping[str, int]) -> Mapping[str, int]:
            if not counts or settings.method is None:
                return {}
            jumps, events = counts["jumps"] - number_taken_back(counts), counts["large events"]
            log.debug("Jumps are found by %s", settings.method.value)
            _record_rates(outline, jumps, events, differences)
            large = "snowballs" if snowballs else "showers" if showers else None
            return {"jumps": jumps} | ({large: events} if large else {})

        return Work(apply, end, take_back)

    def _may_clip_rows(self, meta: Any) -> bool:
        """Tell whether sigma clipping may see some rows at a time: it takes back flags that all of a group have."""
        samples = meta.exposure.nints * (1 if self.only_use_ints else meta.exposure.ngroups)
        return self.block(meta) == Block.ROWS and samples >= self.minimum_sigclip_groups


def _record_rates(exposure: Any, count: int, large_events: int, differences: int) -> None:
    """Record jumps for 1000 pixel seconds, as PRIMECRS, and large events for a million, as EXTNCRS."""
    rows, columns = exposure.shape[2:]
    meta = exposure.meta.exposure
    if differences >= 1:
        meta.primary_cosmic_rays = 1000 * count / (meta.group_time * differences * rows * columns)
        meta.extended_emission_events = 1e6 * large_events / (meta.group_time * differences * rows * columns)
