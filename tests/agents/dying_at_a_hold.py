"""`skillstream worker` that ends by SIGKILL when its first hold is confirmed: nothing was worked on under it."""

import os
import signal

from agents.cli import main
from agents.tenants.topic import HoldTopic
from schemas.tenant_hold import TenantHoldRecord

_write = HoldTopic.write


def write_and_die(topic: HoldTopic, said: TenantHoldRecord) -> None:
    """As it is, and then the end."""
    _write(topic, said)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    setattr(HoldTopic, "write", write_and_die)  # noqa: B010
    main()
