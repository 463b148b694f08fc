"""Kernels in C refuse arguments that they cannot take, with a line that names them; flags are those of ``dq``."""

import re
import sys

import numpy as np
import pytest
from in_c import kernel, unaligned

from gpipe import dq
from gpipe.exceptions import BackendError
from gpipe.kernels.native import arguments, library
from gpipe.rscd.flagging import flag_decay

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
        ({"groupdq": np.zeros((2, 5, 3, 4), np.int8)}, TypeError, "groupdq: found int8; expected uint8"),
        (
            {"groupdq": np.zeros((5, 3, 4), np.uint8)},
            ValueError,
            "groupdq: found shape (5, 3, 4); expected axes integr",
        ),
        ({"groupdq": np.zeros((2, 5, 3, 8), np.uint8)[..., ::2]}, ValueError, "groupdq: found strides"),
        ({"flagged": read_only(np.zeros((2, 5, 3, 4), np.uint8))}, ValueError, "flagged: found a read-only array"),
        ({"flagged": np.zeros((2, 5, 3, 5), np.uint8)}, ValueError, "flagged: found 5 columns; expected 4: shape"),
        ({"found": np.zeros((3, 3, 4), np.bool_)}, ValueError, "found: found 3 2; expected 2: shape"),
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


def check(parameter, value):
    """Fails before C is called, which would not know this array."""
    arguments.Function._check_kind(leave_out, "x", parameter, value)


def test_byte_order_and_alignment():
    with pytest.raises(TypeError, match=r"argument x: found >f4; expected float32"):
        check(arguments.array(np.float32, "n"), np.zeros(3, ">f4"))
    with pytest.raises(ValueError, match="argument x: found an array that is not aligned"):
        check(arguments.array(np.float32, "n"), unaligned(np.zeros(3, np.float32)))


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
    names = [p.in_c(name) if isinstance(p, arguments.Array) else f"{p.in_c} {name}" for name, p in arrays.items()]
    assert names == ["const float *data, int64_t data_by_groups, int64_t data_by_rows", "float limit", "bool *out"]


def test_flags_are_those_of_dq():
    defined = re.findall(r"#define ([A-Z_]+) (0x[0-9a-f]+)\n", (library.HERE / "dq.h").read_text())
    assert defined
    assert {name: int(value, 16) for name, value in defined} == {name: getattr(dq, name) for name, _ in defined}
