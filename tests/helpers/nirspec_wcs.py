"""World coordinates as jwst's assign_wcs gives them to NIRSpec exposures, as far as apertures are concerned."""

import numpy as np
from astropy.modeling import bind_bounding_box
from astropy.modeling.bounding_box import CompoundBoundingBox
from astropy.modeling.models import Const1D, Identity, Mapping, Shift
from gwcs import WCS, selector
from gwcs.coordinate_frames import Frame2D
from stdatamodels.jwst.transforms.models import Gwa2Slit, Slit


def slit(number, quadrant=1):
    return Slit(f"slit {number}", number, 0, 10, 10, -0.55, 0.55, quadrant, number, "x", slit_id=number)


def behind_slits(boxes, quadrant=1):
    """A WCS with a slit for each number in ``boxes``, whose values are ((left, right), (bottom, top))."""
    slits = [slit(number, quadrant) for number in boxes]
    to_gwa = Mapping((0, 1, 1, 2))
    to_gwa.inputs = ("x", "y", "name")
    to_slits = Gwa2Slit(slits, [Identity(3) for _ in slits])
    wcs = WCS([(Frame2D(name="detector"), to_gwa), (Frame2D(name="gwa"), to_slits), (Frame2D(name="slit_frame"), None)])
    transform = wcs.forward_transform
    transform.inputs = ("x", "y", "name")
    wcs.bounding_box = CompoundBoundingBox.validate(transform, boxes, selector_args=[("name", True)], order="F")
    return wcs


def behind_slices(labels):
    """A WCS with a map of 30 slices: the number of each pixel's slice, 0 between them."""
    transforms = {}
    for number in range(1, 31):
        transform = Mapping((0, 1, 1))
        rows, columns = np.nonzero(labels == number)
        box = ((columns.min() - 0.5, columns.max() + 0.5), (rows.min() - 0.5, rows.max() + 0.5))
        bind_bounding_box(transform, box, order="F")
        transforms[number] = transform
    mapper = selector.LabelMapperArray(labels)
    mapper.inverse = Mapping((0,), n_inputs=3) | Const1D(1)
    to_slicer = selector.RegionsSelector(
        ("x", "y"), ("x_slice", "y_slice", "lam"), label_mapper=mapper, selector=transforms
    )
    to_slicer.inputs, to_slicer.outputs = ("x", "y"), ("x_slice", "y_slice", "lam")
    to_world = Shift(0.0) & Shift(0.0) & Shift(0.0)
    steps = {"coordinates": Identity(2), "detector": to_slicer, "slicer": to_world, "world": None}
    return WCS([(Frame2D(name=name), transform) for name, transform in steps.items()])
