"""Memory: bytes a student at rising numbers of students, and MiB in all with the rows on disk; see `memory`."""

import sys
from typing import Final

from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.memory import BUDGET_MB, memory_curve, rocksdb_curve, steps
from tests.benchmarks.sizes import Sizes

NAME: Final = "memory"
_AT_MOST: Final = Target("at most", 3 * 1024, of="value")


def measure(sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Bytes a student; measured once, as it does not depend on the moment."""
    curve = memory_curve(steps(sizes.rows))
    for students, size_bytes in curve:
        sys.stderr.write(f"  memory at {students:,} students: {size_bytes:,.0f} bytes each\n")
    at_most = curve[-1]
    ((_, on_disk_mib),) = rocksdb_curve([sizes.rows])
    return [
        *(rounds.figure(f"{NAME}.{count}", f"bytes a student, {count:,} students", [size]) for count, size in curve),
        rounds.figure(NAME, f"bytes a student, {at_most[0]:,} students", [at_most[1]], target=_AT_MOST),
        rounds.figure(
            f"{NAME}_rocksdb", f"MiB, {at_most[0]:,} students on disk, budget {BUDGET_MB} MiB", [on_disk_mib]
        ),
    ]
