"""Our worker beside that of a former commit, round by round: `make bench ONLY=former BEFORE=ca806d8`.

The former one is run from a checkout of its commit, by this environment's Python and libraries: only our code differs.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.benchmarks.broker import BenchKafka
from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.datasets import FOLDER, ROOT
from tests.benchmarks.measure import Figure, Rounds, Target
from tests.benchmarks.process import BenchmarkFailed
from tests.benchmarks.sizes import Sizes
from tests.benchmarks.throughput import Comparison, compare

NAME: Final = "former"
_NAMES: Final = {"skillstream": "full_pipeline", "skillstream_many": "many_students"}
_TARGET: Final = Target("at least", 0.97)


def measure(kafka: BenchKafka, sizes: Sizes, rounds: Rounds) -> list[Figure]:
    """Events a second of ours, and the ratio to the commit `sizes.before`. Raises BenchmarkFailed for none."""
    with _checked_out(sizes.before) as (tree, commit):
        now = [CONTESTANTS[name] for name in _NAMES]
        then = [replace(each, name=f"{each.name}-{commit}", tree=tree) for each in now]
        comparisons = [
            Comparison(f"{NAME}.{_NAMES[ours.name]}", ours.name, theirs.name, _TARGET)
            for ours, theirs in zip(now, then, strict=True)
        ]
        return compare(kafka, comparisons, [*now, *then], sizes, rounds)


@contextmanager
def _checked_out(commit: str) -> Iterator[tuple[Path, str]]:
    """The commit's tree, and its short name."""
    if not commit:
        raise BenchmarkFailed("say which commit ours is to be measured against: make bench ONLY=former BEFORE=COMMIT")
    name = _git("rev-parse", "--short", "--verify", f"{commit}^{{commit}}")
    tree = FOLDER / f"former-{name}"
    _git("worktree", "add", "--force", "--detach", str(tree), name)
    try:
        yield tree, name
    finally:
        _git("worktree", "remove", "--force", str(tree))


def _git(*arguments: str) -> str:
    ran = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise BenchmarkFailed(f"git {arguments[0]}: {ran.stderr.strip()}")
    return ran.stdout.strip()
