"""What tasks are called: never to a model, since people write names into them; put in when a text is published.

task "Fractions 3"  ──►  {e1.task} is "T1" in the request  ──►  “Fractions 3” in the message
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from streams.languages.language import ENGLISH, Language

MAX_TASK_CHARS: Final = 64
TASK_SLOT: Final = ".task"
_SPACES: Final = re.compile(r"\s+")
_QUOTES: Final = str.maketrans(dict.fromkeys('“”„‟«»"', "'"))


@dataclass(slots=True)
class Tasks:
    """The tasks of a question, T1, T2 … in the order in which they are met; equal names are one. `names` are as they
    are shown, by alias.
    """

    names: dict[str, str] = field(default_factory=dict)
    _aliases: dict[str, str] = field(default_factory=dict)

    def alias(self, task: str) -> str | None:
        """What a task is called in the request; None of one of whose name nothing can be shown."""
        name = shown_name(task)
        if not name:
            return None
        if name not in self._aliases:
            self._aliases[name] = f"T{len(self._aliases) + 1}"
            self.names[self._aliases[name]] = name
        return self._aliases[name]

    def named(self, values: Mapping[str, str], language: Language = ENGLISH) -> dict[str, str]:
        """What fills slots in what is published: tasks by their names, in quotation marks."""
        quoted = language.tables.task_name
        return {
            slot: quoted.replace("{}", self.names[value]) if slot.endswith(TASK_SLOT) else value
            for slot, value in values.items()
        }


def shown_name(task: str) -> str:
    """A name that can stand in a sentence, between quotation marks: in one line, without characters that nobody sees or
    that turn what stands around them, of MAX_TASK_CHARS characters at most.
    """
    spaced = _SPACES.sub(" ", task).translate(_QUOTES)
    seen = "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
    return seen.strip()[:MAX_TASK_CHARS].strip()
