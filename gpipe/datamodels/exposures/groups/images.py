"""Calibrated images that are worked on together: mosaics are made of them."""

from dataclasses import dataclass
from typing import ClassVar

from gpipe.datamodels.exposures.groups.group import Group
from gpipe.datamodels.exposures.image import Image
from gpipe.datamodels.exposures.in_flight import Exposure


@dataclass(frozen=True, repr=False)
class Images(Group):
    """A group of calibrated images."""

    piece: ClassVar[type[Exposure]] = Image
    member_kinds: ClassVar[tuple[type[Exposure], ...]] = (Image,)
