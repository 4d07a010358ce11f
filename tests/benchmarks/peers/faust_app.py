"""Stock Faust as its users set it up for throughput: the app that the Faust contestants share.

Said apart from its defaults: a memory store, a commit a second (2.8 s), fetches as large as our worker's, a linger of
5 ms (1 ms where latency is measured), no web server, no log records below warnings.
"""

import json
import logging
from typing import Any, Final

import faust

RAW: Final[dict[str, Any]] = {
    "key_type": bytes,
    "value_type": bytes,
    "key_serializer": "raw",
    "value_serializer": "raw",
}
"""Of a topic whose keys and values stay bytes."""


def create(broker: str, group: str, linger_s: float = 0.005) -> faust.App:
    """An app named as its group."""
    return faust.App(
        group,
        broker=f"kafka://{broker}",
        store="memory://",
        autodiscover=False,
        topic_partitions=4,
        topic_replication_factor=1,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=1 << 20,
        broker_commit_interval=1.0,
        producer_linger=linger_s,
        producer_max_batch_size=1 << 19,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        web_enabled=False,
    )


def run(app: faust.App) -> None:
    """Run it until it is ended. Blocks."""
    logging.disable(logging.INFO)
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False).execute_from_commandline()


def say(**values: Any) -> None:
    """Tell whoever measures."""
    print(json.dumps(values), flush=True)  # noqa: T201
