"""Idiomatic Faust with a counter: a table write and an output for every event.

python -m ... BROKER TOPIC GROUP OUTPUT EVENTS [LINGER_MS]. Nothing is decoded.
"""

import sys
import time
from typing import Any

from tests.benchmarks.peers import faust_app


def main(broker: str, topic: str, group: str, output: str, _events: str, linger_ms: str = "5") -> None:
    """Count each student's events."""
    app = faust_app.create(broker, group, float(linger_ms) / 1000)
    source = app.topic(topic, key_type=str, value_type=bytes, value_serializer="raw")
    counts_topic = app.topic(output, key_type=str, value_serializer="json", partitions=4)
    counts: Any = app.Table("counts", default=int, key_type=str, value_type=int, partitions=4)

    async def count(stream: Any) -> None:
        first = True
        async for event in stream.events():
            if first:
                faust_app.say(first_s=time.time())
                first = False
            counts[event.key] += 1
            await counts_topic.send(key=event.key, value=counts[event.key])

    app.agent(source, name="count")(count)
    faust_app.run(app)


if __name__ == "__main__":
    main(*sys.argv[1:])
