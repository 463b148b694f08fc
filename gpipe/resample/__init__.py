"""resample: exposures drizzled onto a common grid."""
