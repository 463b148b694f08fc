"""Kernels in C refuse arguments that they cannot take, with a line that names them; flags are those of ``dq``."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.in_c import kernel, unaligned

from gpipe import dq
from gpipe.exceptions import BackendError
from gpipe.kernels.native import arguments
from gpipe.rscd.flagging import flag_decay

ROOT = Path(__file__).parents[2]
leave_out = sys.modules[kernel(flag_decay).__module__]._leave_out


def given(**changed):
    arrays = {
        "groupdq": np.zeros((2, 5, 3, 4), np.uint8),
        "start": 0,
        "stop": 2,
        "skip": 1,
        "flagged": np.zeros((2, 5, 3, 4), np.uint8),
        "found": np.zeros((2, 3, 4), np.bool_),
    }
    return (arrays | changed).values()


def read_only(x):
    x.flags.writeable = False
    return x


def test_what_is_expected():
    leave_out(*given(groupdq=read_only(np.zeros((2, 5, 3, 4), np.uint8)), start=np.int32(1)))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"groupdq": [1]}, TypeError, "groupdq: found list; expected an array of uint8"),
        ({"groupdq": np.zeros((2, 5, 3, 4), np.int8)}, TypeError, "groupdq: found int8; expected an array of uint8"),
        (
            {"groupdq": np.zeros((5, 3, 4), np.uint8)},
            ValueError,
            "groupdq: found shape (5, 3, 4); expected axes integr",
        ),
        ({"groupdq": np.zeros((2, 5, 3, 8), np.uint8)[..., ::2]}, ValueError, "groupdq: found strides"),
        ({"flagged": read_only(np.zeros((2, 5, 3, 4), np.uint8))}, ValueError, "flagged: found a read-only array"),
        (
            {"flagged": np.zeros((2, 5, 3, 5), np.uint8)},
            ValueError,
            "flagged: found 5 columns in shape (2, 5, 3, 5); expected 4",
        ),
        ({"found": np.zeros((3, 3, 4), np.bool_)}, ValueError, "found: found 3 2 in shape (3, 3, 4); expected 2"),
        ({"start": 1.0}, TypeError, "start: found float; expected int64_t"),
        ({"start": None}, TypeError, "start: found NoneType; expected int64_t"),
        ({"found": None}, TypeError, "found: found NoneType; expected an array of bool"),
    ],
)
def test_what_is_not(changed, error, message):
    with pytest.raises(error, match=f"^kernel rscd_leave_out: argument {re.escape(message)}"):
        leave_out(*given(**changed))


def test_the_number_of_arguments():
    with pytest.raises(TypeError, match="found 1 arguments; expected 6"):
        leave_out(1)


@pytest.mark.parametrize(
    ("value", "options", "kind", "found"),
    [
        (np.zeros(3, ">f4"), {}, TypeError, ">f4"),
        (unaligned(np.zeros(3, np.float32)), {}, ValueError, "an array that is not aligned"),
        (unaligned(np.zeros(3, np.float32)), {"is_strided": True}, ValueError, "an array that is not aligned"),
        (np.zeros(6, np.float32)[::2], {"is_strided": True}, ValueError, "strides (8,)"),
        (np.zeros(3, np.float32), {"is_written": True}, None, None),
        (np.zeros(6, np.float32)[2:4], {"is_strided": True}, None, None),
        (np.zeros(1, np.float32)[::-1], {"is_strided": True}, None, None),
        (None, {"is_optional": True}, None, None),
        (None, {}, TypeError, "NoneType"),
    ],
)
def test_arrays(value, options, kind, found):
    """Of types that no kernel needs to have: C is not called."""
    array = arguments.array(np.float32, "n", **options)
    if kind is None:
        array.add(value, [], {})
        return
    with pytest.raises(arguments.WrongArgumentError) as caught:
        array.add(value, [], {})
    assert (caught.value.kind, str(caught.value.found)) == (kind, found)


def test_what_c_gets():
    words, lengths = [], {"2": 2}
    x = np.zeros((2, 4, 6, 8), np.float32)[:, ::-2, 1:3, 2:7]
    arguments.array(np.float32, "2 groups rows columns", is_strided=True).add(x, words, lengths)
    assert words == [x.ctypes.data, 192, -96, 8]
    assert lengths == {"2": 2, "groups": 2, "rows": 2, "columns": 5}
    words = []
    arguments.array(np.float32, "rows columns", is_strided=True, is_optional=True).add(None, words, {})
    assert words == [None, 0]


def test_another_declaration_than_that_of_the_library():
    with pytest.raises(
        BackendError, match=r"kernel rscd_leave_out: found void \(const uint8_t .* expected void \(int64_t"
    ):
        arguments.Function("rscd_leave_out", start=arguments.integer)
    with pytest.raises(BackendError, match=r"found no kernel nothing in .*; expected a library of this version"):
        arguments.Function("nothing", start=arguments.integer)


def test_arrays_as_c_takes_them():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert arguments.contiguous(x) is x
    for other in (x[:, ::2], x.T, unaligned(x)):
        found = arguments.contiguous(other)
        assert found.flags.carray
        np.testing.assert_array_equal(found, other)


def test_text_of_a_declaration():
    arrays = {
        "data": arguments.array(np.float32, "groups rows columns", is_strided=True, is_optional=True),
        "limit": arguments.real,
        "out": arguments.output(np.bool_, "rows 2"),
    }
    names = [parameter.declared(name) for name, parameter in arrays.items()]
    assert names == ["const float *data, int64_t data_by_groups, int64_t data_by_rows", "float limit", "bool *out"]


def test_flags_are_those_of_dq():
    defined = re.findall(
        r"#define ([A-Z_]+) (0x[0-9a-f]+)\n", (ROOT / "gpipe" / "kernels" / "native" / "dq.h").read_text()
    )
    assert defined
    assert {name: int(value, 16) for name, value in defined} == {name: getattr(dq, name) for name, _ in defined}
