"""Flags of reference files: each file defines its own bits, in a table DQ_DEF."""

import logging

import numpy as np

log = logging.getLogger(__name__)

_TABLE_LIMIT = 1 << 20


def translate(dq: np.ndarray, definitions: np.ndarray, name: str) -> np.ndarray:
    """Translate a reference's own flags into JWST's bit values.

    Parameters
    ----------
    dq : uint32, any shape; the file's own bits.
    definitions : the DQ_DEF table, with columns NAME and VALUE. Without rows the flags are JWST's already.
    name : the file, for the log. Mnemonics that JWST does not have are logged and ignored.

    Returns
    -------
    uint32, the same shape.

    Notes
    -----
    https://jwst-pipeline.readthedocs.io/en/latest/jwst/references_general/references_general.html#dq-def-extension
    """
    if len(definitions) == 0:
        return dq
    bits = _bits(definitions, name)
    largest = int(dq.max(initial=0))
    if largest < _TABLE_LIMIT:  # one gather instead of a pass for each flag
        return _translated(np.arange(largest + 1, dtype=np.uint32), bits)[dq]
    return _translated(dq, bits)


def _bits(definitions: np.ndarray, name: str) -> list[tuple[int, int]]:
    from stdatamodels.jwst.datamodels import dqflags

    columns = {column.upper(): definitions[column] for column in definitions.dtype.names or ()}
    bits = []
    for value, mnemonic in zip(columns["VALUE"], columns["NAME"], strict=True):
        if mnemonic.strip() in dqflags.pixel:
            bits.append((int(value), int(dqflags.pixel[mnemonic.strip()])))
        else:
            log.warning("%s: DQ_DEF defines %r, which is not a flag of JWST; ignored", name, str(mnemonic))
    return bits


def _translated(dq: np.ndarray, bits: list[tuple[int, int]]) -> np.ndarray:
    out = np.zeros_like(dq)
    for own, jwst in bits:
        out |= np.where(dq & np.uint32(own), np.uint32(jwst), np.uint32(0))
    return out
