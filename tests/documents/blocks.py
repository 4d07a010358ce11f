"""The fenced blocks of a page: commands in `sh`, and the `text` behind one, which is what it prints."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[2] / "docs"
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """At `line` of the page. `printed` is what the page says of a command, where it says so; `…` is anything."""

    line: int
    language: str
    text: str
    printed: str | None = None

    def prints(self, output: str) -> bool:
        """Whether `output` is what the page says. Margins do not count."""
        if self.printed is None:
            return True
        found, said = ("\n".join(line.strip() for line in text.strip().splitlines()) for text in (output, self.printed))
        return re.fullmatch(".*".join(map(re.escape, said.split("…"))), found, re.DOTALL) is not None


def blocks(page: str) -> Iterator[Block]:
    """Of docs/`page`, in order; a `text` block belongs to the one before. Fails on a fence that is not closed."""
    text = (DOCS / page).read_text("utf-8")
    found = list(_FENCE.finditer(text))
    assert text.count("\n```") == 2 * len(found), f"{page}: a block that is not read"
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block[1] != "text":
            printed = after[2] if after is not None and after[1] == "text" else None
            yield Block(text.count("\n", 0, block.start()) + 1, block[1], block[2], printed)


def rewritten(page: str, run: Callable[[str], str]) -> str:
    """The page, with each `text` block behind an `sh` block replaced by what that prints."""
    text = (DOCS / page).read_text("utf-8")
    command = ""

    def renewed(block: re.Match[str]) -> str:
        nonlocal command
        if block[1] == "sh":
            command = block[2]
        return f"```text\n{run(command).rstrip()}\n```" if block[1] == "text" and command else block[0]

    return _FENCE.sub(renewed, text)
