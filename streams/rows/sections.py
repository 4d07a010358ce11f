"""The parts of a row that few events need, and that stay bytes until one does."""

import struct
from typing import Final

from streams.rows.row import ControlUse

_CONTROL: Final = struct.Struct("<IIII")  # these three as in `streams.rows.layout`: there are few, in few rows
_FAILURE: Final = struct.Struct("<IIq")
_ORIGIN: Final = struct.Struct("<IIq")


def controls_of(part: bytes) -> dict[int, ControlUse]:
    """The controls in their part of a row."""
    return {key: ControlUse(alone, isolated) for key, alone, isolated, _ in _CONTROL.iter_unpack(part)}


def controls_section(controls: dict[int, ControlUse]) -> bytes:
    """The reverse of `controls_of`."""
    return b"".join([_CONTROL.pack(key, controls[key].alone, controls[key].isolated, 0) for key in sorted(controls)])


def failures_of(part: bytes) -> dict[int, int]:
    """The open failures in their part of a row: µs by item."""
    return {item: time_us for item, _, time_us in _FAILURE.iter_unpack(part)}


def failures_section(failures: dict[int, int]) -> bytes:
    """The reverse of `failures_of`."""
    return b"".join([_FAILURE.pack(item, 0, failures[item]) for item in sorted(failures)])


def origins_of(part: bytes) -> dict[int, tuple[int, int]]:
    """How far forwards have come, (offset, index) by partition, in the order of use."""
    return {partition: (offset, index) for partition, index, offset in _ORIGIN.iter_unpack(part)}


def origins_section(origins: dict[int, tuple[int, int]]) -> bytes:
    """The reverse of `origins_of`."""
    return b"".join([_ORIGIN.pack(partition, index, offset) for partition, (offset, index) in origins.items()])
