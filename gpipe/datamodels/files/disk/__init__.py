"""New files on a disk: where they are written, and when they are safe."""
