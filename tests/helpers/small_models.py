"""Metadata of small exposures, made by stdatamodels itself."""


def describe(model, shape, *, subarray=(1, 1)):
    """Metadata that a NIRCam exposure of this (integration, group, row, column) shape has."""
    ints, groups, rows, columns = shape
    meta = model.meta
    meta.telescope = "JWST"
    meta.instrument.instance.update(
        name="NIRCAM", detector="NRCALONG", channel="LONG", module="A", filter="F444W", pupil="CLEAR"
    )
    meta.exposure.instance.update(
        type="NRC_IMAGE",
        readpatt="MEDIUM8",
        nframes=8,
        groupgap=2,
        frame_divisor=8,
        ngroups=groups,
        nints=ints,
        integration_start=1,
        integration_end=ints,
        frame_time=10.7,
        group_time=107.0,
        zero_frame=True,
    )
    meta.subarray.instance.update(
        name="SUB160", xstart=subarray[0], ystart=subarray[1], xsize=columns, ysize=rows, fastaxis=-1, slowaxis=2
    )
    meta.observation.instance.update(date="2026-07-01", time="00:00:00.000")
    meta.wcsinfo.instance.update(ra_ref=1.5, dec_ref=-2.5, s_region="POLYGON ICRS 1 2 3 4", v3yangle=0.25)
    meta.photometry.conversion_megajanskys = 3.5
