"""Gaps in the mesh of a background model: filled on the host, from the nearest boxes that have a value."""

import logging

import numpy as np

from gpipe.arrays import Array
from gpipe.backends import Backend
from gpipe.background_mask.background import FillGaps

log = logging.getLogger(__name__)

NEIGHBOURS = 10
_LEAF_SIZE = 10


def gap_filler(backend: Backend) -> FillGaps:
    """Return a function that fills gaps in meshes of this backend. A mesh has a few thousand values at most."""
    if backend.name != "numpy":
        log.info("Background models: gaps in the mesh of medians are filled on the host")

    def fill(mesh: Array) -> Array:
        return backend.to_device(fill_gaps(backend.to_host(mesh)))

    return fill


def fill_gaps(mesh: np.ndarray) -> np.ndarray:
    """Fill NaN with the mean of the ten nearest values, weighted by the inverse of their distance.

    Among several neighbours at the same distance the search tree chooses the tenth, as in photutils (Shepard 1968,
    Proc. 23rd ACM National Conference, 517). A mesh without values is not changed.
    """
    missing = np.isnan(mesh)
    if not missing.any() or missing.all():
        return mesh
    from scipy.spatial import cKDTree

    known = ~missing
    tree = cKDTree(np.argwhere(known), leafsize=_LEAF_SIZE)
    distance, nearest = tree.query(np.argwhere(missing), k=NEIGHBOURS)
    found = np.isfinite(distance)  # there may be fewer than ten
    weight = np.where(found, 1 / distance, 0.0)
    values = mesh[known][np.where(found, nearest, 0)]
    filled = mesh.copy()
    filled[missing] = np.sum(weight * values, axis=1) / np.sum(weight, axis=1)
    return filled
