"""What verbs can mean: kinds of native events, by family of what a statement is about (see `activities`)."""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias


class Sense(NamedTuple):
    """The meaning of a verb: a kind (see `act.KINDS`), another (`bare`) where no score or success is said.

    `success` is what the verb itself says of it; `is_reply`, that the object is what was replied to; `is_of_another`,
    that whoever did it judged the work of whom the statement says that it is for.
    """

    kind: str
    bare: str = ""
    success: bool | None = None
    is_reply: bool = False
    is_of_another: bool = False

    @property
    def is_of_words(self) -> bool:
        """Whether what was written is read."""
        return self.kind in _OF_WORDS or self.bare in _OF_WORDS


_OF_WORDS: Final = frozenset(("message", "reflection", "essay"))

Senses: TypeAlias = Mapping[str, Sense]

NONE: Final = Sense("navigation")
TRY: Final = Sense("attempt", "navigation")
ESSAY: Final = Sense("attempt", "essay")  # an answer in words: written to nobody, and asked for
START_SENSE: Final = Sense("start")
END: Final = Sense("end")
HELP: Final = Sense("hint")
WORDS: Final = Sense("message")
NOTE: Final = Sense("reflection")
NO_USE: Final[Senses] = {"": NONE}
PLAY: Final[Senses] = {"": Sense("played")}
CONSUME: Final[Senses] = {"": NONE, "media": Sense("played")}
BEGIN: Final[Senses] = {"": START_SENSE, "media": NONE, "page": NONE, "question": NONE, "discussion": NONE}
AGAIN: Final[Senses] = {"": Sense("retry"), "media": NONE, "page": NONE, "discussion": NONE}
STOP: Final[Senses] = {"": END, "media": NONE, "page": NONE, "question": NONE, "discussion": NONE}
FINISH: Final[Senses] = {
    "": Sense("attempt", "end"),
    "media": Sense("watched"),
    "question": TRY,
    "essay": ESSAY,
    "page": TRY,
    "discussion": NONE,
    "work": Sense("attempt", "submission"),
    "assessment": Sense("attempt", "submission"),
}
ASK: Final[Senses] = {"": Sense("asked"), "help": HELP, "interaction": HELP}
AGREE: Final[Senses] = {"": Sense("agreed")}
DISAGREE: Final[Senses] = {"": Sense("disagreed")}
SHARE: Final[Senses] = {"": Sense("shared")}
EVALUATE: Final[Senses] = {"": Sense("reviewed"), "question": TRY, "assessment": TRY}
ASSESS: Final[Senses] = {
    "": Sense("attempt", "navigation", is_of_another=True),
    **dict.fromkeys(("person", "statement"), Sense("reviewed")),
}
HAND_IN: Final[Senses] = {"": Sense("submission"), "question": Sense("attempt", "submission")}
MAKE: Final[Senses] = {"": NONE, "discussion": WORDS}
WRITE: Final[Senses] = {"": WORDS}
REPLY: Final[Senses] = {"": Sense("message", is_reply=True)}
ANNOTATE: Final[Senses] = {"": NOTE}
INTERACT: Final[Senses] = {"": NONE, "help": HELP}
