"""Empathic Reactions: what adults wrote about a piece of news, and whether they felt for those in it, as they said.

    messages ──► message, one of a student of its own, and its label (`empathy_bin`)

The data have no times: a text's is invented, a minute after the one before it. Each text is a student of its own, named
by its `message_id`, since its label is of that text alone; the author, who is never on both sides of a split, is the
part of the name before the last `_` (`--person`). Buechel et al., Modeling Empathy and Distress in Reaction to News
Stories, EMNLP 2018.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.event import MAX_IDENTIFIER_CHARS, Message, NativeEvent
from streams.conversion.tables import RowUnreadable, Tables
from streams.conversion.training_set import LabelledStudent, TrainingSet, training_set

EMPATHY: Final = "empathy"
FIRST_TEXT: Final = datetime(2018, 1, 1, tzinfo=UTC)
MESSAGE_COLUMNS: Final = (
    "message_id", "response_id", "article_id", "empathy", "distress", "empathy_bin", "distress_bin", "essay",
)  # fmt: skip


def convert_empathy(tables: Tables) -> TrainingSet:
    """Read `messages`. Every readable row becomes one message and one label.

    Raises TableMissing and TableUnreadable.
    """
    events: list[NativeEvent] = []
    outcomes: dict[str, LabelledStudent] = {}
    for message_id, author, _article, _rating, _distress, empathy, _, essay in tables.rows("messages", MESSAGE_COLUMNS):
        time = FIRST_TEXT + timedelta(minutes=len(events))
        try:
            event = _message(message_id, author, essay, time)
            outcome = LabelledStudent(message_id, EMPATHY, time, _label(empathy))
        except RowUnreadable as reason:
            tables.tally.skip(f"messages: {reason}")
            continue
        if message_id in outcomes:
            tables.tally.skip("messages: a message_id that was there before")
            continue
        events.append(event)
        outcomes[message_id] = outcome
    return training_set(events, list(outcomes.values()), tables.tally)


def _message(message_id: str, author: str, essay: str, time: datetime) -> Message:
    if not 1 <= len(message_id) <= MAX_IDENTIFIER_CHARS:
        raise RowUnreadable(f"a message_id of no characters, or of more than {MAX_IDENTIFIER_CHARS}")
    if not author or message_id.rpartition("_")[0] != author:
        raise RowUnreadable("a message_id that is not its response_id, _ and a number")
    return Message(version=1, event_id=message_id, student_id=message_id, time=time, text=essay)


def _label(text: str) -> int:
    if text not in ("0", "1"):
        raise RowUnreadable("neither 0 nor 1 as empathy_bin")
    return int(text)
