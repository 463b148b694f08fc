"""Flags of reference files: each file defines its own bits, in a table DQ_DEF."""

import logging

import numpy as np

from gpipe.exceptions import ReferenceFileError
from gpipe.forks import cached_property

log = logging.getLogger(__name__)

_HALF = 16
_LOW = np.uint32((1 << _HALF) - 1)
_LARGEST = 0xFFFFFFFF


class Translation:
    """From a reference's own flags to JWST's bit values; made once for a file.

    Parameters
    ----------
    definitions : the DQ_DEF table, with columns NAME and VALUE. Without rows the flags are JWST's already.
    name : the file, for the log. Mnemonics that JWST does not have are logged and ignored.

    Raises
    ------
    ReferenceFileError
        The table has no such columns, or other values in them.

    Notes
    -----
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/references_general/references_general.html#dq-def-extension
    """

    def __init__(self, definitions: np.ndarray, name: str) -> None:
        self._empty = len(definitions) == 0
        self._bits = [] if self._empty else _bits(definitions, name)
        self._known = sum({own for own, _ in self._bits})
        self._same = all(own == jwst and own & (own - 1) == 0 for own, jwst in self._bits)

    def __call__(self, dq: np.ndarray) -> np.ndarray:
        """JWST's flags, for the file's own: both uint32, of any shape. The result may be what was given."""
        if self._empty:
            return dq
        if self._same:
            return dq & np.uint32(self._known)
        flags = np.zeros_like(dq)
        flagged = dq != 0  # few are
        flags[flagged] = self._looked_up(dq[flagged])
        return flags

    def _looked_up(self, dq: np.ndarray) -> np.ndarray:
        low, high = self._tables
        return low[dq & _LOW] | high[dq >> np.uint32(_HALF)]

    @cached_property
    def _tables(self) -> tuple[np.ndarray, np.ndarray]:
        """JWST's flags for the lower and for the upper half of the bits: two gathers, not a pass for each flag."""
        values = np.arange(1 << _HALF, dtype=np.uint32)
        return _translated(values, self._bits), _translated(values << np.uint32(_HALF), self._bits)


def _bits(definitions: np.ndarray, name: str) -> list[tuple[int, int]]:
    from stdatamodels.jwst.datamodels.dqflags import pixel  # of this module alone

    bits = []
    values, names = _column(definitions, "VALUE", "iu", name), _column(definitions, "NAME", "US", name)
    for value, mnemonic in zip(values, names, strict=True):
        flag = mnemonic.decode("ascii", "replace") if isinstance(mnemonic, bytes) else str(mnemonic)
        if not 0 <= value <= _LARGEST:
            raise ReferenceFileError(f"{name}: found VALUE {value} in DQ_DEF; expected flags of 32 bits")
        if flag.strip() in pixel:
            bits.append((int(value), int(pixel[flag.strip()])))
        else:
            log.warning("%s: DQ_DEF defines %r, which is not a flag of JWST; ignored", name, flag)
    return bits


def _column(definitions: np.ndarray, wanted: str, kinds: str, name: str) -> np.ndarray:
    """A column by its name in any case, if it holds what is expected."""
    found = {column.upper(): definitions[column] for column in definitions.dtype.names or ()}
    if wanted not in found:
        described = ", ".join(found) or "none"
        raise ReferenceFileError(f"{name}: found the columns {described} in DQ_DEF; expected {wanted} among them")
    values = found[wanted]
    if values.dtype.kind not in kinds or values.ndim != 1:
        expected = "names" if "U" in kinds else "whole numbers"
        raise ReferenceFileError(f"{name}: found {wanted} of type {values.dtype} in DQ_DEF; expected {expected}")
    return values


def _translated(dq: np.ndarray, bits: list[tuple[int, int]]) -> np.ndarray:
    out = np.zeros_like(dq)
    for own, jwst in bits:
        out |= np.where(dq & np.uint32(own), np.uint32(jwst), np.uint32(0))
    return out
