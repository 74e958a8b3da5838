"""Parts of the sandbox that run without a jail: reading reports, the codec, the filter."""

from __future__ import annotations

import errno
import struct

import pytest

from sandbox import Outcome
from sandbox.inside import plain, syscalls
from sandbox.inside.filter import ALLOW, DENY, build
from sandbox.inside.jsonable import jsonable
from sandbox.results import outcomes


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        (b"[1]", Outcome(value=1)),
        (b'["x"]', Outcome(value="x")),
        (b'{"error": "ValueError: x"}', Outcome(error="ValueError: x")),
        (rb'{"error": "\ud800"}', Outcome(error="\\ud800")),
        (b'{"error": 1}', Outcome(error="unreadable")),
        (b"[1, 2]", Outcome(error="unreadable")),
        (b"1", Outcome(error="unreadable")),
        (b"\xff", Outcome(error="unreadable")),
        (b"[" * 100_000, Outcome(error="unreadable")),
        (b"[" + b"9" * 5000 + b"]", Outcome(error="unreadable")),
        (b"", Outcome(error="not reached")),
    ],
)
def test_a_report_is_read_line_by_line(line: bytes, outcome: Outcome) -> None:
    assert outcomes(line + b"\n[7]\n[8]\n", 2) == (outcome, Outcome(value=7))


def test_a_subclass_becomes_its_base_type() -> None:
    class Sly(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    value = jsonable([Sly(3), (True, None), {"a": "b"}])
    assert value == [3, [True, None], {"a": "b"}]
    assert type(value[0]) is int
    with pytest.raises(TypeError, match="a object"):
        jsonable(object())


VALUES = [
    None, True, 0, -(2**100), 2**70, 1.5, "a", [], [1, [2]], (1,), {1: (2,)}, {(1, 2): {3}}, frozenset({1}), b"\xff", 1j, range(1, 9, 2)
]  # fmt: skip
BROKEN = [b"", b"{}", b'{"x": 1}', b'{"set": [[]]}', b'{"tuple": 1}', b'{"int": 1}', b'{"range": []}', b'{"a": 1, "b": 2}', b"[" * 99999]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_plain_data_comes_back_the_same(value: object) -> None:
    back = plain.loads(plain.dumps(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("data", BROKEN, ids=range(len(BROKEN)))
def test_anything_but_plain_data_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"unreadable|Expecting|Extra|unpack|hex"):
        plain.loads(data)


def decide(program: bytes, number: int, *arguments: int) -> int:
    """Runs the filter on struct seccomp_data as the kernel would."""
    code = list(struct.iter_unpack("=HBBI", program))
    machine = 0xC000_003E if "open" in syscalls.number else 0xC000_00B7
    data = struct.pack("=iIQ6Q", number, machine, 0, *arguments, *[0] * (6 - len(arguments)))
    at = held = 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        if operation == 0x06:
            return value
        if operation == 0x20:
            (held,) = struct.unpack_from("=I", data, value)
        else:
            at += yes if (held == value if operation == 0x15 else held >= value) else no


def test_the_filter_allows_what_is_listed_and_nothing_else() -> None:
    program = build(threads=True, signals=True)
    special = {syscalls.number[name] for name in ("clone", "clone3", "ioctl", "fcntl", "socketpair", "prlimit64", "sendto")}
    for number in set(range(600)) - special:
        assert decide(program, number) == (ALLOW if number in syscalls.allowed.values() else DENY), number
    assert decide(program, 0x4000_0000) == DENY
    assert decide(program, syscalls.number["clone3"]) == 0x5_0000 | errno.ENOSYS


def test_the_filter_reads_arguments() -> None:
    number = syscalls.number
    program = build(threads=True, signals=True)
    assert decide(program, number["clone"], 0x3D0F00) == ALLOW
    assert decide(program, number["clone"], 17) == DENY
    assert decide(program, number["clone"], 0x3D0F00 | 0x1000_0000) == DENY
    assert decide(program, number["socketpair"], 1) == ALLOW
    assert decide(program, number["socketpair"], 2) == DENY
    assert decide(program, number["ioctl"], 0, 0x5401) == ALLOW
    assert decide(program, number["ioctl"], 0, 0x5412) == DENY
    assert decide(program, number["fcntl"], 0, 1) == ALLOW
    assert decide(program, number["fcntl"], 0, 8) == DENY
    assert decide(program, number["prlimit64"], 0) == ALLOW
    assert decide(program, number["prlimit64"], 1) == DENY
    assert decide(program, number["sendto"], 4, 0, 1, 0x4000) == ALLOW
    assert decide(program, number["sendto"], 4, 0, 1, 1) == DENY
    strict = build(threads=False, signals=False)
    assert {decide(strict, number[name], 0x3D0F00) for name in ("clone", "kill", "tgkill", "tkill")} == {DENY}
