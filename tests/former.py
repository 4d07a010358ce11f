"""A former commit's tree, to be run by this environment's Python and libraries: only our code differs."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_FOLDER: Final = ROOT / "build" / "former"


class NoSuchCommit(Exception):
    """git does not know it, or could not check it out."""


@contextmanager
def checked_out(commit: str) -> Iterator[tuple[Path, str]]:
    """The commit's tree, and its short name, for as long as the context is open. Raises NoSuchCommit."""
    name = _git("rev-parse", "--short", "--verify", f"{commit}^{{commit}}")
    tree = _FOLDER / name
    _git("worktree", "add", "--force", "--detach", str(tree), name)
    try:
        yield tree, name
    finally:
        _git("worktree", "remove", "--force", str(tree))


def _git(*arguments: str) -> str:
    ran = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise NoSuchCommit(f"git {arguments[0]}: {ran.stderr.strip()}")
    return ran.stdout.strip()
