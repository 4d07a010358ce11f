"""`skillstream worker` that ends by SIGKILL when its first start of another id is confirmed, and nothing behind it."""

import os
import signal
from collections.abc import Iterable
from typing import Any

from agents.cli import main
from agents.kafka.followed import FollowedTopic

_append_all = FollowedTopic.append_all


def append_and_die(
    topic: FollowedTopic, partition: int, records: Iterable[tuple[bytes, bytes | None]], headers: Any = ()
) -> None:
    """As it is, and then the end."""
    appended = list(records)
    _append_all(topic, partition, appended, headers)
    if any(key.startswith(b"start/") for key, _ in appended):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    setattr(FollowedTopic, "append_all", append_and_die)  # noqa: B010
    main()
