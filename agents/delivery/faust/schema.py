"""The identity schema: a batch is handed on as it was fetched, undecoded.

Decoding belongs to the pure pipeline, which can dead-letter one record of a batch; a decode error in Faust's
own path would acknowledge the message and lose all of it.
"""

from typing import Any

from faust import Schema
from faust.types import AppT, EventT
from faust.types.tuples import Message


class BatchSchema(Schema):  # type: ignore[type-arg]
    """Decodes a delivered batch to itself."""

    def compile(self, app: AppT, **_options: Any) -> Any:
        """A decoder whose event carries the message's list of records as its value; it never raises."""

        async def decode(message: Message, *, propagate: bool = False) -> EventT:  # type: ignore[type-arg]
            return app.create_event(None, message.value, {}, message)

        return decode
