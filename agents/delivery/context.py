"""What every part of one worker's delivery may need of the others."""

from dataclasses import dataclass

from agents.delivery.fence import Fence
from agents.delivery.kill_switch import KillSwitch
from agents.delivery.outage import Outage
from agents.delivery.ownership import Ownership
from agents.delivery.settings import DeliverySettings


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """Made with the app, and handed to what Faust makes of our classes."""

    settings: DeliverySettings
    fence: Fence
    outage: Outage
    switch: KillSwitch
    ownership: Ownership
