"""`skillstream worker` that ends by SIGKILL when its first hold is confirmed: nothing was worked on under it.

It commits nothing, however slow the machine is: the next worker reads all anew, and counts it.
"""

import os
import signal

from agents.cli import main
from agents.delivery.faust.consumer_thread import BatchConsumerThread
from agents.tenants.topic import HoldTopic
from schemas.tenant_hold import TenantHoldRecord

_write = HoldTopic.write


def write_and_die(topic: HoldTopic, said: TenantHoldRecord) -> None:
    """As it is, and then the end."""
    _write(topic, said)
    os.kill(os.getpid(), signal.SIGKILL)


async def commit_nothing(*_: object) -> None:
    """As if it were confirmed."""


if __name__ == "__main__":
    setattr(BatchConsumerThread, "commit_offsets", commit_nothing)  # noqa: B010
    setattr(HoldTopic, "write", write_and_die)  # noqa: B010
    main()
