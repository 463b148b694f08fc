"""Associations: exposures that are calibrated together, by their part in it (science, background, …)."""

from gpipe.associations.association import SINGLETON, Association, Member, Product, is_association, read_association
from gpipe.associations.from_list import asn_from_list
from gpipe.associations.paths import find_file, places_of

__all__ = [
    "SINGLETON",
    "Association",
    "Member",
    "Product",
    "asn_from_list",
    "find_file",
    "is_association",
    "places_of",
    "read_association",
]
