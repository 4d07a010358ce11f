"""What the numbers of messages may be: no more than a row's fields of fixed width hold, and than a clock tells.

A number beyond these is refused where it is read, so that nothing behind it has to ask.
"""

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

MAX_UINT32: Final = 0xFFFF_FFFF
MAX_INT32: Final = 0x7FFF_FFFF
MAX_INT64: Final = 0x7FFF_FFFF_FFFF_FFFF
EARLIEST_US: Final = 631_152_000_000_000  # 1990
LATEST_US: Final = 4_102_444_800_000_000  # 2100: seconds still fit in four bytes
MAX_SKILLS: Final = 64
"""Of one skill set. A message about a student has at most as many."""

Epoch: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_UINT32)]
Offset: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_INT64)]
Position: TypeAlias = tuple[Epoch, Annotated[int, Meta(ge=-1, le=MAX_INT64)]]
"""(epoch, offset) of the last event folded; -1 before the first."""
Partition: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_INT32)]
Tries: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_UINT32)]
Microseconds: TypeAlias = Annotated[int, Meta(ge=0, le=LATEST_US)]
"""A point in time, since 1970."""
Milliseconds: TypeAlias = Annotated[int, Meta(ge=-MAX_INT64 - 1, le=MAX_INT64)]
"""A record's time as its producer gave it: any number that Kafka carries."""
Size: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_INT64)]
