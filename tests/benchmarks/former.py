"""Our worker beside that of a former commit, round by round: `make bench ONLY=former BEFORE=ca806d8`.

The former one is run from a checkout of its commit, by this environment's Python and libraries: only our code differs.
"""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec

from tests.benchmarks import recovery
from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.datasets import ROOT
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.process import BenchmarkFailed
from tests.benchmarks.recovery import Restoring, template_rows
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.throughput import Comparison, compare
from tests.former import NoSuchCommit, checked_out

NAME: Final = "former"
_NAMES: Final = {
    "skillstream": "full_pipeline",
    "skillstream_many": "many_students",
    "skillstream_two": "two_workers",
    "skillstream_counter": "delivery_alone",
}
_TARGET: Final = Target("at least", 0.97)
_MEMORY_TARGET: Final = Target("at most", 1.03)
_MOST_STUDENTS: Final = 100_000
_ROWS: Final = """\
import sys, msgspec
from tests.benchmarks.recovery import template_rows
sys.stdout.buffer.write(msgspec.msgpack.encode(template_rows()))
"""
_MEMORY: Final = """\
import sys
from tests.benchmarks.memory import memory_curve
print(memory_curve([int(sys.argv[1])])[0][1])
"""


def measure(kafka: BenchKafka, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Ours, and the ratio to the commit `sizes.before`. Raises BenchmarkFailed for none."""
    if not sizes.before:
        raise BenchmarkFailed("say which commit ours is to be measured against: make bench ONLY=former BEFORE=COMMIT")
    try:
        with checked_out(sizes.before) as (tree, commit):
            return [
                *_throughput(kafka, tree, commit, sizes, rounds),
                _recovery(kafka, tree, commit, sizes, rounds),
                _memory(tree, commit, sizes, rounds),
            ]
    except NoSuchCommit as error:
        raise BenchmarkFailed(str(error)) from error


def _throughput(kafka: BenchKafka, tree: Path, commit: str, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    now = [CONTESTANTS[name] for name in _NAMES]
    then = [replace(each, name=f"{each.name}-{commit}", tree=tree) for each in now]
    comparisons = [
        Comparison(f"{NAME}.{_NAMES[ours.name]}", ours.name, theirs.name, _TARGET)
        for ours, theirs in zip(now, then, strict=True)
    ]
    return compare(kafka, comparisons, [*now, *then], sizes, rounds)


def _recovery(kafka: BenchKafka, tree: Path, commit: str, sizes: Sizes, rounds: Rounds) -> Figure:
    """Each from rows that it makes itself."""
    run = f"recovery-{uuid4().hex[:8]}"
    ours = Restoring(f"{run}-ours", sizes.rows), template_rows()
    theirs = Restoring(f"{run}-{commit}", sizes.rows, tree=tree), msgspec.msgpack.decode(_python(tree, _ROWS))
    now, then = recovery.compare(kafka, ours, theirs, sizes=sizes)
    ratios = [our / their for our, their in zip(now, then, strict=True)]
    return rounds.figure(f"{NAME}.recovery", "rows/s", now, against=commit, ratios=ratios, target=_TARGET)


def _memory(tree: Path, commit: str, sizes: Sizes, rounds: Rounds) -> Figure:
    """Measured once, as it does not depend on the moment."""
    students = str(min(sizes.rows, _MOST_STUDENTS))
    now, then = (float(_python(each, _MEMORY, students)) for each in (ROOT, tree))
    unit = f"bytes a student, {int(students):,} students"
    return rounds.figure(f"{NAME}.memory", unit, [now], against=commit, ratios=[now / then], target=_MEMORY_TARGET)


def _python(tree: Path, code: str, *arguments: str) -> bytes:
    """What a piece of code prints that is run in a checkout. Raises BenchmarkFailed when it fails."""
    ran = subprocess.run([sys.executable, "-c", code, *arguments], cwd=tree, capture_output=True, check=False)
    if ran.returncode:
        raise BenchmarkFailed(f"{tree.name}: {ran.stderr.decode()[-2_000:]}")
    return ran.stdout
