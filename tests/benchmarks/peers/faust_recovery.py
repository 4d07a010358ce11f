"""Stock Faust restoring its memory table from a changelog. python -m ... BROKER TOPIC GROUP OUTPUT

Rows and keys stay bytes, so that it decodes nothing. Says when the first record of the log was read and when the
table was complete, by the same two methods of the table that our worker is timed by.
"""

import sys
import time
from typing import Any

import faust

from tests.benchmarks.peers import faust_app


class TimedTable(faust.Table):  # type: ignore[type-arg]
    """Faust's table, saying when it begins and ends to recover."""

    async def on_changelog_event(self, event: Any) -> None:
        """Say so at the first event, and never look again."""
        faust_app.say(recovering_s=time.time())
        setattr(self, "on_changelog_event", super().on_changelog_event)  # noqa: B010
        await super().on_changelog_event(event)

    async def on_recovery_completed(self, active_tps: Any, standby_tps: Any) -> None:
        """Say how many rows there are."""
        await super().on_recovery_completed(active_tps, standby_tps)
        faust_app.say(recovered_s=time.time(), rows=len(self))


def main(broker: str, topic: str, group: str, _output: str) -> None:
    """Recover, then wait for events."""
    app = faust_app.create(broker, group)
    setattr(app.conf, "Table", TimedTable)  # noqa: B010
    source = app.topic(topic, **faust_app.RAW)
    rows: Any = app.Table("students", partitions=4, key_type=bytes, value_type=bytes)

    async def students(stream: Any) -> None:
        async for event in stream.events():
            rows[event.key] = event.value

    app.agent(source, name="students")(students)
    faust_app.run(app)


if __name__ == "__main__":
    main(*sys.argv[1:5])
