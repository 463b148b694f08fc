"""jwst's own tests of the first stage, run on gpipe by substituted imports: ``make jwst-tests``."""
