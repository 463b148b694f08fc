"""New files on a disk: FITS as bytes, where files are written, and when they are safe."""
