"""What families of activities are called: in the table of verbs, and in `mapping.toml`."""

from typing import Final

FAMILIES: Final = (
    *("media", "interaction", "question", "assessment", "course", "work", "discussion", "help", "page"),
    *("essay", "person", "statement"),
)
