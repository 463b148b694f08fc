"""Files as they lie on disk, checked before a package parses them: what they say may be wrong, or meant to harm."""


class DamageError(Exception):
    """Raised for a file that is not what it should be; the text says what was found and what was expected."""
